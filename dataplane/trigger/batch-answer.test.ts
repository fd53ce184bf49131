import { expect, it } from 'vitest';
import { sequenceNumberOf } from '../stream/sequence-number.ts';
import { outcomeOf, type PostResult } from './batch-answer.ts';
import type { EventRecord } from './event-record.ts';

const record = (sequence: number): EventRecord => ({
  sequence,
  sequenceNumber: sequenceNumberOf(sequence),
  shardId: 'shard',
  writtenMs: 0,
  json: Buffer.from('{}'),
});
const RECORDS = [3, 5, 8, 9].map(record);
const answered = (body: string, status = 200): PostResult => ({
  kind: 'answered',
  status,
  body: Buffer.from(body),
});
const naming = (...identifiers: unknown[]) =>
  answered(
    JSON.stringify({
      batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })),
    }),
  );

it.each<[string, PostResult]>([
  ['an empty answer', answered('')],
  ['null', answered('null')],
  ['an empty object', answered('{}')],
  ['another object', answered('{"statusCode":200}')],
  ['null for the list', answered('{"batchItemFailures":null}')],
  ['an empty list', answered('{"batchItemFailures":[]}')],
  ['204', answered('', 204)],
])('batch answer: %s is success', (_, result) => {
  expect(outcomeOf(result, RECORDS, true)).toEqual({ kind: 'success' });
});

it.each<[string, PostResult]>([
  ['an empty identifier', naming('')],
  ['a null identifier', naming(null)],
  ['an identifier of another name', answered('{"batchItemFailures":[{"id":"x"}]}')],
  ['an element that is no object', answered('{"batchItemFailures":["x"]}')],
  ['an unknown identifier beside a known one', naming(sequenceNumberOf(5), 'other')],
  ['the first record', naming(sequenceNumberOf(3))],
  ['all records', naming(...RECORDS.map(({ sequenceNumber }) => sequenceNumber))],
  ['no JSON', answered('OK')],
  ['a list', answered('[]')],
  ['an object for the list', answered('{"batchItemFailures":{}}')],
  ['a redirect', answered('', 307)],
  ['400', answered('{"batchItemFailures":[]}', 400)],
  ['500', answered('', 500)],
  ['no answer', { kind: 'failed', reason: 'ECONNREFUSED' }],
])('batch answer: with %s the whole batch has failed', (_, result) => {
  expect(outcomeOf(result, RECORDS, true).kind).toBe('failure');
});

it('batch answer: of several failed records the lowest one is where to go on', () => {
  const result = naming(sequenceNumberOf(9), sequenceNumberOf(5));
  expect(outcomeOf(result, RECORDS, true)).toEqual({
    kind: 'partial',
    fromSequence: 5,
    status: 200,
  });
});

it('batch answer: one that is too large counts by its status, where it is not to be read', () => {
  const huge = { kind: 'answered', status: 200, body: undefined } as const;
  expect(outcomeOf(huge, RECORDS, false)).toEqual({ kind: 'success' });
  const reason = 'the answer is too large';
  expect(outcomeOf(huge, RECORDS, true)).toEqual({ kind: 'failure', status: 200, reason });
});

it('batch answer: unless it was asked for, what a successful answer says is not looked at', () => {
  expect(outcomeOf(naming(sequenceNumberOf(5)), RECORDS, false)).toEqual({ kind: 'success' });
  expect(outcomeOf(answered('OK'), RECORDS, false)).toEqual({ kind: 'success' });
});
