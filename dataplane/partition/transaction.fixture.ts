import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Condition, Update } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import type {
  Capacity,
  DeleteCommand,
  PutCommand,
  UpdateCommand,
  WriteCommand,
} from './command.ts';
import { CompiledSchema } from './compiled-schema.ts';
import { HeldCommits } from './held-commits.fixture.ts';
import type { IndexChange } from './index-change.ts';
import { ItemCache } from './item-cache.ts';
import type { Decided } from './ledger.ts';
import { Partition } from './partition.ts';
import { evenPartitions, schemaOf } from './schema.fixture.ts';
import type { TableSchema } from './schema.ts';
import type {
  AnswerTo,
  Attempt,
  CheckCommand,
  ClaimCall,
  DecideCall,
  ExecuteCall,
  FinishCall,
  PrepareCall,
  ResolveCall,
  TransactionCall,
  TransactionCommand,
} from './transaction.ts';

/** Commands and calls for the tests of this folder and its users. Hash attribute `p`, range `s`. */

export const keyOf = (s: number | string): Item => ({ p: { S: 'a' }, s: { N: String(s) } });
export const itemOf = (s: number | string, n: number): Item => ({
  ...keyOf(s),
  n: { N: String(n) },
});

export const absent: Condition = { kind: 'exists', path: ['p'], negated: true };
export const present: Condition = { kind: 'exists', path: ['p'], negated: false };

export function putOf(item: Item, condition?: Condition): PutCommand {
  const { p, s } = item;
  if (p === undefined || s === undefined) throw new RangeError('an item has its key');
  return { kind: 'put', key: { p, s }, item, itemBytes: itemBytes(item), condition };
}

export function deleteOf(s: number | string, condition?: Condition): DeleteCommand {
  return { kind: 'delete', key: keyOf(s), condition };
}

export function checkOf(s: number | string, condition: Condition): CheckCommand {
  return { kind: 'check', key: keyOf(s), condition };
}

/** Adds one to `n`. */
export function addTo(s: number | string, condition?: Condition): UpdateCommand {
  const update: Update = [{ kind: 'add', path: ['n'], value: { N: '1' }, legacy: false }];
  return { kind: 'update', key: keyOf(s), condition, update };
}

/** 16 bytes made of a name. */
export function idOf(name: string): Uint8Array {
  return createHash('sha256').update(name).digest().subarray(0, 16);
}

export const attemptOf = (name: string, number = 1): Attempt => ({ id: idOf(name), number });
export const ledger = { tableId: 'table', tableName: 'T', partitionId: 2n ** 63n + 1n };

export function prepareOf(
  name: string,
  commands: readonly TransactionCommand[],
  { number = 1, exhaustedIndexes = [] as readonly string[] } = {},
): PrepareCall {
  return {
    kind: 'prepare',
    attempt: attemptOf(name, number),
    ledger,
    commands,
    exhaustedIndexes,
  };
}

export function executeOf(
  name: string,
  commands: readonly TransactionCommand[],
  { run = name, digest = name } = {},
): ExecuteCall {
  return {
    kind: 'execute',
    id: idOf(name),
    runId: idOf(`run ${run}`),
    digest: idOf(`digest ${digest}`),
    commands,
    exhaustedIndexes: [],
  };
}

export function claimOf(name: string, { run = name, digest = name } = {}): ClaimCall {
  return {
    kind: 'claim',
    id: idOf(name),
    runId: idOf(`run ${run}`),
    digest: idOf(`digest ${digest}`),
  };
}

export const participant = { tableId: 'table', tableName: 'T', partitionId: 3n };

export function commitAt(timestamp: number, name: string, number = 1): FinishCall {
  return {
    kind: 'finish',
    attempt: attemptOf(name, number),
    outcome: { kind: 'commit', timestamp },
  };
}

export function abortOf(name: string, number = 1): FinishCall {
  return { kind: 'finish', attempt: attemptOf(name, number), outcome: { kind: 'abort' } };
}

export function decideCommit(
  name: string,
  timestamp: number,
  { number = 1, participants = [participant] } = {},
): DecideCall {
  const outcome = { kind: 'commit', timestamp, participants } as const;
  return { kind: 'decide', attempt: attemptOf(name, number), outcome };
}

