import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { NewCore } from './consensus-core.ts';
import { readMessageHead } from './message-head.ts';
import { NO_CONF, type Replica } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

/** Replica 3 misses entries that the others then compact away. */
function withStraggler(seed: number): { cluster: Cluster; leader: Replica; straggler: Replica } {
  const cluster = new Cluster(newCore, seed);
  const leader = cluster.elect();
  cluster.isolated.add(3);
  cluster.propose(leader, 20);
  cluster.settle();
  for (const id of [1, 2]) cluster.replica(id).compact(15);
  cluster.settle();
  cluster.isolated.clear();
  return { cluster, leader, straggler: cluster.replica(3) };
}

it('compaction: what is compacted is gone, what is behind it still serves followers', () => {
  const cluster = new Cluster(newCore, 61);
  const leader = cluster.elect();
  cluster.propose(leader, 10);
  cluster.settle();
  cluster.isolated.add(3);
  cluster.propose(leader, 5);
  cluster.settle();
  leader.compact(12);
  cluster.settle();
  expect(leader.status()).toMatchObject({ firstIndex: 13, lastIndex: 17 });
  cluster.isolated.clear();
  cluster.tick(3);
  expect(cluster.replica(3).disk.applied).toBe(17);
  expect(leader.of('snapWanted')).toEqual([]);
});

it('compaction: beyond what is applied is refused; again is no fault', () => {
  const cluster = new Cluster(newCore, 62);
  const leader = cluster.elect();
  expect(leader.do({ op: 'compact', index: 3 })).toMatchObject([
    { kind: 'error', message: 'index is not applied yet' },
  ]);
  expect(leader.do({ op: 'compact', index: 2 })).toEqual([]);
  expect(leader.do({ op: 'compact', index: 1 })).toEqual([]);
  expect(leader.status().firstIndex).toBe(3);
});

it('snapshot: wanted for a follower that is too far behind, offered, sent and installed', () => {
  const { cluster, leader, straggler } = withStraggler(63);
  cluster.tick(5);
  expect(leader.of('snapWanted').length).toBeGreaterThan(0);
  const sent = leader.of('msg').filter(({ type }) => type === 'snapshot');
  const snapshot = { index: 22, term: 2, conf: { ...NO_CONF, voters: [1, 2, 3] } };
  expect(sent).toMatchObject([{ to: 3, snapshot }]);
  expect(sent.map(({ message }) => readMessageHead(message).snapshot)).toEqual([snapshot]);
  expect(straggler.of('append').filter((record) => record.snapshot)).toMatchObject([
    { snapshot, mustSync: true, entries: [] },
  ]);
  cluster.propose(leader, 2);
  cluster.settle();
  expect(straggler.disk).toMatchObject({ applied: 24, logStart: { index: 22, term: 2 } });
});

it('snapshot: the replica restarts from it', () => {
  const { cluster, leader, straggler } = withStraggler(64);
  cluster.tick(5);
  straggler.crash();
  cluster.propose(leader, 2);
  cluster.settle();
  straggler.start();
  expect(straggler.status()).toMatchObject({ firstIndex: 23, lastIndex: 22, commit: 22 });
  cluster.tick(3);
  expect(straggler.disk.applied).toBe(24);
});

it('snapshot: lost with an unsynced append, it is wanted again', () => {
  const { cluster, leader, straggler } = withStraggler(65);
  while (!straggler.of('append').some(({ snapshot }) => snapshot !== undefined)) {
    leader.queue({ op: 'tick' });
    cluster.turn();
  }
  straggler.crash();
  expect(straggler.disk.applied).toBe(2);
  straggler.start();
  cluster.tick(15);
  expect(leader.of('msg').filter(({ type }) => type === 'snapshot')).toHaveLength(2);
  expect(straggler.disk.applied).toBe(22);
});

it('snapshot: wanted once a tick, and an offer serves one message', () => {
  const { cluster, leader, straggler } = withStraggler(66);
  leader.isSnapshotHeld = true;
  cluster.tick(4);
  cluster.propose(leader, 50);
  cluster.settle();
  expect(leader.of('snapWanted').length).toBeLessThanOrEqual(4);
  expect(leader.of('msg').some(({ type }) => type === 'snapshot')).toBe(false);
  leader.offerSnapshot();
  while (!straggler.of('append').some(({ snapshot }) => snapshot !== undefined)) {
    leader.queue({ op: 'tick' });
    cluster.turn();
  }
  const wantedBefore = leader.of('snapWanted').length;
  straggler.crash();
  straggler.start();
  cluster.tick(5);
  expect(leader.of('msg').filter(({ type }) => type === 'snapshot')).toHaveLength(1);
  expect(leader.of('snapWanted').length).toBeGreaterThan(wantedBefore);
});

