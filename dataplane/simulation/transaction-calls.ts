import { ClientFault } from '../errors/client-fault.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { Item } from '../item/attribute-value.ts';
import type { Router } from '../routing/router.ts';
import type { Table } from '../routing/table.ts';
import { requestDigest } from '../transaction/digest.ts';
import type {
  CancellationReason,
  TransactionAction,
  Transactions,
  TransactionWriteRequest,
} from '../transaction/requests.ts';
import { CallOutcomes } from './call-outcomes.ts';
import type { SimEnvironment } from './sim-machine.ts';
import {
  type ItemState,
  type Moment,
  NO_ITEM,
  type RecordedTransaction,
  type TransactionHistory,
  type Version,
} from './transaction-history.ts';
import {
  balanceOf,
  type ItemChange,
  stateOf,
  type TransactionItem,
  transactionCommand,
  writeCommand,
} from './transaction-items.ts';
import { type Defect, openTable } from './workload.ts';

/** Somebody who calls through a router; dies with its process. */
export interface TransactionClient {
  readonly name: string;
  readonly router: Router;
  readonly transactions: Transactions;
  readonly environment: SimEnvironment;
}

/** A transaction that writes. With a token it may be sent several times, through any router. */
export interface PlannedWrite {
  readonly recorded: RecordedTransaction;
  readonly token: string | undefined;
  readonly changes: readonly ItemChange[];
  /** Times that it was sent and did not certainly fail. */
  doubtsCount: number;
  /** Times that somebody was told that his request had done it. */
  commitsCount: number;
}

/** A plan for a transaction, before there is a record of it. */
export interface WritePlan {
  readonly name: string;
  readonly token: string | undefined;
  readonly changes: readonly ItemChange[];
}

/** Makes calls and writes down what came of them, also where an answer cannot be right by itself. */
export class TransactionCalls {
  readonly defects: Defect[] = [];
  /** Calls under way, with the process that makes them. */
  readonly open = new Map<string, SimEnvironment>();
  readonly #history: TransactionHistory;
  /** What a version adds to an account. */
  readonly #amounts = new Map<Version, number>();
  /** Per item, the newest version that somebody has seen, or has written. */
  readonly #latest = new Map<string, Version>();
  #versionsCount = 0;
  #callsCount = 0;

  constructor(history: TransactionHistory) {
    this.#history = history;
  }

  newVersion(): Version {
    this.#versionsCount += 1;
    return this.#versionsCount;
  }

  latestOf({ name }: TransactionItem): Version {
    return this.#latest.get(name) ?? NO_ITEM;
  }

