import type { PartitionRange, TableSchema } from '../partition/schema.ts';
import type { Membership } from '../replication/replica.ts';
import { HEADER_BYTES } from '../replication/transport/frame.ts';
import { decodeBody, encodeBody } from '../replication/transport/message-pack.ts';
import {
  type NodeId,
  RemoteFailure,
  RequestFailed,
  type RequestOptions,
  type Transport,
} from '../replication/transport/transport.ts';
import { layoutOf, unlimited } from './local-table.fixture.ts';
import { ManualScheduler } from './manual-scheduler.fixture.ts';
import {
  type FailureCode,
  type NodeReport,
  type PartitionReport,
  REPORT_CHANGED_CHANNEL,
  type ReportCall,
} from './protocol.ts';
import { Router, type RouterOptions } from './router.ts';
import type { TableThroughput } from './table.ts';
import { encodeTableConfiguration, type TableConfiguration } from './table-configuration.ts';

/** A cluster of scripted nodes on one clock, for the tests of routers. */

export type Handler = (body: unknown) => unknown;

/** What a router has asked a node for. */
export interface SeenRequest {
  readonly node: NodeId;
  readonly method: string;
  readonly body: unknown;
  readonly atMs: number;
}

export class FakeNode {
  readonly id: NodeId;
  readonly zone: string;
  readonly storeId: string;
  processId: string;
  version = 1;
  routersCount = 1;
  isUp = true;
  /** Takes requests and never answers. */
  isPaused = false;
  partitions = new Map<bigint, PartitionReport>();
  tables: Uint8Array[] = [];
  readonly handlers = new Map<string, Handler>();
  readonly #removed = new Set<bigint>();
  readonly #scheduler: ManualScheduler;

  constructor(id: NodeId, zone: string, scheduler: ManualScheduler) {
    this.id = id;
    this.zone = zone;
    this.storeId = `store-${id}`;
    this.processId = `process-${id}-1`;
    this.#scheduler = scheduler;
    this.handlers.set('report', (body) => this.report((body as ReportCall).since));
  }

  report(since?: ReportCall['since']): NodeReport {
    const isWhole = since?.processId !== this.processId;
    const isSame = !isWhole && since?.version === this.version;
    return {
      node: this.id,
      zone: this.zone,
      storeId: this.storeId,
      processId: this.processId,
      version: this.version,
      monotonicMs: this.#scheduler.monotonicMs(),
      routersCount: this.routersCount,
      halted: undefined,
      partitions: isSame ? [] : [...this.partitions.values()],
      isWhole,
      removedPartitions: isWhole || isSame ? [] : [...this.#removed],
      tables: isSame ? [] : this.tables,
    };
  }

  /** Its replica of a partition is dropped. */
  remove(id: bigint): void {
    this.partitions.delete(id);
    this.#removed.add(id);
    this.version += 1;
  }

  on(method: string, handler: Handler): void {
    this.handlers.set(method, handler);
  }
}

/** A scripted refusal. */
export function refusal(code: FailureCode, data?: unknown): RemoteFailure {
  return new RemoteFailure(code, code, data);
}

export function membershipOf(nodes: readonly NodeId[], epoch = 1): Membership {
  return {
    members: nodes.map((node, index) => ({ replicaId: index + 1, node, kind: 'voter' })),
    replicaIdNext: nodes.length + 1,
    epoch,
    isJoint: false,
  };
}

export function partitionReport(
  partitionId: bigint,
  parts: Partial<PartitionReport> & { readonly nodes?: readonly NodeId[] } = {},
): PartitionReport {
  const { nodes = ['a1', 'b1', 'c1'], ...rest } = parts;
  return {
    partitionId,
    tableId: '',
    indexId: 0,
    membership: membershipOf(nodes),
    term: 2,
    leader: undefined,
    replica: { replicaId: 1, isReadyLeader: false, appliedIndex: 1, failure: undefined },
    items: 0,
    bytes: 0,
    localIndexes: [],
    configurationVersion: 1,
    ...rest,
  };
}

export function configurationOf(
  schema: TableSchema,
  {
    partitions = 1,
    version = 1,
    createdAtMs = 1_000,
    throughput = unlimited,
  }: {
    readonly partitions?: number;
    readonly version?: number;
    readonly createdAtMs?: number;
    readonly throughput?: TableThroughput;
  } = {},
): TableConfiguration {
  return { version, createdAtMs, layout: layoutOf(schema, partitions), throughput };
}

/** Nodes a1, b1 and c1 in the zones a, b and c, and routers connected to them. */
export class FakeCluster {
  readonly scheduler = new ManualScheduler();
  readonly nodes = new Map<NodeId, FakeNode>();
  readonly seen: SeenRequest[] = [];
  readonly #transports: FakeTransport[] = [];
  #drawn = 0;

  constructor(zones: readonly string[] = ['a', 'b', 'c']) {
    for (const zone of zones) this.addNode(`${zone}1`, zone);
  }

  addNode(id: NodeId, zone: string): FakeNode {
    const node = new FakeNode(id, zone, this.scheduler);
    this.nodes.set(id, node);
    return node;
  }

  node(id: NodeId): FakeNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  /** Every node has every partition of the table; leaders in turn, unless one is given. */
  addTable(configuration: TableConfiguration, leader?: NodeId): void {
    const { schema, partitions, indexPartitions } = configuration.layout;
    const { tableId } = schema;
    for (const node of this.nodes.values()) {
      node.tables = [...node.tables, encodeTableConfiguration(configuration)];
    }
    for (const range of partitions) this.addPartition(range, { tableId, leader });
    for (const [indexId, ranges] of indexPartitions) {
      for (const range of ranges) this.addPartition(range, { tableId, indexId, leader });
    }
  }

