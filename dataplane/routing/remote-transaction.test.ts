import { describe, expect, it } from 'vitest';
import { tableCapacity } from '../partition/capacity.ts';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import {
  addTo,
  claimOf,
  commitAt,
  decideCommit,
  executeOf,
  keyOf,
  prepareOf,
} from '../partition/transaction.fixture.ts';
import type { AnsweredCall } from '../partition/transaction.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { configurationOf, FakeCluster, refusal } from './cluster.fixture.ts';
import { plain, unlimited } from './local-table.fixture.ts';
import { REQUEST_DEADLINE_MS, type TransactAnswer, type TransactCall } from './protocol.ts';
import type { TableThroughput } from './table.ts';
import {
  decodeTransactionCall,
  encodeTransactionAnswer,
  type WireTransactionCall,
} from './wire-transaction.ts';

async function oneTable({ schema = plain, throughput = unlimited, partitions = 1 } = {}) {
  const cluster = new FakeCluster();
  cluster.addTable(configurationOf(schema, { throughput, partitions }), 'a1');
  const router = await cluster.router({});
  return { cluster, router, table: router.tables.openTable('T'), scheduler: cluster.scheduler };
}

const answerOf = (answered: AnsweredCall): TransactAnswer => [
  encodeTransactionAnswer(answered),
  5_000,
];
const accepted = {
  kind: 'accepted',
  capacity: tableCapacity(1),
  collectionBytes: undefined,
} as const;
const prepared = answerOf({ kind: 'prepare', answer: { outcomes: [accepted], timestampMin: 7 } });
const claimed = answerOf({ kind: 'claim', answer: { kind: 'claimed', attempt: 1 } });

function callOf(cluster: FakeCluster, index = 0): TransactCall {
  const seen = cluster.seenOf('transact')[index];
  if (seen === undefined) throw new Error(`no call ${index}`);
  return seen.body as TransactCall;
}

describe('a transaction at a router', () => {
  it('asks the leader of the partition once, with the time of its clock', async () => {
    const { cluster, table } = await oneTable({ partitions: 4 });
    cluster.node('a1').on('transact', () => prepared);
    const call = prepareOf('t', [addTo(1)]);
    const partitionId = table.partitionOf(keyOf(1));
    expect(await table.transact(partitionId, call)).toEqual({
      outcomes: [accepted],
      timestampMin: 7,
    });
    await table.transact(partitionId, call);
    expect(cluster.askedFor('transact')).toEqual(['a1', 'a1']);
    const [id, epoch, time, encoded] = callOf(cluster);
    expect([id, epoch, time[0]]).toEqual([partitionId, 1, 'process-a1-1']);
    expect(decodeTransactionCall(encoded as WireTransactionCall)).toEqual(call);
    expect(callOf(cluster, 1)[2][1]).toBe(5_000);
  });

  it('knows which partition owns an item, and an id', async () => {
    const { table } = await oneTable({ partitions: 4 });
    expect(table.partitionOfHash(Buffer.alloc(16, 0x80))).toBe(3n);
    const owners = Array.from({ length: 40 }, (_, index) =>
      table.partitionOf({ p: { S: `${index}` }, s: { N: '1' } }),
    );
    expect(new Set(owners)).toEqual(new Set([1n, 2n, 3n, 4n]));
  });

  it('asks again when a call may have been done, or another node leads', async () => {
    const { cluster, table, scheduler } = await oneTable();
    let tries = 0;
    cluster.node('a1').on('transact', () => {
      tries += 1;
      if (tries === 1) throw new RequestFailed('unknown', 'the connection went down');
      throw refusal('notLeader', { leader: 'b1', term: 3 });
    });
    cluster.node('b1').on('transact', () => claimed);
    const { value } = await scheduler.until(table.transact(1n, claimOf('t')));
    expect(value).toEqual({ kind: 'claimed', attempt: 1 });
  });

  it('tells the node that another try of an execution may be on its way', async () => {
    const { cluster, table, scheduler } = await oneTable();
    let tries = 0;
    cluster.node('a1').on('transact', () => {
      tries += 1;
      if (tries === 1) throw new RequestFailed('unknown', 'the connection went down');
      return answerOf({ kind: 'execute', answer: { kind: 'refused', outcomes: [accepted] } });
    });
    await scheduler.until(table.transact(1n, executeOf('t', [addTo(1)])));
    const isRepeat = [0, 1].map((index) => {
      const call = decodeTransactionCall(callOf(cluster, index)[3] as WireTransactionCall);
      return call.kind === 'execute' && call.isRepeat === true;
    });
    expect(isRepeat).toEqual([false, true]);
  });

  it('gets the fault that the node raised', async () => {
    const { cluster, table, scheduler } = await oneTable();
    cluster.node('a1').on('transact', () => {
      throw refusal('fault', { type: 'ValidationException', message: 'no' });
    });
    const failing = expect(table.transact(1n, claimOf('t'))).rejects.toMatchObject({
      type: 'ValidationException',
    });
    await scheduler.until(failing);
  });

  it('finds no table when no node has the partition, and when it was deleted', async () => {
    const { cluster, table, scheduler } = await oneTable();
    const gone = { type: 'ResourceNotFoundException' };
    await scheduler.until(expect(table.transact(99n, claimOf('t'))).rejects.toMatchObject(gone));
    cluster.node('a1').on('transact', () => {
      throw refusal('retired');
    });
    await scheduler.until(expect(table.transact(1n, claimOf('t'))).rejects.toMatchObject(gone));
  });

  it('ends at nodes of an earlier release, which do not know of transactions', async () => {
    const { cluster, table, scheduler } = await oneTable();
    for (const id of ['a1', 'b1', 'c1']) {
      cluster.node(id).on('transact', () => {
        throw new RemoteFailure('noMethod', 'no such method');
      });
    }
    const { tookMs } = await scheduler.until(
      expect(table.transact(1n, claimOf('t'))).rejects.toMatchObject({
        type: 'InternalServerError',
      }),
    );
    expect(tookMs).toBeLessThanOrEqual(REQUEST_DEADLINE_MS + 1);
  });

  it('is done when one of them is of the present release', async () => {
    const { cluster, table, scheduler } = await oneTable();
    cluster.node('a1').on('transact', () => {
      throw new RemoteFailure('noMethod', 'no such method');
    });
    cluster.node('b1').on('transact', () => claimed);
    const { value } = await scheduler.until(table.transact(1n, claimOf('t')));
    expect(value).toEqual({ kind: 'claimed', attempt: 1 });
  });
});

