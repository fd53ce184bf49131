import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { NewCore, ReplicaId } from './consensus-core.ts';
import { LIMITS, NO_CONF } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

const context = new Uint8Array([1, 2, 3]);

function confChange(
  ...changes: { kind: 'addVoter' | 'addLearner' | 'remove'; replicaId: ReplicaId }[]
) {
  return { op: 'confChange', changes, context, leaveJoint: false } as const;
}

it('members: a learner is added, catches up by a snapshot, and is promoted to voter', () => {
  const cluster = new Cluster(newCore, 41);
  const leader = cluster.elect();
  const tokens = cluster.propose(leader, 5);
  cluster.settle();
  const learner = cluster.add(4);
  leader.queue(confChange({ kind: 'addLearner', replicaId: 4 }));
  cluster.settle();
  cluster.tick(5);
  expect(leader.disk.conf).toEqual({ ...NO_CONF, voters: [1, 2, 3], learners: [4] });
  expect(learner.disk.conf).toEqual(leader.disk.conf);
  expect(learner.of('append').some(({ snapshot }) => snapshot !== undefined)).toBe(true);
  tokens.push(...cluster.propose(leader, 5));
  cluster.settle();
  expect(learner.disk.entries.map(({ token }) => token)).toEqual(tokens.slice(5));
  expect(leader.status().progress.find(({ replicaId }) => replicaId === 4)).toMatchObject({
    state: 'replicate',
    isLearner: true,
    isRecentlyActive: true,
  });

  leader.queue(confChange({ kind: 'addVoter', replicaId: 4 }));
  cluster.settle();
  expect(learner.disk.conf).toEqual({ ...NO_CONF, voters: [1, 2, 3, 4] });
});

it('members: the context of a change reaches every replica that applies it', () => {
  const cluster = new Cluster(newCore, 42);
  const leader = cluster.elect();
  leader.queue(confChange({ kind: 'addLearner', replicaId: 4 }));
  cluster.settle();
  for (const replica of cluster.replicas.values()) {
    const [entry] = replica.of('apply').flatMap(({ entries }) => entries.filter(isConf));
    expect(entry?.context).toEqual(context);
    const [stored] = replica.disk.entries.filter(isConf);
    expect(stored?.data).toEqual(entry?.data);
    expect(stored?.context).toBeUndefined();
    expect(replica.of('conf')).toMatchObject([{ index: entry?.index, conf: { learners: [4] } }]);
  }
});

function isConf({ kind }: { kind: string }): boolean {
  return kind === 'conf';
}

it('members: a joint change replaces two of three at once and leaves by itself', () => {
  const cluster = new Cluster(newCore, 43);
  const leader = cluster.elect();
  for (const id of [4, 5]) cluster.add(id);
  leader.queue(
    confChange(
      { kind: 'addVoter', replicaId: 4 },
      { kind: 'addVoter', replicaId: 5 },
      { kind: 'remove', replicaId: 2 },
      { kind: 'remove', replicaId: 3 },
    ),
  );
  cluster.settle();
  cluster.tick(10);
  expect(leader.of('conf').map(({ conf }) => conf)).toEqual([
    { ...NO_CONF, voters: [1, 4, 5], votersOutgoing: [1, 2, 3], autoLeave: true },
    { ...NO_CONF, voters: [1, 4, 5] },
  ]);
  for (const id of [2, 3]) cluster.isolated.add(id);
  const tokens = cluster.propose(leader);
  cluster.settle();
  expect(cluster.appliedTokens()).toEqual(tokens);
  for (const id of [4, 5]) expect(cluster.replica(id).disk.conf.voters).toEqual([1, 4, 5]);
});

