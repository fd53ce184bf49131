import { ProposalError } from '../replication/replica.ts';
import { pause } from '../replication/scheduler.ts';
import { sweepExpired } from '../routing/expiry-sweep.ts';
import { StoreError } from '../storage/store.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { LeaderPartition } from './leader-partition.ts';
import type { NodeContext } from './node-context.ts';
import { RetiredData } from './retired-data.ts';
import { StreamTrimmer } from './stream-trimmer.ts';

/**
 * Looks after led partitions of tables while they are idle: deletes items whose time to live is
 * past, change records that are, and what is left of deleted tables, again at once while it finds
 * some; and trims what is remembered of requests.
 */
export class ExpirySweeper {
  readonly #node: NodeContext;
  readonly #hosted: () => Iterable<HostedPartition>;
  readonly #stop = new AbortController();
  readonly #trimmer: StreamTrimmer;
  readonly #retired: RetiredData;

  constructor(node: NodeContext, hosted: () => Iterable<HostedPartition>) {
    this.#node = node;
    this.#hosted = hosted;
    this.#trimmer = new StreamTrimmer(node);
    this.#retired = new RetiredData(node);
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    const { scheduler, limits } = this.#node;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const deleted = await this.sweep();
      if (deleted === 0) await pause(scheduler, limits.sweepIdleMs, signal);
      else await new Promise<void>((resolve) => scheduler.soon(resolve));
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One look at each led partition; how many items, records and keys were deleted. */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (const hosted of [...this.#hosted()]) {
      if (this.#stop.signal.aborted) break;
      const { leader } = hosted;
      if (leader?.kind !== 'base') continue;
      leader.trimRequests();
      hosted.lookForStalled();
      deleted += await this.#tried(hosted, () => this.#trimmer.trim(leader));
      deleted += await this.#tried(hosted, () => this.#retired.drop(leader));
      deleted += await this.#tried(hosted, () => this.#sweepExpired(hosted, leader));
    }
    return deleted;
  }

  async #sweepExpired(hosted: HostedPartition, leader: LeaderPartition): Promise<number> {
    if (leader.feeds.isFull || !leader.isLoaded) return 0;
    const { schema, partition, leadership } = leader;
    if (schema.timeToLiveAttribute === undefined) return 0;
    const nowMs = this.#node.scheduler.nowMs();
    const signal = AbortSignal.any([leadership.signal, this.#stop.signal]);
    const deleted = await sweepExpired(this.#node.store, [partition], { schema, nowMs, signal });
    hosted.metrics.expired += deleted;
    return deleted;
  }

  async #tried(hosted: HostedPartition, work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      // What is left is found again, here or by the next leader.
      if (error instanceof StoreError && error.code === 'damaged') hosted.reportDamage(error);
      else if (!(error instanceof StoreError) && !(error instanceof ProposalError)) throw error;
      return 0;
    }
  }
}
