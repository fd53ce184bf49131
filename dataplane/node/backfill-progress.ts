import { HASH_BYTES, indexIdBytes, metaKey } from '../partition/key-space.ts';
import type { PartitionRange } from '../partition/schema.ts';
import { type PartitionConfiguration, rangeOfPartition } from '../routing/table-configuration.ts';
import type { Store } from '../storage/store.ts';
import { decodeWorkCursor, type WorkCursor } from './work-cursor.ts';

/** How far the backfill of a global index has come in one partition of the table. */
export interface BackfillProgress {
  /** Name of the index. */
  readonly index: string;
  /**
   * Part of the partition's hashes that are behind it, 0 to 1. Hashes are even, so this is the part of its
   * partition keys; items of one partition key count as one step.
   */
  readonly walkedShare: number;
}

/** Where the cursor of an index's backfill is kept. */
export function backfillCursorKey(storageId: bigint, indexId: number): Buffer {
  return metaKey(storageId, 'backfill', indexIdBytes(indexId));
}

/**
 * Of all indexes that are being filled, as any replica knows it: cursors are part of the state. Nothing for
 * partitions of indexes.
 * @throws StoreError
 */
export function backfillsIn(
  store: Pick<Store, 'get'>,
  storageId: bigint,
  { partitionId, indexId, table }: PartitionConfiguration,
): readonly BackfillProgress[] {
  if (indexId !== 0) return [];
  const { globalIndexes } = table.layout.schema;
  const filled = globalIndexes.filter(({ state }) => state === 'backfilling');
  if (filled.length === 0) return [];
  const range = rangeOfPartition(table, partitionId)?.range;
  if (range === undefined) return [];
  return filled.map(({ id, name }) => {
    const cursor = decodeWorkCursor(store.get(backfillCursorKey(storageId, id)), 0);
    return { index: name, walkedShare: walkedShareOf(cursor, range) };
  });
}

/** Steps in which a share is told; the difference of two hashes goes beyond what a number holds. */
const SHARE_STEPS = 1_000_000n;

/** From the cursor's last key, which begins with the hash of its partition key. */
export function walkedShareOf(
  { isWalked, lastKey }: WorkCursor,
  { start, end }: Pick<PartitionRange, 'start' | 'end'>,
): number {
  if (isWalked) return 1;
  if (lastKey.length < HASH_BYTES) return 0;
  const from = integerOf(start);
  const to = end === undefined ? 1n << BigInt(8 * HASH_BYTES) : integerOf(end);
  const at = integerOf(lastKey.subarray(0, HASH_BYTES));
  if (at <= from) return 0;
  return at >= to ? 1 : Number(((at - from) * SHARE_STEPS) / (to - from)) / Number(SHARE_STEPS);
}

function integerOf(hash: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(hash).toString('hex')}`);
}
