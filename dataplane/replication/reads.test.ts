import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import { readFrame } from './message-frame.ts';
import { RAFT_CHANNEL } from './message-sender.ts';
import type { Replica } from './replica.ts';

const THREE = ['a', 'b', 'c'] as const;

describe('reads', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function founded(): Promise<Replica> {
    cluster = await Cluster.open(THREE);
    await cluster.found(THREE);
    const leader = await cluster.leader();
    await cluster.until('the lease', () => leader.holdsLease());
    return leader;
  }

  it('a leader holds the lease while it is asked, and confirms at once', async () => {
    const leader = await founded();
    for (let i = 0; i < 50; i += 1) {
      await cluster.clock?.advance(100);
      expect(leader.holdsLease()).toBe(true);
      await leader.confirmLeadership(1_000);
    }
    expect(leader.stalenessMs()).toBe(0);
  });

  it('a lease that nobody asks for runs out, and comes back when asked', async () => {
    const leader = await founded();
    await cluster.clock?.advance(5_000);
    expect(leader.holdsLease()).toBe(false);
    await cluster.settle(leader.confirmLeadership(1_000));
    expect(leader.holdsLease()).toBe(true);
  });

  it('an isolated leader loses the lease before another replica leads', async () => {
    for (let run = 0; run < 8; run += 1) {
      const leader = await founded();
      for (let i = 0; i < run; i += 1) {
        await cluster.clock?.advance(70);
        leader.holdsLease();
      }
      cluster.hub.isolate(cluster.nodeOf(leader));
      await cluster.until('another leader', () => {
        const other = cluster.replicas().find((replica) => replica !== leader && replica.isReady);
        if (other !== undefined) expect(leader.holdsLease()).toBe(false);
        leader.holdsLease();
        return other;
      });
      await expect(cluster.settle(leader.confirmLeadership(500))).rejects.toMatchObject({
        name: 'ProposalError',
      });
      await cluster.close();
    }
  });

  it('calls of one turn share a round, later ones need another', async () => {
    const leader = await founded();
    await cluster.clock?.advance(5_000);
    const frames = cluster.hub.framesCount;
    await cluster.settle(
      Promise.all(Array.from({ length: 100 }, () => leader.confirmLeadership(1_000))),
    );
    expect(cluster.hub.framesCount - frames).toBeLessThan(20);
  });

  it('from the request of a transfer on there is no lease, whatever comes of it', async () => {
    const leader = await founded();
    const to = cluster.replicas().find((replica) => replica !== leader);
    cluster.hub.isolate(cluster.nodeOf(to ?? leader));
    const transfer = leader.transferLeadership(to?.replicaId ?? 0);
    expect(leader.holdsLease()).toBe(false);
    await expect(cluster.settle(transfer)).rejects.toMatchObject({ code: 'dropped' });
    expect(leader.role).toBe('leader');
    await cluster.clock?.advance(2_000);
    expect(leader.holdsLease()).toBe(false);
    await cluster.settle(leader.confirmLeadership(1_000));
    expect(leader.holdsLease()).toBe(false);
  });

  it('a transfer to a replica that is no voter is refused and costs no lease', async () => {
    const leader = await founded();
    await expect(cluster.settle(leader.transferLeadership(9))).rejects.toMatchObject({
      code: 'dropped',
    });
    expect(leader.holdsLease()).toBe(true);
  });

  it('a transfer resolves when the other leads; proposals meanwhile are dropped', async () => {
    const leader = await founded();
    const to = cluster.replicas().find((replica) => replica !== leader);
    const transfer = leader.transferLeadership(to?.replicaId ?? 0);
    await expect(leader.propose([])).rejects.toMatchObject({ code: 'dropped' });
    await cluster.settle(transfer);
    expect(leader.isReady).toBe(false);
    expect(await cluster.leader()).toBe(to);
  });

  it('a restarted replica elects nobody for an election time-out', async () => {
    let guardedCount = 0;
    for (let run = 0; run < 6; run += 1) {
      const leader = await founded();
      const third = THREE.find((id) => id !== cluster.nodeOf(leader)) ?? '';
      // The leader is cut off; of the two that are left, one has just restarted.
      cluster.hub.isolate(cluster.nodeOf(leader));
      await cluster.clock?.advance(900);
      await cluster.restart(third);
      const restartedMs = cluster.scheduler.monotonicMs();
      await cluster.leader(1n, leader);
      expect(cluster.scheduler.monotonicMs() - restartedMs).toBeGreaterThanOrEqual(1_000);
      guardedCount += cluster.probes.get('voteGuarded') ?? 0;
      await cluster.close();
    }
    expect(guardedCount).toBeGreaterThan(0);
  });

  it('a restarted replica takes part in a transfer at once', async () => {
    const leader = await founded();
    const [third = '', second = ''] = THREE.filter((id) => id !== cluster.nodeOf(leader));
    await cluster.restart(third);
    const restartedMs = cluster.scheduler.monotonicMs();
    await cluster.put(leader, 'k', 'v');
    await cluster.settle(leader.transferLeadership(cluster.replica(second).replicaId));
    expect(cluster.scheduler.monotonicMs() - restartedMs).toBeLessThan(900);
  });

  it('staleness: small at a follower that hears the leader, growing at one that does not', async () => {
    const leader = await founded();
    const follower = cluster.replicas().find((replica) => replica !== leader) ?? leader;
    await cluster.put(leader, 'k', 'v');
    await cluster.clock?.advance(2_000);
    expect(follower.stalenessMs()).toBeLessThanOrEqual(500);
    cluster.hub.isolate(cluster.nodeOf(follower));
    await cluster.clock?.advance(3_000);
    expect(follower.stalenessMs()).toBeGreaterThanOrEqual(3_000);
    cluster.hub.heal();
    await cluster.until('fresh again', () => follower.stalenessMs() < 500);
  });

  it('staleness: a follower that lags is not fresh for hearing heartbeats', async () => {
    const leader = await founded();
    const follower = cluster.replicas().find((replica) => replica !== leader) ?? leader;
    const node = cluster.nodeOf(follower);
    await cluster.clock?.advance(1_000);
    cluster.hub.filter = (_, to, channel, body) =>
      to !== node ||
      channel !== RAFT_CHANNEL ||
      [...readFrame(body)].every(({ payloads }) => payloads.length === 0);
    await cluster.put(leader, 'k', 'v');
    const { appliedIndex } = follower;
    await cluster.clock?.advance(3_000);
    expect(follower.leader?.replicaId).toBe(leader.replicaId);
    expect(follower.appliedIndex).toBe(appliedIndex);
    expect(follower.stalenessMs()).toBeGreaterThanOrEqual(2_900);
    cluster.hub.filter = () => true;
    await cluster.until('fresh again', () => follower.stalenessMs() < 500);
    expect(cluster.read(node, 'k')).toBe('v');
  });
});
