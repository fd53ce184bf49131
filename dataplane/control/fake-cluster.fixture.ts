import type { Membership } from '../replication/replica.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import { type NodeId, RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import {
  type ChangeMembersCall,
  type ConfigureCall,
  type CreateReplicaCall,
  type DropReplicaCall,
  methods,
  type PartitionReport,
  type TransferLeadershipCall,
} from '../routing/protocol.ts';
import {
  decodePartitionConfiguration,
  decodeTableConfiguration,
} from '../routing/table-configuration.ts';
import type { CallOptions, ClusterView, NodeCalls, ObservedNode } from './cluster-view.ts';
import { FakeGroup } from './fake-group.fixture.ts';

/** A node of a scripted cluster. */
export interface FakeNode {
  readonly id: NodeId;
  readonly zone: string;
  storeId: string;
  isUp: boolean;
  readonly replicas: Map<bigint, FakeReplica>;
  /** Highest replica id that was dropped here. */
  readonly dropped: Map<bigint, number>;
}

export interface FakeReplica {
  readonly partitionId: bigint;
  readonly replicaId: number;
  /** Of a founder, from the start; of one that joins, once a leader knows it. */
  group: FakeGroup | undefined;
  appliedIndex: number;
}

/** A replica that was made once. */
interface Creation {
  readonly partitionId: bigint;
  readonly node: NodeId;
  readonly storeId: string;
  readonly replicaId: number;
}

export interface NodeCall {
  readonly node: NodeId;
  readonly method: string;
  readonly body: unknown;
}

const REPORT_INTERVAL_MS = 1_000;

/**
 * Nodes that do what the protocol says, without disks, logs or a network: the other side of the
 * control plane. Groups live while a quorum of their voters is up. Whatever must never happen, a
 * violation of which it would see, throws out of the call that did it.
 */
export class FakeCluster implements ClusterView, NodeCalls {
  readonly all = new Map<NodeId, FakeNode>();
  readonly groups: FakeGroup[] = [];
  readonly creations: Creation[] = [];
  readonly calls: NodeCall[] = [];
  /** What must never happen, and did. */
  readonly violations: string[] = [];
  /** Called before a call reaches its node; a promise that never resolves loses the call. */
  beforeCall: (call: NodeCall) => Promise<void> | void = () => {};
  /** Called after a node has done what it was called for, before it answers. */
  beforeAnswer: (call: NodeCall) => Promise<void> | void = () => {};
  /** Replicas that join do not get their state. */
  holdsSnapshots = false;
  /** Nodes that give every leadership back at once. */
  readonly draining = new Set<NodeId>();
  /** How many calls of long work a partition needs until it is done. */
  workCalls = 1;
  readonly #scheduler: Scheduler;
  readonly #reports = new Map<NodeId, ObservedNode>();
  readonly #listeners = new Set<() => void>();
  readonly #work = new Map<string, number>();
  #storesCount = 0;
  version = 0;
  #reported = '';

  constructor(scheduler: Scheduler, zones: Readonly<Record<NodeId, string>>) {
    this.#scheduler = scheduler;
    for (const [id, zone] of Object.entries(zones)) this.addNode(id, zone);
    this.#tick();
  }

  addNode(id: NodeId, zone: string): FakeNode {
    const storeId = this.#newStoreId();
    const node = { id, zone, storeId, isUp: true, replicas: new Map(), dropped: new Map() };
    this.all.set(id, node);
    return node;
  }

