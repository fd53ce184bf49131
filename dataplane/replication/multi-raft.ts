import { type Store, StoreError } from '../storage/store.ts';
import { AppendWriter } from './append-writer.ts';
import { Applier } from './applier.ts';
import { CommandQueue } from './command-queue.ts';
import type { ReplicationContext } from './context.ts';
import { CoreTrapped, type NewCore } from './core/consensus-core.ts';
import { CoreDriver } from './core-driver.ts';
import type { Group } from './group.ts';
import { Housekeeping } from './housekeeping.ts';
import { applied } from './leadership.ts';
import { defaultReplicationLimits, type ReplicationLimits } from './limits.ts';
import { MessageReceiver } from './message-receiver.ts';
import { MessageSender } from './message-sender.ts';
import { type ReplicaMetrics, ReplicationMetrics } from './metrics.ts';
import { NodeReplicas, type OnReplica } from './node-replicas.ts';
import { PayloadCache } from './payload-cache.ts';
import { PeerClock } from './peer-clock.ts';
import { readReplicas, readStorages } from './recovery.ts';
import { type NewReplica, ProposalError, type Replica, type ReplicaHost } from './replica.ts';
import { ReplicaLifecycle } from './replica-lifecycle.ts';
import type { ReplicationLog } from './replication-log.ts';
import { pause, type Scheduler } from './scheduler.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { StateStorage } from './state-storage.ts';
import { StoreCommits } from './store-commits.ts';
import { transferAll } from './transfer.ts';
import type { NodeId, Transport } from './transport/transport.ts';

export interface MultiRaftOptions {
  readonly nodeId: NodeId;
  /** Stays open; belongs to the caller. */
  readonly store: Store;
  /** Its channel and methods named `raft` and `raft.*` are taken. */
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  readonly newCore: NewCore;
  readonly randomU32: () => number;
  readonly log: ReplicationLog;
  readonly limits?: Partial<ReplicationLimits>;
  /**
   * Looks at a pair of a state, its key without the storage id, before it is sent to another node;
   * throws StoreError `damaged` if it is not to be.
   */
  readonly checkPair?: (key: Buffer, value: Buffer) => void;
  /** Called at rare branches, so that a simulation can count them (names: README). */
  readonly probe?: (branch: string) => void;
}

/**
 * All Raft groups of one node: one core, one store and one transport for all of them. See README.md
 * for how it works and what it keeps to.
 */
export class MultiRaft implements ReplicaHost {
  readonly store: Store;
  readonly metrics = new ReplicationMetrics();
  readonly #context: ReplicationContext;
  readonly #newCore: NewCore;
  readonly #driver: CoreDriver;
  readonly #replicas: NodeReplicas;
  readonly #lifecycle: ReplicaLifecycle;
  readonly #states: StateStorage;
  readonly #peerClock: PeerClock;
  readonly #housekeeping: Housekeeping;
  readonly #snapshotSender: SnapshotSender;
  readonly #snapshotReceiver: SnapshotReceiver;
  readonly #closing = new AbortController();
  #halted: Error | undefined;
  #startFailure: Error | undefined;
  #starting: Promise<void> = Promise.resolve();
  #isReplacing = false;

