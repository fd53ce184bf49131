import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { spacePrefix } from '../partition/key-space.ts';
import {
  abortOf,
  absent,
  addTo,
  attemptOf,
  checkOf,
  claimOf,
  commitAt,
  decideCommit,
  deleteOf,
  executeOf,
  itemOf,
  keyOf,
  ledger,
  prepareOf,
  putOf,
  resolveOf,
} from '../partition/transaction.fixture.ts';
import { STALLED_MS } from '../partition/transaction.ts';
import { markKey } from '../partition/transaction-keys.ts';
import { ProposalError } from '../replication/replica.ts';
import { CALL_AGE_MS_MAX, methods } from '../routing/protocol.ts';
import { turns } from './manual-scheduler.fixture.ts';
import { configurationOf, indexedSchema, plainSchema, refusal, TestNode } from './node.fixture.ts';

const notLeader = new ProposalError('notLeader', 'another one leads');
const T = 1.8e15;
const conflict = {
  ...refusal('fault'),
  data: {
    type: 'TransactionConflictException',
    message: 'Transaction is ongoing for the item',
    members: undefined,
  },
};

let test: TestNode;
beforeEach(async () => {
  test = await TestNode.start();
  await test.create(configurationOf(plainSchema));
});
afterEach(() => test.close());

describe('a transaction at the leaders of its partitions', () => {
  it('is prepared, decided and finished', async () => {
    await test.write(putOf(itemOf(1, 1)));
    expect(await test.transact(claimOf('t'))).toEqual({ kind: 'claimed', attempt: 1 });
    const { outcomes, timestampMin } = await test.transact(
      prepareOf('t', [addTo(1), putOf(itemOf(2, 5)), checkOf(3, absent)]),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(await test.get(keyOf(2))).toBeUndefined();
    const decided = await test.transact(decideCommit('t', timestampMin));
    expect(decided).toMatchObject({ kind: 'committed', participants: [{ partitionId: 3n }] });
    expect(await test.transact(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 3 });
    expect([await test.get(keyOf(1)), await test.get(keyOf(2))]).toEqual([
      itemOf(1, 2),
      itemOf(2, 5),
    ]);
  });

  it('is executed in one proposal', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const executing = test.transact(executeOf('t', [addTo(1), addTo(2)]));
    await turns();
    expect(replica.held).toHaveLength(1);
    await replica.release();
    expect((await executing).kind).toBe('done');
  });

  it('is refused with the reason of each action', async () => {
    await test.write(putOf({ ...keyOf(3), n: { S: 'x' } }));
    await test.transact(prepareOf('other', [deleteOf(4)]));
    const call = [putOf(itemOf(1, 1)), checkOf(3, absent), addTo(3), deleteOf(4)];
    const { outcomes } = await test.transact(prepareOf('t', call.slice(0, 2)));
    const before = outcomes[1]?.kind === 'conditionFailed' ? outcomes[1].before : undefined;
    expect(JSON.parse(Buffer.from(before ?? []).toString())).toEqual({
      ...keyOf(3),
      n: { S: 'x' },
    });
    const others = await test.transact(prepareOf('t', call.slice(2)));
    expect(others.outcomes).toMatchObject([
      { kind: 'fault', fault: { type: 'ValidationException' } },
      { kind: 'conflict', stalled: undefined },
    ]);
  });

  it('keeps single writes away from its items', async () => {
    await test.transact(prepareOf('t', [addTo(1), putOf(itemOf(2, 1))]));
    await expect(test.write(addTo(1))).rejects.toMatchObject(conflict);
    await expect(test.write(putOf(itemOf(2, 7)))).rejects.toMatchObject(conflict);
    expect(await test.get(keyOf(2))).toBeUndefined();
  });

  it('reads items and their states', async () => {
    await test.write(putOf(itemOf(1, 1)));
    const call = { kind: 'read', keys: [keyOf(1), keyOf(2)] } as const;
    const { items } = await test.transact(call);
    expect(items).toMatchObject([{ kind: 'item' }, { kind: 'item', json: undefined, bytes: 0 }]);
    expect(await test.transact(call)).toEqual({ items });
    await test.transact(prepareOf('t', [addTo(1)]));
    const [marked] = (await test.transact(call)).items;
    expect(marked).toEqual({ kind: 'conflict', stalled: undefined });
  });

  it('is refused where the partition does not have its items', async () => {
    await test.close();
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema, { partitions: 4 }));
    const calls = [1n, 2n, 3n, 4n].map((partitionId) =>
      test.transact(executeOf('t', [addTo(1)]), { partitionId }).then(
        ({ kind }) => kind,
        (error) => error.code,
      ),
    );
    expect((await Promise.all(calls)).filter((each) => each === 'noReplica')).toHaveLength(3);
  });

  it('is refused when it was sent too long ago, or to another process', async () => {
    const sentMs = test.scheduler.monotonicMs();
    await test.scheduler.advance(CALL_AGE_MS_MAX + 1);
    for (const time of [
      [test.processId, sentMs],
      ['process-0', test.scheduler.monotonicMs()],
    ] as const) {
      const calling = test.transact(prepareOf('t', [addTo(1)]), { time });
      await expect(calling).rejects.toMatchObject(refusal('expired'));
    }
    await test.write(addTo(1));
  });
});