export function decideAbort(name: string, number = 1): DecideCall {
  return { kind: 'decide', attempt: attemptOf(name, number), outcome: { kind: 'abort' } };
}

export function resolveOf(name: string, { number = 1, isAbandoned = false } = {}): ResolveCall {
  return { kind: 'resolve', attempt: attemptOf(name, number), isAbandoned };
}

const noLimit = (): void => {};

/** One partition on a store in memory, whose commits and clock the test moves. */
export class TestPartition {
  readonly store: Store;
  readonly commits: HeldCommits;
  readonly indexChanges: IndexChange[] = [];
  nowMs = 1_790_000_000_000;
  monotonicMs = 0;
  partition: Partition;
  readonly #collectionBytesMax: number;
  #flushes: (() => void)[] = [];
  #compiled: CompiledSchema;

  private constructor(store: Store, schema: TableSchema, collectionBytesMax: number) {
    this.store = store;
    this.commits = new HeldCommits(store);
    this.#compiled = new CompiledSchema(schema);
    this.#collectionBytesMax = collectionBytesMax;
    this.partition = this.#open();
  }

  static async open(
    schema: TableSchema = schemaOf(),
    { collectionBytesMax = 1_000_000 } = {},
  ): Promise<TestPartition> {
    const store = await openStore({ folder: undefined, durability: 'relaxed' });
    return new TestPartition(store, schema, collectionBytesMax);
  }

  /** As if the process, or the leader, had ended and another one had come. */
  async reopen(): Promise<void> {
    this.commits.waiting.splice(0);
    this.#flushes = [];
    this.partition = this.#open();
    await this.partition.load();
  }

  /** Writes evaluated from now on follow it. */
  set schema(schema: TableSchema) {
    this.#compiled = new CompiledSchema(schema);
    this.partition.compiled = this.#compiled;
  }

  /** Sends gathering groups off. */
  flush(): void {
    for (const each of this.#flushes.splice(0)) each();
  }

  /** Makes all durable that was evaluated, and resolves as the promise does. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const done = promise.then(
      () => true,
      () => true,
    );
    for (;;) {
      await turn();
      if ((await Promise.race([done, turn(false)])) === true) return promise;
      this.flush();
      while (this.commits.waiting.length > 0) this.commits.next();
    }
  }

  start<Call extends TransactionCall>(
    call: Call,
    admit: (capacity: Capacity) => void = noLimit,
  ): Promise<Decided<AnswerTo<Call>>> {
    return this.partition.transactions.do(call, admit);
  }

  /** The answer once all is durable. */
  async do<Call extends TransactionCall>(call: Call): Promise<AnswerTo<Call>> {
    return (await this.settle(this.start(call))).answer;
  }

  startWrite(command: WriteCommand) {
    return this.partition.write(command, this.placeOf(command.key), noLimit);
  }

  write(command: WriteCommand) {
    return this.settle(this.startWrite(command));
  }

  get(s: number | string): Item | undefined {
    return this.stored(s)?.item;
  }

  stored(s: number | string) {
    return this.partition.get(this.placeOf(keyOf(s)));
  }

  async read(...sorts: readonly (number | string)[]) {
    return (await this.do({ kind: 'read', keys: sorts.map(keyOf) })).items;
  }

  /** Number of pairs of a space, or of a part of it. */
  async count(prefix: Buffer): Promise<number> {
    const end = Buffer.concat([prefix, Buffer.alloc(64, 0xff)]);
    const iterator = this.store.iterate({ start: prefix, end, reverse: false, limit: undefined });
    try {
      return (await iterator.next(10_000)).length;
    } finally {
      await iterator.close();
    }
  }

  close(): Promise<void> {
    return this.store.close();
  }

  placeOf(key: Item) {
    return this.partition.place(this.#compiled.itemKey(key));
  }

  #open(): Partition {
    const [range] = evenPartitions(1);
    if (range === undefined) throw new Error('one partition');
    return new Partition({
      range,
      compiled: this.#compiled,
      store: this.store,
      cache: new ItemCache(1_000_000),
      commit: this.commits.commit,
      nowMs: () => this.nowMs,
      monotonicMs: () => this.monotonicMs,
      schedule: (flush) => this.#flushes.push(flush),
      collectionBytesMax: this.#collectionBytesMax,
      onIndexChanges: (changes) => this.indexChanges.push(...changes),
    });
  }
}