it('snapshot: a transfer reported as failed is tried again', () => {
  const { cluster, leader, straggler } = withStraggler(67);
  straggler.crash();
  cluster.tick(1);
  straggler.start();
  cluster.tick(1);
  straggler.crash();
  cluster.tick(2);
  straggler.start();
  cluster.tick(6);
  expect(straggler.disk.applied).toBe(22);
  expect(leader.status().progress.map(({ state }) => state)).toEqual(['replicate', 'replicate']);
});

it('snapshot: an offer that fits neither log nor members is refused', () => {
  const cluster = new Cluster(newCore, 68);
  const leader = cluster.elect();
  const conf = leader.disk.conf;
  for (const [offer, message] of [
    [{ index: 3, term: 2, conf }, 'index is not applied yet'],
    [{ index: 2, term: 1, conf }, 'snapshot does not fit the log'],
    [{ index: 0, term: 0, conf }, 'snapshot does not fit the log'],
    [
      { index: 2, term: 2, conf: { ...conf, voters: [1, 2] } },
      'configuration of the snapshot lacks a member',
    ],
  ] as const) {
    expect(leader.do({ op: 'offerSnapshot', ...offer })).toMatchObject([{ message }]);
  }
  expect(leader.do({ op: 'offerSnapshot', index: 2, term: 2, conf })).toEqual([]);
});

it('snapshot: an offer does not outlive a change of members', () => {
  const cluster = new Cluster(newCore, 69);
  const leader = cluster.elect();
  leader.offerSnapshot();
  cluster.settle();
  const learner = cluster.add(4);
  const changes = [{ kind: 'addLearner', replicaId: 4 }] as const;
  leader.queue({ op: 'confChange', changes, context: new Uint8Array(0), leaveJoint: false });
  cluster.settle();
  cluster.tick(5);
  expect(leader.of('msg').flatMap(({ snapshot }) => (snapshot ? [snapshot.index] : []))).toEqual([
    3,
  ]);
  expect(learner.disk).toMatchObject({ applied: 3, conf: { learners: [4] } });
});

it.each(['a call later', 'in the same call'])(
  'snapshot: a change of members acknowledged after it, %s, does not count twice',
  (when) => {
    const cluster = new Cluster(newCore, 70);
    const leader = cluster.elect();
    const late = cluster.replica(3);
    late.isApplyHeld = true;
    const context = new Uint8Array(0);
    const change = { op: 'confChange', context, leaveJoint: false } as const;
    leader.queue({ ...change, changes: [{ kind: 'addVoter', replicaId: 4 }] });
    cluster.settle();
    cluster.isolated.add(3);
    cluster.add(4);
    cluster.tick(5);
    leader.queue({ ...change, changes: [{ kind: 'remove', replicaId: 4 }] });
    cluster.settle();
    leader.compact(leader.disk.applied);
    cluster.isolated.clear();
    if (when === 'in the same call') {
      const isSent = () => leader.of('msg').some(({ to, type }) => to === 3 && type === 'snapshot');
      while (!isSent()) {
        leader.queue({ op: 'tick' });
        cluster.turn();
      }
      const [seq = 0] = late
        .of('apply')
        .map((record) => record.seq)
        .slice(-1);
      const [sent] = leader.of('msg').filter(({ to, type }) => to === 3 && type === 'snapshot');
      const message = sent?.message ?? new Uint8Array(0);
      late.do({ op: 'step', message }, { op: 'applyAck', seq });
    }
    cluster.tick(5);
    expect(late.of('append').some(({ snapshot }) => snapshot !== undefined)).toBe(true);
    late.isApplyHeld = false;
    cluster.settle();
    expect(late.of('conf')).toEqual([]);
    expect(late.disk.conf).toEqual({ ...NO_CONF, voters: [1, 2, 3] });
    leader.queue({ op: 'transfer', to: 3 });
    cluster.settle();
    expect(late.status().progress.map(({ replicaId }) => replicaId)).toEqual([1, 2]);
  },
);
