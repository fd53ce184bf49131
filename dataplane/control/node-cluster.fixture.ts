import { tableNameOf } from '../catalog/arn.ts';
import { ForwarderLocate } from '../node/forwarder-locate.ts';
import { StorageNode } from '../node/storage-node.ts';
import { loadCore } from '../replication/core/wasm-core.ts';
import { MultiRaft } from '../replication/multi-raft.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import { Router } from '../routing/router.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import type { Store } from '../storage/store.ts';
import { NodeControl } from './node-control.ts';
import { type NetworkTransport, NodeNetwork } from './node-network.fixture.ts';
import { VirtualTime } from './virtual-time.fixture.ts';

const place = { region: 'eu-test-1', accountId: '123456789012' };

/** A storage node with all its parts. */
export interface RealNode {
  readonly id: NodeId;
  readonly zone: string;
  readonly storeId: string;
  readonly store: Store;
  readonly host: MultiRaft;
  readonly control: NodeControl;
  readonly node: StorageNode;
  readonly router: Router;
}

/** Real nodes and a router in one process, on a network and a clock of the test's. */
export class NodeCluster {
  readonly time = new VirtualTime();
  readonly network = new NodeNetwork(this.time);
  readonly nodes = new Map<NodeId, RealNode>();
  readonly logged: string[] = [];
  readonly router: Router;
  readonly #zones: Readonly<Record<NodeId, string>>;
  #seed = 1;
  #count = 0;

  private constructor(zones: Readonly<Record<NodeId, string>>) {
    this.#zones = zones;
    this.router = this.#newRouter(this.network.join('router-1', 'router'), 'a');
  }

  /** All nodes, and the catalog founded on them. */
  static async open(zones: Readonly<Record<NodeId, string>>): Promise<NodeCluster> {
    const cluster = new NodeCluster(zones);
    for (const id of Object.keys(zones)) await cluster.start(id);
    const [first] = cluster.nodes.values();
    if (first === undefined) throw new Error('no nodes');
    await cluster.time.during(first.control.bootstrap(undefined));
    await cluster.time.until(() => cluster.catalogNode() !== undefined);
    return cluster;
  }

  /** Starts a node, on the store that it had before if one is given. */
  async start(id: NodeId, before?: RealNode): Promise<RealNode> {
    this.#count += 1;
    const zone = this.#zones[id] ?? '';
    const store = before?.store ?? (await MemoryStore.open());
    const storeId = before?.storeId ?? `store-${this.#count}`;
    const { transport, log } = this.#joined(id, 'node');
    const router = this.#newRouter(transport, zone);
    const { time: scheduler } = this;
    const host = await MultiRaft.open({
      nodeId: id,
      store,
      transport,
      scheduler,
      newCore: await loadCore(),
      randomU32: () => this.#random(4).readUInt32LE(),
      log,
    });
    const control = NodeControl.start({
      host,
      transport,
      forwarder: router.forwarder,
      nodes: () => Object.keys(this.#zones),
      ...place,
      scheduler,
      randomBytes: (count) => this.#random(count),
      log,
    });
    const node = StorageNode.start({
      nodeId: id,
      zone,
      storeId,
      processId: `process-${this.#count}`,
      host,
      transport,
      scheduler,
      randomBytes: (count) => this.#random(count),
      log,
      locate: new ForwarderLocate(router.forwarder, scheduler),
      onCatalogLeader: control.catalogLeaderChanged,
    });
    const real = { id, zone, storeId, store, host, control, node, router };
    this.nodes.set(id, real);
    return real;
  }

  /** Nothing is heard of it any more. */
  async kill(id: NodeId): Promise<RealNode> {
    const node = this.at(id);
    this.network.kill(id);
    node.node.close();
    node.router.close();
    await this.time.during(Promise.all([node.control.close(), node.host.close()]));
    this.nodes.delete(id);
    return node;
  }

  at(id: NodeId): RealNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  /** Where the catalog is open. */
  catalogNode(): RealNode | undefined {
    return [...this.nodes.values()].find(({ control }) => control.isCatalogOpen);
  }

  /** An operation of the control plane, as a router forwards it. */
  async call(operation: string, body: object): Promise<Record<string, unknown>> {
    const found = this.router.control.operations([operation]).get(operation);
    if (found === undefined) throw new Error(operation);
    // The router's operations take what the endpoint has parsed.
    const answer = found.handle(body as Record<string, unknown>, { host: 'localhost' });
    return JSON.parse(Buffer.from(await this.time.during(answer)).toString('utf8'));
  }

  #newRouter(transport: NetworkTransport, zone: string): Router {
    const { self: routerId, role } = transport;
    return Router.start({
      routerId,
      zone,
      transport,
      scheduler: this.time,
      randomBytes: (count) => this.#random(count),
      log: (event, fields) => this.logged.push(`${routerId} ${event} ${JSON.stringify(fields)}`),
      isNode: role === 'node',
      tableNameOf: (nameOrArn) => tableNameOf(nameOrArn, place),
    });
  }

  #joined(id: NodeId, role: 'node' | 'router') {
    const transport = this.network.join(id, role);
    const log = (event: string, fields: object) => {
      this.logged.push(`${id} ${event} ${JSON.stringify(fields)}`);
    };
    return { transport, log };
  }

  #random(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) {
      this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
      bytes[i] = this.#seed >>> 16;
    }
    return bytes;
  }
}
