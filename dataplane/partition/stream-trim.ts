import type { Effect, Store } from '../storage/store.ts';
import { rangeOfPrefix } from './key-range.ts';
import { readStreamKey, streamKey } from './key-space.ts';
import type { Partition } from './partition.ts';
import { STREAM_RETENTION_MS } from './stream.ts';
import { checkStreamRecord, recordWrittenMs } from './stream-record.ts';
import { isPast, type ShardList, trimmedShards } from './stream-shards.ts';

/** Records dropped with one commit. */
export const TRIM_COUNT = 500;

/**
 * Drops records of a partition's streams that are past their time, the oldest first, and shards that
 * are; rolls the open shard if it is old. In order with the writes. One at a time for a partition.
 * @returns how many records were dropped: `TRIM_COUNT` when there may be more
 * @throws StoreError
 */
export async function trimStreams(
  store: Pick<Store, 'iterate'>,
  partition: Pick<Partition, 'prefixes' | 'shards' | 'alignShards' | 'changeShards'>,
  nowMs: number,
): Promise<number> {
  await partition.alignShards();
  const { shards: list } = partition;
  if (list.shards.length === 0) return 0;
  const dead = await deadRecords(store, partition.prefixes.stream, { list, nowMs });
  const isComplete = dead.length < TRIM_COUNT;
  const lastKey = dead.at(-1)?.key;
  const trimmedBelow = Math.max(
    lastKey === undefined ? 0 : readStreamKey(lastKey).sequence + 1,
    isComplete ? lastPastSequence(list, nowMs) + 1 : 0,
  );
  await partition.changeShards((current) => trimmedShards(current, { trimmedBelow, nowMs }), dead);
  return dead.length;
}

/** Effects that delete the oldest records, as far as they are past their time. */
async function deadRecords(
  store: Pick<Store, 'iterate'>,
  prefix: Buffer,
  { list, nowMs }: { readonly list: ShardList; readonly nowMs: number },
): Promise<(Effect & { readonly key: Buffer })[]> {
  const pastLast = lastPastSequence(list, nowMs);
  const streamId = list.shards[0]?.streamId ?? 0;
  const iterator = store.iterate({
    start: streamKey(prefix, streamId, list.trimmedBelow),
    end: rangeOfPrefix(prefix).end,
    reverse: false,
    limit: TRIM_COUNT,
  });
  const dead: (Effect & { readonly key: Buffer })[] = [];
  try {
    for (;;) {
      const pairs = await iterator.next(TRIM_COUNT);
      if (pairs.length === 0) return dead;
      for (const [key, record] of pairs) {
        checkStreamRecord(record);
        const isDead =
          readStreamKey(key).sequence <= pastLast ||
          recordWrittenMs(record) <= nowMs - STREAM_RETENTION_MS;
        if (!isDead) return dead;
        dead.push({ key, value: undefined });
      }
    }
  } finally {
    await iterator.close();
  }
}

/** Of the shards that are past their time: all up to here is gone, whatever its clock said. */
function lastPastSequence({ shards }: ShardList, nowMs: number): number {
  let last = 0;
  for (const shard of shards) {
    if (shard.closed !== undefined && isPast(shard, nowMs)) last = shard.closed.last;
  }
  return last;
}