  at(id: NodeId): FakeNode {
    const node = this.all.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  stop(id: NodeId): void {
    this.at(id).isUp = false;
    this.#settle();
  }

  start(id: NodeId): void {
    this.at(id).isUp = true;
    this.#settle();
  }

  /** It loses its data folder. */
  wipe(id: NodeId): void {
    const node = this.at(id);
    node.storeId = this.#newStoreId();
    node.replicas.clear();
    node.dropped.clear();
    this.#settle();
  }

  /** The group of a partition that has a quorum, if one has. */
  groupOf(partitionId: bigint): FakeGroup | undefined {
    return this.groups.find((group) => group.partitionId === partitionId && group.leader);
  }

  replicaAt(node: NodeId, partitionId: bigint): FakeReplica | undefined {
    return this.at(node).replicas.get(partitionId);
  }

  nodes(): readonly ObservedNode[] {
    return [...this.#reports.values()];
  }

  node(id: NodeId): ObservedNode | undefined {
    return this.#reports.get(id);
  }

  async refresh(): Promise<void> {
    this.#report();
  }

  async refreshCounts(): Promise<void> {
    this.#report();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {}

  async callNode(id: NodeId, method: string, body: unknown, options: CallOptions) {
    const call = { node: id, method, body };
    this.calls.push(call);
    await this.beforeCall(call);
    if (options.signal.aborted) throw new RequestFailed('unknown', 'given up');
    const node = this.all.get(id);
    if (node === undefined || !node.isUp) throw new RequestFailed('notSent', `${id} is away`);
    const answer = this.#handle(node, method, body);
    this.#settle();
    await this.beforeAnswer(call);
    return answer;
  }

  async callLeader(partitionId: bigint, method: string, body: unknown, options: CallOptions) {
    const leader = this.groupOf(partitionId)?.leader;
    if (leader !== undefined) return this.callNode(leader, method, body, options);
    throw new RequestFailed('notSent', `partition ${partitionId} has no leader`);
  }

  #handle(node: FakeNode, method: string, body: unknown): unknown {
    // Bodies are what the protocol has for the method.
    switch (method) {
      case methods.report:
        return {
          node: node.id,
          zone: node.zone,
          storeId: node.storeId,
          partitions: this.#partitions(node),
        };
      case methods.createReplica:
        return this.#create(node, body as CreateReplicaCall);
      case methods.dropReplica:
        return this.#drop(node, body as DropReplicaCall & { replicaId?: number });
      case methods.configure:
        return this.#configure(node, body as ConfigureCall);
      case methods.changeMembers:
        return this.#changeMembers(node, body as ChangeMembersCall);
      case methods.transferLeadership:
        return this.#transfer(node, body as TransferLeadershipCall);
      case methods.backfillIndex:
      case methods.rebuildExpiry:
        return this.#doWork(node, method, body as { partitionId: bigint });
      default:
        throw new RemoteFailure('noMethod', method);
    }
  }

  #create(node: FakeNode, { storeId, replica, configuration }: CreateReplicaCall): void {
    const { partitionId, replicaId, members } = replica;
    if (storeId !== node.storeId) throw new RemoteFailure('otherStore', 'another data folder');
    const known = node.replicas.get(partitionId);
    if (known?.replicaId === replicaId) return;
    const dropped = node.dropped.get(partitionId) ?? 0;
    if (known !== undefined || replicaId <= dropped) {
      throw new RemoteFailure('replicaExists', `has ${known?.replicaId ?? dropped}`);
    }
    const creation = { partitionId, node: node.id, storeId, replicaId };
    const same = this.creations.find(
      (other) => other.partitionId === partitionId && other.replicaId === replicaId,
    );
    if (same !== undefined) this.#violation(`replica ${replicaId} made twice`, creation, same);
    this.creations.push(creation);
    const group = members.length === 0 ? undefined : this.#foundedGroup(replica, configuration);
    node.replicas.set(partitionId, { partitionId, replicaId, group, appliedIndex: group ? 1 : 0 });
  }

  #foundedGroup(
    { partitionId, members }: CreateReplicaCall['replica'],
    configuration: Uint8Array | undefined,
  ): FakeGroup {
    const ids = members.map(({ replicaId }) => replicaId).join();
    const state = Buffer.from(configuration ?? []).toString();
    for (const group of this.groups) {
      if (group.partitionId !== partitionId || group.founders !== ids) continue;
      if (group.state !== state) this.#violation('founders begin with different states', { ids });
      return group;
    }
    const about =
      configuration === undefined ? undefined : decodePartitionConfiguration(configuration);
    const group = new FakeGroup({ partitionId, members, state, about });
    this.groups.push(group);
    return group;
  }

