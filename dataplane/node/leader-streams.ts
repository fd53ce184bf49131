import { decodeCounters } from '../partition/counters.ts';
import { countersKey } from '../partition/key-space.ts';
import type { StreamAnswers, StreamCall } from '../partition/stream.ts';
import { StreamReader } from '../partition/stream-reader.ts';
import type { PartitionStreamCall } from '../routing/protocol.ts';
import { StoreError } from '../storage/store.ts';
import { failure, failureOf, overloaded } from './failures.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { NodeContext } from './node-context.ts';
import type { Reads } from './reads.ts';

/**
 * Reads of the streams of base partitions, at their leaders: as strong reads, so that who has read a
 * stream to its end has seen every write that was acknowledged before. They need no state of a leader,
 * and tables that were deleted answer as others do.
 */
export class LeaderStreams {
  readonly #node: NodeContext;
  readonly #reads: Pick<Reads, 'strongly'>;

  constructor(node: NodeContext, reads: Pick<Reads, 'strongly'>) {
    this.#node = node;
    this.#reads = reads;
  }

  /** @throws RemoteFailure */
  async read(
    hosted: HostedPartition,
    [, , call]: PartitionStreamCall,
  ): Promise<StreamAnswers[StreamCall['kind']]> {
    const { pages } = this.#node;
    const { metrics } = hosted;
    metrics.streamReads += 1;
    if (!pages.enter(0)) {
      metrics.shed += 1;
      throw overloaded('pages');
    }
    try {
      const answer = await this.#reads.strongly(hosted, () => this.#read(hosted, call));
      if ('records' in answer) {
        metrics.streamRecords += answer.records.length;
        for (const { record } of answer.records) metrics.streamBytes += record.length;
      }
      return answer;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'damaged') hosted.reportDamage(error);
      throw failureOf(error, hosted.replica, { mayBeDone: false });
    } finally {
      pages.leave(0);
    }
  }

  async #read(hosted: HostedPartition, call: StreamCall) {
    const { replica, configuration } = hosted;
    const { storageId } = replica;
    if (configuration?.indexId !== 0) throw failure('noReplica', 'the partition has no streams');
    const { store, scheduler } = this.#node;
    const countersAt = countersKey(storageId);
    const reader = new StreamReader({
      store,
      partitionId: storageId,
      lastSequence: () => decodeCounters(store.get(countersAt)).version,
      nowMs: () => scheduler.nowMs(),
    });
    const answer = await reader.answer(call);
    // The state that was read may have been replaced, or removed, under the reading.
    const isStill = hosted.isHosted && replica.storageId === storageId;
    if (!isStill) throw failure('stale', 'the state of the replica was replaced meanwhile');
    return answer;
  }
}
