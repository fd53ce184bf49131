import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { Operation, Outcome } from '../../dataplane/simulation/history.ts';
import { type Answer, outcomeOf, requestOf, surpriseOf } from './api-operations.ts';

const put: Operation = { kind: 'put', value: 'x' };
const putIf: Operation = { kind: 'putIf', expected: 'w', value: 'x' };

function refusal(type: string, members: object = {}): Answer {
  const __type = `com.amazonaws.dynamodb.v20120810#${type}`;
  return { kind: 'answered', status: 400, body: { __type, ...members } };
}

function ok(body: object): Answer {
  return { kind: 'answered', status: 200, body };
}

test.each<[string, Operation, Answer, Outcome]>([
  [
    'a text that was got',
    { kind: 'get' },
    ok({ Item: { v: { S: 'x' } } }),
    { kind: 'ok', value: 'x' },
  ],
  ['a counter', { kind: 'get' }, ok({ Item: { v: { N: '7' } } }), { kind: 'ok', value: 7 }],
  ['no item', { kind: 'getEventual' }, ok({}), { kind: 'ok', value: undefined }],
  [
    'what an addition made',
    { kind: 'add', by: 1 },
    ok({ Attributes: { v: { N: '3' } } }),
    { kind: 'ok', value: 3 },
  ],
  ['a put', put, ok({}), { kind: 'ok' }],
  [
    'a condition that met another item',
    putIf,
    refusal('ConditionalCheckFailedException', { Item: { v: { S: 'y' } } }),
    { kind: 'conditionFailed', old: { value: 'y' } },
  ],
  [
    'a condition that met none',
    putIf,
    refusal('ConditionalCheckFailedException'),
    { kind: 'conditionFailed', old: { value: undefined } },
  ],
  ['a throttled write', put, refusal('ThrottlingException'), { kind: 'failed' }],
  ['an error of the server', put, { kind: 'answered', status: 500, body: {} }, { kind: 'unknown' }],
  ['no answer', put, { kind: 'lost', reason: 'ECONNRESET' }, { kind: 'unknown' }],
  ['nobody to connect to', put, { kind: 'notSent', reason: 'ECONNREFUSED' }, { kind: 'failed' }],
])('outcome: %s', (_, operation, answer, outcome) => {
  assert.deepEqual(outcomeOf(operation, answer), outcome);
});

test('refusals that the workload should never meet are surprises', () => {
  assert.match(
    surpriseOf(refusal('ValidationException', { message: 'why' })) ?? '',
    /^Valid.*why$/,
  );
  assert.equal(surpriseOf(refusal('ConditionalCheckFailedException')), undefined);
  assert.equal(surpriseOf({ kind: 'answered', status: 500, body: {} }), undefined);
  assert.equal(surpriseOf({ kind: 'lost', reason: 'ECONNRESET' }), undefined);
});

test('request: a condition on no item, and one on a value', () => {
  const absent = requestOf('k', { kind: 'putIf', expected: undefined, value: 'x' });
  assert.match(JSON.stringify(absent.body), /"ConditionExpression":"attribute_not_exists\(pk\)"/);
  const present = requestOf('k', putIf);
  assert.match(JSON.stringify(present.body), /"v = :v".*":v":\{"S":"w"\}/);
});

test('request: only a strong read asks for consistency', () => {
  assert.match(JSON.stringify(requestOf('k', { kind: 'get' })), /"ConsistentRead":true/);
  assert.doesNotMatch(JSON.stringify(requestOf('k', { kind: 'getEventual' })), /ConsistentRead/);
});
