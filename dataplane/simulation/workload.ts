import { ClientFault } from '../errors/client-fault.ts';
import type { Condition, UpdateAction } from '../expression/ast.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import type { WriteCommand, WriteResult } from '../partition/command.ts';
import { pause } from '../replication/scheduler.ts';
import type { RemoteTable } from '../routing/remote-table.ts';
import type { Router } from '../routing/router.ts';
import { CallOutcomes } from './call-outcomes.ts';
import type { History, Operation, Outcome, RecordedOperation, RegisterValue } from './history.ts';
import type { SimRandom } from './random.ts';
import type { SimEnvironment } from './sim-machine.ts';

export const TABLE_NAME = 'registers';
export const GLOBAL_INDEX = 'byGroup';
export const LOCAL_INDEX = 'byLabel';
export const TTL_ATTRIBUTE = 'expires';

export interface WorkloadOptions {
  /** Clients of each router. */
  readonly clientsCount: number;
  readonly registersCount: number;
  readonly countersCount: number;
  /** Between an answer and the next call of a client, on average. */
  readonly gapMs: number;
  /** Bytes that values are padded with, at most; most of them are not. */
  readonly paddingMax: number;
  readonly mix: Readonly<Record<OperationKind, number>>;
}

/** `expiring`: items that expire soon are put besides; nobody records them. */
export type OperationKind = Operation['kind'] | 'expiring';

/** An operation that did not end as any may. */
export interface Defect {
  readonly what: string;
  readonly error: unknown;
}

/**
 * Random operations on single items by clients of the routers, recorded in a history. A client has
 * one operation under way at a time, and dies with its router.
 */
export class Workload {
  readonly defects: Defect[] = [];
  readonly keys: readonly string[];
  /** Operations under way, by the router process that has them. */
  readonly open = new Map<RecordedOperation, SimEnvironment>();
  /** Expiring items that were put. */
  expiringCount = 0;
  readonly #history: History;
  readonly #options: WorkloadOptions;
  #isStopped = false;
  #valuesCount = 0;

  constructor(history: History, options: WorkloadOptions) {
    this.#history = history;
    this.#options = options;
    this.keys = [
      ...Array.from({ length: options.registersCount }, (_, index) => `r${index}`),
      ...Array.from({ length: options.countersCount }, (_, index) => `c${index}`),
    ];
  }

  /** Starts the clients of a router's process. */
  start(router: Router, environment: SimEnvironment): void {
    const outcomes = CallOutcomes.of(router.forwarder);
    for (let index = 0; index < this.#options.clientsCount; index += 1) {
      const name = `${environment.id}/${index}`;
      const random = environment.random.fork(`client ${index}`);
      const { mix } = this.#options;
      // One who also writes soon waits for a leader that is cut off, and sees nothing of what it says.
      const own = random.chance(READERS_PART)
        ? { get: mix.get, getEventual: mix.getEventual }
        : mix;
      void this.#client({ name, router, environment, random, outcomes, mix: own });
    }
  }

