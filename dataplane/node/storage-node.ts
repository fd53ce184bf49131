import { ItemCache } from '../partition/item-cache.ts';
import type { Replica, ReplicaHost } from '../replication/replica.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { NodeId, Transport } from '../replication/transport/transport.ts';
import { CATALOG_PARTITION_ID } from '../routing/cluster-map.ts';
import {
  type BackfillIndexCall,
  type ChangeMembersCall,
  type ConfigureCall,
  type CreateReplicaCall,
  type DropReplicaCall,
  type FeedCall,
  type GetCall,
  methods,
  type NodeReport,
  type PageCall,
  type PartitionStreamCall,
  REPORT_CHANGED_CHANNEL,
  type RebuildExpiryCall,
  type ReportCall,
  type TransactCall,
  type TransferLeadershipCall,
  type WorkAnswer,
  type WriteCall,
} from '../routing/protocol.ts';
import { BufferMemory, type EventPoster } from '../trigger/trigger-context.ts';
import { type TriggerReading, TriggerRegister } from '../trigger/trigger-counts.ts';
import type { BackfillProgress } from './backfill-progress.ts';
import { ExpirySweeper } from './expiry-sweeper.ts';
import { failure, failureOf } from './failures.ts';
import { GroupControl, leaderOf } from './group-control.ts';
import { HostedPartition } from './hosted-partition.ts';
import type { LeaderPartition } from './leader-partition.ts';
import { LeaderStreams } from './leader-streams.ts';
import { defaultNodeLimits, type NodeLimits } from './limits.ts';
import { LoadGate } from './load-gate.ts';
import type { Locate } from './locate.ts';
import { Maintenance } from './maintenance.ts';
import type { PartitionMetrics } from './metrics.ts';
import type { Log, NodeContext } from './node-context.ts';
import { NodeReporter } from './node-report.ts';
import { Reads } from './reads.ts';
import { SharedTables } from './shared-tables.ts';

export interface StorageNodeOptions {
  readonly nodeId: NodeId;
  readonly zone: string;
  /** Random ids of the data folder, and of this process. */
  readonly storeId: string;
  readonly processId: string;
  readonly host: ReplicaHost;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
  readonly limits?: Partial<NodeLimits>;
  /** Told when rare code runs. */
  readonly probe?: (name: string) => void;
  readonly locate: Locate;
  /** Sends the events of triggers; undefined: none are delivered here. */
  readonly poster?: EventPoster;
  /** Told when this node's replica of the catalog's group leads, and (undefined) does not any more. */
  readonly onCatalogLeader?: (replica: Replica | undefined) => void;
}

/** What is counted of one replica, for export. */
export interface HostedMetrics {
  readonly partitionId: bigint;
  readonly tableId: string | undefined;
  readonly indexId: number | undefined;
  readonly metrics: PartitionMetrics;
}

/** Between two tries to hand leaderships over. */
const DRAIN_PAUSE_MS = 100;
/** What is left then, or comes later, is offered this often. */
const HAND_OVER_PAUSE_MS = 1_000;

/**
 * Serves the replicas on one node to routers, to other nodes and to the control plane: the request
 * handlers of `routing/protocol.ts`. Host, transport and store are closed by whoever opened them.
 */
export class StorageNode {
  readonly #options: StorageNodeOptions;
  readonly #node: NodeContext;
  readonly #hosted = new Map<bigint, HostedPartition>();
  readonly #reads: Reads;
  readonly #streams: LeaderStreams;
  readonly #control: GroupControl;
  readonly #maintenance: Maintenance;
  readonly #sweeper: ExpirySweeper;
  readonly #reporter: NodeReporter;
  #isDraining = false;
  /** Leaderships that are being offered to others for as long as the node is drained. */
  readonly #givenAway = new Set<Replica>();
  #isClosed = false;

  static start(options: StorageNodeOptions): StorageNode {
    return new StorageNode(options);
  }

