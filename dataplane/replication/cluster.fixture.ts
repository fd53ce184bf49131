import { MemoryStore } from '../storage/memory-store.ts';
import type { Effect, Store } from '../storage/store.ts';
import type { NewCore } from './core/consensus-core.ts';
import { loadCore } from './core/wasm-core.ts';
import { storageIdBytes } from './effects-codec.ts';
import { Hub } from './hub.fixture.ts';
import type { ReplicationLimits } from './limits.ts';
import { MultiRaft } from './multi-raft.ts';
import type { Member, Replica, ReplicaListener } from './replica.ts';
import type { Scheduler } from './scheduler.ts';
import type { NodeId } from './transport/transport.ts';
import { STEP_MS, turns, VirtualClock } from './virtual-clock.fixture.ts';

/** What a listener was told, in order. */
export class Recorder implements ReplicaListener {
  readonly events: string[] = [];
  appliedCount = 0;
  onLeader(term: number): void {
    this.events.push(`leader ${term}`);
  }
  onLostLeadership(): void {
    this.events.push('lost');
  }
  onApplied(effects: readonly Effect[]): void {
    this.appliedCount += effects.length;
  }
  onInstalled(): void {
    this.events.push('installed');
  }
  onChange(): void {}

  onDamaged(): void {}
}

export interface ClusterOptions {
  readonly limits?: Partial<ReplicationLimits>;
  readonly scheduler?: Scheduler;
  readonly newStore?: (node: NodeId) => Promise<Store>;
  readonly newCore?: NewCore;
}

export interface ClusterNode {
  readonly id: NodeId;
  readonly store: Store;
  host: MultiRaft;
}

/** Nodes with a MultiRaft each, over a hub. */
export class Cluster {
  readonly hub: Hub;
  readonly clock: VirtualClock | undefined;
  readonly scheduler: Scheduler;
  readonly nodes = new Map<NodeId, ClusterNode>();
  readonly probes = new Map<string, number>();
  readonly logged: { readonly event: string; readonly node: NodeId; readonly fields: object }[] =
    [];
  readonly #options: ClusterOptions;
  readonly #newCore: NewCore;
  readonly #random = randomFrom(1);

  private constructor(options: ClusterOptions, newCore: NewCore) {
    this.#options = options;
    this.#newCore = newCore;
    this.clock = options.scheduler === undefined ? new VirtualClock() : undefined;
    this.scheduler = options.scheduler ?? this.clock ?? new VirtualClock();
    this.hub = new Hub(this.scheduler);
  }

