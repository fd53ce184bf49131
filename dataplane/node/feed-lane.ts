import { type FedChange, type FeedCall, methods } from '../routing/protocol.ts';
import { type NodeContext, retryMs } from './node-context.ts';

/** A change of a global index, on its way to one or two of the index's partitions. */
export interface WaitingChange {
  readonly sequence: number;
  readonly bytes: number;
  /** Partitions that have not acknowledged their part. */
  partsLeft: number;
}

export interface LanePart {
  readonly change: WaitingChange;
  readonly fed: FedChange;
  readonly bytes: number;
}

export interface FeedLaneParts {
  readonly node: NodeContext;
  readonly basePartitionId: bigint;
  readonly indexPartitionId: bigint;
  /** Told of parts that the index's partition has for good. */
  readonly onTaken: (parts: readonly LanePart[]) => void;
}

/** A lane that has failed so often in a row is worth a line in the log, once. */
const FAILURES_TO_LOG = 10;

/**
 * Brings changes from one base partition to one partition of a global index: in order, one call
 * under way, each tried again until it is acknowledged. The receiver remembers the last sequence it
 * has taken, so a call that comes twice, or late, does nothing.
 */
export class FeedLane {
  readonly #parts: FeedLaneParts;
  #queue: LanePart[] = [];
  #isRunning = false;
  #isStopped = false;

  constructor(parts: FeedLaneParts) {
    this.#parts = parts;
  }

  push(part: LanePart): void {
    this.#queue.push(part);
    if (!this.#isRunning) {
      this.#isRunning = true;
      // What arrives in this turn goes along.
      this.#parts.node.scheduler.soon(() => this.#run(0));
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#queue = [];
  }

  /** Sends what waits until nothing does. Never rejects. */
  async #run(failures: number): Promise<void> {
    const { node, indexPartitionId, basePartitionId } = this.#parts;
    for (let failed = failures; this.#queue.length > 0; ) {
      const batch = this.#nextBatch();
      const call: FeedCall = [indexPartitionId, basePartitionId, batch.map(({ fed }) => fed)];
      try {
        await node.locate.callLeader(
          indexPartitionId,
          methods.feed,
          call,
          node.limits.feedCallMsMax,
        );
      } catch (error) {
        // Whatever it was, the change must arrive: its partition may come back, or be mended.
        failed += 1;
        if (this.#isStopped) return;
        if (failed === FAILURES_TO_LOG) this.#logFailures(error);
        node.scheduler.after(retryMs(node, failed), () => this.#run(failed));
        return;
      }
      if (this.#isStopped) return;
      failed = 0;
      this.#queue.splice(0, batch.length);
      this.#parts.onTaken(batch);
    }
    this.#isRunning = false;
  }

  #nextBatch(): readonly LanePart[] {
    const { feedBatchChangesMax, feedBatchBytesMax } = this.#parts.node.limits;
    let bytes = 0;
    let count = 0;
    for (const part of this.#queue) {
      bytes += part.bytes;
      if (count > 0 && (count >= feedBatchChangesMax || bytes > feedBatchBytesMax)) break;
      count += 1;
    }
    return this.#queue.slice(0, count);
  }

  #logFailures(error: unknown): void {
    const { node, basePartitionId, indexPartitionId } = this.#parts;
    const reason = error instanceof Error ? error.message : String(error);
    node.log('indexFeedHeldUp', {
      basePartitionId: `${basePartitionId}`,
      indexPartitionId: `${indexPartitionId}`,
      failures: FAILURES_TO_LOG,
      reason,
    });
  }
}