  plan(client: TransactionClient, { name, token, changes }: WritePlan): PlannedWrite {
    for (const change of changes) this.#noteAmount(change);
    const recorded = this.#history.begin({
      client: client.name,
      name,
      scope: 'transaction',
      actions: changes.map(({ item, effect, condition }) => ({
        item: item.name,
        effect,
        expected: expectedBy(condition),
      })),
    });
    return { recorded, token, changes, doubtsCount: 0, commitsCount: 0 };
  }

  /**
   * Sends it, for the first time or once more. Whether the answer tells what became of it, and is not
   * only that another transaction is in the way. Never rejects.
   */
  async write(client: TransactionClient, planned: PlannedWrite): Promise<boolean> {
    const request = this.#requestOf(client, planned);
    if (request === undefined) return false;
    const { recorded } = planned;
    if (recorded.outcome.kind === 'failed') this.#history.end(recorded, { kind: 'unknown' });
    const since = this.#history.moment();
    planned.doubtsCount += 1;
    return this.#watched(client, async () => {
      try {
        const result = await client.transactions.write(request);
        if (result.kind !== 'cancelled') {
          this.#done(planned, result.kind);
          return true;
        }
        this.#cancelled(client, planned, result.reasons, since);
        return result.reasons.some(({ kind }) => kind === 'conditionFailed');
      } catch (error) {
        this.#refused(planned, error);
        return false;
      }
    });
  }

  /** Uses the token of one that is known to be done for another request. Never rejects. */
  async misuse(client: TransactionClient, planned: PlannedWrite): Promise<void> {
    const changes = planned.changes.map(({ effect, ...change }): ItemChange => {
      if (!('version' in effect)) return { ...change, effect };
      return { ...change, effect: { ...effect, version: this.newVersion() } };
    });
    const isSame = !changes.some(({ effect }) => 'version' in effect);
    const request = this.#requestOf(client, { ...planned, changes });
    if (request === undefined || isSame) return;
    await this.#watched(client, async () => {
      try {
        const { kind } = await client.transactions.write(request);
        this.#defect(`the token of #${planned.recorded.id} was taken for another request`, kind);
      } catch (error) {
        const isToldApart =
          error instanceof ClientFault && error.type === 'IdempotentParameterMismatchException';
        if (!isToldApart && !isRefusal(error) && !isUnknown(error)) this.#defect('misuse', error);
      }
    });
  }

  /** A snapshot: what each item was; undefined: there is none. Never rejects. */
  async read(
    client: TransactionClient,
    name: string,
    items: readonly TransactionItem[],
  ): Promise<readonly (Item | undefined)[] | undefined> {
    const gets = items.flatMap(({ tableName, key }) => {
      const table = openTable(client.router, tableName);
      return table === undefined ? [] : [{ table, key, projection: undefined }];
    });
    if (gets.length < items.length) return undefined;
    const recorded = this.#history.begin({
      client: client.name,
      name,
      scope: 'transaction',
      actions: items.map(looked),
    });
    return this.#watched(client, async () => {
      try {
        const result = await client.transactions.read(gets);
        if (result.kind === 'cancelled') {
          this.#history.end(recorded, { kind: 'failed' });
          this.#checkReasons(name, result.reasons);
          return undefined;
        }
        const found = result.items.map(({ json }) => itemOfJson(json));
        const seen = items.map((item, index) => this.#stateOf(item, found[index]));
        this.#history.end(recorded, { kind: 'ok', seen });
        return found;
      } catch (error) {
        this.#history.end(recorded, { kind: 'failed' });
        if (!isRefusal(error) && !isUnknown(error)) this.#defect(name, error);
        return undefined;
      }
    });
  }

  /** A plain strong read. Never rejects. */
  async get(client: TransactionClient, item: TransactionItem): Promise<void> {
    await this.#single(client, { name: 'get', change: lookedAt(item) }, async (table) => {
      const { json } = await table.get(item.key, { consistentRead: true, projection: undefined });
      return { isDone: true, before: itemOfJson(json) };
    });
  }

  /** A plain write. Never rejects. */
  async change(client: TransactionClient, change: ItemChange): Promise<void> {
    this.#noteAmount(change);
    const { effect, condition } = change;
    const name = condition === undefined ? effect.kind : `${effect.kind}If`;
    await this.#single(client, { name, change }, async (table) => {
      const { kind, before } = await table.write(writeCommand(change));
      return { isDone: kind === 'applied', before };
    });
  }

  async #single(
    client: TransactionClient,
    { name, change }: { readonly name: string; readonly change: ItemChange },
    perform: (table: Table) => Promise<SingleResult>,
  ): Promise<void> {
    const { item, effect, condition } = change;
    const table = openTable(client.router, item.tableName);
    if (table === undefined) return;
    const expected = expectedBy(condition);
    const actions = [{ item: item.name, effect, expected }];
    const recorded = this.#history.begin({ client: client.name, name, scope: 'single', actions });
    const since = this.#history.moment();
    await this.#watched(client, async () => {
      const outcomes = CallOutcomes.of(client.router.forwarder);
      const watched = outcomes.watch(() => perform(table));
      try {
        const { isDone, before } = await watched.result;
        const state = this.#stateOf(item, before);
        if (isDone) {
          this.#history.end(recorded, { kind: 'ok', seen: [state] });
          this.#noteVersions([change]);
        } else {
          this.#history.end(recorded, { kind: 'failed' });
          this.#conditionFailed(client, change, before, since);
        }
      } catch (error) {
        const isFailed = isRefusal(error) || (isUnknown(error) && watched.isCertain());
        this.#history.end(recorded, { kind: isFailed ? 'failed' : 'unknown' });
        if (!isFailed && !isUnknown(error)) this.#defect(`${name} of ${item.name}`, error);
      }
    });
  }

  #requestOf(
    { router }: TransactionClient,
    { token, changes }: PlannedWrite,
  ): TransactionWriteRequest | undefined {
    const actions: TransactionAction[] = [];
    for (const change of changes) {
      const table = openTable(router, change.item.tableName);
      if (table === undefined) return undefined;
      actions.push({ table, command: transactionCommand(change), returnsItemOnFailure: true });
    }
    return { actions, token, digest: requestDigest('TransactWriteItems', actions) };
  }

  #done(planned: PlannedWrite, kind: 'committed' | 'repeated'): void {
    const { recorded, token, changes } = planned;
    if (kind === 'committed') planned.commitsCount += 1;
    if (planned.commitsCount > 1) this.#defect(`#${recorded.id} was done for two requests`, token);
    if (kind === 'repeated' && token === undefined) {
      this.#defect(`#${recorded.id} has no token, and is a repeat`, kind);
    }
    this.#noteVersions(changes);
    if (recorded.outcome.kind === 'ok') return;
    this.#history.end(recorded, { kind: 'ok', seen: changes.map(() => undefined) });
  }

  #cancelled(
    client: TransactionClient,
    planned: PlannedWrite,
    reasons: readonly CancellationReason[],
    since: Moment,
  ): void {
    this.#failed(planned);
    this.#checkReasons(planned.recorded.name, reasons);
    for (const [index, reason] of reasons.entries()) {
      const change = planned.changes[index];
      if (reason.kind !== 'conditionFailed' || change === undefined) continue;
      this.#conditionFailed(client, change, itemOfJson(reason.item), since);
    }
  }

  #refused(planned: PlannedWrite, error: unknown): void {
    const isNotDone = isUnknown(error) && error.message === transactionFaults.notDone().message;
    if (isRefusal(error) || isNotDone) this.#failed(planned);
    else if (!isUnknown(error)) this.#defect(planned.recorded.name, error);
  }

  /** One time that it was sent came to nothing: it has failed if none of the others is in doubt. */
  #failed(planned: PlannedWrite): void {
    planned.doubtsCount -= 1;
    const { outcome } = planned.recorded;
    if (planned.doubtsCount > 0 || outcome.kind !== 'unknown') return;
    this.#history.end(planned.recorded, { kind: 'failed' });
  }

  #checkReasons(name: string, reasons: readonly CancellationReason[]): void {
    const isOdd = ({ kind }: CancellationReason) =>
      kind === 'validation' || kind === 'duplicateItem';
    if (reasons.every(({ kind }) => kind === 'none') || reasons.some(isOdd)) {
      this.#defect(`${name} was cancelled`, reasons);
    }
  }

  #conditionFailed(
    client: TransactionClient,
    { item, condition, amount = 0 }: ItemChange,
    found: Item | undefined,
    since: Moment,
  ): void {
    const state = this.#stateOf(item, found);
    this.#history.observe(
      { client: client.name, name: 'refused' },
      { item: item.name, state },
      since,
    );
    const expected = expectedBy(condition);
    const isMet =
      expected === undefined
        ? found !== undefined && balanceOf(found) + Math.min(0, amount) >= 0
        : expected === (state.at(-1) ?? NO_ITEM);
    if (isMet) this.#defect(`a condition on ${item.name} held, and failed`, found);
  }

  /** What an item tells of its versions; that all else of it goes with that is checked. */
  #stateOf(item: TransactionItem, found: Item | undefined): ItemState {
    try {
      const state = stateOf(found);
      if (state.length > 0) this.#latest.set(item.name, state.at(-1) ?? NO_ITEM);
      if (item.isAccount && found !== undefined) this.#checkBalance(found, state);
      return state;
    } catch (error) {
      this.#defect(`item ${item.name}`, error);
      return [];
    }
  }

  #checkBalance(found: Item, state: ItemState): void {
    const sum = state.reduce((total, version) => total + (this.#amounts.get(version) ?? 0), 0);
    const balance = balanceOf(found);
    if (balance === sum && balance >= 0) return;
    this.#defect(`a balance is ${balance}, and should be ${sum}`, found);
  }

  #noteAmount({ effect, amount = 0 }: ItemChange): void {
    if ('version' in effect) this.#amounts.set(effect.version, amount);
  }

  #noteVersions(changes: readonly ItemChange[]): void {
    for (const { item, effect } of changes) {
      if ('version' in effect) this.#latest.set(item.name, effect.version);
      else if (effect.kind === 'delete') this.#latest.set(item.name, NO_ITEM);
    }
  }

  async #watched<T>(client: TransactionClient, work: () => Promise<T>): Promise<T> {
    this.#callsCount += 1;
    const call = `call ${this.#callsCount} of ${client.name}`;
    this.open.set(call, client.environment);
    const result = await work();
    this.open.delete(call);
    return result;
  }

  #defect(what: string, error: unknown): void {
    this.defects.push({ what, error });
  }
}

