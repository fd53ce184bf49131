import { ProposalError } from '../replication/replica.ts';
import { pause } from '../replication/scheduler.ts';
import { sweepExpired } from '../routing/expiry-sweep.ts';
import { StoreError } from '../storage/store.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { NodeContext } from './node-context.ts';

/**
 * Looks after led partitions of tables while they are idle: deletes items whose time to live is
 * past, again at once while it finds some, and trims what is remembered of requests.
 */
export class ExpirySweeper {
  readonly #node: NodeContext;
  readonly #hosted: () => Iterable<HostedPartition>;
  readonly #stop = new AbortController();

  constructor(node: NodeContext, hosted: () => Iterable<HostedPartition>) {
    this.#node = node;
    this.#hosted = hosted;
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

  /** One look at each led partition; how many items were deleted. */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (const hosted of [...this.#hosted()]) {
      if (this.#stop.signal.aborted) break;
      if (hosted.leader?.kind === 'base') hosted.leader.trimRequests();
      deleted += await this.#sweepPartition(hosted);
    }
    return deleted;
  }

  async #sweepPartition(hosted: HostedPartition): Promise<number> {
    const { leader } = hosted;
    if (leader?.kind !== 'base' || leader.feeds.isFull) return 0;
    const { schema, partition, leadership } = leader;
    if (schema.timeToLiveAttribute === undefined) return 0;
    const nowMs = this.#node.scheduler.nowMs();
    const signal = AbortSignal.any([leadership.signal, this.#stop.signal]);
    try {
      const deleted = await sweepExpired(this.#node.store, [partition], { schema, nowMs, signal });
      hosted.metrics.expired += deleted;
      return deleted;
    } catch (error) {
      // What is left is found again, here or by the next leader.
      if (error instanceof StoreError && error.code === 'damaged') hosted.reportDamage(error);
      else if (!(error instanceof StoreError) && !(error instanceof ProposalError)) throw error;
      return 0;
    }
  }
}
