import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type ReplicaLine, unwholeReason } from './wholeness.ts';

const voters = ['a-1', 'b-1', 'c-1'];
const wanted = { lagEntriesMax: 10, voters: 3 };

function replica(changes: Partial<ReplicaLine> = {}): ReplicaLine {
  return {
    partitionId: '7',
    replicaId: 1,
    table: 'T',
    index: null,
    role: 'follower',
    term: 2,
    isReady: false,
    appliedIndex: 100,
    lastIndex: 100,
    voters,
    learners: [],
    bytes: 0,
    failure: null,
    ...changes,
  };
}

function state(
  changes: Partial<Record<'a-1' | 'b-1' | 'c-1', readonly ReplicaLine[] | undefined>>,
) {
  const whole = {
    'a-1': [replica({ role: 'leader', isReady: true })],
    'b-1': [replica()],
    'c-1': [replica()],
  };
  return new Map(Object.entries({ ...whole, ...changes }));
}

test('cluster: with a leader and all voters near it is whole', () => {
  assert.equal(unwholeReason(state({}), wanted), undefined);
  assert.equal(unwholeReason(state({ 'c-1': [replica({ appliedIndex: 90 })] }), wanted), undefined);
});

test.each([
  ['a node that does not answer', { 'c-1': undefined }, /c-1 does not answer/],
  ['a voter without its replica', { 'c-1': [] }, /c-1 has no replica/],
  ['nobody leads', { 'a-1': [replica()] }, /nobody leads/],
  ['a follower far behind', { 'c-1': [replica({ appliedIndex: 89 })] }, /lacks 11 entries/],
  ['a replica that failed', { 'b-1': [replica({ failure: 'damaged' })] }, /b-1: damaged/],
  ['a replica that waits for its leader', { 'b-1': [replica({ voters: [] })] }, /know the voters/],
  [
    'a learner that is still there',
    { 'a-1': [replica({ isReady: true, learners: ['c-1'] })] },
    /learners: c-1/,
  ],
  [
    'two voters',
    { 'a-1': [replica({ isReady: true, voters: ['a-1', 'b-1'] })] },
    /voters: a-1, b-1/,
  ],
] as const)('cluster: %s', (_, changes, reason) => {
  assert.match(unwholeReason(state(changes), wanted) ?? '', reason);
});

test('cluster: of two leaders the one of the later term is believed', () => {
  const old = replica({ isReady: true, term: 1, voters: ['a-1'], lastIndex: 50 });
  const leader = replica({ isReady: true, term: 2 });
  assert.equal(
    unwholeReason(state({ 'a-1': [{ ...old, voters }], 'b-1': [leader] }), wanted),
    undefined,
  );
});