  private constructor(options: StorageNodeOptions) {
    const { host, transport } = options;
    this.#options = options;
    this.#node = contextOf(options);
    const hosted = () => this.#hosted.values();
    this.#reads = new Reads(this.#node);
    this.#streams = new LeaderStreams(this.#node, this.#reads);
    this.#control = new GroupControl(this.#node, host, options.storeId);
    this.#maintenance = new Maintenance(this.#node);
    this.#sweeper = new ExpirySweeper(this.#node, hosted);
    this.#reporter = new NodeReporter({
      node: this.#node,
      zone: options.zone,
      storeId: options.storeId,
      hosted,
      halted: () => (this.#isClosed ? 'the node is stopping' : host.halted?.message),
      routersCount: () => transport.peers().filter(({ role }) => role === 'router').length,
      announce: () => this.#announce(),
    });
    host.onReplica((replica, change) => {
      if (change === 'added') this.#add(replica);
      else this.#remove(replica);
    });
    for (const replica of host.all()) this.#add(replica);
    host.store.onReopened(async () => this.#node.cache.clear());
    transport.onPeer(() => this.#reporter.markNode());
    this.#serve();
    void this.#sweeper.run();
  }

  /** Counts of all replicas here. */
  metrics(): HostedMetrics[] {
    return [...this.#hosted.values()].map(({ replica, configuration, metrics }) => ({
      partitionId: replica.partitionId,
      tableId: configuration?.table.layout.schema.tableId,
      indexId: configuration?.indexId,
      metrics,
    }));
  }

  /** How far indexes that are being filled have come, by the partition of their table. */
  backfills(): ReadonlyMap<bigint, readonly BackfillProgress[]> {
    return new Map(
      Array.from(this.#hosted, ([partitionId, hosted]) => [partitionId, hosted.backfills] as const),
    );
  }

  /** What triggers do at the partitions that this node leads. */
  triggerReadings(): readonly TriggerReading[] {
    const { triggers, scheduler } = this.#node;
    return triggers?.register.readings(scheduler.nowMs()) ?? [];
  }

  /**
   * Hands all leaderships over, and from then on those that come, too. Resolves when it leads
   * nothing that another node could lead, or has tried long enough; the log says how many it kept.
   */
  async drain(): Promise<void> {
    const { scheduler, limits } = this.#node;
    const deadlineMs = scheduler.monotonicMs() + limits.drainMsMax;
    this.#isDraining = true;
    while (scheduler.monotonicMs() < deadlineMs && this.#isDraining && !this.#isClosed) {
      const others = this.#ledForOthers();
      if (others.length === 0) break;
      await Promise.all(others.map((replica) => this.#handOver(replica)));
      await pause(scheduler, DRAIN_PAUSE_MS);
    }
    if (!this.#isDraining) return;
    this.#node.log('drained', { leadershipsKept: this.#ledForOthers().length });
    for (const { replica } of this.#hosted.values()) void this.#handOverWhileDraining(replica);
  }

  /** Takes part as usual again, with the leaderships that come to it. */
  stopDraining(): void {
    this.#isDraining = false;
  }

  /** All that it would report to who has no report of it yet. */
  report(): NodeReport {
    return this.#reporter.report({ since: undefined });
  }

  /** Refuses further calls, and stops all work of its own. */
  close(): void {
    this.#isClosed = true;
    this.#sweeper.stop();
    for (const hosted of this.#hosted.values()) hosted.close();
  }

  #add(replica: Replica): void {
    const { partitionId } = replica;
    const before = this.#hosted.get(partitionId);
    if (before?.replica === replica || this.#isClosed) return;
    before?.close();
    const hosted = new HostedPartition(this.#node, replica, {
      onChange: () => this.#reporter.markPartition(partitionId),
      onLeadership: () => this.#onLeadership(replica),
      onDamage: () => {
        this.#reporter.markPartition(partitionId);
        // Once: should the others be damaged too, leadership must not go round in circles.
        if (replica.isReady && hasOtherVoter(replica)) void this.#handOver(replica);
      },
      onUnfit: () => {
        if (replica.isReady && hasOtherVoter(replica)) void this.#handOver(replica);
      },
    });
    this.#hosted.set(partitionId, hosted);
    this.#reporter.markPartition(partitionId);
  }

  #remove(replica: Replica): void {
    const { partitionId } = replica;
    const hosted = this.#hosted.get(partitionId);
    if (hosted?.replica !== replica) return;
    hosted.close();
    this.#hosted.delete(partitionId);
    this.#reporter.markRemoved(partitionId);
    if (partitionId === CATALOG_PARTITION_ID) this.#options.onCatalogLeader?.(undefined);
  }

  #onLeadership(replica: Replica): void {
    this.#reporter.markPartition(replica.partitionId);
    if (replica.partitionId === CATALOG_PARTITION_ID) {
      this.#options.onCatalogLeader?.(replica.isReady ? replica : undefined);
    }
    void this.#handOverWhileDraining(replica);
  }

  /** Again and again: whoever is to take it may be starting itself. */
  async #handOverWhileDraining(replica: Replica): Promise<void> {
    const { scheduler } = this.#node;
    const isOurs = () =>
      this.#isDraining && !this.#isClosed && replica.isReady && hasOtherVoter(replica);
    if (this.#givenAway.has(replica)) return;
    this.#givenAway.add(replica);
    while (isOurs()) {
      await this.#handOver(replica);
      if (isOurs()) await pause(scheduler, HAND_OVER_PAUSE_MS);
    }
    this.#givenAway.delete(replica);
  }

  /** What it leads that another node could lead. */
  #ledForOthers(): readonly Replica[] {
    const all = [...this.#hosted.values()].map(({ replica }) => replica);
    return all.filter((replica) => replica.isReady && hasOtherVoter(replica));
  }

  #handOver(replica: Replica): Promise<boolean> {
    return this.#control.handOver(replica, ({ node }) => this.#options.transport.isConnected(node));
  }

  #announce(): void {
    const { transport } = this.#options;
    for (const { id } of transport.peers()) transport.send(id, REPORT_CHANGED_CHANNEL, null);
  }

  /** Bodies come from processes of this cluster, which speak this protocol. */
  #serve(): void {
    const { transport } = this.#options;
    transport.onRequest(methods.get, (body) => {
      const call = body as GetCall;
      return this.#reads.get(this.#replica(call[0]), call);
    });
    transport.onRequest(methods.write, (body) => {
      const call = body as WriteCall;
      return this.#baseLeader(call[0]).write(call);
    });
    transport.onRequest(methods.transact, (body) => {
      const call = body as TransactCall;
      return this.#baseLeader(call[0]).transactions.do(call);
    });
    transport.onRequest(methods.page, (body) => {
      const call = body as PageCall;
      return this.#reads.page(this.#replica(call[0]), call);
    });
    transport.onRequest(methods.stream, (body) => {
      const call = body as PartitionStreamCall;
      return this.#streams.read(this.#replica(call[0]), call);
    });
    transport.onRequest(methods.feed, (body) => this.#feed(body as FeedCall));
    transport.onRequest(methods.report, (body) => this.#reporter.report(body as ReportCall));
    transport.onRequest(methods.createReplica, (body) => {
      this.#assertOpen();
      return this.#control.createReplica(body as CreateReplicaCall);
    });
    transport.onRequest(methods.dropReplica, (body) => {
      this.#assertOpen();
      return this.#control.dropReplica(body as DropReplicaCall);
    });
    this.#serveGroups();
  }

  #serveGroups(): void {
    const { transport } = this.#options;
    transport.onRequest(methods.configure, (body) => {
      const call = body as ConfigureCall;
      return this.#control.configure(this.#replica(call.partitionId), call);
    });
    transport.onRequest(methods.changeMembers, (body) => {
      const call = body as ChangeMembersCall;
      return this.#control.changeMembers(this.#replica(call.partitionId), call);
    });
    transport.onRequest(methods.transferLeadership, (body) => {
      const call = body as TransferLeadershipCall;
      return this.#control.transferLeadership(this.#replica(call.partitionId), call);
    });
    transport.onRequest(methods.backfillIndex, (body) => {
      return this.#backfillIndex(body as BackfillIndexCall);
    });
    transport.onRequest(methods.rebuildExpiry, (body) => {
      return this.#rebuildExpiry(body as RebuildExpiryCall);
    });
  }

  async #feed(call: FeedCall): Promise<null> {
    const leader = leaderOf(this.#replica(call[0]));
    if (leader.kind !== 'index') throw failure('noReplica', 'the partition is not one of an index');
    await leader.feed(call);
    return null;
  }

  #backfillIndex({ partitionId, indexId }: BackfillIndexCall): Promise<WorkAnswer> {
    const leader = this.#baseLeader(partitionId);
    const feed = leader.feeds.feed(indexId);
    if (feed === undefined) throw failure('unavailable', `index ${indexId} is not known yet`);
    return this.#work(leader, this.#maintenance.backfillIndex(leader, feed));
  }

  #rebuildExpiry({ partitionId, configurationVersion }: RebuildExpiryCall): Promise<WorkAnswer> {
    const leader = this.#baseLeader(partitionId);
    if (leader.table.version < configurationVersion) {
      throw failure('unavailable', `configuration ${configurationVersion} is not known yet`);
    }
    return this.#work(leader, this.#maintenance.rebuildExpiry(leader, configurationVersion));
  }

  async #work(leader: LeaderPartition, done: Promise<boolean>): Promise<WorkAnswer> {
    try {
      return { isDone: await done };
    } catch (error) {
      throw failureOf(error, leader.leadership.replica, { mayBeDone: true });
    }
  }

  /** @throws RemoteFailure when there is none, or none that takes part */
  #replica(partitionId: bigint): HostedPartition {
    this.#assertOpen();
    const hosted = this.#hosted.get(partitionId);
    if (hosted === undefined || hosted.replica.failure !== undefined) {
      throw failure('noReplica', `partition ${partitionId} has no replica here that takes part`);
    }
    return hosted;
  }

  #baseLeader(partitionId: bigint): LeaderPartition {
    const leader = leaderOf(this.#replica(partitionId));
    if (leader.kind !== 'base') throw failure('noReplica', 'the partition is one of an index');
    return leader;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw failure('unavailable', 'the node is stopping');
  }
}

