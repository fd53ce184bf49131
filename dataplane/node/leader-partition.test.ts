import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Condition } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import type { PutCommand, UpdateCommand } from '../partition/command.ts';
import { rangeOfPrefix } from '../partition/key-range.ts';
import { spacePrefix } from '../partition/key-space.ts';
import { ProposalError } from '../replication/replica.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { CALL_AGE_MS_MAX, RETRY_WINDOW_MS, type WriteAnswer } from '../routing/protocol.ts';
import { turns } from './manual-scheduler.fixture.ts';
import {
  configurationOf,
  indexedSchema,
  key,
  plainSchema,
  refusal,
  TestNode,
} from './node.fixture.ts';
import { requestKey } from './request-record.ts';

const absent: Condition = { kind: 'exists', path: ['p'], negated: true };
const present: Condition = { kind: 'exists', path: ['p'], negated: false };
const putAbsent = (item: Item): PutCommand => ({ ...putOf(item, plainSchema), condition: absent });
const addOne: UpdateCommand = {
  kind: 'update',
  key: key(1),
  condition: undefined,
  update: [{ kind: 'add', path: ['n'], value: { N: '1' }, legacy: false }],
};
const itemOf = (json: WriteAnswer[3]) =>
  json === null ? null : JSON.parse(Buffer.from(json).toString());
const notLeader = new ProposalError('notLeader', 'another one leads');

