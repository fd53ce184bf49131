import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { NewCore } from './consensus-core.ts';
import { readMessageHead } from './message-head.ts';
import { LIMITS } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

it('election: after at most two time-outs there is one leader, known to all', () => {
  const cluster = new Cluster(newCore, 21);
  cluster.tick(2 * LIMITS.electionTicks + 2);
  const leader = cluster.leader();
  for (const replica of cluster.replicas.values()) {
    expect(replica.of('soft').at(-1)).toEqual({
      kind: 'soft',
      group: 1,
      leader: leader.id,
      role: replica === leader ? 'leader' : 'follower',
      term: leader.status().term,
    });
  }
});

it('election: another leader follows one that is cut off, and keeps what was committed', () => {
  const cluster = new Cluster(newCore, 22);
  const first = cluster.elect();
  const tokens = cluster.propose(first, 2);
  cluster.settle();
  cluster.isolated.add(first.id);
  const lost = cluster.propose(first, 1);
  cluster.tick(3 * LIMITS.electionTicks);
  const second = cluster.leader();
  expect(second.id).not.toBe(first.id);
  tokens.push(...cluster.propose(second, 2));
  cluster.settle();
  cluster.isolated.clear();
  cluster.tick(5);
  expect(cluster.appliedTokens()).toEqual(tokens);
  expect(first.disk.entries.map(({ token }) => token)).not.toContain(lost[0]);
  expect(first.disk.applied).toBe(second.disk.applied);
});

it('check quorum: a leader that hears no majority steps down by itself', () => {
  const cluster = new Cluster(newCore, 23);
  const leader = cluster.elect();
  cluster.isolated.add(leader.id);
  cluster.tick(2 * LIMITS.electionTicks + 1, [leader]);
  expect(leader.status()).toMatchObject({ role: 'follower', leader: 0 });
});

it('pre-vote: a follower that was cut off has not raised its term and disturbs nobody', () => {
  const cluster = new Cluster(newCore, 24);
  const leader = cluster.elect();
  const lonely = cluster.replica(3);
  cluster.isolated.add(3);
  cluster.tick(10 * LIMITS.electionTicks);
  expect(lonely.status()).toMatchObject({ role: 'preCandidate', term: 2 });
  cluster.isolated.clear();
  cluster.tick(3);
  expect(lonely.status()).toMatchObject({ role: 'follower', leader: leader.id, term: 2 });
  expect(leader.status()).toMatchObject({ role: 'leader', term: 2 });
});

it('transfer: leadership moves at once, and the vote says that it is a transfer', () => {
  const cluster = new Cluster(newCore, 25);
  const leader = cluster.elect();
  leader.queue({ op: 'transfer', to: 3 });
  cluster.settle();
  expect(cluster.leader().id).toBe(3);
  expect(leader.of('msg').at(-1)).toBeDefined();
  expect(leader.of('msg').some(({ type }) => type === 'timeoutNow')).toBe(true);
  const votes = cluster
    .replica(3)
    .of('msg')
    .filter(({ type }) => type === 'vote');
  expect(votes.map(({ message }) => readMessageHead(message).isTransfer)).toEqual([true, true]);
});

it('transfer: votes of an ordinary election do not say so', () => {
  const cluster = new Cluster(newCore, 26);
  const heads = cluster
    .elect()
    .of('msg')
    .map(({ message }) => readMessageHead(message));
  expect(heads.filter(({ type }) => type === 'preVote' || type === 'vote')).toHaveLength(4);
  expect(heads.some(({ isTransfer }) => isTransfer)).toBe(false);
});

it('transfer: proposals are dropped until it ends; it ends after an election time-out', () => {
  const cluster = new Cluster(newCore, 27);
  const leader = cluster.elect();
  cluster.isolated.add(3);
  leader.queue({ op: 'transfer', to: 3 });
  cluster.settle();
  const propose = { op: 'propose', token: 1, payloadBytes: 1 } as const;
  expect(leader.do(propose)[0]).toMatchObject({ message: 'raft proposal dropped' });
  cluster.tick(LIMITS.electionTicks + 1);
  expect(leader.do(propose).some(({ kind }) => kind === 'error')).toBe(false);
});

it('transfer: refused at a follower, and to what is no other voter', () => {
  const cluster = new Cluster(newCore, 28);
  const leader = cluster.elect();
  const error = { kind: 'error', group: 1, command: 0 };
  expect(cluster.replica(2).do({ op: 'transfer', to: 3 })).toEqual([
    { ...error, message: 'not the leader' },
  ]);
  for (const to of [1, 9]) {
    const message = 'not another voter of the group';
    expect(leader.do({ op: 'transfer', to })).toEqual([{ ...error, message }]);
  }
});

it('forget leader: a follower votes for another though its leader lives', () => {
  const cluster = new Cluster(newCore, 29);
  cluster.elect();
  cluster.replica(2).queue({ op: 'campaign' });
  cluster.settle();
  expect(cluster.leader().id).toBe(1);
  cluster.replica(3).queue({ op: 'forgetLeader' });
  cluster.replica(2).queue({ op: 'forgetLeader' });
  cluster.turn();
  cluster.replica(2).queue({ op: 'campaign' });
  cluster.settle();
  expect(cluster.leader().id).toBe(2);
});

it('soft: a new term under the same leader is told too', () => {
  const cluster = new Cluster(newCore, 30);
  const leader = cluster.elect();
  const away = cluster.replica(3);
  cluster.isolated.add(3);
  leader.queue({ op: 'transfer', to: 2 });
  cluster.settle();
  cluster.replica(2).queue({ op: 'transfer', to: 1 });
  cluster.settle();
  cluster.isolated.clear();
  cluster.tick(2);
  expect(away.of('soft').map(({ leader: id, term }) => [id, term])).toEqual([
    [0, 2],
    [1, 2],
    [1, 4],
  ]);
});
