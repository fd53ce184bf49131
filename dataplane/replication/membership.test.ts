import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, stateOf } from './cluster.fixture.ts';
import type { Replica } from './replica.ts';

const THREE = ['a', 'b', 'c'] as const;

describe('membership', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function founded(limits = {}): Promise<Replica> {
    cluster = await Cluster.open([...THREE, 'd'], { limits });
    await cluster.found(THREE);
    return cluster.leader();
  }

  /** A replica on `d` that waits for its leader. */
  function join(leader: Replica): Promise<Replica> {
    return cluster.node('d').host.create({
      partitionId: leader.partitionId,
      replicaId: leader.membership.replicaIdNext,
      members: [],
      initialEffects: [],
    });
  }

  async function statesAreEqual(ids: readonly string[]): Promise<void> {
    const states = await Promise.all(
      ids.map((id) => stateOf(cluster.node(id).store, cluster.replica(id).storageId)),
    );
    for (const state of states) expect(state).toEqual(states[0]);
  }

  it('a learner gets the state, is promoted, and another is removed, in one joint step', async () => {
    const leader = await founded();
    for (let i = 0; i < 30; i += 1) await cluster.put(leader, `k${i}`, 'x'.repeat(100));
    const learner = await join(leader);
    const grown = await cluster.settle(leader.changeMembers({ addLearners: [{ node: 'd' }] }));
    expect(grown.members.at(-1)).toEqual({ replicaId: 4, node: 'd', kind: 'learner' });
    expect(grown.replicaIdNext).toBe(5);
    await cluster.until('the learner has all', () => learner.appliedIndex === leader.appliedIndex);
    const removed = leader.membership.members.find(
      ({ replicaId }) => replicaId !== leader.replicaId && replicaId !== 4,
    );
    const changed = await cluster.settle(
      leader.changeMembers({ promote: [4], remove: [removed?.replicaId ?? 0] }),
    );
    expect(changed.isJoint).toBe(false);
    expect(changed.epoch).toBeGreaterThan(grown.epoch);
    expect(changed.members).toHaveLength(3);
    expect(changed.members.at(-1)).toEqual({ replicaId: 4, node: 'd', kind: 'voter' });
    await cluster.put(leader, 'after', 'yes');
    await cluster.until('d has it', () => cluster.read('d', 'after') === 'yes');
    const ids = changed.members.map(({ node }) => node);
    await cluster.until('all applied', () =>
      ids.every((id) => cluster.replica(id).appliedIndex === leader.appliedIndex),
    );
    expect(cluster.replica('d').membership).toEqual(changed);
    await statesAreEqual(ids);
  });

  it('a node that lost its disk does not vote, and is replaced by a new replica', async () => {
    const leader = await founded();
    await cluster.put(leader, 'k', 'v');
    const [lost = '', other = ''] = THREE.filter((id) => id !== cluster.nodeOf(leader));
    await (await cluster.stop(lost)).close();
    await cluster.start(lost);
    cluster.hub.isolate(other);
    const refused = leader.propose([]);
    refused.catch(() => undefined);
    await cluster.until('no quorum any more', () => leader.role !== 'leader');
    await expect(refused).rejects.toMatchObject({ code: 'unknown' });
    expect(cluster.node(lost).host.get(1n)).toBeUndefined();
    expect(cluster.node(lost).host.metrics.messagesDropped).toBeGreaterThan(0);
    cluster.hub.heal();
    const next = await cluster.leader();
    const lostId = THREE.indexOf(lost as 'a') + 1;
    await cluster.node(lost).host.create({
      partitionId: 1n,
      replicaId: 4,
      members: [],
      initialEffects: [],
    });
    await cluster.settle(next.changeMembers({ addLearners: [{ node: lost }] }));
    await cluster.until(
      'caught up',
      () => cluster.replica(lost).appliedIndex === next.appliedIndex,
    );
    await cluster.settle(next.changeMembers({ promote: [4], remove: [lostId] }));
    await cluster.until('all know', () =>
      THREE.every((id) => cluster.replica(id).appliedIndex === next.appliedIndex),
    );
    expect(cluster.read(lost, 'k')).toBe('v');
    await statesAreEqual(THREE);
  });

  it('a second change is refused while one is under way, and nonsense always', async () => {
    const leader = await founded();
    const first = leader.changeMembers({ addLearners: [{ node: 'd' }] });
    await expect(leader.changeMembers({ remove: [2] })).rejects.toMatchObject({ code: 'dropped' });
    await cluster.settle(first);
    await expect(leader.changeMembers({ remove: [9] })).rejects.toMatchObject({ code: 'dropped' });
    await expect(leader.changeMembers({ promote: [2] })).rejects.toMatchObject({ code: 'dropped' });
    await expect(leader.changeMembers({})).rejects.toMatchObject({ code: 'dropped' });
  });

  it('a leader that removes itself hands on, and campaigns no more', async () => {
    const leader = await founded();
    await cluster.settle(leader.changeMembers({ remove: [leader.replicaId] }));
    const next = await cluster.leader(1n, leader);
    await cluster.put(next, 'k', 'v');
    const { term } = next;
    await cluster.clock?.advance(5_000);
    expect(next.term).toBe(term);
    expect(next.isReady).toBe(true);
    expect(leader.role).not.toBe('leader');
  });

  it('a dropped replica is refused for good, also after a restart', async () => {
    const leader = await founded();
    const id = THREE.find((other) => other !== cluster.nodeOf(leader)) ?? '';
    const { replicaId } = cluster.replica(id);
    const removed: string[] = [];
    cluster.node(id).host.onReplica((_, change) => removed.push(change));
    await cluster.node(id).host.drop(1n);
    await cluster.node(id).host.drop(1n);
    expect(removed).toEqual(['added', 'removed']);
    const again = { partitionId: 1n, replicaId, members: [], initialEffects: [] };
    await expect(cluster.node(id).host.create(again)).rejects.toMatchObject({
      name: 'ReplicaExists',
    });
    await cluster.restart(id);
    await expect(cluster.node(id).host.create(again)).rejects.toMatchObject({
      name: 'ReplicaExists',
    });
    expect([...cluster.node(id).host.all()]).toEqual([]);
    const iterator = cluster.node(id).store.iterate({
      start: Buffer.alloc(8),
      end: Buffer.alloc(9, 0xff),
      reverse: false,
      limit: undefined,
    });
    await cluster.until('cleared', () => true);
    const keys = (await iterator.next(100)).map(([key]) => key.toString('hex'));
    await iterator.close();
    expect(keys).toEqual(['00000000000000010872', '7fffffffffffffff086e']);
    await cluster.node(id).host.create({ ...again, replicaId: 4 });
  });

  it('create: repeats do nothing, and a second replica of a partition is refused', async () => {
    await founded();
    const { host } = cluster.node('a');
    const same = { partitionId: 1n, replicaId: 1, members: [], initialEffects: [] };
    expect(await host.create(same)).toBe(cluster.replica('a'));
    await expect(host.create({ ...same, replicaId: 7 })).rejects.toMatchObject({
      name: 'ReplicaExists',
    });
  });
});
