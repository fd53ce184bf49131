import { StoreError, type StoreSnapshot } from '../storage/store.ts';
import { type Configuration, readApplied } from './applied-record.ts';
import { RecordDamaged } from './checked-record.ts';
import type { ReplicationContext } from './context.ts';
import type { CoreRecord, ReplicaId } from './core/consensus-core.ts';
import { DelayTrend } from './delay-trend.ts';
import type { Group } from './group.ts';
import { isLogRunningOut } from './log-compaction.ts';
import { RateLimit } from './rate-limit.ts';
import type { LogPlace } from './replica-records.ts';
import type { Timer } from './scheduler.ts';
import { SnapshotStream, type StreamOutcome } from './snapshot-stream.ts';

type MessageRecord = Extract<CoreRecord, { kind: 'msg' }>;

/** A view of a state, held until raft decides to whom it goes. */
interface Offer {
  readonly snapshot: StoreSnapshot;
  readonly storageId: bigint;
  readonly place: LogPlace;
  readonly configuration: Configuration;
  readonly timer: Timer;
  isOffered: boolean;
}

/**
 * Sends states to followers that need what the log does not hold any more: a view of the store is
 * offered to raft when it asks for one, and streamed when its message says to whom.
 *
 * Every message ends in a report to raft, well or not: the follower would stay paused else.
 */
export class SnapshotSender {
  readonly #context: ReplicationContext;
  readonly #rate: RateLimit;
  /** From a chunk's sending until it is on the receiver's disk. */
  readonly #chunkDelay: DelayTrend;
  readonly #offers = new Map<Group, Offer>();
  readonly #streams = new Set<SnapshotStream>();

  constructor(context: ReplicationContext) {
    this.#context = context;
    const { scheduler, limits, commits } = context;
    this.#chunkDelay = new DelayTrend(scheduler);
    this.#rate = new RateLimit(scheduler, {
      bytesPerSecondMax: limits.snapshotBytesPerSecondMax,
      bytesPerSecondMin: limits.snapshotBytesPerSecondMin,
      isInTheWay: () => commits.delay.isSlow || this.#chunkDelay.isSlow,
      isUrgent: () => [...this.#streams].some(({ group }) => isLogRunningOut(limits, group)),
    });
  }

  /** Raft asks for a snapshot; it asks again if nothing is offered. */
  wanted(group: Group): void {
    const { limits, store, scheduler, log } = this.#context;
    const underWay = this.#offers.size + this.#streams.size;
    if (underWay >= limits.snapshotStreamsMax || this.#offers.has(group)) return;
    let snapshot: StoreSnapshot | undefined;
    try {
      snapshot = store.snapshot();
      const { storageId } = group;
      const { place, configuration } = readApplied(snapshot, storageId);
      const timer = scheduler.after(limits.snapshotTimeoutMs, () => this.#release(group));
      const offer = { snapshot, storageId, place, configuration, timer, isOffered: false };
      this.#offers.set(group, offer);
      this.applied(group);
    } catch (error) {
      void snapshot?.close();
      if (error instanceof RecordDamaged) this.#context.damaged(group, error);
      else if (error instanceof StoreError) log('snapshotNotTaken', { reason: error.message });
      else throw error;
    }
  }

  /** The view may be ahead of what the core knows to be applied: it is offered as soon as that is. */
  applied(group: Group): void {
    const offer = this.#offers.get(group);
    if (offer === undefined || offer.isOffered || offer.place.index > group.appliedIndex) return;
    offer.isOffered = true;
    const { index, term } = offer.place;
    this.#context.commands.push(
      {
        op: 'offerSnapshot',
        group: group.handle,
        index,
        term,
        conf: offer.configuration.conf,
      },
      () => this.#release(group),
    );
  }

  /** Raft's message to the follower: the state goes first. */
  message(group: Group, record: MessageRecord): void {
    const offer = this.#offers.get(group);
    const node = group.nodes.get(record.to);
    const { handle } = group;
    if (
      offer === undefined ||
      node === undefined ||
      offer.place.index !== record.snapshot?.index ||
      !isMember(offer.configuration, record.to)
    ) {
      this.#report(group, handle, { to: record.to, ok: false });
      return;
    }
    this.#offers.delete(group);
    offer.timer.cancel();
    const stream = new SnapshotStream(this.#context, {
      ...offer,
      rate: this.#rate,
      chunkDelay: this.#chunkDelay,
      group,
      node,
      to: record.to,
      message: record.message,
    });
    this.#streams.add(stream);
    group.snapshotsUnderWay += 1;
    void stream.run().then((outcome) => this.#ended(stream, { group, handle, outcome }));
  }

  /** The groups leave the core: nothing that is under way makes sense any more. */
  abort(): void {
    for (const group of [...this.#offers.keys()]) this.#release(group);
    for (const stream of this.#streams) stream.abort('the node does not take part');
  }

  async close(): Promise<void> {
    this.abort();
    await Promise.all([...this.#streams].map((stream) => stream.ended));
  }

  #ended(
    stream: SnapshotStream,
    of: { readonly group: Group; readonly handle: number; readonly outcome: StreamOutcome },
  ): void {
    const { group, handle, outcome } = of;
    const { metrics, log, probe } = this.#context;
    this.#streams.delete(stream);
    group.snapshotsUnderWay -= 1;
    const fields = { partitionId: String(group.partitionId), to: stream.to, ...outcome };
    if (outcome.failure === undefined) {
      metrics.snapshotsSent += 1;
      log('snapshotSent', fields);
    } else {
      metrics.snapshotsFailed += 1;
      probe('snapshotFailed');
      log('snapshotFailed', fields);
    }
    this.#report(group, handle, { to: stream.to, ok: outcome.failure === undefined });
  }

  #report(
    group: Group,
    handle: number,
    { to, ok }: { readonly to: ReplicaId; readonly ok: boolean },
  ): void {
    if (group.handle !== handle || handle === 0) return;
    const { commands } = this.#context;
    commands.push({ op: 'reportSnapshot', group: handle, replicaId: to, ok }, () => {});
  }

  #release(group: Group): void {
    const offer = this.#offers.get(group);
    if (offer === undefined) return;
    this.#offers.delete(group);
    offer.timer.cancel();
    void offer.snapshot.close().catch(ignoreStoreError);
  }
}

function isMember({ conf }: Configuration, replicaId: ReplicaId): boolean {
  return [conf.voters, conf.learners, conf.votersOutgoing, conf.learnersNext].some((ids) =>
    ids.includes(replicaId),
  );
}

/** A snapshot of a store that is closed, or was opened anew, is gone by itself. */
function ignoreStoreError(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}