it('members: a joint configuration needs both majorities until it is left', () => {
  const cluster = new Cluster(newCore, 44);
  const leader = cluster.elect();
  for (const id of [4, 5]) cluster.add(id);
  leader.queue({
    ...confChange(
      { kind: 'addVoter', replicaId: 4 },
      { kind: 'addVoter', replicaId: 5 },
      { kind: 'remove', replicaId: 2 },
      { kind: 'remove', replicaId: 3 },
    ),
    transition: 'jointExplicit',
  });
  cluster.settle();
  cluster.tick(10);
  expect(leader.disk.conf).toMatchObject({ votersOutgoing: [1, 2, 3], autoLeave: false });
  for (const id of [2, 3]) cluster.isolated.add(id);
  cluster.propose(leader);
  cluster.settle();
  expect(cluster.appliedTokens()).toEqual([]);
  cluster.isolated.clear();
  cluster.tick(5);
  expect(cluster.appliedTokens()).toHaveLength(1);

  leader.queue({ op: 'confChange', changes: [], context, leaveJoint: true });
  cluster.settle();
  expect(leader.disk.conf).toEqual({ ...NO_CONF, voters: [1, 4, 5] });
  const left = leader
    .of('apply')
    .flatMap(({ entries }) => entries.filter(isConf))
    .at(-1);
  expect(left?.context).toEqual(context);
});

it('members: a single change may be joint too, and a voter may become a learner', () => {
  const cluster = new Cluster(newCore, 45);
  const leader = cluster.elect();
  leader.queue({
    ...confChange({ kind: 'addLearner', replicaId: 3 }),
    transition: 'jointImplicit',
  });
  cluster.settle();
  expect(leader.of('conf').map(({ conf }) => conf)).toEqual([
    {
      voters: [1, 2],
      learners: [],
      votersOutgoing: [1, 2, 3],
      learnersNext: [3],
      autoLeave: true,
    },
    { ...NO_CONF, voters: [1, 2], learners: [3] },
  ]);
});

it('members: a leader that removes itself steps down, and the others elect', () => {
  const cluster = new Cluster(newCore, 46);
  const leader = cluster.elect();
  leader.queue(confChange({ kind: 'remove', replicaId: 1 }));
  cluster.settle();
  expect(leader.status().role).toBe('follower');
  cluster.tick(4 * LIMITS.electionTicks);
  expect(cluster.leader().id).not.toBe(1);
  expect(cluster.leader().disk.conf.voters).toEqual([2, 3]);
});

it('members: a change that fits no configuration is refused before it is in the log', () => {
  const cluster = new Cluster(newCore, 47);
  const leader = cluster.elect();
  const remove = [1, 2, 3].map((replicaId) => ({ kind: 'remove', replicaId }) as const);
  for (const [command, message] of [
    [confChange(...remove), 'removed all voters'],
    [
      { op: 'confChange', changes: [], context, leaveJoint: true },
      "can't leave a non-joint config",
    ],
  ] as const) {
    expect(leader.do(command)).toEqual([{ kind: 'error', group: 1, command: 0, message }]);
  }
  expect(leader.status().lastIndex).toBe(2);
  const follower = cluster.replica(2);
  expect(follower.do(confChange({ kind: 'remove', replicaId: 3 }))).toMatchObject([
    { kind: 'error', message: 'raft proposal dropped' },
  ]);
});

it('members: a second change before the first is applied is refused', () => {
  const cluster = new Cluster(newCore, 48);
  const leader = cluster.elect();
  leader.do(confChange({ kind: 'addLearner', replicaId: 4 }));
  expect(leader.do(confChange({ kind: 'addLearner', replicaId: 5 }))).toContainEqual({
    kind: 'error',
    group: 1,
    command: 0,
    message: 'an earlier configuration change is not applied yet',
  });
  cluster.settle();
  expect(leader.disk.conf.learners).toEqual([4]);
});

it('members: a joint configuration that was interrupted is left after restart', () => {
  const cluster = new Cluster(newCore, 49);
  const leader = cluster.elect();
  cluster.add(4);
  leader.queue(confChange({ kind: 'addVoter', replicaId: 4 }, { kind: 'remove', replicaId: 3 }));
  while (leader.disk.conf.votersOutgoing.length === 0) cluster.turn();
  for (const replica of cluster.replicas.values()) replica.crash();
  for (const replica of cluster.replicas.values()) replica.start();
  cluster.tick(4 * LIMITS.electionTicks);
  expect(cluster.leader().disk.conf).toEqual({ ...NO_CONF, voters: [1, 2, 4] });
});
