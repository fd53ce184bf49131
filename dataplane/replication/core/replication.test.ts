import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { NewCore } from './consensus-core.ts';
import { MalformedMessage } from './field-bytes.ts';
import {
  MESSAGE_HEAD_BYTES,
  readMessageHead,
  readPlainHeartbeat,
  writeHeartbeatAnswer,
} from './message-head.ts';
import { LIMITS } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

it('replication: a proposal is appended, committed and applied by all, with its token', () => {
  const cluster = new Cluster(newCore, 1);
  const leader = cluster.elect();
  const tokens = cluster.propose(leader, 3);
  cluster.settle();
  expect(cluster.appliedTokens()).toEqual(tokens);
  for (const replica of cluster.replicas.values()) {
    expect(replica.disk.applied).toBe(5);
    expect(replica.disk.entries.map(({ token, payloadBytes }) => [token, payloadBytes])).toEqual([
      [0, 0],
      ...tokens.map((token) => [token, token * 10]),
    ]);
  }
});

it('replication: proposals of one call leave in one message, whose head lists their payloads', () => {
  const cluster = new Cluster(newCore, 2);
  const leader = cluster.elect();
  const from = leader.of('msg').length;
  const tokens = cluster.propose(leader, 3);
  leader.turn();
  const messages = leader.of('msg').slice(from);
  expect(messages.map(({ to, type }) => [to, type])).toEqual([
    [2, 'append'],
    [3, 'append'],
  ]);
  for (const { message, payloads } of messages) {
    const head = readMessageHead(message);
    expect(head).toMatchObject({ type: 'append', from: 1, term: 2, commit: 2, isTransfer: false });
    expect(head.payloads).toEqual(
      tokens.map((token, i) => ({ index: 3 + i, term: 2, payloadBytes: token * 10 })),
    );
    expect(payloads).toEqual(head.payloads);
  }
});

it('replication: many proposals of one call leave in messages of bounded length', () => {
  const cluster = new Cluster(newCore, 3);
  const leader = cluster.elect();
  cluster.propose(leader, 500);
  cluster.settle();
  const lengths = leader.of('msg').map(({ payloads }) => payloads.length);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(LIMITS.messageEntriesMax);
  expect(cluster.appliedTokens()).toHaveLength(500);
});

it('durability: followers whose append is not acknowledged do not count', () => {
  const cluster = new Cluster(newCore, 4);
  const leader = cluster.elect();
  for (const id of [2, 3]) cluster.replica(id).isDiskHeld = true;
  cluster.propose(leader);
  cluster.settle();
  expect(leader.status()).toMatchObject({ lastIndex: 3, commit: 2 });
  cluster.replica(2).isDiskHeld = false;
  cluster.settle();
  expect(leader.status()).toMatchObject({ commit: 3, applied: 3 });
  expect(cluster.replica(3).status().commit).toBe(3);
  expect(cluster.replica(3).status().applied).toBe(2);
});

it('durability: the leader does not count itself before its own append is acknowledged', () => {
  const cluster = new Cluster(newCore, 5);
  const leader = cluster.elect();
  leader.isDiskHeld = true;
  cluster.replica(3).isDiskHeld = true;
  cluster.propose(leader);
  cluster.settle();
  expect(leader.status().commit).toBe(2);
  leader.isDiskHeld = false;
  cluster.settle();
  expect(leader.status().commit).toBe(3);
});

it('durability: two of three disks commit, though the leader has not synced', () => {
  const cluster = new Cluster(newCore, 6);
  const leader = cluster.elect();
  leader.isDiskHeld = true;
  cluster.propose(leader);
  cluster.settle();
  expect(leader.status()).toMatchObject({ commit: 3, applied: 2 });
  expect(cluster.replica(2).status().applied).toBe(3);
});

it('durability: no vote leaves before the append record with it is acknowledged', () => {
  const cluster = new Cluster(newCore, 7);
  for (const id of [2, 3]) cluster.replica(id).isDiskHeld = true;
  cluster.replica(1).queue({ op: 'campaign' });
  cluster.settle();
  expect(cluster.replica(2).of('msg')).toEqual([]);
  for (const id of [2, 3]) cluster.replica(id).isDiskHeld = false;
  cluster.settle();
  expect(cluster.leader().id).toBe(1);
});

