import { describe, expect, it } from 'vitest';
import type { Effect } from '../storage/store.ts';
import { Cluster, fullKey, put, randomFrom, stateOf } from './cluster.fixture.ts';
import type { NewCore } from './core/consensus-core.ts';
import { loadCore } from './core/wasm-core.ts';
import { CrashingStore } from './crashing-store.fixture.ts';
import { readStorages } from './recovery.ts';
import type { Replica, ReplicaListener } from './replica.ts';
import { TrapCore } from './trap-core.fixture.ts';

const NODES = ['a', 'b', 'c', 'd'] as const;
const FOUNDERS = NODES.slice(0, 3);
const STEPS = Number(process.env.TRESTLE_CHAOS_STEPS ?? 150);
const SEEDS = (process.env.TRESTLE_SEED ?? '1,2,3,4').split(',').map(Number);

describe('chaos', () => {
  for (const seed of SEEDS) {
    it(`seed ${seed}: nothing acknowledged is lost, leases are exclusive, states are equal`, async () => {
      await new Chaos(seed).run();
    }, 120_000);
  }
});

/** The owner of a replica: keeps a copy of the state as it is told of it. */
class Owner implements ReplicaListener {
  readonly replica: Replica;
  readonly read: (key: Buffer) => Buffer | undefined;
  readonly seen = new Map<string, string | undefined>();
  isLeader = false;

  constructor(replica: Replica, read: (key: Buffer) => Buffer | undefined) {
    this.replica = replica;
    this.read = read;
    this.isLeader = replica.isReady;
  }

  onLeader(): void {
    expect(this.isLeader).toBe(false);
    this.isLeader = true;
  }
  onLostLeadership(): void {
    expect(this.isLeader).toBe(true);
    this.isLeader = false;
  }
  onApplied(effects: readonly Effect[]): void {
    for (const { key, value } of effects) {
      const stored = this.read(Buffer.from(key));
      // A later batch may be there already; the value itself never differs, keys are written once.
      expect(stored?.toString()).toBe(value && Buffer.from(value).toString());
    }
  }
  onInstalled(): void {}
  onChange(): void {}

  onDamaged(): void {}
}

interface Write {
  readonly key: string;
  outcome: string | undefined;
}

