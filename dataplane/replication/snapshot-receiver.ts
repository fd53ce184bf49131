import type { Effect } from '../storage/store.ts';
import { readApplied } from './applied-record.ts';
import { RecordDamaged } from './checked-record.ts';
import type { ReplicationContext } from './context.ts';
import { MalformedMessage } from './core/field-bytes.ts';
import { readMessageHead } from './core/message-head.ts';
import { keyUnder, storageIdBytes } from './effects-codec.ts';
import type { Group, Install, StagedState } from './group.ts';
import type { LogPlace } from './replica-records.ts';
import type { Timer } from './scheduler.ts';
import { readChunk } from './snapshot-chunk.ts';
import {
  type BeginAnswer,
  type EndAnswer,
  SNAPSHOT_METHOD,
  type SnapshotRefusal,
  type SnapshotRequest,
} from './snapshot-protocol.ts';
import { UnderWay } from './store-commits.ts';
import { type NodeId, RemoteFailure } from './transport/transport.ts';

/** A state that is being received. */
interface Stage {
  readonly number: number;
  readonly group: Group;
  /** The group's place in the core at the begin: another one ends the stage. */
  readonly handle: number;
  readonly from: NodeId;
  readonly place: LogPlace;
  readonly storageId: bigint;
  readonly prefix: Buffer;
  readonly chunks: Set<number>;
  readonly commits: UnderWay;
  pairsCount: number;
  timer: Timer;
}

/**
 * Receives states, each under a storage id of its own, which becomes the replica's when raft takes
 * the snapshot. What does not get so far is removed: at once, or at the node's next start.
 */
export class SnapshotReceiver {
  readonly #context: ReplicationContext;
  readonly #stages = new Map<number, Stage>();
  #lastNumber = 0;

  constructor(context: ReplicationContext) {
    this.#context = context;
    context.transport.onRequest(SNAPSHOT_METHOD, (body, { from }) =>
      // Between nodes of one cluster, over a checked connection; the shape is the sender's.
      this.#handle(body as SnapshotRequest, from),
    );
  }