interface SingleResult {
  readonly isDone: boolean;
  readonly before: Item | undefined;
}

function looked({ name }: TransactionItem) {
  return { item: name, effect: { kind: 'none' }, expected: undefined } as const;
}

function lookedAt(item: TransactionItem): ItemChange {
  return { item, effect: { kind: 'none' }, condition: undefined };
}

function itemOfJson(json: Uint8Array | undefined): Item | undefined {
  // What partitions store is the canonical JSON of an item.
  return json && (JSON.parse(Buffer.from(json).toString()) as Item);
}

/** The version that a condition asks for; undefined where it asks for something else. */
function expectedBy(condition: ItemChange['condition']): Version | undefined {
  if (condition?.kind === 'exists') return condition.negated ? NO_ITEM : undefined;
  if (condition?.kind !== 'compare' || condition.comparator !== '=') return undefined;
  const { right } = condition;
  return right.kind === 'value' && 'N' in right.value ? Number(right.value.N) : undefined;
}

/** Faults that say for certain that nothing was done. */
const refusals: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'ResourceNotFoundException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

function isRefusal(error: unknown): boolean {
  return error instanceof ClientFault && refusals.has(error.type);
}

function isUnknown(error: unknown): error is ClientFault {
  return error instanceof ClientFault && error.type === 'InternalServerError';
}
