import { decodeIndexChange, type IndexChange } from '../partition/index-change.ts';
import { rangeOfPrefix } from '../partition/key-range.ts';
import { indexIdBytes, joinKey, readPendingKey } from '../partition/key-space.ts';
import type { Partition } from '../partition/partition.ts';
import type { Store } from '../storage/store.ts';
import type { IndexFeeder } from './index-feeder.ts';
import { walkSpace } from './space-walk.ts';

const PAGE_CHANGES = 500;

/**
 * Gives the feeders of a table the changes that wait in the store: from when it was closed, or the
 * process ended, or writes failed. There are as many as back-pressure admits.
 * @returns ids of indexes dropped since, whose changes are to be discarded
 * @throws StoreError
 */
export async function refillFeeders(
  store: Store,
  partitions: readonly Partition[],
  feeders: ReadonlyMap<number, IndexFeeder>,
): Promise<ReadonlySet<number>> {
  const dropped = new Set<number>();
  for (const { prefixes } of partitions) {
    for await (const pairs of walkSpace(store, prefixes.pendingIndex, PAGE_CHANGES)) {
      const changes = pairs.map(([key, value]) => decodeIndexChange(readPendingKey(key), value));
      for (const [id, ofIndex] of Map.groupBy(changes, (change: IndexChange) => change.indexId)) {
        const feeder = feeders.get(id);
        if (feeder === undefined) dropped.add(id);
        else feeder.enqueue(ofIndex, prefixes.pendingIndex);
      }
    }
  }
  return dropped;
}

/** Removes the changes that wait for an index that is no more. */
export async function discardPending(
  store: Store,
  partitions: readonly Partition[],
  indexId: number,
): Promise<void> {
  for (const { prefixes } of partitions) {
    const { start, end } = rangeOfPrefix(joinKey(prefixes.pendingIndex, indexIdBytes(indexId)));
    await store.clear(start, end);
  }
}