  addPartition(
    { id }: Pick<PartitionRange, 'id'>,
    parts: {
      readonly tableId?: string;
      readonly indexId?: number;
      readonly leader?: NodeId | undefined;
    },
  ): void {
    const nodes = [...this.nodes.keys()];
    const leader = parts.leader ?? nodes[Number(id) % nodes.length];
    for (const node of this.nodes.values()) {
      node.partitions.set(id, partitionReport(id, { ...parts, leader, nodes }));
    }
    this.changed();
  }

  /** All nodes have a partition led by another one from now on, and reports of a higher term. */
  setLeader(id: bigint, leader: NodeId | undefined, term: number): void {
    for (const node of this.nodes.values()) {
      const report = node.partitions.get(id);
      if (report !== undefined) node.partitions.set(id, { ...report, leader, term });
    }
  }

  /** The nodes' versions rise; routers are told with `tell`. */
  changed(): void {
    for (const node of this.nodes.values()) node.version += 1;
  }

  tell(): void {
    this.changed();
    for (const transport of this.#transports) {
      for (const node of this.nodes.values()) {
        if (node.isUp) transport.deliver(node.id, REPORT_CHANGED_CHANNEL);
      }
    }
  }

  setUp(id: NodeId, isUp: boolean): void {
    this.node(id).isUp = isUp;
    this.peerChanged(id, isUp);
  }

  /** A connection of all routers to this peer comes up or goes down. */
  peerChanged(peer: NodeId, isUp: boolean): void {
    for (const transport of this.#transports) transport.peerChanged(peer, isUp);
  }

  transport(self: NodeId): FakeTransport {
    const transport = new FakeTransport(this, self);
    this.#transports.push(transport);
    return transport;
  }

  async router(options: Partial<RouterOptions> = {}): Promise<Router> {
    const { routerId = 'router1' } = options;
    const router = Router.start({
      routerId,
      zone: 'a',
      transport: this.transport(routerId),
      scheduler: this.scheduler,
      randomBytes: (count) => this.#bytes(count),
      log: () => {},
      ...options,
    });
    await this.scheduler.settle();
    return router;
  }

  /** Requests of a method, in order. */
  seenOf(method: string): readonly SeenRequest[] {
    return this.seen.filter((each) => each.method === method);
  }

  /** Which nodes got requests of a method, in order. */
  askedFor(method: string): readonly NodeId[] {
    return this.seenOf(method).map(({ node }) => node);
  }

  #bytes(count: number): Uint8Array {
    this.#drawn += 1;
    return new Uint8Array(count).fill(this.#drawn % 251);
  }
}

interface PendingRequest {
  readonly to: NodeId;
  readonly reject: (error: Error) => void;
}

/** One process's connections to the nodes of a fake cluster. */
export class FakeTransport implements Transport {
  readonly self: NodeId;
  readonly #cluster: FakeCluster;
  readonly #channels = new Map<string, (from: NodeId, body: unknown) => void>();
  readonly #listeners: ((peer: NodeId, isUp: boolean) => void)[] = [];
  readonly #pending = new Set<PendingRequest>();

  constructor(cluster: FakeCluster, self: NodeId) {
    this.#cluster = cluster;
    this.self = self;
  }

  send(): boolean {
    return false;
  }

  request(to: NodeId, method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const node = this.#cluster.nodes.get(to);
    if (node?.isUp !== true) return Promise.reject(new RequestFailed('notSent', `${to} is away`));
    const { scheduler, seen } = this.#cluster;
    seen.push({ node: to, method, body, atMs: scheduler.monotonicMs() });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const pending = { to, reject };
    this.#pending.add(pending);
    const timer = scheduler.after(options.timeoutMs, () =>
      reject(new RequestFailed('unknown', `${method} to ${to}: timed out`)),
    );
    if (!node.isPaused) this.#run(node, method, carried(body)).then(resolve, reject);
    return promise.finally(() => {
      timer.cancel();
      this.#pending.delete(pending);
    });
  }

  onMessage(channel: string, handler: (from: NodeId, body: unknown) => void): void {
    this.#channels.set(channel, handler);
  }

  onRequest(): void {}

  onPeer(listener: (peer: NodeId, isUp: boolean) => void): void {
    this.#listeners.push(listener);
  }

  isConnected(peer: NodeId): boolean {
    return this.#cluster.nodes.get(peer)?.isUp === true;
  }

  peers(): readonly { readonly id: NodeId; readonly role: 'node' | 'router' }[] {
    return [...this.#cluster.nodes.values()]
      .filter(({ isUp }) => isUp)
      .map(({ id }) => ({ id, role: 'node' }));
  }

  async close(): Promise<void> {}

  deliver(from: NodeId, channel: string): void {
    this.#channels.get(channel)?.(from, undefined);
  }

  peerChanged(peer: NodeId, isUp: boolean): void {
    if (!isUp) {
      for (const { to, reject } of this.#pending) {
        if (to === peer) reject(new RequestFailed('unknown', `${to}: connection lost`));
      }
    }
    for (const listener of this.#listeners) listener(peer, isUp);
  }

  async #run(node: FakeNode, method: string, body: unknown): Promise<unknown> {
    await Promise.resolve();
    const handler = node.handlers.get(method);
    if (handler === undefined) throw new RemoteFailure('noMethod', `nobody handles ${method}`);
    return carried(await handler(body));
  }
}

/** What arrives of a body. */
function carried(body: unknown): unknown {
  const frame = Buffer.from(encodeBody(body));
  return decodeBody(frame, HEADER_BYTES, frame.length);
}