  static async open(ids: readonly NodeId[], options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options, options.newCore ?? (await loadCore()));
    for (const id of ids) await cluster.start(id);
    return cluster;
  }

  /** Starts a node, over the store given (or a new one). */
  async start(id: NodeId, store?: Store, newCore: NewCore = this.#newCore): Promise<ClusterNode> {
    const own = store ?? (await (this.#options.newStore?.(id) ?? MemoryStore.open()));
    const host = await MultiRaft.open({
      nodeId: id,
      store: own,
      transport: this.hub.join(id),
      scheduler: this.scheduler,
      newCore,
      randomU32: () => Math.floor(this.#random() * 2 ** 32),
      log: (event, fields) => this.logged.push({ event, node: id, fields }),
      limits: this.#options.limits ?? {},
      probe: (branch) => this.probes.set(branch, (this.probes.get(branch) ?? 0) + 1),
    });
    const node = { id, store: own, host };
    this.nodes.set(id, node);
    return node;
  }

  /** The node is gone at once; its store stays. */
  async stop(id: NodeId): Promise<Store> {
    const node = this.node(id);
    this.hub.leave(id);
    this.nodes.delete(id);
    await node.host.close();
    return node.store;
  }

  async restart(id: NodeId): Promise<ClusterNode> {
    return this.start(id, await this.stop(id));
  }

  node(id: NodeId): ClusterNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  replica(id: NodeId, partitionId = 1n): Replica {
    const replica = this.node(id).host.get(partitionId);
    if (replica === undefined) throw new Error(`no replica of ${partitionId} on ${id}`);
    return replica;
  }

  replicas(partitionId = 1n): Replica[] {
    return [...this.nodes.values()].flatMap(({ host }) => host.get(partitionId) ?? []);
  }

  /** Founders on these nodes: replica ids 1, 2, ... */
  async found(ids: readonly NodeId[], partitionId = 1n): Promise<void> {
    const members = membersOn(ids);
    for (const [i, id] of ids.entries()) {
      await this.node(id).host.create({
        partitionId,
        replicaId: i + 1,
        members,
        initialEffects: [{ key: Buffer.from('\x01founded'), value: Buffer.from('yes') }],
      });
    }
  }

  /** Moves time on until the condition holds. */
  async until<T>(
    what: string,
    condition: () => T | undefined | false,
    limitMs = 20_000,
  ): Promise<T> {
    const endMs = this.scheduler.monotonicMs() + limitMs;
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      if (this.scheduler.monotonicMs() > endMs) {
        throw new Error(`never: ${what}; ${this.#state()}`);
      }
      if (this.clock === undefined) await turns(1);
      else await this.clock.advance(STEP_MS);
    }
  }

  /** Resolves with the outcome while time moves on. */
  async settle<T>(promise: Promise<T>, limitMs = 20_000): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    promise.then(done, done);
    await this.until('settled', () => isDone, limitMs);
    return promise;
  }

  leader(partitionId = 1n, except?: Replica): Promise<Replica> {
    return this.until('a leader', () =>
      this.replicas(partitionId).find((replica) => replica.isReady && replica !== except),
    );
  }

  /** The node that a replica is on. */
  nodeOf(replica: Replica): NodeId {
    for (const [id, { host }] of this.nodes) {
      if (host.get(replica.partitionId) === replica) return id;
    }
    throw new Error('not on any node');
  }

  async put(replica: Replica, key: string, value: string): Promise<void> {
    return this.settle(replica.propose([put(replica, key, value)]));
  }

  read(id: NodeId, key: string, partitionId = 1n): string | undefined {
    const { storageId } = this.replica(id, partitionId);
    return this.node(id).store.get(fullKey(storageId, key))?.toString();
  }

  async close(): Promise<void> {
    for (const { host } of this.nodes.values()) await host.close();
    for (const { store } of this.nodes.values()) await store.close();
  }

  /** For people, when a test fails. */
  #state(): string {
    const replicas = [...this.nodes.values()].flatMap(({ id, host }) =>
      [...host.all()].slice(0, 3).map((replica) => {
        const { replicaId, role, term, appliedIndex, lastIndex, failure } = replica;
        return { id, replicaId, role, term, appliedIndex, lastIndex, failure: failure?.message };
      }),
    );
    const probes = Object.fromEntries(this.probes);
    return JSON.stringify({ replicas, probes, logged: this.logged.slice(-12) }, undefined, 1);
  }
}

/** mulberry32: numbers from 0 to below 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function membersOn(ids: readonly NodeId[]): Member[] {
  return ids.map((node, i) => ({ replicaId: i + 1, node, kind: 'voter' }));
}

export function fullKey(storageId: bigint, key: string): Buffer {
  return Buffer.concat([storageIdBytes(storageId), Buffer.from(`\x01${key}`)]);
}

export function put(replica: Replica, key: string, value: string): Effect {
  return { key: fullKey(replica.storageId, key), value: Buffer.from(value) };
}

/** All of a replica's state but where it stands in its own log, keys without the storage id. */
export async function stateOf(store: Store, storageId: bigint): Promise<string[]> {
  const pairs: string[] = [];
  const iterator = store.iterate({
    start: storageIdBytes(storageId),
    end: storageIdBytes(storageId + 1n),
    reverse: false,
    limit: undefined,
  });
  for (;;) {
    const page = await iterator.next(100);
    if (page.length === 0) break;
    for (const [key, value] of page) {
      pairs.push(`${key.subarray(8).toString('hex')}=${value.toString('hex')}`);
    }
  }
  await iterator.close();
  return pairs;
}