describe('an answer of a leader that may be none any more', () => {
  beforeEach(async () => {
    await test.write(putOf(itemOf(1, 1)));
    await test.transact(claimOf('t'));
    await test.transact(prepareOf('t', [addTo(1)]));
  });

  const decidedHere = {
    'prepare that is refused': () => test.transact(prepareOf('u', [addTo(1)])),
    'prepare that comes again': () => test.transact(prepareOf('t', [addTo(1)])),
    'execute that is refused': () => test.transact(executeOf('u', [addTo(1)])),
    'claim that comes again': () => test.transact(claimOf('t')),
    'resolve of one under way': () => test.transact(resolveOf('t')),
    'finish of nothing': () => test.transact(abortOf('u')),
    read: () => test.transact({ kind: 'read', keys: [keyOf(1)] }),
    stalled: () => test.transact({ kind: 'stalled', isAll: true }),
    'single write that meets a mark': () => test.write(addTo(1)),
  };
  for (const [name, call] of Object.entries(decidedHere)) {
    it(`is given only once leadership is confirmed: ${name}`, async () => {
      const replica = test.replica();
      replica.hasLease = false;
      replica.confirmation = async () => {
        throw notLeader;
      };
      await expect(call()).rejects.toMatchObject(refusal('notLeader'));
      expect(replica.confirmations).toBe(1);
    });
  }

  it('needs no confirmation when it was committed', async () => {
    test.replica().hasLease = false;
    await test.transact(prepareOf('u', [addTo(2)]));
    await test.transact(decideCommit('t', T));
    await test.transact(commitAt(T, 't'));
    await test.transact(executeOf('v', [addTo(3)]));
    await test.transact(resolveOf('w'));
    expect(test.replica().confirmations).toBe(0);
  });

  it('is not that of a prepare which was lost', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const lost = test.transact(prepareOf('u', [addTo(2)]));
    await turns();
    const judged = test.transact(prepareOf('v', [addTo(2)]));
    await turns();
    replica.depose();
    for (const each of [lost, judged]) {
      await expect(each).rejects.toMatchObject(refusal('unknownOutcome'));
    }
    replica.isHolding = false;
    replica.elect();
    const { outcomes } = await test.transact(prepareOf('v', [addTo(2)]));
    expect(outcomes).toMatchObject([{ kind: 'accepted' }]);
  });
});