it('append records: entries and a new term or vote must be synced, a commit index need not', () => {
  const cluster = new Cluster(newCore, 8);
  const leader = cluster.elect();
  cluster.propose(leader);
  cluster.settle();
  for (const replica of cluster.replicas.values()) {
    let hardState = { term: 1, vote: 0 };
    for (const record of replica.of('append')) {
      const next = record.hardState ?? hardState;
      const isVote = next.term !== hardState.term || next.vote !== hardState.vote;
      expect(record.mustSync).toBe(record.entries.length > 0 || isVote);
      hardState = next;
    }
  }
  expect(leader.of('append').some((record) => !record.mustSync)).toBe(true);
});

it('proposals: dropped at a follower and beyond the limit, each with an error record', () => {
  const cluster = new Cluster(newCore, 9);
  const leader = cluster.elect();
  const propose = { op: 'propose', token: 7, payloadBytes: 1 } as const;
  const dropped = { kind: 'error', group: 1, command: 0, message: 'raft proposal dropped' };
  expect(cluster.replica(2).do(propose)).toEqual([dropped]);
  cluster.isolated.add(1);
  cluster.propose(leader, LIMITS.uncommittedEntriesMax);
  leader.turn();
  expect(leader.of('error')).toEqual([]);
  expect(leader.do(propose)).toContainEqual(dropped);
});

it('proposals: of a call that passes the limit, those that fit are kept', () => {
  const cluster = new Cluster(newCore, 10);
  const leader = cluster.elect();
  cluster.isolated.add(1);
  cluster.propose(leader, LIMITS.uncommittedEntriesMax + 3);
  leader.turn();
  expect(leader.of('error').map(({ command }) => command)).toEqual([1000, 1001, 1002]);
});

it('read index: answered at the leader once a quorum confirmed it, not before', () => {
  const cluster = new Cluster(newCore, 11);
  const leader = cluster.elect();
  cluster.isolated.add(1);
  leader.queue({ op: 'readIndex', context: 99 });
  cluster.settle();
  expect(leader.of('read')).toEqual([]);
  cluster.isolated.clear();
  cluster.isolated.add(3);
  leader.queue({ op: 'readIndex', context: 2 ** 53 - 1 });
  cluster.settle();
  expect(leader.of('read')).toEqual([
    { kind: 'read', group: 1, index: 2, context: 99 },
    { kind: 'read', group: 1, index: 2, context: 2 ** 53 - 1 },
  ]);
});

it('read index: a follower gets one through the leader; without a leader it is an error', () => {
  const cluster = new Cluster(newCore, 12);
  const idle = { kind: 'error', group: 1, command: 0, message: 'no leader' };
  expect(cluster.replica(2).do({ op: 'readIndex', context: 4 })).toContainEqual(idle);
  cluster.elect();
  cluster.replica(2).queue({ op: 'readIndex', context: 5 });
  cluster.settle();
  expect(cluster.replica(2).of('read')).toEqual([{ kind: 'read', group: 1, index: 2, context: 5 }]);
});

it('heartbeats: the answer that is written outside is the core’s, byte for byte', () => {
  const cluster = new Cluster(newCore, 5);
  const leader = cluster.elect();
  cluster.propose(leader, 3);
  cluster.settle();
  const before = leader.of('msg').length;
  cluster.tick(1);
  const heartbeats = leader.of('msg').slice(before);
  expect(heartbeats.map(({ to, type }) => [to, type])).toEqual([
    [2, 'heartbeat'],
    [3, 'heartbeat'],
  ]);
  for (const { to, message } of heartbeats) {
    const heartbeat = readPlainHeartbeat(message);
    expect(heartbeat).toEqual({ from: 1, to, term: 2, commit: 5 });
    if (heartbeat === undefined) continue;
    const answer = cluster.replica(to).of('msg').at(-1);
    const written = writeHeartbeatAnswer(Buffer.alloc(MESSAGE_HEAD_BYTES, 0xff), heartbeat);
    expect([answer?.type, answer?.to]).toEqual(['heartbeatResponse', 1]);
    expect(written).toEqual(Buffer.from(answer?.message ?? []));
  }
});

it('heartbeats: one with a read index round is none of the plain ones', () => {
  const cluster = new Cluster(newCore, 6);
  const leader = cluster.elect();
  const before = leader.of('msg').length;
  cluster.readIndex(leader);
  cluster.settle();
  const messages = leader.of('msg').slice(before);
  expect(messages.map(({ type }) => type)).toEqual(['heartbeat', 'heartbeat']);
  for (const { message } of messages) expect(readPlainHeartbeat(message)).toBeUndefined();
  const [first] = messages;
  const cut = first?.message.subarray(0, MESSAGE_HEAD_BYTES - 1) ?? new Uint8Array(0);
  expect(() => readPlainHeartbeat(cut)).toThrow(MalformedMessage);
});
