import {
  afterKey,
  afterPrefix,
  metaKey,
  type metaNames,
  type Space,
  spacePrefix,
} from '../partition/key-space.ts';
import type { Effect } from '../storage/store.ts';
import type { LeaderPartition } from './leader-partition.ts';
import type { NodeContext } from './node-context.ts';

/** What a partition of a deleted table has no use for any more: all but its streams. */
const SPACES: readonly Space[] = ['item', 'localIndex', 'pendingIndex', 'expiry', 'transaction'];
const META: readonly (keyof typeof metaNames)[] = ['collection', 'backfill', 'expiryRebuild'];

/** Keys dropped with one commit. */
const DROP_COUNT = 500;

/** How far a leader has come: the ranges that are left, the first perhaps in part. */
interface Progress {
  ranges: readonly { readonly start: Buffer; readonly end: Buffer }[];
}

/**
 * Drops the items of tables that were deleted and whose streams can still be read, at the leaders of
 * their partitions: in order with all else, a page at a time. A later leader begins anew, and finds
 * what is left.
 */
export class RetiredData {
  readonly #node: NodeContext;
  readonly #progress = new WeakMap<LeaderPartition, Progress>();

  constructor(node: NodeContext) {
    this.#node = node;
  }

  /**
   * Drops a page; nothing of a table that is there.
   * @returns how many keys were dropped: 0 when there are none left
   * @throws ProposalError, StoreError
   */
  async drop(leader: LeaderPartition): Promise<number> {
    if (leader.table.layout.retiredAtMs === undefined) return 0;
    const { partition } = leader;
    let progress = this.#progress.get(leader);
    if (progress === undefined) {
      // Writes that were evaluated before the table went are to be seen.
      await partition.settled();
      progress = { ranges: rangesOf(leader.leadership.replica.storageId) };
      this.#progress.set(leader, progress);
    }
    for (;;) {
      const [range, ...rest] = progress.ranges;
      if (range === undefined) return 0;
      const keys = await this.#keys(range);
      const last = keys.at(-1);
      if (last === undefined) {
        progress.ranges = rest;
        continue;
      }
      await partition.include(keys.map((key): Effect => ({ key, value: undefined })));
      progress.ranges = [{ ...range, start: afterKey(last) }, ...rest];
      return keys.length;
    }
  }

  async #keys(range: { readonly start: Buffer; readonly end: Buffer }): Promise<Buffer[]> {
    const iterator = this.#node.store.iterate({ ...range, reverse: false, limit: DROP_COUNT });
    try {
      return (await iterator.next(DROP_COUNT)).map(([key]) => key);
    } finally {
      await iterator.close();
    }
  }
}

function rangesOf(storageId: bigint): Progress['ranges'] {
  const prefixes = [
    ...SPACES.map((space) => spacePrefix(storageId, space)),
    ...META.map((name) => metaKey(storageId, name)),
  ];
  return prefixes.map((start) => ({ start, end: afterPrefix(start) }));
}
