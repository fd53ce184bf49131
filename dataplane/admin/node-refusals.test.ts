import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tableFaults } from '../errors/tables.ts';
import { transportFaults } from '../errors/transport.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { CallFailed } from '../routing/call-failure.ts';
import { StoreError } from '../storage/store.ts';
import { type RunningAdmin, serveFakeNode } from './node-admin.fixture.ts';

let admin: RunningAdmin;
beforeEach(async () => {
  admin = await serveFakeNode();
});
afterEach(() => admin.close());

describe('bad input is refused in one line, and nothing is done', () => {
  it.each<[string, string, unknown, string]>([
    ['POST', '/partitions', {}, 'needs an object at replica'],
    ['POST', '/partitions', [], 'is not a JSON object'],
    [
      'POST',
      '/partitions',
      { replica: { partitionId: '9', replicaId: 2 } },
      'needs the id of the data folder at storeId',
    ],
    [
      'POST',
      '/partitions',
      { storeId: 's', replica: { partitionId: '9', replicaId: 0 } },
      'needs a number from 1 to 9007199254740991 at replica.replicaId, not 0',
    ],
    [
      'POST',
      '/partitions',
      {
        storeId: 's',
        replica: { partitionId: '9', replicaId: 1, members: [{ replicaId: 1, node: 'a' }] },
      },
      'needs one of voter, learner at replica.members[0].kind',
    ],
    [
      'POST',
      '/partitions',
      { storeId: 's', replica: { partitionId: '9', replicaId: 1 }, configuration: [1, {}] },
      'is no configuration: it needs what GET /partitions/:id shows as configuration',
    ],
    [
      'PUT',
      '/partitions/7/configuration',
      [2, {}],
      'is no configuration: it needs what GET /partitions/:id shows as configuration',
    ],
    [
      'POST',
      '/partitions/7/members',
      { promote: ['x'] },
      'needs a number from 1 to 9007199254740991 at promote[0], not "x"',
    ],
    [
      'POST',
      '/partitions/7/members',
      { addLearners: [{ id: 'b-1' }] },
      'has an unknown member addLearners[0].id; there is: node',
    ],
    [
      'POST',
      '/partitions/7/members',
      { adLearners: [] },
      'has an unknown member adLearners; there is: addLearners, promote, remove',
    ],
    ['POST', '/partitions/7/leader', {}, 'needs the name of a node at toNode'],
    ['POST', '/bootstrap', { nodes: [] }, 'needs at least one node at nodes'],
    ['POST', '/bootstrap', { nodes: ['a', 'a'] }, 'names a node twice at nodes'],
    ['POST', '/faults', {}, 'needs one of block, delay, heal at action'],
    [
      'POST',
      '/faults',
      { action: 'block', peers: ['z-9'] },
      "names 'z-9', of which the topology does not know",
    ],
    [
      'POST',
      '/faults',
      { action: 'block', direction: 'up' },
      'needs one of in, out, both at direction, not "up"',
    ],
    ['POST', '/faults', { action: 'delay' }, 'needs a number from 0 to 60000 at delayMs'],
  ])('%s %s %j', async (method, path, body, complaint) => {
    expect(await admin.ask(method, path, body)).toEqual([400, { error: `the body ${complaint}` }]);
    expect([admin.node.calls, admin.node.bootstraps, admin.node.faults?.links]).toEqual([
      [],
      [],
      [],
    ]);
  });

  it.each<[string, RequestInit, number, string]>([
    [
      'a form',
      { method: 'POST', body: new URLSearchParams({ a: '1' }) },
      415,
      'send JSON, with the header Content-Type: application/json',
    ],
    [
      'no content type',
      { method: 'POST' },
      415,
      'send JSON, with the header Content-Type: application/json',
    ],
    [
      'no JSON',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"action":' },
      400,
      'the body is not a JSON object',
    ],
    [
      'a number',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '7' },
      400,
      'the body is not a JSON object',
    ],
    [
      'more than 1 MB',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ action: 'x'.repeat(1024 * 1024) }),
      },
      413,
      'the body is larger than 1 MB',
    ],
  ])('%s', async (_what, init, status, error) => {
    const response = await admin.send('/faults', init);
    const text = await response.text();
    expect([response.status, text]).toEqual([status, `${JSON.stringify({ error })}\n`]);
  });

  it.each<[string, unknown, number, object]>([
    [
      '/operations/GetItem',
      {},
      404,
      {
        error:
          "there is no operation 'GetItem' on tables; there is: CreateTable, DeleteTable, DescribeLimits, DescribeTable, DescribeTimeToLive, ListTables, ListTagsOfResource, TagResource, UntagResource, UpdateTable, UpdateTimeToLive, UpdateTriggers, DescribeTriggers",
      },
    ],
    ['/operations/UpdateTable', [], 400, { error: 'the body is not a JSON object' }],
    ['/operations/UpdateTable?dryRun=yes', {}, 400, { error: 'dryRun is true or false' }],
    [
      '/operations/UpdateTable?dryRun=true&dryRun=true',
      {},
      400,
      { error: 'dryRun is true or false' },
    ],
  ])('POST %s %j', async (path, body, status, answer) => {
    expect(await admin.ask('POST', path, body)).toEqual([status, answer]);
    expect(admin.node.operations).toEqual([]);
  });

  it.each([
    ['GET', '/'],
    ['GET', '/operations/ListTables'],
    ['GET', '/partitions/7/members'],
    ['DELETE', '/bootstrap'],
    ['PUT', '/drain'],
  ])('there is no %s %s', async (method, path) => {
    expect(await admin.ask(method, path)).toEqual([
      404,
      { error: `there is no ${method} ${path}` },
    ]);
  });

  it('breaks no links in a process that was not told that it may', async () => {
    await admin.close();
    admin = await serveFakeNode(false);
    expect(await admin.ask('POST', '/faults', { action: 'block' })).toEqual([
      404,
      { error: 'there is no POST /faults' },
    ]);
  });
});