describe('a write that is sent again', () => {
  let test: TestNode;
  const id = randomBytes(16);
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema));
  });
  afterEach(() => test.close());

  it('gets the answer that it got, and is not done again', async () => {
    const first = await test.write(addOne, { id, returns: 3 });
    await test.write(addOne);
    const again = await test.write(addOne, { id, returns: 3 });
    expect(again.slice(0, 5)).toEqual(first.slice(0, 5));
    expect(itemOf(again[4])).toEqual({ ...key(1), n: { N: '1' } });
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '2' } });
  });

  it('shares the answer of the first while that is under way', async () => {
    test.replica().isHolding = true;
    const tries = [1, 2, 3].map(() => test.write(addOne, { id, returns: 2 }));
    await turns();
    expect(test.replica().held).toHaveLength(1);
    await test.replica().release();
    for (const answer of await Promise.all(tries)) {
      expect(itemOf(answer[4])).toEqual({ ...key(1), n: { N: '1' } });
    }
  });

  it('gets its answer from the next leader when it was committed after all', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const first = test.write(putAbsent(key(1)), { id });
    await turns();
    const [effects] = replica.depose();
    await expect(first).rejects.toMatchObject(refusal('unknownOutcome'));
    await replica.apply(effects ?? []);
    replica.isHolding = false;
    replica.elect();
    expect((await test.write(putAbsent(key(1)), { id }))[0]).toBe('applied');
    expect((await test.write(putAbsent(key(1))))[0]).toBe('conditionFailed');
  });

  it('is done by the next leader when it was lost', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const first = test.write(putAbsent(key(1)), { id });
    await turns();
    replica.depose();
    await expect(first).rejects.toMatchObject(refusal('unknownOutcome'));
    replica.isHolding = false;
    replica.elect();
    expect((await test.write(putAbsent(key(1)), { id }))[0]).toBe('applied');
    expect(await test.get(key(1))).toEqual(key(1));
  });

  it('is known to the next process', async () => {
    await test.write(putAbsent(key(1)), { id });
    test.replica().depose();
    test.restart();
    test.replica().elect();
    expect((await test.write(putAbsent(key(1)), { id }))[0]).toBe('applied');
    expect(test.probes).toContain('repeatedWrite');
  });

  it('gets a large answer again', async () => {
    const large = { ...key(1), x: { S: 'x'.repeat(300_000) } };
    await test.write(putOf(large, plainSchema));
    const command = { kind: 'delete', key: key(1), condition: present } as const;
    await test.write(command, { id, returns: 1 });
    const again = await test.write(command, { id, returns: 1 });
    expect(itemOf(again[3])).toEqual(large);
  });

  it('is forgotten when no call can be that old, and its record deleted', async () => {
    await test.write(addOne, { id });
    const records = async () => {
      const prefix = spacePrefix(test.replica().storageId, 'request');
      const range = { ...rangeOfPrefix(prefix), reverse: false, limit: undefined };
      const iterator = test.host.store.iterate(range);
      const pairs = await iterator.next(100);
      await iterator.close();
      return pairs.length;
    };
    expect(await records()).toBe(1);
    await test.scheduler.advance(RETRY_WINDOW_MS);
    expect(await records()).toBe(1);
    await test.write(addOne, { id });
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '1' } });
    await test.scheduler.advance(RETRY_WINDOW_MS / 2);
    expect(await records()).toBe(0);
    await test.write(addOne, { id });
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '2' } });
  });

  it('is remembered as long by a leader that comes later, whatever the clock on the wall says', async () => {
    await test.write(addOne, { id });
    await test.scheduler.advance(RETRY_WINDOW_MS);
    test.replica().depose();
    test.restart();
    test.scheduler.jump(24 * 60 * 60 * 1_000);
    test.replica().elect();
    await test.scheduler.advance(RETRY_WINDOW_MS);
    await test.write(addOne, { id });
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '1' } });
  });

  it('is refused when it was sent too long ago, or to another process', async () => {
    const sentMs = test.scheduler.monotonicMs();
    await test.scheduler.advance(CALL_AGE_MS_MAX);
    expect((await test.write(addOne, { time: [test.processId, sentMs] }))[0]).toBe('applied');
    await test.scheduler.advance(1);
    for (const time of [
      [test.processId, sentMs],
      ['process-0', test.scheduler.monotonicMs()],
      [test.processId, test.scheduler.monotonicMs() + CALL_AGE_MS_MAX + 1],
    ] as const) {
      await expect(test.write(addOne, { time })).rejects.toMatchObject(refusal('expired'));
    }
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '1' } });
  });

  it('waits until the leader knows what earlier ones have done', async () => {
    const { store } = test.host;
    await test.write(addOne, { id });
    test.replica().depose();
    const { iterate } = store;
    const loaded = Promise.withResolvers<void>();
    store.iterate = (range) => {
      const iterator = iterate.call(store, range);
      return {
        next: async (count) => {
          await loaded.promise;
          return iterator.next(count);
        },
        close: () => iterator.close(),
      };
    };
    test.replica().elect();
    const again = test.write(addOne, { id });
    const late = expect(test.write(addOne)).rejects.toMatchObject(refusal('unavailable'));
    const refused = expect(again).rejects.toMatchObject(refusal('unavailable'));
    await test.scheduler.advance(6_000);
    await Promise.all([late, refused]);
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '1' } });
    const third = test.write(addOne, { id });
    await turns();
    loaded.resolve();
    await third;
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '1' } });
  });

  it('is refused, as is any write, when the record of earlier ones is damaged', async () => {
    await test.write(addOne, { id });
    const replica = test.replica();
    replica.depose();
    const recordKey = requestKey(replica.storageId, 1);
    const record = Buffer.from(test.host.store.get(recordKey) ?? []);
    record[record.length - 1] = 0xff;
    await replica.apply([{ key: recordKey, value: record }]);
    replica.elect();
    for (let round = 0; round < 2; round++) {
      await expect(test.write(addOne)).rejects.toMatchObject(refusal('damaged'));
    }
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '1' } });
    expect(test.events.filter(({ event }) => event === 'replicaDamaged')).toHaveLength(1);
  });

  it('is answered with the clock that the next call is to be stamped with', async () => {
    await test.scheduler.advance(123);
    const answer = await test.write(addOne);
    expect(answer[5]).toBe(test.scheduler.monotonicMs());
  });
});

