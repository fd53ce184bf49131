import { TRIM_COUNT, trimStreams } from '../partition/stream-trim.ts';
import type { LeaderPartition } from './leader-partition.ts';
import type { NodeContext } from './node-context.ts';

/**
 * Drops change records that are past their time at the leaders of partitions, and rolls shards that are
 * old: now and then, and on until there are no more.
 */
export class StreamTrimmer {
  readonly #node: NodeContext;
  /** When a leader is to look again, monotonic ms. */
  readonly #dueMs = new WeakMap<LeaderPartition, number>();

  constructor(node: NodeContext) {
    this.#node = node;
  }

  /**
   * Trims a partition, if it is time to.
   * @returns how many records were dropped
   * @throws ProposalError, StoreError
   */
  async trim(leader: LeaderPartition): Promise<number> {
    const { scheduler, limits, store } = this.#node;
    const monotonicMs = scheduler.monotonicMs();
    if ((this.#dueMs.get(leader) ?? 0) > monotonicMs) return 0;
    const trimmed = await trimStreams(store, leader.partition, scheduler.nowMs());
    if (trimmed < TRIM_COUNT) this.#dueMs.set(leader, monotonicMs + limits.streamTrimMs);
    return trimmed;
  }
}