describe('a leader that comes later', () => {
  const electAgain = async (meanwhile: () => Promise<void> = async () => {}) => {
    test.replica().depose();
    await meanwhile();
    test.replica().elect();
  };

  it('knows the marks, and evaluates no write before', async () => {
    await test.write(putOf(itemOf(1, 1)));
    const { timestampMin } = await test.transact(prepareOf('t', [addTo(1)]));
    const { store } = test.host;
    const { iterate } = store;
    const loaded = Promise.withResolvers<void>();
    store.iterate = (range) => {
      const iterator = iterate.call(store, range);
      const next = async (count: number) => {
        await loaded.promise;
        return iterator.next(count);
      };
      return { next, close: () => iterator.close() };
    };
    await electAgain();
    const writing = test.write(addTo(1));
    const refused = expect(writing).rejects.toMatchObject(conflict);
    await turns();
    loaded.resolve();
    await refused;
    expect(await test.transact(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 1 });
    expect(await test.get(keyOf(1))).toEqual(itemOf(1, 2));
  });

  it.each(['was committed after all', 'was lost'])(
    'goes on after a prepare that %s',
    async (fate) => {
      const replica = test.replica();
      replica.isHolding = true;
      const preparing = test.transact(prepareOf('t', [addTo(1)]));
      await turns();
      const [effects] = replica.depose();
      await expect(preparing).rejects.toMatchObject(refusal('unknownOutcome'));
      if (fate === 'was committed after all') await replica.apply(effects ?? []);
      replica.isHolding = false;
      replica.elect();
      const { timestampMin } = await test.transact(prepareOf('t', [addTo(1)]));
      expect(await test.transact(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 1 });
      expect(await test.get(keyOf(1))).toEqual(itemOf(1, 1));
    },
  );

  it.each(['was committed after all', 'was lost'])('does a finish once that %s', async (fate) => {
    const { timestampMin } = await test.transact(prepareOf('t', [addTo(1), addTo(2)]));
    const replica = test.replica();
    replica.isHolding = true;
    const finishing = test.transact(commitAt(timestampMin, 't'));
    await turns();
    const [effects] = replica.depose();
    await expect(finishing).rejects.toMatchObject(refusal('unknownOutcome'));
    if (fate === 'was committed after all') await replica.apply(effects ?? []);
    replica.isHolding = false;
    replica.elect();
    await test.transact(commitAt(timestampMin, 't'));
    // And a prepare that was stuck on its way.
    await test.transact(prepareOf('t', [addTo(1), addTo(2)]));
    await test.transact(commitAt(timestampMin, 't'));
    expect([await test.get(keyOf(1)), await test.get(keyOf(2))]).toEqual([
      itemOf(1, 1),
      itemOf(2, 1),
    ]);
  });

  it('knows what was executed, also when it was committed after all', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const executing = test.transact(executeOf('t', [addTo(1)]));
    await turns();
    const [effects] = replica.depose();
    await expect(executing).rejects.toMatchObject(refusal('unknownOutcome'));
    await replica.apply(effects ?? []);
    replica.isHolding = false;
    replica.elect();
    expect((await test.transact(executeOf('t', [addTo(1)]))).kind).toBe('done');
    expect(await test.transact(executeOf('t', [addTo(1)], { run: 'b' }))).toEqual({
      kind: 'repeated',
    });
    expect(await test.get(keyOf(1))).toEqual(itemOf(1, 1));
  });

  it('keeps to the outcome that an earlier one has recorded', async () => {
    await test.transact(claimOf('t'));
    await electAgain();
    expect(await test.transact(resolveOf('t', { isAbandoned: true }))).toEqual({ kind: 'aborted' });
    await electAgain();
    expect(await test.transact(decideCommit('t', T))).toEqual({ kind: 'aborted' });
  });

  it('gives no answer when marks do not match their checksum', async () => {
    await test.transact(prepareOf('t', [addTo(1)]));
    const { storageId } = test.replica();
    const schema = new CompiledSchema(plainSchema);
    const key = markKey(spacePrefix(storageId, 'transaction'), schema.itemKey(keyOf(1)));
    const value = Buffer.from(test.host.store.get(key) ?? []);
    value[10] = 0xff ^ (value[10] ?? 0);
    await electAgain(() => test.replica().apply([{ key, value }]));
    for (const call of [test.write(addTo(2)), test.transact(prepareOf('u', [addTo(2)]))]) {
      await expect(call).rejects.toMatchObject(refusal('damaged'));
    }
  });
});