function contextOf(options: StorageNodeOptions): NodeContext {
  const limits: NodeLimits = { ...defaultNodeLimits, ...options.limits };
  const counted = (countMax: number) => new LoadGate({ countMax, bytesMax: Infinity });
  return {
    nodeId: options.nodeId,
    processId: options.processId,
    store: options.host.store,
    cache: new ItemCache(limits.itemCacheBytes),
    scheduler: options.scheduler,
    limits,
    log: options.log,
    probe: options.probe ?? (() => {}),
    locate: options.locate,
    tables: new SharedTables(),
    random: () => (options.randomBytes(1)[0] ?? 0) / 256,
    writes: new LoadGate({ countMax: limits.nodeWritesMax, bytesMax: limits.nodeWriteBytesMax }),
    pages: counted(limits.nodePagesMax),
    confirmations: counted(limits.nodeConfirmationsMax),
    remembered: { count: 0 },
    triggers: triggerContextOf(options),
  };
}

function triggerContextOf({ poster, scheduler, randomBytes, log }: StorageNodeOptions) {
  if (poster === undefined) return undefined;
  return {
    poster,
    scheduler,
    random: () => (randomBytes(1)[0] ?? 0) / 256,
    log,
    register: new TriggerRegister(),
    memory: new BufferMemory(),
  };
}

function hasOtherVoter({ membership, replicaId }: Replica): boolean {
  return membership.members.some(
    (member) => member.kind === 'voter' && member.replicaId !== replicaId,
  );
}
