import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, put, Recorder, stateOf } from './cluster.fixture.ts';
import { ProposalError } from './replica.ts';

const THREE = ['a', 'b', 'c'] as const;

describe('MultiRaft', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function founded(): Promise<Cluster> {
    cluster = await Cluster.open(THREE);
    await cluster.found(THREE);
    return cluster;
  }

  it('founders of a new group elect a leader in less than 1.5 s', async () => {
    await founded();
    const startMs = cluster.scheduler.monotonicMs();
    const leader = await cluster.leader();
    expect(cluster.scheduler.monotonicMs() - startMs).toBeLessThan(1_500);
    expect(leader.membership).toMatchObject({ epoch: 1, replicaIdNext: 4, isJoint: false });
  });

  it('what is proposed is applied at all replicas, and their states are equal', async () => {
    await founded();
    const recorders = THREE.map((id) => {
      const recorder = new Recorder();
      cluster.replica(id).listener = recorder;
      return recorder;
    });
    const leader = await cluster.leader();
    const writes = Array.from({ length: 200 }, (_, i) =>
      leader.propose([put(leader, `k${i % 50}`, `v${i}`), put(leader, 'last', `${i}`)]),
    );
    await cluster.settle(Promise.all(writes));
    await cluster.until('all applied', () =>
      cluster.replicas().every(({ appliedIndex }) => appliedIndex === leader.appliedIndex),
    );
    const states = await Promise.all(
      THREE.map((id) => stateOf(cluster.node(id).store, cluster.replica(id).storageId)),
    );
    expect(states[0]).toHaveLength(1 + 50 + 1 + 2);
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
    expect(cluster.read('a', 'last')).toBe('199');
    expect(recorders.map(({ appliedCount }) => appliedCount)).toEqual([400, 400, 400]);
    expect(recorders.flatMap(({ events }) => events)).toEqual([`leader ${leader.term}`]);
  });

  it('a follower refuses proposals', async () => {
    await founded();
    const leader = await cluster.leader();
    const follower = cluster.replicas().find((replica) => replica !== leader);
    const refused = follower?.propose([put(follower, 'k', 'v')]);
    await expect(refused).rejects.toMatchObject({ code: 'notLeader' });
    await expect(refused).rejects.toBeInstanceOf(ProposalError);
  });

  it('when the leader dies another goes on, and nothing acknowledged is lost', async () => {
    await founded();
    const leader = await cluster.leader();
    const acknowledged: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      await cluster.put(leader, `k${i}`, `v${i}`);
      acknowledged.push(`k${i}`);
    }
    const startMs = cluster.scheduler.monotonicMs();
    await cluster.stop(cluster.nodeOf(leader));
    const next = await cluster.leader();
    expect(cluster.scheduler.monotonicMs() - startMs).toBeLessThan(4_000);
    await cluster.put(next, 'after', 'yes');
    const node = cluster.nodeOf(next);
    for (const key of acknowledged) expect(cluster.read(node, key)).toBe(key.replace('k', 'v'));
  });

  it('a node that restarts takes up its replica from disk', async () => {
    await founded();
    const leader = await cluster.leader();
    for (let i = 0; i < 10; i += 1) await cluster.put(leader, `k${i}`, `v${i}`);
    for (const id of THREE) await cluster.restart(id);
    const next = await cluster.leader();
    await cluster.put(next, 'after', 'yes');
    for (let i = 0; i < 10; i += 1) {
      expect(cluster.read(cluster.nodeOf(next), `k${i}`)).toBe(`v${i}`);
    }
    await cluster.until('all applied', () =>
      THREE.every((id) => cluster.read(id, 'after') === 'yes'),
    );
  });
});
