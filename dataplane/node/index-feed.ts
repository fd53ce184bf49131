import type { IndexChange } from '../partition/index-change.ts';
import { decodeIndexChange } from '../partition/index-change.ts';
import {
  afterKey,
  afterPrefix,
  indexIdBytes,
  joinKey,
  PREFIX_BYTES,
  pendingKey,
  readPendingKey,
} from '../partition/key-space.ts';
import type { Partition } from '../partition/partition.ts';
import type { PartitionRange } from '../partition/schema.ts';
import { pause } from '../replication/scheduler.ts';
import { type PartitionList, partitionList, partitionOf } from '../routing/partition-map.ts';
import type { FedChange } from '../routing/protocol.ts';
import { type Effect, StoreError } from '../storage/store.ts';
import { FeedLane, type LanePart, type WaitingChange } from './feed-lane.ts';
import { type NodeContext, resolvesWithin, retryMs } from './node-context.ts';

export interface IndexFeedParts {
  readonly node: NodeContext;
  readonly partition: Pick<Partition, 'prefixes' | 'include'>;
  readonly basePartitionId: bigint;
  readonly indexId: number;
  /** Partitions of the index. */
  readonly ranges: readonly PartitionRange[];
}

const PAGE_CHANGES = 500;
const DELETIONS_MAX = 1_000;

/**
 * Brings one global index after a base partition, at the partition's leader: takes the pending
 * changes in order, first those that the store holds from earlier leaders, hands each to the
 * partition of the index that owns the key (two, when an entry moves between them), and deletes its
 * pending record once all have acknowledged.
 *
 * Invariants: a pending record is there as long as its change has not been taken for good, so the
 * next leader goes on where this one ended; `#outstanding` holds, in order, what was handed out and
 * is not deleted yet.
 */
export class IndexFeed {
  readonly indexId: number;
  readonly #parts: IndexFeedParts;
  readonly #ranges: PartitionList<{ readonly range: PartitionRange }>;
  readonly #lanes = new Map<bigint, FeedLane>();
  readonly #outstanding = new Map<number, WaitingChange>();
  #bytes = 0;
  /** Where the store may hold changes that are not in `#outstanding`; undefined: nowhere. */
  #loadFrom: Buffer | undefined;
  /** Highest sequence handed out, and highest that was left for the loading to find. */
  #lastHandedOut = 0;
  #lastLeft = 0;
  /** Taken by the index, and to be deleted. */
  #taken: WaitingChange[] = [];
  #isDeleting = false;
  #isStopped = false;
  #progress = Promise.withResolvers<void>();

  /** @param isLoading - whether the store may hold changes from before */
  constructor(parts: IndexFeedParts, { isLoading }: { readonly isLoading: boolean }) {
    this.#parts = parts;
    this.indexId = parts.indexId;
    this.#ranges = partitionList(parts.ranges.map((range) => ({ range })));
    if (isLoading) {
      this.#loadFrom = this.#prefix();
      void this.#load();
    }
  }

  /** Takes changes that are committed, in order. */
  enqueue(changes: readonly IndexChange[]): void {
    if (this.#isStopped) return;
    for (const change of changes) {
      if (this.#loadFrom !== undefined) this.#lastLeft = change.sequence;
      else this.#handOut(change);
    }
  }

  /** So much waits that writes have to wait, too. */
  get isFull(): boolean {
    return this.#loadFrom !== undefined || this.#isAtBound;
  }

  /** Whether there was room before the time was up; also when the feed has ended. */
  async room(timeoutMs: number): Promise<boolean> {
    return this.#waitUntil(() => !this.isFull, timeoutMs);
  }

  /** Sequence of the newest change known here. */
  get lastSequence(): number {
    return Math.max(this.#lastHandedOut, this.#lastLeft);
  }

  /** Whether all changes up to this sequence were taken before the time was up. */
  async caughtUp(sequence: number, timeoutMs: number): Promise<boolean> {
    const isCaughtUp = () => this.#loadFrom === undefined && this.#oldest() > sequence;
    return (await this.#waitUntil(isCaughtUp, timeoutMs)) && !this.#isStopped;
  }

  stop(): void {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) lane.stop();
    this.#tellProgress();
  }

  get #isAtBound(): boolean {
    const { feedChangesMax, feedBytesMax } = this.#parts.node.limits;
    return this.#outstanding.size >= feedChangesMax || this.#bytes >= feedBytesMax;
  }

  #oldest(): number {
    for (const sequence of this.#outstanding.keys()) return sequence;
    return Number.POSITIVE_INFINITY;
  }

  #prefix(): Buffer {
    const { partition, indexId } = this.#parts;
    return joinKey(partition.prefixes.pendingIndex, indexIdBytes(indexId));
  }

  /** Reads the changes of earlier leaders, no more than fit. Never rejects. */
  async #load(): Promise<void> {
    const { node } = this.#parts;
    for (let failures = 0; this.#loadFrom !== undefined && !this.#isStopped; ) {
      if (this.#isAtBound) {
        await this.#progress.promise;
        continue;
      }
      try {
        await this.#loadPage(this.#loadFrom);
        failures = 0;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failures += 1;
        if (failures === 1) this.#logFailure(error);
        await pause(node.scheduler, retryMs(node, failures));
      }
    }
    this.#tellProgress();
  }

