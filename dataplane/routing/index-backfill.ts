import type { Partition } from '../partition/partition.ts';
import type { Store } from '../storage/store.ts';
import type { IndexFeeder } from './index-feeder.ts';
import { walkSpace } from './space-walk.ts';

const PAGE_ITEMS = 200;

/**
 * Feeds all items to a global index. Each item's entry is computed by its partition among the writes,
 * so order needs no further care; items written behind the walk are indexed by their own writes.
 * Repeats are harmless. Not charged.
 * @throws the signal's reason when aborted; StoreError
 */
export async function backfillIndex(
  store: Store,
  partitions: readonly Partition[],
  feeder: IndexFeeder,
  signal: AbortSignal,
): Promise<void> {
  for (const partition of partitions) {
    // Items written before the partition knew of the index are to be seen by the walk.
    await partition.settled();
    for await (const pairs of walkSpace(store, partition.prefixes.item, PAGE_ITEMS)) {
      signal.throwIfAborted();
      await feeder.room();
      await Promise.all(
        pairs.map(([itemKey]) => partition.indexItem(feeder.indexId, partition.place(itemKey))),
      );
    }
  }
  signal.throwIfAborted();
  await feeder.caughtUp();
}