describe('a leader with much to do', () => {
  const limits = { proposedBytesMax: 1_000, requestsRememberedMax: 1, partitionWritesMax: 2 };
  let timestampMin = 0;
  beforeEach(async () => {
    await test.close();
    test = await TestNode.start(limits);
    await test.create(configurationOf(plainSchema));
    ({ timestampMin } = await test.transact(prepareOf('t', [addTo(1)])));
  });
  const overloaded = refusal('overloaded');

  it('refuses what begins a transaction, and ends those under way', async () => {
    await test.write(addTo(9));
    for (const call of [prepareOf('u', [addTo(2)]), executeOf('u', [addTo(2)]), claimOf('u')]) {
      await expect(test.transact(call)).rejects.toMatchObject(overloaded);
    }
    expect(await test.transact(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 1 });
  });

  it('refuses all but reads while too much of what it proposed is not committed', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const writing = test.write(putOf({ ...itemOf(9, 1), text: { S: 'x'.repeat(2_000) } }));
    await turns();
    const finishing = test.transact(commitAt(timestampMin, 't'));
    await expect(finishing).rejects.toMatchObject(overloaded);
    const reading = test.transact({ kind: 'read', keys: [keyOf(1)] });
    expect((await reading).items).toMatchObject([{ kind: 'conflict' }]);
    replica.isHolding = false;
    await replica.release();
    await writing;
    expect(await test.transact(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 1 });
  });

  it('refuses more calls than it can have under way', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const calls = ['u', 'v', 'w'].map((name, index) =>
      test.transact(prepareOf(name, [addTo(index + 2)])),
    );
    await expect(calls[2]).rejects.toMatchObject(overloaded);
    await turns();
    await replica.release();
    await Promise.all(calls.slice(0, 2));
  });
});

describe('stalled transactions', () => {
  const partitionOf = async () => (await test.report()).partitions[0];

  it('are reported by the leader, until somebody has finished them', async () => {
    await test.transact(prepareOf('t', [addTo(1), addTo(2)]));
    await test.scheduler.advance(STALLED_MS * 3);
    expect((await partitionOf())?.stalledTransactions).toBe(1);
    expect(await test.transact({ kind: 'stalled', isAll: false })).toEqual({
      marks: [{ attempt: attemptOf('t'), ledger }],
      unfinished: [],
    });
    await test.transact(abortOf('t'));
    await test.scheduler.advance(STALLED_MS * 3);
    expect(await partitionOf()).not.toHaveProperty('stalledTransactions');
  });

  it('are not reported by a replica that does not lead', async () => {
    await test.transact(prepareOf('t', [addTo(1)]));
    await test.scheduler.advance(STALLED_MS * 3);
    test.replica().depose();
    expect(await partitionOf()).not.toHaveProperty('stalledTransactions');
  });
});

describe('the global indexes of a transaction', () => {
  const INDEX = 2_000n;
  const indexedItem = (s: number): Item => ({ ...itemOf(s, 1), g: { S: 'g' } });

  beforeEach(async () => {
    await test.close();
    test = await TestNode.start();
    await test.create(configurationOf(indexedSchema));
  });

  it('show its writes once it is finished', async () => {
    const commands = [putOf(indexedItem(1)), putOf(indexedItem(2))];
    const { timestampMin } = await test.transact(prepareOf('t', commands));
    await test.scheduler.advance(1_000);
    expect(await test.scan(INDEX, { indexName: 'G2' })).toEqual([]);
    await test.transact(commitAt(timestampMin, 't'));
    await test.scheduler.advance(1_000);
    expect(await test.scan(INDEX, { indexName: 'G2' })).toHaveLength(2);
  });

  it('without write units refuse the actions that would change them', async () => {
    const call = prepareOf('t', [putOf(indexedItem(1)), putOf(itemOf(2, 1))], {
      exhaustedIndexes: ['G2'],
    });
    expect((await test.transact(call)).outcomes).toMatchObject([
      { kind: 'fault', fault: { type: 'ThrottlingException' } },
      { kind: 'accepted' },
    ]);
  });

  it('have no part in transactions themselves', async () => {
    const calling = test.transact(claimOf('t'), { partitionId: INDEX });
    await expect(calling).rejects.toMatchObject(refusal('noReplica'));
    await expect(
      test.call(methods.transact, [99n, 1, ['', 0], claimOf('t')]),
    ).rejects.toMatchObject(refusal('noReplica'));
  });
});