  /** The groups leave the core, and what was being received with them. */
  abort(): void {
    for (const stage of [...this.#stages.values()]) this.#discard(stage);
  }

  #handle(request: SnapshotRequest, from: NodeId): Promise<unknown> {
    switch (request.op) {
      case 'begin':
        return this.#begin(request, from);
      case 'chunk':
        return this.#chunk(request, from);
      case 'end':
        return this.#end(request, from);
      case 'cancel':
        return this.#cancel(request.stage, from);
      default:
        throw refusal('damaged', 'no such request');
    }
  }

  async #begin(
    request: Extract<SnapshotRequest, { op: 'begin' }>,
    from: NodeId,
  ): Promise<BeginAnswer> {
    const { limits, takeStorageId } = this.#context;
    const group = this.#context.groupOf(request.partitionId);
    if (group === undefined || group.replicaId !== request.to || group.handle === 0) {
      throw refusal('noReplica', `there is no replica ${request.to} of it here`);
    }
    for (const stage of [...this.#stages.values()]) {
      if (stage.group === group) this.#discard(stage);
    }
    if (this.#stages.size >= limits.snapshotStreamsMax) {
      throw refusal('busy', 'as many snapshots as there may be are under way');
    }
    const counter = takeStorageId();
    const { storageId } = counter;
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const stage: Stage = {
      number,
      group,
      handle: group.handle,
      from,
      place: { index: request.index, term: request.term },
      storageId,
      prefix: storageIdBytes(storageId),
      chunks: new Set(),
      commits: new UnderWay(),
      pairsCount: 0,
      timer: this.#expiry(number),
    };
    this.#stages.set(number, stage);
    if (!(await this.#commit(stage, [counter]))) {
      throw refusal('unavailable', 'the store does not take it');
    }
    return { stage: number };
  }

  async #chunk(request: Extract<SnapshotRequest, { op: 'chunk' }>, from: NodeId): Promise<void> {
    const stage = this.#stageOf(request.stage, from);
    const pairs = readChunk(request.data, request.checksum);
    if (pairs === undefined) {
      this.#discard(stage);
      throw refusal('damaged', `chunk ${request.number} is not what was sent`);
    }
    this.#context.metrics.snapshotBytesReceived += request.data.length;
    stage.timer.cancel();
    stage.timer = this.#expiry(stage.number);
    if (!stage.chunks.has(request.number)) {
      stage.chunks.add(request.number);
      stage.pairsCount += pairs.length;
    }
    const effects = pairs.map(([key, value]) => ({ key: keyUnder(stage.prefix, key), value }));
    if (!(await this.#commit(stage, effects))) {
      throw refusal('unavailable', 'the store does not take it');
    }
  }

  async #end(request: Extract<SnapshotRequest, { op: 'end' }>, from: NodeId): Promise<EndAnswer> {
    const stage = this.#stageOf(request.stage, from);
    await stage.commits.idle();
    if (this.#stages.get(stage.number) !== stage) throw refusal('noStage', 'it was given up');
    const staged = this.#check(stage, request);
    this.#stages.delete(stage.number);
    stage.timer.cancel();
    const isInstalled = await this.#install(stage, staged, request.message);
    if (!isInstalled) this.#context.clearState(stage.storageId);
    return { isInstalled };
  }

  async #cancel(number: number, from: NodeId): Promise<void> {
    const stage = this.#stages.get(number);
    if (stage?.from === from) this.#discard(stage);
  }

  /** That all came, and that message and state are of one place. */
  #check(stage: Stage, request: Extract<SnapshotRequest, { op: 'end' }>): StagedState {
    const { storageId, place, group } = stage;
    try {
      const head = readMessageHead(request.message);
      const applied = readApplied(this.#context.store, storageId);
      const isWhole =
        stage.chunks.size === request.chunksCount && stage.pairsCount === request.pairsCount;
      const isOfMessage =
        head.to === group.replicaId && isSame(head.snapshot, place) && isSame(applied.place, place);
      if (isWhole && isOfMessage) return { storageId, ...applied };
    } catch (error) {
      if (!(error instanceof RecordDamaged || error instanceof MalformedMessage)) throw error;
    }
    this.#discard(stage);
    throw refusal('damaged', 'the state is not whole');
  }

  /** Has raft take the message. Resolves with whether it took it, and the state is the replica's. */
  async #install(stage: Stage, staged: StagedState, message: Uint8Array): Promise<boolean> {
    const { commands, scheduler } = this.#context;
    const { group, handle } = stage;
    if (group.handle !== handle || isInstalling(group)) return false;
    group.staged = staged;
    commands.push({ op: 'step', group: handle, message }, () => {});
    // Comes behind the flush that takes the message.
    await new Promise<void>((resolve) => scheduler.soon(resolve));
    const begun: Install | undefined = group.install;
    // If the replica left the core meanwhile, what its disk says decides.
    if (begun?.staged === staged && (await begun.done)) return true;
    if (group.staged === staged) group.staged = undefined;
    return group.storageId === stage.storageId;
  }

  #stageOf(number: number, from: NodeId): Stage {
    const stage = this.#stages.get(number);
    if (stage === undefined || stage.from !== from) throw refusal('noStage', 'there is none');
    if (stage.group.handle === stage.handle) return stage;
    this.#discard(stage);
    throw refusal('noReplica', 'the replica began anew');
  }

  async #commit(stage: Stage, effects: readonly Effect[]): Promise<boolean> {
    stage.commits.begin();
    const isDone = await this.#context.commits.commit(effects, { sync: true });
    stage.commits.end();
    return isDone;
  }

  #expiry(number: number): Timer {
    const { scheduler, limits } = this.#context;
    return scheduler.after(2 * limits.snapshotTimeoutMs, () => {
      const stage = this.#stages.get(number);
      if (stage === undefined) return;
      this.#context.probe('snapshotExpired');
      this.#discard(stage);
    });
  }

  #discard(stage: Stage): void {
    this.#context.probe('snapshotDiscarded');
    this.#stages.delete(stage.number);
    stage.timer.cancel();
    // Not before the last of its chunks is there.
    void stage.commits.idle().then(() => this.#context.clearState(stage.storageId));
  }
}

/** A function, since the flush in between changes it. */
function isInstalling(group: Group): boolean {
  return group.install !== undefined;
}

function isSame(a: LogPlace | undefined, b: LogPlace): boolean {
  return a?.index === b.index && a.term === b.term;
}

function refusal(code: SnapshotRefusal, message: string): RemoteFailure {
  return new RemoteFailure(code, message);
}
