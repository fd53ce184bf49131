import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { CoreRecord, GroupConfig, NewCore } from './consensus-core.ts';
import { configOf, NO_CONF, newDisk } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

it('restart: from what is stored, with log, vote, term and configuration', () => {
  const cluster = new Cluster(newCore, 81);
  const leader = cluster.elect();
  const tokens = cluster.propose(leader, 5);
  cluster.settle();
  for (const replica of cluster.replicas.values()) replica.crash();
  for (const replica of cluster.replicas.values()) replica.start();
  expect(leader.status()).toMatchObject({ role: 'follower', term: 2, vote: 1, lastIndex: 7 });
  tokens.push(...cluster.propose(cluster.elect(2), 1));
  cluster.settle();
  expect(cluster.appliedTokens()).toEqual(tokens);
});

it('restart: a commit index behind what was applied is no obstacle', () => {
  const cluster = new Cluster(newCore, 82);
  const leader = cluster.elect();
  cluster.propose(leader, 5);
  cluster.settle();
  leader.crash();
  leader.disk.hardState = { ...leader.disk.hardState, commit: 2 };
  leader.start();
  expect(leader.of('error')).toEqual([]);
  expect(leader.status()).toMatchObject({ commit: 7, applied: 7 });
});

it('restart: committed entries that were not applied are handed out', () => {
  const cluster = new Cluster(newCore, 83);
  const leader = cluster.elect();
  cluster.propose(leader, 5);
  cluster.settle();
  leader.crash();
  leader.disk.applied = 3;
  leader.start();
  expect(leader.of('apply').flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([
    4, 5, 6, 7,
  ]);
});

it('restart: a crash of everybody with unsynced appends loses nothing that was applied', () => {
  const cluster = new Cluster(newCore, 84);
  const leader = cluster.elect();
  const kept = cluster.propose(leader, 3);
  cluster.settle();
  for (const replica of cluster.replicas.values()) replica.isDiskHeld = true;
  cluster.propose(leader, 3);
  cluster.settle();
  for (const replica of cluster.replicas.values()) {
    replica.crash();
    replica.isDiskHeld = false;
    replica.start();
  }
  kept.push(...cluster.propose(cluster.elect(3), 1));
  cluster.settle();
  expect(cluster.appliedTokens()).toEqual(kept);
});

it('start: a bootstrapped group needs no hard state, a new replica nothing at all', () => {
  const bootstrapped = { ...newDisk([1]), hardState: { term: 0, vote: 0, commit: 0 } };
  expect(create({ ...configOf(1, bootstrapped) })).toMatchObject([
    { kind: 'status', status: { term: 1, commit: 1, applied: 1, firstIndex: 2, lastIndex: 1 } },
  ]);
  expect(create(configOf(4, newDisk([])))).toMatchObject([
    { kind: 'status', status: { term: 0, commit: 0, firstIndex: 1, lastIndex: 0 } },
  ]);
});

it('start: state that contradicts itself is refused with an error, and there is no group', () => {
  const config = configOf(1, newDisk([1]));
  const entry = { kind: 'empty', token: 0, payloadBytes: 0, data: undefined, context: undefined };
  const stateError = 'state to start from contradicts itself';
  const cases: readonly (readonly [Partial<GroupConfig>, string])[] = [
    [{ applied: 0 }, stateError],
    [{ applied: 2 }, stateError],
    [{ hardState: { term: 1, vote: 0, commit: 2 } }, stateError],
    [{ entries: [{ ...entry, kind: 'empty', index: 2, term: 2 }] }, stateError],
    [{ messageEntriesMax: 0 }, 'limits must be above 0'],
    [{ electionTicks: 1 }, 'election tick must be greater than heartbeat tick'],
    [{ replicaId: 0 }, 'cannot use none as id'],
    [{ conf: { ...NO_CONF, voters: [1], learners: [1] } }, ''],
  ];
  for (const [change, message] of cases) {
    const [created, status] = create({ ...config, ...change });
    expect(created).toMatchObject({ kind: 'error', command: 0 });
    if (message !== '') expect(created).toMatchObject({ message });
    expect(status).toMatchObject({ kind: 'error', command: 1, message: 'no such group' });
  }
});

function create(config: GroupConfig): readonly CoreRecord[] {
  const core = newCore(() => 4);
  return core.send([
    { op: 'create', group: 9, config },
    { op: 'status', group: 9 },
  ]);
}
