import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../storage/memory-store.ts';
import { Cluster, put, Recorder, stateOf } from './cluster.fixture.ts';
import type { NewCore } from './core/consensus-core.ts';
import { loadCore } from './core/wasm-core.ts';
import { FailingStore } from './failing-store.fixture.ts';
import type { ReplicationLimits } from './limits.ts';
import { LogKeys } from './log-keys.ts';
import type { Replica } from './replica.ts';
import { TrapCore } from './trap-core.fixture.ts';

const THREE = ['a', 'b', 'c'] as const;

describe('failures', () => {
  let cluster: Cluster;
  const stores = new Map<string, FailingStore>();
  afterEach(() => cluster.close());

  async function founded(
    newCore?: NewCore,
    limits: Partial<ReplicationLimits> = {},
  ): Promise<Replica> {
    cluster = await Cluster.open(THREE, {
      limits,
      newStore: async (node) => {
        const store = new FailingStore(await MemoryStore.open());
        stores.set(node, store);
        return store;
      },
      ...(newCore === undefined ? {} : { newCore }),
    });
    await cluster.found(THREE);
    return cluster.leader();
  }

  function storeOf(replica: Replica): FailingStore {
    const store = stores.get(cluster.nodeOf(replica));
    if (store === undefined) throw new Error('no store');
    return store;
  }

  async function areEqual(): Promise<void> {
    await cluster.until('all applied', () => {
      const [first, ...others] = cluster.replicas();
      return others.every(({ appliedIndex }) => appliedIndex === first?.appliedIndex);
    });
    const states = await Promise.all(
      THREE.map((id) => stateOf(cluster.node(id).store, cluster.replica(id).storageId)),
    );
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  }

  for (const keepsFailed of [false, true]) {
    it(`a leader whose store fails halts, and takes part again (write kept: ${keepsFailed})`, async () => {
      const leader = await founded();
      const recorder = new Recorder();
      leader.listener = recorder;
      await cluster.put(leader, 'before', 'yes');
      const { host } = cluster.node(cluster.nodeOf(leader));
      const store = storeOf(leader);
      store.keepsFailed = keepsFailed;
      store.fail();
      const failing = leader.propose([put(leader, 'during', 'yes')]);
      await expect(cluster.settle(failing)).rejects.toMatchObject({ code: 'unknown' });
      expect(host.halted).toBeInstanceOf(Error);
      expect(recorder.events).toEqual(['lost']);
      await expect(leader.propose([])).rejects.toMatchObject({ code: 'unavailable' });
      await expect(host.drop(1n)).rejects.toMatchObject({ code: 'unavailable' });
      const next = await cluster.leader(1n, leader);
      await cluster.put(next, 'meanwhile', 'yes');
      await store.repair();
      await cluster.until('it takes part again', () => host.halted === undefined);
      await cluster.until('it has all', () => leader.appliedIndex === next.appliedIndex);
      expect(host.get(1n)).toBe(leader);
      expect(cluster.read(cluster.nodeOf(leader), 'meanwhile')).toBe('yes');
      await areEqual();
    });
  }

  it('a follower whose store fails does not stop the others', async () => {
    const leader = await founded();
    const follower = cluster.replicas().find((replica) => replica !== leader) ?? leader;
    storeOf(follower).fail();
    await cluster.put(leader, 'k', 'v');
    await cluster.until('halted', () => cluster.node(cluster.nodeOf(follower)).host.halted);
    await cluster.put(leader, 'k2', 'v2');
    await storeOf(follower).repair();
    await areEqual();
  });

  it('a node whose store cannot be read for a while halts, and takes part again', async () => {
    // Nothing is kept in memory: what is applied and sent is read from the log.
    const leader = await founded(undefined, { payloadCacheBytesMax: 0, applyBytesMax: 1 });
    const follower = cluster.replicas().find((replica) => replica !== leader) ?? leader;
    for (const replica of [follower, leader]) {
      const { host } = cluster.node(cluster.nodeOf(replica));
      const store = storeOf(replica);
      store.isOpening = true;
      const puts = Array.from({ length: 5 }, (_, i) =>
        leader.propose([put(leader, `k${i}`, 'v')]).catch(() => {}),
      );
      await cluster.until('halted', () => host.halted);
      store.isOpening = false;
      await cluster.settle(Promise.all(puts));
      await cluster.until('it takes part again', () => host.halted === undefined);
      await cluster.put(await cluster.leader(), 'after', 'yes');
      await areEqual();
    }
  });

  it('a trapped instance is replaced without a restart', async () => {
    const load = await loadCore();
    const traps = new Set<TrapCore>();
    const leader = await founded((randomU32) => {
      const core = new TrapCore(load(randomU32));
      traps.add(core);
      return core;
    });
    await cluster.put(leader, 'before', 'yes');
    const before = traps.size;
    for (const core of traps) core.isDead = true;
    await cluster.until('all replaced', () => traps.size === before + 3);
    const next = await cluster.leader();
    await cluster.put(next, 'after', 'yes');
    expect(cluster.read(cluster.nodeOf(next), 'before')).toBe('yes');
    await areEqual();
    for (const { host } of cluster.nodes.values()) expect(host.halted).toBeUndefined();
  });

  it('a group that panics begins anew from disk; the third time in a minute it fails', async () => {
    const load = await loadCore();
    const cores: TrapCore[] = [];
    const leader = await founded((randomU32) => {
      const core = new TrapCore(load(randomU32));
      cores.push(core);
      return core;
    });
    await cluster.put(leader, 'before', 'yes');
    const follower = cluster.replicas().find((replica) => replica !== leader) ?? leader;
    const core = cores[THREE.indexOf(cluster.nodeOf(follower) as 'a')];
    for (let panics = 1; panics <= 2; panics += 1) {
      // While nothing is written, nothing is asked of the core of a follower.
      if (core !== undefined) core.panicsNext = true;
      await cluster.put(leader, `after ${panics}`, 'yes');
      await cluster.until('recreated', () => cluster.probes.get('groupRecreated') === panics);
      await areEqual();
    }
    expect(follower.failure).toBeUndefined();
    if (core !== undefined) core.panicsNext = true;
    await cluster.put(leader, 'after 3', 'yes');
    await cluster.until('it has failed', () => follower.failure);
    expect(cluster.node(cluster.nodeOf(follower)).host.halted).toBeUndefined();
  });

  it('an instance that has grown too large is replaced, its leaderships handed over', async () => {
    const load = await loadCore();
    const cores: TrapCore[] = [];
    const leader = await founded((randomU32) => {
      const core = new TrapCore(load(randomU32));
      cores.push(core);
      return core;
    });
    await cluster.put(leader, 'before', 'yes');
    const own = cores[THREE.indexOf(cluster.nodeOf(leader) as 'a')];
    if (own !== undefined) own.extraBytes = 2 ** 32;
    await cluster.until('replaced', () => cores.length === 4);
    expect(cluster.probes.get('transfer')).toBe(1);
    const next = await cluster.leader();
    expect(next).not.toBe(leader);
    await cluster.put(next, 'after', 'yes');
    await areEqual();
  });

  it('a damaged log entry stops that replica alone, at the start', async () => {
    const leader = await founded();
    await cluster.found(THREE, 2n);
    const other = await cluster.leader(2n);
    for (let i = 0; i < 5; i += 1) await cluster.put(leader, `k${i}`, 'v');
    await cluster.put(other, 'k', 'v');
    const id = cluster.nodeOf(cluster.replicas().find((replica) => replica !== leader) ?? leader);
    const store = await cluster.stop(id);
    const key = new LogKeys(1n).entry(4);
    const record = Buffer.from(store.get(key) ?? '');
    record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
    await store.commit([{ key, value: record }]);
    await cluster.start(id, store);
    expect(cluster.replica(id).failure?.message).toMatch('checksum mismatch');
    expect(cluster.replica(id, 2n).failure).toBeUndefined();
    expect(cluster.logged.some(({ event }) => event === 'replicaFailed')).toBe(true);
    await cluster.put(await cluster.leader(), 'after', 'yes');
    await cluster.put(await cluster.leader(2n), 'after', 'yes');
    await cluster.until('the other goes on', () => cluster.read(id, 'after', 2n) === 'yes');
    await cluster.node(id).host.drop(1n);
    expect(cluster.node(id).host.get(1n)).toBeUndefined();
    const again = { partitionId: 1n, replicaId: 9, members: [], initialEffects: [] };
    const fresh = await cluster.node(id).host.create(again);
    expect(fresh.appliedIndex).toBe(0);
  });

  it('damage of an applied record, hard state or replica record stops that replica', async () => {
    const leader = await founded();
    const keys = new LogKeys(1n);
    const followers = cluster.replicas().filter((replica) => replica !== leader);
    for (const [i, key] of [keys.hardState, keys.replica].entries()) {
      const id = cluster.nodeOf(followers[i] ?? leader);
      const store = await cluster.stop(id);
      const record = Buffer.from(store.get(key) ?? '');
      record[7] = (record[7] ?? 0) ^ 1;
      await store.commit([{ key, value: record }]);
      await cluster.start(id, store);
      expect(cluster.replica(id).failure).toBeInstanceOf(Error);
    }
  });

  it('too many proposals are refused, and so is all behind them in the same turn', async () => {
    cluster = await Cluster.open(THREE, { limits: { proposalEntriesMax: 10 } });
    await cluster.found(THREE);
    const leader = await cluster.leader();
    const outcomes = await cluster.settle(
      Promise.allSettled(
        Array.from({ length: 30 }, (_, i) => leader.propose([put(leader, `k${i}`, 'v')])),
      ),
    );
    const failed = outcomes.map((outcome) => outcome.status === 'rejected');
    expect(failed).toEqual(Array.from({ length: 30 }, (_, i) => i >= 10));
    await cluster.put(leader, 'after', 'yes');
  });

  it('a proposal too large is refused, and a small one behind it', async () => {
    cluster = await Cluster.open(THREE, { limits: { payloadBytesMax: 1_000 } });
    await cluster.found(THREE);
    const leader = await cluster.leader();
    const large = leader.propose([put(leader, 'k', 'x'.repeat(2_000))]);
    const small = leader.propose([put(leader, 'k', 'x')]);
    await expect(large).rejects.toMatchObject({ code: 'dropped' });
    await expect(small).rejects.toMatchObject({ code: 'dropped' });
    await cluster.clock?.advance(10);
    await cluster.put(leader, 'k', 'y');
  });

  it('proposals under way when leadership is lost end as unknown', async () => {
    const leader = await founded();
    const recorder = new Recorder();
    leader.listener = recorder;
    cluster.hub.isolate(cluster.nodeOf(leader));
    const codes: string[] = [];
    const proposals = Array.from({ length: 5 }, (_, i) =>
      leader.propose([put(leader, `k${i}`, 'v')]).catch(({ code }) => codes.push(code)),
    );
    await cluster.settle(Promise.all(proposals));
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'unknown'));
    expect(recorder.events).toEqual(['lost']);
    const next = await cluster.leader(1n, leader);
    await cluster.put(next, 'k0', 'other');
    cluster.hub.heal();
    await areEqual();
    expect(cluster.probes.get('logTruncated')).toBeGreaterThan(0);
    expect(cluster.read(cluster.nodeOf(leader), 'k0')).toBe('other');
    expect(cluster.read(cluster.nodeOf(leader), 'k1')).toBeUndefined();
  });

  it('a payload of several messages arrives whole', async () => {
    cluster = await Cluster.open(THREE, { limits: { messageBytesMax: 10_000 } });
    await cluster.found(THREE);
    const leader = await cluster.leader();
    const values = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(2_000 + i * 100));
    await cluster.settle(
      Promise.all(values.map((value, i) => leader.propose([put(leader, `k${i}`, value)]))),
    );
    await areEqual();
    expect(cluster.probes.get('appendSplit')).toBeGreaterThan(0);
  });

  it('all leaderships are handed over before a node stops', async () => {
    const leader = await founded();
    for (let partition = 2n; partition < 20n; partition += 1n)
      await cluster.found(THREE, partition);
    await cluster.until('all lead', () =>
      Array.from({ length: 19 }, (_, i) => BigInt(i + 1)).every((id) =>
        cluster.replicas(id).some((replica) => replica.isReady),
      ),
    );
    const { host } = cluster.node(cluster.nodeOf(leader));
    expect([...host.all()].filter(({ isReady }) => isReady).length).toBeGreaterThan(3);
    await cluster.settle(host.transferAll());
    expect([...host.all()].filter(({ isReady }) => isReady)).toEqual([]);
  });

  it('one synced commit holds the appends of all groups of a turn', async () => {
    await founded();
    const ids = Array.from({ length: 20 }, (_, i) => BigInt(i + 2));
    for (const partition of ids) await cluster.found(THREE, partition);
    const leaders = await Promise.all(ids.map((id) => cluster.leader(id)));
    const node = cluster.nodeOf(leaders[0] ?? cluster.replica('a'));
    const own = leaders.filter((leader) => cluster.nodeOf(leader) === node);
    const before = stores.get(node)?.syncedCommits ?? 0;
    await cluster.settle(Promise.all(own.map((leader) => leader.propose([put(leader, 'k', 'v')]))));
    expect(own.length).toBeGreaterThan(4);
    expect((stores.get(node)?.syncedCommits ?? 0) - before).toBe(1);
  });
});