  #drop(
    node: FakeNode,
    { storeId, partitionId, replicaId }: DropReplicaCall & { replicaId?: number },
  ) {
    if (storeId !== node.storeId) throw new RemoteFailure('otherStore', 'another data folder');
    const known = node.replicas.get(partitionId);
    if (known === undefined || (replicaId !== undefined && known.replicaId > replicaId)) return;
    node.replicas.delete(partitionId);
    node.dropped.set(partitionId, known.replicaId);
  }

  #configure(node: FakeNode, { partitionId, configuration }: ConfigureCall): void {
    const group = this.#ledGroup(node, partitionId);
    const table = decodeTableConfiguration(configuration);
    if (table.version > group.configurationVersion) {
      group.configurationVersion = table.version;
      group.configuration = table;
    }
    group.index += 1;
  }

  #changeMembers(node: FakeNode, call: ChangeMembersCall): Membership {
    const group = this.#ledGroup(node, call.partitionId);
    const after = group.changed(call);
    for (const replicaId of call.promote) {
      const member = group.membership.members.find((each) => each.replicaId === replicaId);
      const replica = member && this.all.get(member.node)?.replicas.get(call.partitionId);
      // A leader does not hear of it.
      if (replica?.replicaId !== replicaId) throw new RemoteFailure('unavailable', 'not caught up');
    }
    const isLive = (replicaId: number) =>
      [...this.all.values()].some((each) => {
        const replica = each.replicas.get(call.partitionId);
        return each.isUp && replica?.replicaId === replicaId;
      });
    const voters = after.members.filter(({ kind }) => kind === 'voter');
    const live = voters.filter(({ replicaId }) => isLive(replicaId));
    if (live.length <= voters.length / 2) this.#violation('a change takes the quorum away', after);
    group.membership = after;
    group.index += 1;
    return after;
  }

  #transfer(node: FakeNode, { partitionId, toNode }: TransferLeadershipCall): void {
    const group = this.#ledGroup(node, partitionId);
    if (this.draining.has(toNode)) return;
    group.leader = toNode;
    group.term += 1;
  }

  #doWork(node: FakeNode, method: string, { partitionId }: { partitionId: bigint }) {
    this.#ledGroup(node, partitionId);
    const name = `${method} ${partitionId}`;
    const count = (this.#work.get(name) ?? 0) + 1;
    this.#work.set(name, count);
    return { isDone: count >= this.workCalls };
  }

  #ledGroup(node: FakeNode, partitionId: bigint): FakeGroup {
    const replica = node.replicas.get(partitionId);
    if (replica === undefined) throw new RemoteFailure('noReplica', `${partitionId}`);
    const { group } = replica;
    if (group === undefined || group.leader !== node.id) {
      throw new RemoteFailure('notLeader', '', { leader: group?.leader, term: group?.term ?? 0 });
    }
    return group;
  }

  /** Elects where a leader is missing, and brings what can be reached after it. */
  #settle(): void {
    for (const group of this.groups) {
      const { members } = group.membership;
      const live = members.filter(({ node, replicaId }) => {
        const place = this.all.get(node);
        const replica = place?.replicas.get(group.partitionId);
        if (place?.isUp !== true || replica?.replicaId !== replicaId) return false;
        if (!this.holdsSnapshots) replica.group ??= group;
        return replica.group !== undefined;
      });
      const voters = members.filter(({ kind }) => kind === 'voter').length;
      group.elect(live, live.filter(({ kind }) => kind === 'voter').length > voters / 2);
      if (group.leader === undefined) continue;
      for (const { node } of live) {
        const replica = this.at(node).replicas.get(group.partitionId);
        if (replica !== undefined) replica.appliedIndex = group.index;
      }
      const other = this.groups.find(
        (each) => each !== group && each.leader && each.partitionId === group.partitionId,
      );
      if (other !== undefined) this.#violation('two groups of a partition live', group.membership);
    }
  }

  #tick(): void {
    this.#settle();
    this.#report();
    this.#scheduler.after(REPORT_INTERVAL_MS, () => this.#tick());
  }

  #report(): void {
    for (const { id, zone, storeId, isUp } of this.all.values()) {
      const before = this.#reports.get(id);
      if (!isUp) {
        if (before !== undefined) this.#reports.set(id, { ...before, isConnected: false });
        continue;
      }
      const partitions = new Map(
        this.#partitions(this.at(id)).map((report) => [report.partitionId, report]),
      );
      this.#reports.set(id, {
        node: id,
        zone,
        isConnected: true,
        storeId,
        processId: storeId,
        halted: undefined,
        partitions,
      });
    }
    const reported = JSON.stringify([...this.#reports.values()], plain);
    if (reported !== this.#reported) this.version += 1;
    this.#reported = reported;
    for (const listener of [...this.#listeners]) listener();
  }

  #partitions(node: FakeNode): PartitionReport[] {
    // As the nodes do it: nothing of a replica that has no state yet.
    return [...node.replicas.values()]
      .filter(({ group }) => group !== undefined)
      .map((replica) => reportOf(replica, node.id));
  }

  #newStoreId(): string {
    this.#storesCount += 1;
    return `store-${this.#storesCount}`;
  }

  #violation(what: string, ...about: readonly object[]): void {
    const text = `${what}: ${JSON.stringify(about, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`;
    this.violations.push(text);
    throw new Error(text);
  }
}

function reportOf({ partitionId, replicaId, group, appliedIndex }: FakeReplica, node: NodeId) {
  const report: PartitionReport = {
    partitionId,
    tableId: group?.about?.table.layout.schema.tableId ?? '',
    indexId: group?.about?.indexId ?? 0,
    membership: group?.membership ?? { members: [], replicaIdNext: 1, epoch: 0, isJoint: false },
    term: group?.term ?? 0,
    leader: group?.leader,
    replica: {
      replicaId,
      isReadyLeader: group?.leader === node,
      appliedIndex,
      failure: undefined,
    },
    items: 0,
    bytes: 0,
    localIndexes: [],
    configurationVersion: group?.configurationVersion ?? 0,
  };
  return report;
}

/** For JSON.stringify: of maps the values, of bigints the digits. */
function plain(_name: string, value: unknown): unknown {
  if (value instanceof Map) return [...value.values()];
  return typeof value === 'bigint' ? `${value}` : value;
}