describe('the throughput of a transaction at a router', () => {
  const limited: TableThroughput = {
    mode: 'provisioned',
    table: { readUnits: 1, writeUnits: 1 },
    globalIndexes: new Map([['G2', { readUnits: 1, writeUnits: 1 }]]),
  };
  const schema = schemaOf({ globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })] });
  const throttled = { type: 'ProvisionedThroughputExceededException' };

  it('is charged when it is done: twice for each write', async () => {
    const { cluster, table } = await oneTable({ throughput: limited });
    const outcomes = Array.from({ length: 100 }, () => accepted);
    const answer = answerOf({ kind: 'prepare', answer: { outcomes, timestampMin: 7 } });
    cluster.node('a1').on('transact', () => answer);
    const call = prepareOf('t', [addTo(1)]);
    for (let count = 0; count < 2; count++) await table.transact(1n, call);
    await expect(table.transact(1n, call)).rejects.toMatchObject(throttled);
    expect(cluster.seenOf('transact')).toHaveLength(2);
    const committed = { kind: 'committed', timestamp: 7, participants: [] } as const;
    cluster.node('a1').on('transact', () => answerOf({ kind: 'decide', answer: committed }));
    expect(await table.transact(1n, decideCommit('t', 7))).toEqual(committed);
    cluster
      .node('a1')
      .on('transact', () => answerOf({ kind: 'finish', answer: { finishedCount: 1 } }));
    expect(await table.transact(1n, commitAt(7, 't'))).toEqual({ finishedCount: 1 });
  });

  it('names the indexes without units in the call', async () => {
    const { cluster, table } = await oneTable({ schema, throughput: limited });
    const units = new Map([['G2', 300]]);
    const capacity = { ...tableCapacity(0), globalIndexes: units };
    const outcome = { kind: 'accepted', capacity, collectionBytes: undefined } as const;
    const answer = answerOf({
      kind: 'prepare',
      answer: { outcomes: [outcome], timestampMin: 7 },
    });
    cluster.node('a1').on('transact', () => answer);
    for (let count = 0; count < 2; count++) await table.transact(1n, prepareOf('t', [addTo(1)]));
    const named = [0, 1].map((index) => callOf(cluster, index)[3] as { exhaustedIndexes: unknown });
    expect(named.map(({ exhaustedIndexes }) => exhaustedIndexes)).toEqual([[], ['G2']]);
  });

  it('is charged strong units for each read', async () => {
    const { cluster, table } = await oneTable({ throughput: limited });
    const item = { kind: 'item', json: undefined, bytes: 4_096 * 150, state: 'x' } as const;
    cluster.node('a1').on('transact', () => answerOf({ kind: 'read', answer: { items: [item] } }));
    const call = { kind: 'read', keys: [keyOf(1)] } as const;
    for (let count = 0; count < 2; count++) await table.transact(1n, call);
    await expect(table.transact(1n, call)).rejects.toMatchObject(throttled);
  });

  it('may not change keys', async () => {
    const { table } = await oneTable();
    const update = [{ kind: 'remove', path: ['s'] }] as const;
    await expect(
      table.transact(1n, prepareOf('t', [{ ...addTo(1), update }])),
    ).rejects.toMatchObject({ type: 'ValidationException' });
  });
});