  /** No client begins anything any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** One more operation by a client of that router; whether it was carried out. */
  async perform(
    kind: 'get' | 'put',
    key: string,
    { router, environment }: Pick<Client, 'router' | 'environment'>,
  ): Promise<boolean> {
    const table = openTable(router);
    if (table === undefined) return false;
    const outcomes = CallOutcomes.of(router.forwarder);
    const operation: Operation = kind === 'get' ? { kind } : { kind, value: this.#newValue(key) };
    const recorded = this.#history.begin(`${environment.id}/last`, key, operation);
    await this.#run({ recorded, table, environment, outcomes });
    return recorded.outcome.kind === 'ok';
  }

  async #client(client: Client): Promise<void> {
    const { random, environment, router, outcomes } = client;
    while (!this.#isStopped) {
      await pause(environment.scheduler, random.exponential(this.#options.gapMs));
      const table = openTable(router);
      if (table === undefined || this.#isStopped) continue;
      const drawn = this.#draw(client);
      if (drawn === undefined) {
        await this.#putExpiring(table, client);
        continue;
      }
      const recorded = this.#history.begin(client.name, drawn.key, drawn.operation);
      await this.#run({ recorded, table, environment, outcomes });
    }
  }

  async #run({ recorded, table, environment, outcomes }: Call): Promise<void> {
    this.open.set(recorded, environment);
    let outcome: Outcome = { kind: 'unknown' };
    const { key, operation } = recorded;
    const watched = outcomes.watch(() => this.#perform(table, key, operation));
    try {
      outcome = await watched.result;
    } catch (error) {
      outcome = this.#outcomeOf(error, watched.isCertain(), recorded);
    }
    this.open.delete(recorded);
    this.#history.end(recorded, outcome);
  }

  #outcomeOf(error: unknown, isCertain: boolean, { key, operation }: RecordedOperation): Outcome {
    const what = `${operation.kind} of ${key}`;
    if (!(error instanceof ClientFault)) {
      this.defects.push({ what, error });
      return { kind: 'unknown' };
    }
    if (error.type === 'InternalServerError') return { kind: isCertain ? 'failed' : 'unknown' };
    if (refusals.has(error.type)) return { kind: 'failed' };
    this.defects.push({ what, error });
    return { kind: 'unknown' };
  }

  #perform(table: RemoteTable, key: string, operation: Operation): Promise<Outcome> {
    switch (operation.kind) {
      case 'get':
      case 'getEventual':
        return readOf(table, key, operation.kind === 'get');
      case 'put':
        return writeOf(table, this.#put(key, operation.value, undefined));
      case 'putIf':
        return writeOf(table, this.#put(key, operation.value, conditionOf(operation.expected)));
      case 'add':
        return writeOf(table, addCommand(key, operation.by), { isAdd: true });
      case 'delete':
        return writeOf(table, { kind: 'delete', key: keyOf(key), condition: undefined });
    }
  }

  #put(key: string, value: RegisterValue, condition: Condition | undefined): WriteCommand {
    const item = itemOf(key, value, this.#paddingOf(value));
    return { kind: 'put', key: keyOf(key), item, itemBytes: itemBytes(item), condition };
  }

  /** Depends on the value, so that it need not be remembered. */
  #paddingOf(value: RegisterValue): string {
    const hash = Number.parseInt(String(value).replace(/\D/g, ''), 10) || 0;
    return hash % 3 === 0 ? '.'.repeat((hash * 7919) % (this.#options.paddingMax + 1)) : '';
  }

  #draw({
    random,
    mix,
  }: Client): { readonly key: string; readonly operation: Operation } | undefined {
    const kind = random.weighted<OperationKind>(mix);
    if (kind === 'expiring') return undefined;
    const isCounter = kind === 'add' || (kind !== 'putIf' && random.chance(0.4));
    const keys = this.keys.filter((key) => key.startsWith('c') === isCounter);
    const key = random.pick(keys);
    return { key, operation: this.#operation(kind, key, random) };
  }

  #operation(kind: Operation['kind'], key: string, random: SimRandom): Operation {
    switch (kind) {
      case 'put':
        return { kind, value: this.#newValue(key) };
      case 'putIf':
        return { kind, expected: this.#someValue(key, random), value: this.#newValue(key) };
      case 'add':
        return { kind, by: random.between(1, 3) };
      default:
        return { kind };
    }
  }

  /** Unique, so that the search of the checker is short. */
  #newValue(key: string): RegisterValue {
    this.#valuesCount += 1;
    return key.startsWith('c') ? 1_000_000 * this.#valuesCount : `v${this.#valuesCount}`;
  }

  /** Often what the item holds: the newest value that a client has seen, or has written. */
  #someValue(key: string, random: SimRandom): RegisterValue {
    const { operations } = this.#history;
    if (random.chance(0.1)) return undefined;
    for (let at = operations.length - 1; at >= Math.max(0, operations.length - 50); at -= 1) {
      const seen = operations[at];
      if (seen?.key !== key || seen.outcome.kind !== 'ok') continue;
      const { operation } = seen;
      if (operation.kind === 'get') return seen.outcome.value;
      if (operation.kind === 'put' || operation.kind === 'putIf') return operation.value;
      if (operation.kind === 'delete') return undefined;
    }
    return undefined;
  }

  /** Nobody cares what becomes of the call; the item is to be gone in the end. */
  async #putExpiring(table: RemoteTable, { random, environment }: Client): Promise<void> {
    this.expiringCount += 1;
    const second = Math.floor(environment.scheduler.nowMs() / 1_000) + random.between(-2, 4);
    const key = { pk: { S: 'x' }, sk: { S: `x${random.int(8)}` } };
    const item: Item = { ...key, [TTL_ATTRIBUTE]: { N: String(second) }, group: { S: 'x' } };
    const command: WriteCommand = {
      kind: 'put',
      key,
      item,
      itemBytes: itemBytes(item),
      condition: undefined,
    };
    await table.write(command).catch((error: unknown) => {
      if (!(error instanceof ClientFault)) this.defects.push({ what: 'put of an expiring', error });
    });
  }
}

interface Client {
  readonly name: string;
  readonly router: Router;
  readonly environment: SimEnvironment;
  readonly random: SimRandom;
  readonly outcomes: CallOutcomes;
  readonly mix: Partial<WorkloadOptions['mix']>;
}

/** How many clients only read. */
const READERS_PART = 0.25;

interface Call {
  readonly recorded: RecordedOperation;
  readonly table: RemoteTable;
  readonly environment: SimEnvironment;
  readonly outcomes: CallOutcomes;
}

/** Faults that say for certain that nothing was done. */
const refusals: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'ResourceNotFoundException',
]);