describe('what fails says why', () => {
  it.each<[Error, number, object]>([
    [
      new RemoteFailure('notLeader', 'partition 7 is led elsewhere', { leader: 'b-1', term: 5 }),
      409,
      { error: 'partition 7 is led elsewhere', code: 'notLeader', leader: 'b-1' },
    ],
    [
      new RemoteFailure('notLeader', 'led elsewhere', { leader: undefined, term: 5 }),
      409,
      { error: 'led elsewhere', code: 'notLeader' },
    ],
    [new RemoteFailure('otherStore', 'm'), 409, { error: 'm', code: 'otherStore' }],
    [new RemoteFailure('noReplica', 'm'), 404, { error: 'm', code: 'noReplica' }],
    [new RemoteFailure('overloaded', 'm'), 503, { error: 'm', code: 'overloaded' }],
    [new RemoteFailure('unavailable', 'm'), 503, { error: 'm', code: 'unavailable' }],
    [new RemoteFailure('unknownOutcome', 'm'), 504, { error: 'm', code: 'unknownOutcome' }],
    [new RemoteFailure('fault', 'm'), 400, { error: 'm', code: 'fault' }],
    [new RemoteFailure('toString', 'm'), 500, { error: 'm', code: 'toString' }],
    [new RequestFailed('notSent', 'm'), 503, { error: 'm' }],
    [new RequestFailed('unknown', 'm'), 504, { error: 'm' }],
    [new StoreError('full', 'no space'), 503, { error: 'no space', code: 'full' }],
    [new TypeError('x is undefined'), 500, { error: 'a defect; the log says more' }],
  ])('%s: %d', async (error, status, body) => {
    admin.node.outcome = () => {
      throw error;
    };
    expect(await admin.ask('POST', '/partitions/7/leader', { toNode: 'b-1' })).toEqual([
      status,
      body,
    ]);
  });
});

describe('an operation on tables that fails says why', () => {
  it.each<[unknown, number, object]>([
    [
      tableFaults.notFound('Music'),
      400,
      {
        __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
        message: 'Requested resource not found: Table: Music not found',
      },
    ],
    [transportFaults.notJson(), 400, { __type: 'com.amazon.coral.service#SerializationException' }],
    [
      new CallFailed('unavailable', 'nobody leads'),
      503,
      { error: 'nobody leads', code: 'unavailable' },
    ],
    [new CallFailed('noPartition', 'm'), 503, { error: 'm', code: 'noPartition' }],
    [new CallFailed('overloaded', 'm'), 503, { error: 'm', code: 'overloaded' }],
    [new CallFailed('unknownOutcome', 'm'), 504, { error: 'm', code: 'unknownOutcome' }],
    [new CallFailed('damaged', 'm'), 500, { error: 'm', code: 'damaged' }],
    [new CallFailed('internal', 'm'), 500, { error: 'm', code: 'internal' }],
  ])('%s: %d', async (failure, status, body) => {
    admin.node.outcome = () => {
      throw failure;
    };
    expect(await admin.ask('POST', '/operations/DescribeTable', {})).toEqual([status, body]);
  });
});
