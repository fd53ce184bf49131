import { afterPrefix, joinKey, spacePrefix } from '../partition/key-space.ts';
import type { Effect, KeyRange, Store } from '../storage/store.ts';
import type { RetiredTable, TableDescriptor } from './descriptor.ts';
import {
  decodeDescriptor,
  decodeIds,
  decodeRetired,
  encodeDescriptor,
  encodeIds,
  encodeRetired,
} from './descriptor-codec.ts';

/** Partition ids start above the system partition, in whose meta space the catalog keeps its records. */
const SYSTEM_PARTITION = 0n;
const FIRST_PARTITION_ID = 1n;
const names = { table: 0x10, partitionIdNext: 0x11, garbage: 0x12, retired: 0x13 } as const;
const READ_COUNT = 100;

/** What the store holds of the catalog. */
export interface CatalogRecords {
  readonly tables: readonly TableDescriptor[];
  /** Partition id not yet given out. */
  readonly partitionIdNext: bigint;
  /** Partitions whose tables or indexes are gone and whose data is still to be cleared. */
  readonly garbage: readonly GarbageRecord[];
  /** Tables that are gone but for their streams. */
  readonly retired: readonly RetiredTable[];
}

export interface GarbageRecord {
  readonly key: Uint8Array;
  readonly partitionIds: readonly bigint[];
}

/**
 * The catalog's records in the store.
 *
 * | key behind `[0 u64][meta u8]` | value |
 * |---|---|
 * | 0x10, table name UTF-8 | descriptor |
 * | 0x11 | next partition id |
 * | 0x12, first partition id u64 | ids of partitions to clear |
 * | 0x13, table id UTF-8 | deleted table whose streams are readable |
 * | 0x20 to 0x24 | of a cluster's control plane (control/placement-records.ts) |
 *
 * Values are checked records, see descriptor-codec.ts. All effects of a change go in one batch.
 */
export class CatalogStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws StoreError `damaged` or `newerFormat`. */
  async read(): Promise<CatalogRecords> {
    const tables: TableDescriptor[] = [];
    for (const [, value] of await this.#readAll(names.table)) tables.push(decodeDescriptor(value));
    const counter = this.#store.get(keyOf(names.partitionIdNext));
    const [partitionIdNext = FIRST_PARTITION_ID] = counter === undefined ? [] : decodeIds(counter);
    const garbage: GarbageRecord[] = [];
    for (const [key, value] of await this.#readAll(names.garbage)) {
      garbage.push({ key, partitionIds: decodeIds(value) });
    }
    const retired: RetiredTable[] = [];
    for (const [, value] of await this.#readAll(names.retired)) retired.push(decodeRetired(value));
    return { tables, partitionIdNext, garbage, retired };
  }

  /** Makes a descriptor durable, together with the ids it has used. */
  async saveTable(table: TableDescriptor, partitionIdNext: bigint): Promise<void> {
    await this.#store.commit([
      { key: tableKey(table.name), value: encodeDescriptor(table) },
      { key: keyOf(names.partitionIdNext), value: encodeIds([partitionIdNext]) },
    ]);
  }

  /** Takes a table out, or replaces it when an index went, and remembers what is to be cleared. */
  async discard(
    tableName: string,
    replacement: TableDescriptor | undefined,
    partitionIds: readonly bigint[],
  ): Promise<GarbageRecord> {
    const garbage = { key: garbageKey(partitionIds), partitionIds };
    const value = replacement === undefined ? undefined : encodeDescriptor(replacement);
    await this.#store.commit([
      { key: tableKey(tableName), value },
      { key: garbage.key, value: encodeIds(partitionIds) },
    ]);
    return garbage;
  }

  /** Takes a table out whose streams stay, and remembers what is to be cleared of its indexes. */
  async retire(
    retired: RetiredTable,
    partitionIds: readonly bigint[],
  ): Promise<GarbageRecord | undefined> {
    const { table } = retired;
    const garbage =
      partitionIds.length === 0 ? undefined : { key: garbageKey(partitionIds), partitionIds };
    await this.#store.commit([
      { key: tableKey(table.name), value: undefined },
      { key: retiredKey(table.id), value: encodeRetired(retired) },
      ...(garbage === undefined ? [] : [{ key: garbage.key, value: encodeIds(partitionIds) }]),
    ]);
    return garbage;
  }

  async saveRetired(retired: RetiredTable): Promise<void> {
    const key = retiredKey(retired.table.id);
    await this.#store.commit([{ key, value: encodeRetired(retired) }]);
  }

  /** The streams are past their time as well: all partitions are to be cleared. */
  async discardRetired({ table }: RetiredTable): Promise<GarbageRecord> {
    const partitionIds = table.partitions.map(({ id }) => id);
    const garbage = { key: garbageKey(partitionIds), partitionIds };
    await this.#store.commit([
      { key: retiredKey(table.id), value: undefined },
      { key: garbage.key, value: encodeIds(partitionIds) },
    ]);
    return garbage;
  }

  /** The partitions are cleared. */
  async forget(garbage: GarbageRecord): Promise<void> {
    const effect: Effect = { key: garbage.key, value: undefined };
    await this.#store.commit([effect]);
  }

  async #readAll(name: number): Promise<readonly (readonly [Buffer, Buffer])[]> {
    const prefix = keyOf(name);
    const range: KeyRange = {
      start: prefix,
      end: afterPrefix(prefix),
      reverse: false,
      limit: undefined,
    };
    const iterator = this.#store.iterate(range);
    try {
      const all: (readonly [Buffer, Buffer])[] = [];
      for (;;) {
        const pairs = await iterator.next(READ_COUNT);
        if (pairs.length === 0) return all;
        all.push(...pairs);
      }
    } finally {
      await iterator.close();
    }
  }
}

function keyOf(name: number, ...parts: readonly Uint8Array[]): Buffer {
  return joinKey(spacePrefix(SYSTEM_PARTITION, 'meta'), Buffer.of(name), ...parts);
}

function tableKey(name: string): Buffer {
  return keyOf(names.table, Buffer.from(name, 'utf8'));
}

function retiredKey(tableId: string): Buffer {
  return keyOf(names.retired, Buffer.from(tableId, 'utf8'));
}

function garbageKey([first]: readonly bigint[]): Buffer {
  if (first === undefined) throw new Error('a table or index has at least one partition');
  const id = Buffer.alloc(8);
  id.writeBigUInt64BE(first);
  return keyOf(names.garbage, id);
}