class Chaos {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #acknowledged: string[] = [];
  readonly #stores = new Map<string, CrashingStore>();
  readonly #cores = new Map<string, TrapCore>();
  #load: NewCore | undefined;
  #cluster: Cluster | undefined;
  readonly #batches: Write[][] = [];
  #writes = 0;
  #changes = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = randomFrom(seed);
  }

  get #nodes(): Cluster {
    if (this.#cluster === undefined) throw new Error('not started');
    return this.#cluster;
  }

  async run(): Promise<void> {
    this.#cluster = await Cluster.open([], {
      limits: {
        proposalEntriesMax: 12,
        logEntriesMax: 60,
        logEntriesKept: 20,
        logSnapshotFactor: 2,
        snapshotChunkBytes: 500,
        messageBytesMax: 2_000,
        snapshotTimeoutMs: 2_000,
        payloadCacheBytesMax: 3_000,
      },
    });
    const cluster = this.#nodes;
    for (const id of NODES) {
      const store = await CrashingStore.open(this.#random);
      this.#stores.set(id, store);
      await this.#start(id, store);
    }
    await cluster.found(FOUNDERS);
    for (const id of FOUNDERS) this.#own(id);
    let lossChance = 0;
    cluster.hub.filter = () => this.#random() >= lossChance;
    for (let step = 0; step < STEPS; step += 1) {
      const dice = this.#random();
      if (dice < 0.06) await this.#crash();
      else if (dice < 0.08) this.#failDisk();
      else if (dice < 0.09) this.#trap(this.#pick(NODES));
      else if (dice < 0.13) cluster.hub.isolate(this.#pick(NODES));
      else if (dice < 0.16) cluster.hub.cut(this.#pick(NODES), this.#pick(NODES));
      else if (dice < 0.25) cluster.hub.heal();
      else if (dice < 0.28) lossChance = this.#pick([0, 0, 0.05, 0.2]);
      else if (dice < 0.32) this.#transfer();
      else if (dice < 0.37) this.#change();
      else await this.#write();
      await cluster.clock?.advance(10 + Math.floor(this.#random() * 150));
      this.#checkLeases();
    }
    lossChance = 0;
    cluster.hub.heal();
    await this.#settle();
    await this.#checkLeftovers();
    await cluster.close();
  }

  async #start(id: string, store: CrashingStore): Promise<void> {
    this.#load ??= await loadCore();
    const load = this.#load;
    await this.#nodes.start(id, store, (randomU32) => {
      const core = new TrapCore(load(randomU32));
      this.#cores.set(id, core);
      return core;
    });
  }

  async #write(): Promise<void> {
    const leader = this.#nodes.replicas().find(({ isReady }) => isReady);
    if (leader === undefined) return;
    const count = 1 + Math.floor(this.#random() * 8);
    const batch: Write[] = [];
    this.#batches.push(batch);
    for (let i = 0; i < count; i += 1) {
      const write: Write = { key: `w${this.#writes}`, outcome: undefined };
      batch.push(write);
      this.#writes += 1;
      const value = 'x'.repeat(Math.floor(this.#random() * 600));
      leader.propose([put(leader, write.key, value)]).then(
        () => {
          write.outcome = 'done';
          this.#acknowledged.push(write.key);
        },
        ({ code }) => {
          write.outcome = code;
        },
      );
    }
  }

  /** What was computed from a write that was never proposed must not be there. */
  #checkOrder(has: (key: string) => boolean): void {
    for (const batch of this.#batches) {
      const firstFailed = batch.findIndex(({ outcome }) => outcome !== 'done');
      const behind = firstFailed < 0 ? [] : batch.slice(firstFailed);
      expect(behind.filter(({ outcome }) => outcome === 'done')).toEqual([]);
      const firstDropped = batch.findIndex(
        ({ outcome }) => outcome !== 'done' && outcome !== 'unknown',
      );
      const never = firstDropped < 0 ? [] : batch.slice(firstDropped);
      expect(never.filter(({ key }) => has(key))).toEqual([]);
    }
  }

  async #crash(): Promise<void> {
    const cluster = this.#nodes;
    const id = this.#pick(NODES);
    cluster.hub.leave(id);
    const store = this.#stores.get(id);
    const { host } = cluster.node(id);
    cluster.nodes.delete(id);
    const after = await store?.crash();
    if (after === undefined) throw new Error('no store');
    // What the dead process has under way never ends: nobody waits for it.
    void host.close();
    this.#stores.set(id, after);
    await this.#start(id, after);
    if (cluster.node(id).host.get(1n) !== undefined) this.#own(id);
  }

  #failDisk(): void {
    const store = this.#stores.get(this.#pick(NODES));
    if (store === undefined || store.writesRefused !== undefined) return;
    store.fail();
    this.#nodes.scheduler.after(3_000 * this.#random(), () => void store.repair());
  }

  #trap(id: string): void {
    const core = this.#cores.get(id);
    if (core !== undefined) core.isDead = true;
  }

  #transfer(): void {
    const leader = this.#nodes.replicas().find(({ isReady }) => isReady);
    const members = leader?.membership.members ?? [];
    const to = members[Math.floor(this.#random() * members.length)];
    if (leader === undefined || to === undefined) return;
    leader.transferLeadership(to.replicaId).catch(() => undefined);
  }

  /** Brings the node that has no member in, promotes it, or removes one. */
  #change(): void {
    const leader = this.#nodes.replicas().find(({ isReady }) => isReady);
    if (leader === undefined) return;
    const { members, replicaIdNext } = leader.membership;
    const absent = NODES.find((id) => !members.some(({ node }) => node === id));
    const learner = members.find(({ kind }) => kind === 'learner');
    if (learner !== undefined) {
      const voters = members.filter(({ kind }) => kind === 'voter');
      const removed = this.#pick(voters);
      const change = { promote: [learner.replicaId], remove: [removed.replicaId] };
      leader.changeMembers(change).then(
        () => {
          this.#changes += 1;
        },
        () => undefined,
      );
    } else if (absent !== undefined) {
      void this.#join(leader, absent, replicaIdNext);
    }
  }

  async #join(leader: Replica, id: string, replicaId: number): Promise<void> {
    const { host } = this.#nodes.node(id);
    try {
      if ((host.get(1n)?.replicaId ?? replicaId) < replicaId) await host.drop(1n);
      await host.create({ partitionId: 1n, replicaId, members: [], initialEffects: [] });
      this.#own(id);
      await leader.changeMembers({ addLearners: [{ node: id }] });
    } catch (error) {
      if (!(error instanceof Error) || !/ProposalError|ReplicaExists/.test(error.name)) throw error;
    }
  }

  #own(id: string): void {
    const replica = this.#nodes.replica(id);
    const store = this.#stores.get(id);
    if (replica.listener !== undefined) return;
    replica.listener = new Owner(replica, (key) => store?.get(key));
  }

  /** At most one replica holds the lease, and it has all that was acknowledged. */
  #checkLeases(): void {
    const holders = this.#nodes.replicas().filter((replica) => replica.holdsLease());
    expect(holders.length).toBeLessThanOrEqual(1);
    const [holder] = holders;
    const last = this.#acknowledged.at(-1);
    if (holder === undefined || last === undefined) return;
    const store = this.#stores.get(this.#nodes.nodeOf(holder));
    expect(store?.get(fullKey(holder.storageId, last))).toBeDefined();
  }

  async #settle(): Promise<void> {
    const cluster = this.#nodes;
    await cluster.clock?.advance(4_000);
    const leader = await cluster.leader();
    await cluster.put(leader, 'end', 'yes');
    await cluster.until('no change is under way', () => !leader.membership.isJoint);
    const { members } = leader.membership;
    await cluster.until('all members have all', () =>
      members.every(
        ({ node, replicaId }) =>
          cluster.node(node).host.get(1n)?.replicaId !== replicaId ||
          cluster.replica(node).appliedIndex === leader.appliedIndex,
      ),
    );
    const states: string[][] = [];
    for (const { node, replicaId } of members) {
      const replica = cluster.node(node).host.get(1n);
      if (replica?.replicaId !== replicaId) continue;
      expect(replica.failure).toBeUndefined();
      states.push(await stateOf(cluster.node(node).store, replica.storageId));
    }
    expect(states.length).toBeGreaterThanOrEqual(2);
    for (const state of states) expect(state).toEqual(states[0]);
    const store = this.#stores.get(cluster.nodeOf(leader));
    for (const key of this.#acknowledged) {
      if (store?.get(fullKey(leader.storageId, key)) === undefined) {
        throw new Error(`seed ${this.#seed}: ${key} was acknowledged and is lost`);
      }
    }
    this.#checkOrder((key) => store?.get(fullKey(leader.storageId, key)) !== undefined);
    if (process.env.TRESTLE_CHAOS_TELL !== undefined) {
      const told = {
        writes: this.#writes,
        changes: this.#changes,
        ...Object.fromEntries(cluster.probes),
      };
      process.stderr.write(`seed ${this.#seed}: ${JSON.stringify(told)}\n`);
    }
  }

  /** Behind a restart, a store has the states of its replicas and no other. */
  async #checkLeftovers(): Promise<void> {
    const cluster = this.#nodes;
    for (const id of NODES) {
      const store = this.#stores.get(id);
      await cluster.node(id).host.close();
      if (store !== undefined) await this.#start(id, store);
    }
    await cluster.clock?.advance(2_000);
    for (const id of NODES) {
      const { store, host } = cluster.node(id);
      const { storageIds } = await readStorages(store);
      expect([...storageIds]).toEqual([...host.all()].map(({ storageId }) => storageId));
    }
  }

  #pick<T>(of: readonly T[]): T {
    const picked = of[Math.floor(this.#random() * of.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}
