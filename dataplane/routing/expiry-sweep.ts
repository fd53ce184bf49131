import { dueCondition, dueSeconds } from '../partition/expiry.ts';
import { tableKeyOf } from '../partition/key-check.ts';
import { rangeOfPrefix } from '../partition/key-range.ts';
import { expirySecondKey, joinKey, readExpiryKey } from '../partition/key-space.ts';
import type { Partition } from '../partition/partition.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { Store } from '../storage/store.ts';
import { type Pair, walk, walkSpace } from './space-walk.ts';

const PAGE_ITEMS = 100;

/** Deletes by time to live cost no units. */
const chargeNothing = (): void => {};

/**
 * Deletes the items that are due, in small batches. Each is deleted by an ordinary write whose
 * condition looks at the item as it is then, so one that was renewed stays.
 * @returns how many were deleted; when aborted, so far
 * @throws StoreError
 */
export async function sweepExpired(
  store: Store,
  partitions: readonly Partition[],
  {
    schema,
    nowMs,
    signal,
  }: { readonly schema: TableSchema; readonly nowMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const attribute = schema.timeToLiveAttribute;
  if (attribute === undefined) return 0;
  const condition = dueCondition(attribute, nowMs);
  const { from, to } = dueSeconds(nowMs);
  let deleted = 0;
  for (const partition of partitions) {
    const { expiry, item } = partition.prefixes;
    const due = { start: expirySecondKey(expiry, from), end: expirySecondKey(expiry, to) };
    for await (const pairs of walk(store, due, PAGE_ITEMS)) {
      if (signal.aborted) return deleted;
      // Asynchronous, so that one that fails at once does not leave the others to themselves.
      const deletion = async ([entry]: Pair): Promise<boolean> => {
        const { second, itemKey: keyWithoutPrefix } = readExpiryKey(entry);
        const placed = partition.place(joinKey(item, keyWithoutPrefix));
        const stored = partition.itemToExpire(placed, second);
        if (stored === undefined) return false;
        const key = tableKeyOf(stored.item, schema);
        const command = { kind: 'delete', key, condition, byTimeToLive: true } as const;
        return (await partition.write(command, placed, chargeNothing)).kind === 'applied';
      };
      for (const isDeleted of await Promise.all(pairs.map(deletion))) {
        if (isDeleted) deleted++;
      }
    }
  }
  return deleted;
}

const REBUILD_PAGE_ITEMS = 200;

/**
 * Makes the expiry entries agree with the items after time to live was switched on, or drops them
 * after it was switched off. Repeats are harmless.
 * @throws the signal's reason when aborted; StoreError
 */
export async function rebuildExpiry(
  store: Store,
  partitions: readonly Partition[],
  { isOn, signal }: { readonly isOn: boolean; readonly signal: AbortSignal },
): Promise<void> {
  for (const partition of partitions) {
    signal.throwIfAborted();
    // Writes that were evaluated under the setting before are to be seen.
    await partition.settled();
    if (isOn) {
      await addEntries(store, partition, signal);
    } else {
      const { start, end } = rangeOfPrefix(partition.prefixes.expiry);
      await store.clear(start, end, signal);
    }
  }
}

async function addEntries(store: Store, partition: Partition, signal: AbortSignal): Promise<void> {
  for await (const pairs of walkSpace(store, partition.prefixes.item, REBUILD_PAGE_ITEMS)) {
    signal.throwIfAborted();
    await Promise.all(pairs.map(([itemKey]) => partition.indexExpiry(partition.place(itemKey))));
  }
}