  async #loadPage(start: Buffer): Promise<void> {
    const range = { start, end: afterPrefix(this.#prefix()), reverse: false, limit: PAGE_CHANGES };
    const iterator = this.#parts.node.store.iterate(range);
    let pairs: readonly (readonly [Buffer, Buffer])[];
    try {
      pairs = await iterator.next(PAGE_CHANGES);
    } finally {
      await iterator.close();
    }
    if (this.#isStopped) return;
    for (const [key, value] of pairs) {
      this.#handOut(decodeIndexChange(readPendingKey(key), value));
      this.#loadFrom = afterKey(key);
    }
    // Those left to be found were visible in the store before we heard of them.
    if (pairs.length === 0 && this.#lastLeft <= this.#lastHandedOut) this.#loadFrom = undefined;
  }

  #handOut(change: IndexChange): void {
    // The loading may have met it before we heard of its commit.
    if (change.sequence <= this.#lastHandedOut) return;
    this.#lastHandedOut = change.sequence;
    const parts = this.#split(change);
    const bytes = changeBytes(change);
    const waiting: WaitingChange = { sequence: change.sequence, bytes, partsLeft: parts.length };
    this.#outstanding.set(change.sequence, waiting);
    this.#bytes += bytes;
    for (const [target, fed] of parts) this.#lane(target).push({ change: waiting, fed, bytes });
  }

  /** The change, or its two halves when they belong to two partitions of the index. */
  #split({ sequence, version, removedKey, put }: IndexChange): [bigint, FedChange][] {
    const putKey = put?.key ?? null;
    const record = put?.record ?? null;
    const removedFrom = removedKey === undefined ? undefined : this.#ownerOf(removedKey);
    const putTo = put === undefined ? undefined : this.#ownerOf(put.key);
    const removed = removedKey ?? null;
    if (removedFrom === undefined || putTo === undefined || removedFrom === putTo) {
      const owner = removedFrom ?? putTo;
      if (owner === undefined) throw new TypeError('a change removes or puts an entry');
      return [[owner, [sequence, version, removed, putKey, record]]];
    }
    return [
      [removedFrom, [sequence, version, removed, null, null]],
      [putTo, [sequence, version, null, putKey, record]],
    ];
  }

  #ownerOf(keyWithoutPrefix: Buffer): bigint {
    return partitionOf(this.#ranges, joinKey(ROOM, keyWithoutPrefix)).range.id;
  }

  #lane(indexPartitionId: bigint): FeedLane {
    let lane = this.#lanes.get(indexPartitionId);
    if (lane === undefined) {
      const { node, basePartitionId } = this.#parts;
      const onTaken = (parts: readonly LanePart[]) => this.#onTaken(parts);
      lane = new FeedLane({ node, basePartitionId, indexPartitionId, onTaken });
      this.#lanes.set(indexPartitionId, lane);
    }
    return lane;
  }

  #onTaken(parts: readonly LanePart[]): void {
    for (const { change } of parts) {
      change.partsLeft -= 1;
      if (change.partsLeft === 0) this.#taken.push(change);
    }
    if (!this.#isDeleting) void this.#deleteTaken();
  }

  /** One commit after the other; what is taken meanwhile shares the next. Never rejects. */
  async #deleteTaken(): Promise<void> {
    const { partition, indexId } = this.#parts;
    this.#isDeleting = true;
    while (this.#taken.length > 0 && !this.#isStopped) {
      const batch = this.#taken.splice(0, DELETIONS_MAX);
      const effects = batch.map(
        ({ sequence }): Effect => ({
          key: pendingKey(partition.prefixes.pendingIndex, indexId, sequence),
          value: undefined,
        }),
      );
      try {
        await partition.include(effects);
      } catch {
        // The leader that this feed belongs to ends with the commit that failed.
        return;
      }
      for (const { sequence, bytes } of batch) {
        this.#outstanding.delete(sequence);
        this.#bytes -= bytes;
      }
      this.#tellProgress();
    }
    this.#isDeleting = false;
  }

  async #waitUntil(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    const { scheduler } = this.#parts.node;
    const deadlineMs = scheduler.monotonicMs() + timeoutMs;
    while (!this.#isStopped && !holds()) {
      const leftMs = deadlineMs - scheduler.monotonicMs();
      if (leftMs <= 0) return false;
      await resolvesWithin(scheduler, leftMs, this.#progress.promise);
    }
    return true;
  }

  #tellProgress(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers<void>();
  }

  #logFailure({ code, message }: StoreError): void {
    const { node, basePartitionId, indexId } = this.#parts;
    node.log('pendingChangesUnreadable', {
      partitionId: `${basePartitionId}`,
      indexId,
      code,
      message,
    });
  }
}

const ROOM = Buffer.alloc(PREFIX_BYTES);

function changeBytes({ removedKey, put }: IndexChange): number {
  return (removedKey?.length ?? 0) + (put === undefined ? 0 : put.key.length + put.record.length);
}
