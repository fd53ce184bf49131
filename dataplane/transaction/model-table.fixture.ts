import { transportFaults } from '../errors/transport.ts';
import { attributeOf, type Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import type { PutCommand } from '../partition/command.ts';
import { tableKeyOf } from '../partition/key-check.ts';
import { evenPartitions, schemaOf } from '../partition/schema.fixture.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { AnswerTo, CheckCommand, TransactionCall } from '../partition/transaction.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import type { Table } from '../routing/table.ts';
import { ModelPartition } from './model-partition.fixture.ts';

/** What becomes of one call on its way. Times in ms from when it is made. */
export interface CallFate {
  /** When it is done, once for each; none: it is lost. */
  readonly doneAfterMs: readonly number[];
  /** When the answer of the first is there; undefined: it is lost, and the caller told so. */
  readonly answeredAfterMs: number | undefined;
}

/** When a caller is told that nothing has come back. */
const GIVEN_UP_MS = 2_000;

const atOnce: CallFate = { doneAfterMs: [0], answeredAfterMs: 0 };

export interface ModelTableOptions {
  readonly tableName: string;
  readonly partitionsCount: number;
  readonly scheduler: Scheduler;
  /** See ModelPartition. */
  readonly executeMax?: number;
}

/** A table of model partitions behind a network that does as it is told. */
export class ModelTable implements Table {
  readonly schema: TableSchema;
  readonly partitions: Table['partitions'];
  readonly #models: ReadonlyMap<bigint, ModelPartition>;
  readonly #scheduler: Scheduler;
  /** Asked at each call; undefined is how it goes if nothing is wrong. */
  fateOf: (call: TransactionCall, partitionId: bigint) => CallFate | undefined = () => undefined;
  /** All calls, in the order in which they were made. */
  readonly calls: { readonly partitionId: bigint; readonly call: TransactionCall }[] = [];
  isDeleted = false;

  constructor({ tableName, partitionsCount, scheduler, executeMax }: ModelTableOptions) {
    this.schema = schemaOf({ tableName, tableId: `id-of-${tableName}` });
    this.partitions = evenPartitions(partitionsCount, 1n);
    this.#models = new Map(this.partitions.map(({ id }) => [id, new ModelPartition(executeMax)]));
    this.#scheduler = scheduler;
  }

  model(partitionId: bigint): ModelPartition {
    const model = this.#models.get(partitionId);
    if (model === undefined) throw new Error(`no partition ${partitionId}`);
    return model;
  }

  get models(): Iterable<ModelPartition> {
    return this.#models.values();
  }

  /** By the number that the item's partition key ends with. */
  partitionOf(key: Item): bigint {
    const value = attributeOf(key, 'p');
    const text = value !== undefined && 'S' in value ? value.S : '';
    const index = Number(/\d+$/.exec(text)?.[0] ?? 0) % this.partitions.length;
    return this.partitions[index]?.id ?? 0n;
  }

  partitionOfHash(hash: Uint8Array): bigint {
    return this.partitions[(hash[0] ?? 0) % this.partitions.length]?.id ?? 0n;
  }

  transact<Call extends TransactionCall>(partitionId: bigint, call: Call): Promise<AnswerTo<Call>> {
    const { promise, resolve, reject } = Promise.withResolvers<AnswerTo<Call>>();
    const fate = this.fateOf(call, partitionId) ?? atOnce;
    this.calls.push({ partitionId, call });
    const scheduler = this.#scheduler;
    const { answeredAfterMs } = fate;
    let isFirst = true;
    for (const afterMs of fate.doneAfterMs) {
      scheduler.after(afterMs, () => {
        if (this.isDeleted) return;
        const answer = this.model(partitionId).answer(call, scheduler.nowMs());
        if (!isFirst || answeredAfterMs === undefined) return;
        isFirst = false;
        // The model answers each call with what is of its kind.
        scheduler.after(answeredAfterMs - afterMs, () => resolve(answer as AnswerTo<Call>));
      });
    }
    if (answeredAfterMs === undefined || fate.doneAfterMs.length === 0) {
      scheduler.after(GIVEN_UP_MS, () => reject(transportFaults.internal()));
    }
    return promise;
  }

  get = () => unsupported();
  write = () => unsupported();
  query = () => unsupported();
  scan = () => unsupported();
  stream = () => unsupported();
}

function unsupported(): Promise<never> {
  return Promise.reject(new Error('the model knows nothing but transactions'));
}

/** An item of partition `index % partitionsCount`. */
export function keyOf(index: number): Item {
  return { p: { S: `item${index}` }, s: { N: '1' } };
}

export function putOf(index: number, attributes: Item = {}): PutCommand {
  const item = { ...keyOf(index), ...attributes };
  const key = tableKeyOf(item, schemaOf());
  return { kind: 'put', key, item, itemBytes: itemBytes(item), condition: undefined };
}

/** That the item is there, or is not. */
export function checkOf(index: number, isThere: boolean): CheckCommand {
  return {
    kind: 'check',
    key: keyOf(index),
    condition: { kind: 'exists', path: ['p'], negated: !isThere },
  };
}