export function openTable(router: Router, name = TABLE_NAME): RemoteTable | undefined {
  try {
    return router.tables.openTable(name);
  } catch (error) {
    if (error instanceof ClientFault && error.type === 'ResourceNotFoundException') return;
    throw error;
  }
}

async function readOf(table: RemoteTable, key: string, consistentRead: boolean): Promise<Outcome> {
  const { json } = await table.get(keyOf(key), { consistentRead, projection: undefined });
  if (json === undefined) return { kind: 'ok', value: undefined };
  return { kind: 'ok', value: registerOf(JSON.parse(Buffer.from(json).toString()) as Item) };
}

async function writeOf(
  table: RemoteTable,
  command: WriteCommand,
  { isAdd = false } = {},
): Promise<Outcome> {
  const result: WriteResult = await table.write(command);
  if (result.kind === 'conditionFailed') {
    return { kind: 'conditionFailed', old: { value: registerOf(result.before) } };
  }
  return isAdd ? { kind: 'ok', value: registerOf(result.after) } : { kind: 'ok' };
}

/** Items share hashes, so that local indexes have collections. */
function keyOf(key: string): Item {
  return { pk: { S: `p${Number(key.slice(1)) % 3}` }, sk: { S: key } };
}

function itemOf(key: string, value: RegisterValue, padding: string): Item {
  const number = Number.parseInt(String(value).replace(/\D/g, ''), 10) || 0;
  const item: Record<string, AttributeValue> = {
    ...keyOf(key),
    value: typeof value === 'number' ? { N: String(value) } : { S: String(value) },
  };
  // Some items are in no index.
  if (number % 5 !== 0) item.group = { S: `g${number % 3}` };
  if (number % 4 !== 0) item.label = { S: `l${number % 7}` };
  if (padding !== '') item.padding = { S: padding };
  return item;
}

function registerOf(item: Item | undefined): RegisterValue {
  const value = item?.value;
  if (value === undefined) return undefined;
  if ('N' in value) return Number(value.N);
  return 'S' in value ? value.S : undefined;
}

/** Moves the item in the global index along with its value. */
function addCommand(key: string, by: number): WriteCommand {
  const update: readonly UpdateAction[] = [
    { kind: 'add', path: ['value'], value: { N: String(by) }, legacy: false },
    { kind: 'set', path: ['group'], term: { kind: 'value', value: { S: `a${by}` } } },
  ];
  return { kind: 'update', key: keyOf(key), update, condition: undefined };
}

function conditionOf(expected: RegisterValue): Condition {
  if (expected === undefined) return { kind: 'exists', path: ['value'], negated: true };
  const value = typeof expected === 'number' ? { N: String(expected) } : { S: expected };
  return {
    kind: 'compare',
    comparator: '=',
    left: { kind: 'path', path: ['value'] },
    right: { kind: 'value', value },
  };
}
