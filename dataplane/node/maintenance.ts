import { afterKey, afterPrefix, joinKey, metaKey } from '../partition/key-space.ts';
import { type Pair, walk } from '../routing/space-walk.ts';
import { backfillCursorKey } from './backfill-progress.ts';
import type { IndexFeed } from './index-feed.ts';
import type { LeaderPartition } from './leader-partition.ts';
import type { NodeContext } from './node-context.ts';
import { decodeWorkCursor, encodeWorkCursor } from './work-cursor.ts';

const PAGE_ITEMS = 200;

/**
 * Work through all items of a partition, at its leader: in calls of a few seconds, each from where
 * the last one ended. The cursor is committed behind what it vouches for, so a leader that comes
 * later repeats a page at most, and repeats are harmless.
 */
export class Maintenance {
  readonly #node: NodeContext;
  /** Calls for the same work share it. */
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(node: NodeContext) {
    this.#node = node;
  }

  /**
   * Feeds the items to a global index.
   * @returns whether all are in the index
   * @throws ProposalError, StoreError
   */
  backfillIndex(leader: LeaderPartition, feed: IndexFeed): Promise<boolean> {
    const { storageId } = leader.leadership.replica;
    return this.#share(`${storageId} backfill ${feed.indexId}`, async (deadlineMs) => {
      const { partition } = leader;
      const isWalked = await this.#walk(leader, {
        cursorKey: backfillCursorKey(storageId, feed.indexId),
        purpose: 0,
        space: partition.prefixes.item,
        deadlineMs,
        takePage: async (pairs) => {
          const done = pairs.map(([key]) =>
            partition.indexItem(feed.indexId, partition.place(key)),
          );
          await Promise.all(done);
        },
        hasRoom: async () =>
          (await feed.room(this.#leftMs(deadlineMs))) &&
          // The index may be dropped meanwhile.
          leader.feeds.feed(feed.indexId) === feed,
      });
      return isWalked && feed.caughtUp(feed.lastSequence, this.#leftMs(deadlineMs));
    });
  }

  /**
   * Makes the expiry entries those of the present configuration: one for each item that has a time
   * to live, or none when it is off.
   * @param configurationVersion - which configuration asked for it: another one begins anew
   * @returns whether all is done
   * @throws ProposalError, StoreError
   */
  rebuildExpiry(leader: LeaderPartition, configurationVersion: number): Promise<boolean> {
    const { storageId } = leader.leadership.replica;
    return this.#share(`${storageId} expiry ${configurationVersion}`, (deadlineMs) => {
      const { partition } = leader;
      const { item, expiry } = partition.prefixes;
      const isOn = leader.schema.timeToLiveAttribute !== undefined;
      return this.#walk(leader, {
        cursorKey: metaKey(storageId, 'expiryRebuild'),
        purpose: configurationVersion,
        space: isOn ? item : expiry,
        deadlineMs,
        takePage: async (pairs) => {
          if (isOn) {
            await Promise.all(pairs.map(([key]) => partition.indexExpiry(partition.place(key))));
          } else {
            await partition.include(pairs.map(([key]) => ({ key, value: undefined })));
          }
        },
        hasRoom: async () => true,
      });
    });
  }

  /** Goes on from the cursor until all is walked, or the time is up. */
  async #walk(leader: LeaderPartition, work: Walk): Promise<boolean> {
    const { partition, leadership } = leader;
    const { store } = this.#node;
    const { cursorKey, purpose, space } = work;
    // What was written before the partition knew of the work is to be seen.
    await partition.settled();
    const cursor = decodeWorkCursor(store.get(cursorKey), purpose);
    if (cursor.isWalked) return true;
    const start = cursor.lastKey.length === 0 ? space : afterKey(joinKey(space, cursor.lastKey));
    const range = { start, end: afterPrefix(space) };
    let { lastKey } = cursor;
    const keep = (isWalked: boolean) => {
      const value = encodeWorkCursor({ isWalked, purpose, lastKey });
      return partition.include([{ key: cursorKey, value }]);
    };
    for await (const pairs of walk(store, range, PAGE_ITEMS)) {
      if (this.#leftMs(work.deadlineMs) <= 0 || !(await work.hasRoom())) return false;
      leadership.assertLive();
      lastKey = pairs.at(-1)?.[0].subarray(space.length) ?? lastKey;
      // In this order: the cursor is committed with the page, or behind it.
      await Promise.all([work.takePage(pairs), keep(false)]);
    }
    await keep(true);
    return true;
  }

  #share(name: string, work: (deadlineMs: number) => Promise<boolean>): Promise<boolean> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const { scheduler, limits } = this.#node;
    const done = work(scheduler.monotonicMs() + limits.workMsMax).finally(() => {
      this.#running.delete(name);
    });
    this.#running.set(name, done);
    return done;
  }

  #leftMs(deadlineMs: number): number {
    return deadlineMs - this.#node.scheduler.monotonicMs();
  }
}

interface Walk {
  readonly cursorKey: Buffer;
  readonly purpose: number;
  /** Prefix of the keys that are walked. */
  readonly space: Buffer;
  readonly deadlineMs: number;
  readonly takePage: (pairs: readonly Pair[]) => Promise<void>;
  readonly hasRoom: () => Promise<boolean>;
}
