import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, put, Recorder, randomFrom, stateOf } from './cluster.fixture.ts';
import { CrashingStore } from './crashing-store.fixture.ts';
import type { ReplicationLimits } from './limits.ts';
import type { Replica } from './replica.ts';
import { SNAPSHOT_METHOD } from './snapshot-protocol.ts';

const THREE = ['a', 'b', 'c'] as const;
const limits: Partial<ReplicationLimits> = {
  logEntriesMax: 40,
  logEntriesKept: 10,
  logSnapshotFactor: 1,
  snapshotChunkBytes: 2_000,
};

describe('snapshots', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  /** A leader whose log has lost what the replica on the node named is missing. */
  async function behind(): Promise<{ leader: Replica; id: string }> {
    cluster = await Cluster.open(THREE, { limits });
    await cluster.found(THREE);
    const leader = await cluster.leader();
    const id = THREE.find((other) => other !== cluster.nodeOf(leader)) ?? '';
    cluster.hub.isolate(id);
    await write(leader, 'old', 100);
    await cluster.until('compacted', () => (cluster.probes.get('logCompacted') ?? 0) > 1);
    return { leader, id };
  }

  async function write(leader: Replica, prefix: string, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await cluster.settle(leader.propose([put(leader, `${prefix}${i}`, 'x'.repeat(300))]));
      if (i % 25 === 0) await cluster.clock?.advance(1_000);
    }
    await cluster.clock?.advance(2_500);
  }

  async function caughtUp(id: string): Promise<void> {
    const leader = await cluster.leader();
    await cluster.until('caught up', () => {
      const replica = cluster.node(id).host.get(1n);
      return replica !== undefined && replica.appliedIndex === leader.appliedIndex;
    });
    const states = await Promise.all(
      [id, cluster.nodeOf(leader)].map((node) =>
        stateOf(cluster.node(node).store, cluster.replica(node).storageId),
      ),
    );
    expect(states[0]).toEqual(states[1]);
  }

  it('a follower that is too far behind gets the state, in chunks', async () => {
    const { leader, id } = await behind();
    const replica = cluster.replica(id);
    const recorder = new Recorder();
    replica.listener = recorder;
    const { storageId } = replica;
    cluster.hub.heal();
    await caughtUp(id);
    expect(recorder.events).toContain('installed');
    expect(replica.storageId).not.toBe(storageId);
    expect(await stateOf(cluster.node(id).store, storageId)).toEqual([]);
    const metrics = cluster.node(cluster.nodeOf(leader)).host.metrics;
    expect(metrics.snapshotsSent).toBe(1);
    expect(metrics.snapshotBytesSent).toBeGreaterThan(20_000);
    await cluster.put(await cluster.leader(), 'after', 'yes');
    await cluster.until('goes on', () => cluster.read(id, 'after') === 'yes');
  });

  it('a receiver that dies in mid-transfer starts without a trace of it, and gets another', async () => {
    const { id } = await behind();
    let chunks = 0;
    cluster.hub.filter = (_, to, channel) => {
      if (to === id && channel === SNAPSHOT_METHOD) chunks += 1;
      return chunks < 6;
    };
    cluster.hub.heal();
    await cluster.until('half of it is there', () => chunks >= 6);
    cluster.hub.filter = () => true;
    await cluster.restart(id);
    await caughtUp(id);
    await cluster.until('no state is left behind', () => true);
    const store = cluster.node(id).store;
    const mine = cluster.replica(id).storageId;
    await cluster.clock?.advance(100);
    for (let other = 2n ** 63n; other < 2n ** 63n + 6n; other += 1n) {
      if (other !== mine) expect(await stateOf(store, other)).toEqual([]);
    }
  });

  it('a sender that dies in mid-transfer is replaced by the next leader', async () => {
    const { leader, id } = await behind();
    let chunks = 0;
    cluster.hub.filter = (_, to, channel) => {
      if (to === id && channel === SNAPSHOT_METHOD) chunks += 1;
      return chunks < 6;
    };
    cluster.hub.heal();
    await cluster.until('half of it is there', () => chunks >= 6);
    cluster.hub.filter = () => true;
    await cluster.stop(cluster.nodeOf(leader));
    await caughtUp(id);
  });

  it('lost and damaged chunks make it begin anew', async () => {
    const { leader, id } = await behind();
    let requests = 0;
    cluster.hub.filter = (_, to, channel, body) => {
      if (to !== id || channel !== SNAPSHOT_METHOD) return true;
      requests += 1;
      const { data } = body as { data?: Buffer };
      if (requests === 9 && data !== undefined) data[10] = (data[10] ?? 0) ^ 1;
      return requests !== 3;
    };
    cluster.hub.heal();
    await caughtUp(id);
    const { metrics } = cluster.node(cluster.nodeOf(leader)).host;
    expect(metrics.snapshotsFailed).toBeGreaterThanOrEqual(1);
    expect(metrics.snapshotsSent).toBe(1);
  });

  it('a receiver may die at any commit of a transfer or installation', async () => {
    let hasDied = true;
    for (let dieAt = 1; hasDied; dieAt += 1) {
      cluster = await Cluster.open([], { limits: { ...limits, snapshotChunkBytes: 10_000 } });
      const random = randomFrom(dieAt);
      const stores = new Map<string, CrashingStore>();
      for (const id of THREE) {
        const store = await CrashingStore.open(random);
        stores.set(id, store);
        await cluster.start(id, store);
      }
      await cluster.found(THREE);
      const leader = await cluster.leader();
      const id = THREE.find((other) => other !== cluster.nodeOf(leader)) ?? '';
      cluster.hub.isolate(id);
      await write(leader, 'old', 100);
      const store = stores.get(id);
      if (store === undefined) throw new Error('no store');
      let commits = 0;
      store.onCommit = () => {
        commits += 1;
      };
      cluster.hub.heal();
      await cluster.until(
        'so many commits, or no more to come',
        () => commits >= dieAt || cluster.replica(id).appliedIndex === leader.appliedIndex,
      );
      hasDied = commits >= dieAt;
      cluster.hub.leave(id);
      const { host } = cluster.node(id);
      cluster.nodes.delete(id);
      const after = await store.crash();
      void host.close();
      await cluster.start(id, after);
      await caughtUp(id);
      expect(cluster.replica(id).failure).toBeUndefined();
      if (hasDied) await cluster.close();
      else expect(dieAt).toBeGreaterThan(6);
    }
  });

  it('writes go on while a snapshot is sent, and after it the log brings the rest', async () => {
    const { leader, id } = await behind();
    cluster.hub.heal();
    await write(leader, 'new', 60);
    await caughtUp(id);
  });
});