describe('a write at a leader that may be none any more', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema));
    await test.write(putOf(key(1), plainSchema));
  });
  afterEach(() => test.close());

  const withoutEffects = {
    'whose condition failed': () => test.write(putAbsent(key(1))),
    'that deletes nothing': () => test.write({ kind: 'delete', key: key(9), condition: undefined }),
    'that is a fault': () =>
      test.write({
        ...addOne,
        update: [{ kind: 'add', path: ['s', 0], value: { N: '1' }, legacy: false }],
      }),
  };
  for (const [name, write] of Object.entries(withoutEffects)) {
    it(`is not answered before leadership is confirmed: one ${name}`, async () => {
      const replica = test.replica();
      replica.hasLease = false;
      replica.confirmation = async () => {
        throw notLeader;
      };
      await expect(write()).rejects.toMatchObject(refusal('notLeader'));
    });

    it(`is not answered when leadership was lost and won meanwhile: one ${name}`, async () => {
      const replica = test.replica();
      const confirmed = Promise.withResolvers<void>();
      replica.hasLease = false;
      replica.confirmation = () => confirmed.promise;
      const writing = write();
      await turns();
      replica.depose();
      replica.elect();
      confirmed.resolve();
      await expect(writing).rejects.toMatchObject(refusal('notLeader'));
    });
  }

  it('is answered once leadership is confirmed', async () => {
    test.replica().hasLease = false;
    expect((await test.write(putAbsent(key(1))))[0]).toBe('conditionFailed');
    await expect(withoutEffects['that is a fault']()).rejects.toMatchObject(refusal('fault'));
    expect(test.replica().confirmations).toBe(2);
  });

  it('needs no confirmation when it was committed, nor under the lease', async () => {
    await test.write(addOne);
    await test.write(putAbsent(key(1)));
    test.replica().hasLease = false;
    await test.write(addOne);
    expect(test.replica().confirmations).toBe(0);
  });

  it('is not answered as failed on a condition that a lost write would have met', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const lost = test.write(putAbsent(key(2)));
    await turns();
    const judged = test.write(putAbsent(key(2)));
    await turns();
    replica.depose({ replicaId: 2, node: 'node-2', kind: 'voter' });
    await expect(lost).rejects.toMatchObject(refusal('unknownOutcome'));
    await expect(judged).rejects.toMatchObject({
      ...refusal('notLeader'),
      data: { leader: 'node-2', term: 1 },
    });
  });

  it('is not proposed by a state of an earlier term', async () => {
    const replica = test.replica();
    // Evaluated in this turn, to be proposed at its end.
    const writing = test.write(addOne);
    await new Promise<void>((resolve) => {
      test.scheduler.soon(() => {
        replica.depose();
        replica.elect();
        resolve();
      });
    });
    const outcome = await writing.then(
      () => 'done',
      (error) => error.code,
    );
    expect(['done', 'notLeader', 'unknownOutcome']).toContain(outcome);
    const item = await test.get(key(1));
    expect(item).toEqual(outcome === 'done' ? { ...key(1), n: { N: '1' } } : key(1));
  });
});

describe('a leader whose proposal fails while it leads on', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema));
    await test.write(addOne);
  });
  afterEach(() => test.close());

  it('says that the write is not done, and goes on from what the store holds', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const first = test.write(addOne);
    await turns();
    const second = test.write(addOne);
    await turns();
    replica.failHeld('dropped');
    replica.isHolding = false;
    for (const each of [first, second]) {
      await expect(each).rejects.toMatchObject(refusal('unavailable'));
    }
    await turns();
    await test.write(addOne);
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '2' } });
    expect(test.probes).toContain('leaderRebuilt');
  });

  it('takes no write while proposals ahead of the failed one are open', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const ahead = test.write(addOne);
    await turns();
    const failed = test.write(addOne);
    await turns();
    replica.held.pop()?.reject(new ProposalError('dropped', 'too much'));
    await expect(failed).rejects.toMatchObject(refusal('unavailable'));
    await expect(test.write(addOne)).rejects.toMatchObject(refusal('unavailable'));
    replica.isHolding = false;
    await replica.release();
    await ahead;
    await turns();
    await test.write(addOne);
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '3' } });
  });

  it('waits for what may still be committed before it goes on', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const failed = test.write(addOne);
    await turns();
    const [effects] = replica.failHeld('unknown');
    await expect(failed).rejects.toMatchObject(refusal('unknownOutcome'));
    await turns();
    expect(replica.held).toHaveLength(1); // nothing but a place in the log
    await expect(test.write(addOne)).rejects.toMatchObject(refusal('unavailable'));
    await replica.apply(effects ?? []);
    replica.isHolding = false;
    await replica.release();
    await turns();
    await test.write(addOne);
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '3' } });
  });

  it('waits until something is accepted again, as after leadership was almost handed over', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const failed = test.write(addOne);
    await turns();
    replica.failHeld('dropped');
    await expect(failed).rejects.toMatchObject(refusal('unavailable'));
    for (let refused = 0; refused < 3; refused += 1) {
      await test.scheduler.until(() => replica.held.length === 1);
      replica.failHeld('dropped');
    }
    expect(test.probes).not.toContain('leaderRebuilt');
    replica.isHolding = false;
    await test.scheduler.until(() => test.probes.has('leaderRebuilt'));
    await test.write(addOne);
    expect(await test.get(key(1))).toEqual({ ...key(1), n: { N: '2' } });
  });
});