  private constructor(options: MultiRaftOptions) {
    const { store, scheduler, nodeId, transport, randomU32, log } = options;
    const { metrics } = this;
    const limits = { ...defaultReplicationLimits, ...options.limits };
    const onFailure = (error: Error) => this.#halt(error);
    this.store = store;
    this.#newCore = options.newCore;
    this.#states = new StateStorage({ store, log });
    this.#context = {
      nodeId,
      store,
      transport,
      scheduler,
      randomU32,
      limits,
      metrics,
      log,
      probe: options.probe ?? (() => {}),
      checkPair: options.checkPair ?? (() => {}),
      payloads: new PayloadCache(limits.payloadCacheBytesMax),
      commands: new CommandQueue(scheduler, () => this.#driver.flush()),
      commits: new StoreCommits({ store, scheduler, metrics, onFailure }),
      isHalted: () => this.#halted !== undefined || this.#closing.signal.aborted,
      groupOf: (partitionId) => this.#replicas.groups.get(partitionId),
      groupByHandle: (handle) => this.#driver.groupByHandle(handle),
      allGroups: () => this.#replicas.groups.values(),
      damaged: (group, error) => this.#replicas.damaged(group, error),
      recreate: (group, reason) => this.#replicas.recreate(group, reason),
      takeStorageId: () => this.#states.takeStorageId(),
      clearState: (storageId) => this.#states.clear(storageId),
    };
    this.#replicas = new NodeReplicas(this.#context, () => this.#driver);
    this.#lifecycle = new ReplicaLifecycle(this.#context, this.#replicas);
    this.#peerClock = new PeerClock(this.#context);
    this.#housekeeping = new Housekeeping(this.#context, {
      onTick: () => this.#peerClock.tick(),
      onSlowTick: () => this.#checkMemory(),
    });
    this.#snapshotSender = new SnapshotSender(this.#context);
    this.#snapshotReceiver = new SnapshotReceiver(this.#context);
    this.#driver = this.#newDriver();
    store.onReopened(async () => this.#halt(new StoreError('io', 'the store was opened anew')));
  }

  /**
   * Recovers all replicas that the store has.
   * @throws StoreError
   */
  static async open(options: MultiRaftOptions): Promise<MultiRaft> {
    const host = new MultiRaft(options);
    try {
      host.#starting = host.#start();
      await host.#starting;
    } catch (error) {
      await host.close();
      throw error;
    }
    return host;
  }

  get nodeId(): NodeId {
    return this.#context.nodeId;
  }

  get halted(): Error | undefined {
    return this.#halted;
  }

  async create(replica: NewReplica): Promise<Replica> {
    this.#assertRunning();
    return this.#lifecycle.create(replica);
  }

  async drop(partitionId: bigint): Promise<void> {
    this.#assertRunning();
    return this.#lifecycle.drop(partitionId);
  }

  get(partitionId: bigint): Replica | undefined {
    return this.#replicas.groups.get(partitionId)?.replica;
  }

  *all(): Iterable<Replica> {
    for (const { replica } of this.#replicas.groups.values()) {
      if (replica !== undefined) yield replica;
    }
  }

  *replicaMetrics(): Iterable<ReplicaMetrics> {
    for (const group of this.#replicas.groups.values()) {
      const { partitionId, replicaId, appliedIndex, log, proposals } = group;
      yield {
        partitionId,
        replicaId,
        appliedIndex,
        commitIndex: Math.max(group.commitIndex, appliedIndex),
        lastIndex: log.lastIndex,
        logEntries: log.entriesCount,
        logBytes: Math.round(log.bytes),
        proposalsInFlight: proposals.count,
        proposalBytesInFlight: proposals.bytes,
      };
    }
  }

  /** Told at once of those that are here already. */
  onReplica(listener: OnReplica): void {
    this.#replicas.onReplica(listener);
  }

  /**
   * Hands all leaderships to other nodes, as far as these take them within about two election
   * time-outs: for a node that is about to stop.
   */
  transferAll(): Promise<void> {
    return transferAll(this.#context);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#housekeeping.stop();
    this.#leaveCore();
    this.#replicas.closeAll();
    await this.#snapshotSender.close();
    await this.#context.commits.underWay.idle();
    await this.#states.close();
  }

  #newDriver(): CoreDriver {
    const context = this.#context;
    const sender = new MessageSender(context);
    return new CoreDriver(context, {
      appends: new AppendWriter(context, (group, before) => this.#onInstalled(group, before)),
      applier: new Applier(context, (unit) => {
        applied(context, unit);
        this.#snapshotSender.applied(unit.group);
      }),
      sender,
      receiver: new MessageReceiver(context, { sender, peerClock: this.#peerClock }),
      onSnapshotWanted: (group) => this.#snapshotSender.wanted(group),
      onSnapshotMessage: (group, record) => this.#snapshotSender.message(group, record),
      onFailed: (group, message) => context.recreate(group, message),
      onTrapped: (error) => this.#halt(error),
    });
  }

  #onInstalled(group: Group, storageIdBefore: bigint): void {
    this.#context.probe('snapshotInstalled');
    group.changed();
    group.listener?.onInstalled();
    this.#states.clear(storageIdBefore);
  }

  /**
   * Puts everything that is on disk into a new core. What fails meanwhile is found in
   * `#startFailure` afterwards.
   */
  async #start(): Promise<void> {
    const { store, randomU32 } = this.#context;
    const replicas = this.#replicas;
    const isOver = () => this.#startFailure !== undefined || this.#closing.signal.aborted;
    const { storageIds, storageIdNext } = await readStorages(store);
    if (isOver()) return;
    this.#states.start(storageIdNext);
    this.#driver.start(this.#newCore(randomU32));
    const found = new Set<bigint>();
    const disk = await readReplicas(store, (replica) => {
      found.add(replica.partitionId);
      if (!isOver()) replicas.recover(replica);
    });
    if (isOver()) return;
    for (const { replica, error } of disk.damaged) {
      found.add(replica.partitionId);
      replicas.recoverDamaged(replica, error);
    }
    for (const group of [...replicas.groups.values()]) {
      if (!found.has(group.partitionId)) replicas.remove(group);
    }
    replicas.tombstones.clear();
    for (const [partitionId, id] of disk.tombstones) replicas.tombstones.set(partitionId, id);
    // Half received, replaced, or of a dropped replica. Unless one cannot be read: it may be its.
    for (const id of storageIds) if (disk.used?.has(id) === false) this.#states.clear(id);
    this.#housekeeping.start();
  }

  /**
   * No replica takes part any more: the store failed, and what it holds is not known, or the core is
   * dead. All begins anew from disk as soon as that can be read and written.
   */
  #halt(error: Error): void {
    if (this.#closing.signal.aborted) return;
    const { log, metrics, probe } = this.#context;
    this.#housekeeping.stop();
    this.#leaveCore();
    this.#replicas.suspendAll(error.message);
    this.#startFailure ??= error;
    if (this.#halted !== undefined) return;
    this.#halted = error;
    metrics.halts += 1;
    probe('halted');
    log('replicationHalted', { reason: error.message });
    void this.#recover();
  }

  async #recover(): Promise<void> {
    const { commits, limits, log, metrics, scheduler, store } = this.#context;
    const { signal } = this.#closing;
    for (;;) {
      await this.#starting.catch(() => undefined);
      await commits.underWay.idle();
      await this.#states.idle();
      if (signal.aborted) return;
      if (store.writesRefused === undefined && (await this.#startAgain())) {
        this.#halted = undefined;
        metrics.coresReplaced += 1;
        log('replicationResumed', {});
        return;
      }
      await pause(scheduler, limits.recoverPollMs, signal);
    }
  }

  async #startAgain(): Promise<boolean> {
    this.#startFailure = undefined;
    try {
      await this.#start();
    } catch (error) {
      if (!(error instanceof StoreError || error instanceof CoreTrapped)) throw error;
      this.#leaveCore();
      this.#replicas.suspendAll(error.message);
      this.#startFailure = error;
    }
    if (this.#startFailure === undefined) return !this.#closing.signal.aborted;
    this.#context.log('replicationNotResumed', { reason: this.#startFailure.message });
    return false;
  }

  #leaveCore(): void {
    this.#driver.stop();
    this.#snapshotSender.abort();
    this.#snapshotReceiver.abort();
  }

  /** The memory of an instance never shrinks: one that has grown too far is replaced. */
  #checkMemory(): void {
    const { limits, log, probe } = this.#context;
    const { memoryBytes } = this.#driver;
    if (memoryBytes <= limits.coreBytesMax || this.#isReplacing) return;
    this.#isReplacing = true;
    probe('coreTooLarge');
    log('coreTooLarge', { memoryBytes, memoryBytesMax: limits.coreBytesMax });
    void this.transferAll().then(() => {
      this.#isReplacing = false;
      this.#halt(new Error(`the consensus core has grown to ${memoryBytes} bytes`));
    });
  }

  #assertRunning(): void {
    if (this.#halted !== undefined) throw new ProposalError('unavailable', this.#halted.message);
    if (this.#closing.signal.aborted) throw new ProposalError('unavailable', 'this node stops');
  }
}
