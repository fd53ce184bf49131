import type { Logger } from 'pino';
import { nextRequestId } from '../../dataplane/endpoint/request-id.ts';
import {
  ClientFault,
  faultNamespaces,
  inOlderWords,
  RelayedFault,
  withRequestValidationPrefix,
} from '../../dataplane/errors/client-fault.ts';
import { operatingTexts, transportFaults } from '../../dataplane/errors/transport.ts';
import { CoherenceError, type Member } from '../cluster/coherence.ts';
import { RegistryError } from '../cluster/registry-store.ts';
import { errorReply, type ReplyFault } from '../protocol/errors.ts';
import type { DaxRequest, MethodName } from '../protocol/requests.ts';
import type { Eventually } from '../tables/eventually.ts';
import { TableCallError } from '../tables/table-calls.ts';
import { BatchReads } from './batch-reads.ts';
import { BatchWrites } from './batch-writes.ts';
import type { Caller } from './caller.ts';
import type { CallerAccess } from './caller-access.ts';
import { CancelledTransaction } from './cancelled-transaction.ts';
import { addOne, type DaxCounters, operationOf } from './counters.ts';
import { Definitions } from './definitions.ts';
import type { DoorLists, DoorTables } from './door-tables.ts';
import { endpointsOf } from './endpoints.ts';
import { ItemReads } from './item-reads.ts';
import { ItemTranslation } from './item-translation.ts';
import { ItemWrites } from './item-writes.ts';
import { Pages } from './pages.ts';
import type { Answers } from './session.ts';
import { TransactionReads } from './transaction-reads.ts';
import { TransactionWrites } from './transaction-writes.ts';

export interface DaxAnswersOptions {
  readonly tables: DoorTables;
  readonly lists: DoorLists;
  /** Nodes that clients are told, of now. */
  readonly members: () => readonly Member[];
  readonly access: CallerAccess;
  readonly counters: DaxCounters;
  readonly log: Logger;
}

/** All methods: access, then the operation, then its reply or that of its fault. */
export class DaxAnswers implements Answers {
  readonly #options: DaxAnswersOptions;
  readonly #reads: ItemReads;
  readonly #writes: ItemWrites;
  readonly #pages: Pages;
  readonly #batchReads: BatchReads;
  readonly #batchWrites: BatchWrites;
  readonly #transactionReads: TransactionReads;
  readonly #transactionWrites: TransactionWrites;
  readonly #definitions: Definitions;

  constructor(options: DaxAnswersOptions) {
    const { tables, lists } = options;
    const items = new ItemTranslation(lists);
    this.#options = options;
    this.#reads = new ItemReads(tables, items);
    this.#writes = new ItemWrites(tables, items);
    this.#pages = new Pages(tables, items);
    this.#batchReads = new BatchReads(tables, items);
    this.#batchWrites = new BatchWrites(tables, items);
    this.#transactionReads = new TransactionReads(tables, items);
    this.#transactionWrites = new TransactionWrites(tables, items);
    this.#definitions = new Definitions(tables, lists);
  }

  answer(request: DaxRequest, caller: Caller): Eventually<Buffer> {
    try {
      this.#checkAccess(request, caller);
      const reply = this.#operate(request, caller);
      return reply instanceof Promise
        ? reply.catch((error: unknown) => this.#fail(error, request.method))
        : reply;
    } catch (error) {
      return this.#fail(error, request.method);
    }
  }

  answerFault(fault: ClientFault, method: MethodName | undefined): Buffer {
    return this.#reply(faultOf(method === undefined ? fault : inWordsOf(method, fault)));
  }

  /** @throws ClientFault */
  #checkAccess(request: DaxRequest, caller: Caller): void {
    const { access, counters } = this.#options;
    try {
      access.check(caller, request);
    } catch (thrown) {
      counters.denials.addThrown(operationOf(request.method), thrown);
      throw thrown;
    }
  }

  #operate(request: DaxRequest, caller: Caller): Eventually<Buffer> {
    switch (request.method) {
      case 'getItem':
        return this.#reads.get(request);
      case 'putItem':
        return this.#writes.put(request);
      case 'updateItem':
        return this.#writes.update(request);
      case 'deleteItem':
        return this.#writes.delete(request);
      case 'query':
      case 'scan':
        return this.#pages.read(request, caller);
      case 'batchGetItem':
        return this.#batchReads.get(request);
      case 'batchWriteItem':
        return this.#batchWrites.write(request);
      case 'transactGetItems':
        return this.#transactionReads.get(request);
      case 'transactWriteItems':
        return this.#transactionWrites.write(request);
      case 'defineKeySchema':
        return this.#definitions.keySchema(request);
      case 'defineAttributeListId':
        return this.#definitions.attributeListId(request);
      case 'defineAttributeList':
        return this.#definitions.attributeList(request);
      case 'endpoints':
        return endpointsOf(this.#options.members(), caller.isTls);
      case 'authorizeConnection':
        throw new Error('handshakes are for the session: they have no answer');
    }
  }

  #fail(error: unknown, method: MethodName): Buffer {
    if (error instanceof ClientFault) return this.answerFault(error, method);
    if (error instanceof CancelledTransaction) {
      return this.#reply({ ...faultOf(error.fault), cancellationReasons: error.reasons });
    }
    return this.#reply(this.#operatingFault(error, method));
  }

  /** Whatever is not the caller's fault is logged, and told in the tables' words or in general terms. */
  #operatingFault(error: unknown, method: MethodName): ReplyFault {
    const { log } = this.#options;
    const isExpected =
      error instanceof TableCallError ||
      error instanceof CoherenceError ||
      error instanceof RegistryError;
    if (!isExpected) {
      log.error({ err: error, method }, 'daxRequestFailed');
      return faultOf(transportFaults.internal());
    }
    log.warn({ err: error, method }, 'daxRequestNotAnswered');
    const {
      isUncertain: mayBeDone = true,
      fault = transportFaults.internal(operatingTexts.unavailable),
    } = error instanceof TableCallError ? error : {};
    return { ...faultOf(fault), isUncertain: writingMethods.has(method) && mayBeDone };
  }

  #reply(fault: ReplyFault): Buffer {
    addOne(this.#options.counters.errors, countedType(fault));
    return errorReply(fault, nextRequestId());
  }
}

const writingMethods: ReadonlySet<MethodName> = new Set<MethodName>([
  'putItem',
  'updateItem',
  'deleteItem',
  'batchWriteItem',
  'transactWriteItems',
]);

/** Types that only the tables know are counted with the nearest one, so that there is no end of them. */
function countedType({ type, status }: ReplyFault): string {
  if (status >= 500) return 'InternalServerError';
  return Object.hasOwn(faultNamespaces, type) ? type : 'ValidationException';
}

function faultOf(fault: ClientFault): ReplyFault {
  const { type, message } = fault;
  if (fault instanceof RelayedFault) return { type: fault.wireName, message, status: fault.status };
  // As DynamoDB gives them: every fault of a caller is 400, never 403 or 404.
  return { type, message, status: type === 'InternalServerError' ? 500 : 400 };
}

/** Faults of values and expressions are worded by operation, as the tables do it. */
function inWordsOf(method: MethodName, fault: ClientFault): ClientFault {
  switch (method) {
    case 'putItem':
    case 'updateItem':
    case 'deleteItem':
      return withRequestValidationPrefix(fault);
    case 'batchWriteItem':
    case 'transactGetItems':
    case 'transactWriteItems':
      return inOlderWords(fault);
    default:
      return fault;
  }
}