describe('writes beyond what a leader takes on', () => {
  let test: TestNode;
  afterEach(() => test.close());

  const start = async (limits: Parameters<typeof TestNode.start>[0]) => {
    test = await TestNode.start(limits);
    await test.create(configurationOf(plainSchema, { partitions: 2 }));
  };
  const written = (index: number) =>
    test.write(putOf(key(index), plainSchema), { partitionId: owner });
  /** The partition of the collection `a`. */
  let owner = 1n;
  const findOwner = async () => {
    owner = 1n;
    await written(0).catch(() => {
      owner = 2n;
    });
  };

  it('are refused at once', async () => {
    await start({ partitionWritesMax: 2 });
    await findOwner();
    test.replica(owner).isHolding = true;
    const writing = [written(1), written(2)];
    await turns();
    await expect(written(3)).rejects.toMatchObject(refusal('overloaded'));
    test.replica(owner).isHolding = false;
    await test.replica(owner).release();
    await Promise.all(writing);
    await written(3);
    const [metrics] = test.node.metrics().filter(({ partitionId }) => partitionId === owner);
    expect(metrics?.metrics.shed).toBe(1);
  });

  it('are refused by their bytes', async () => {
    await start({ nodeWriteBytesMax: 1_000 });
    await findOwner();
    test.replica(owner).isHolding = true;
    const writing = written(1);
    await turns();
    await expect(written(2)).rejects.toMatchObject(refusal('overloaded'));
    await test.replica(owner).release();
    await writing;
  });

  it('are refused while too much is proposed', async () => {
    await start({ proposedBytesMax: 10 });
    await findOwner();
    test.replica(owner).isHolding = true;
    const writing = written(1);
    await turns();
    await expect(written(2)).rejects.toMatchObject(refusal('overloaded'));
    await test.replica(owner).release();
    await writing;
  });

  it('are refused when more is remembered than there is room for', async () => {
    await start({ requestsRememberedMax: 2 });
    await findOwner();
    await written(1);
    await expect(written(2)).rejects.toMatchObject(refusal('overloaded'));
    await test.scheduler.advance(RETRY_WINDOW_MS * 1.5);
    await written(2);
  });

  it('are refused by a partition that does not own their item', async () => {
    await start({});
    await findOwner();
    const other = owner === 1n ? 2n : 1n;
    const writing = test.write(putOf(key(1), plainSchema), { partitionId: other });
    await expect(writing).rejects.toMatchObject(refusal('noReplica'));
  });
});

describe('a write that changes a global index', () => {
  it('is throttled when the index has no units left, in words of the billing mode', async () => {
    const test = await TestNode.start();
    const table = configurationOf(indexedSchema);
    await test.create({ ...table, throughput: { ...table.throughput, mode: 'provisioned' } });
    const indexed = putOf({ ...key(1), g: { S: 'x' } }, indexedSchema);
    await expect(test.write(indexed, { exhausted: ['G2'] })).rejects.toMatchObject({
      ...refusal('fault'),
      data: {
        type: 'ProvisionedThroughputExceededException',
        members: { ThrottlingReasons: [{ reason: 'IndexWriteProvisionedThroughputExceeded' }] },
      },
    });
    // One that leaves the index alone is not.
    await test.write(putOf(key(2), indexedSchema), { exhausted: ['G2'] });
    const [metrics] = test.node.metrics();
    expect(metrics?.metrics.writeThrottles.get('G2')).toBe(1);
    await test.close();
  });
});
