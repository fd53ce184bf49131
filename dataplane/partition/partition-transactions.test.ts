import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { StoreError } from '../storage/store.ts';
import { spacePrefix } from './key-space.ts';
import { globalIndex, localIndex, schemaOf } from './schema.fixture.ts';
import {
  abortOf,
  absent,
  addTo,
  attemptOf,
  checkOf,
  claimOf,
  commitAt,
  deleteOf,
  executeOf,
  itemOf,
  keyOf,
  ledger,
  prepareOf,
  present,
  putOf,
  TestPartition,
} from './transaction.fixture.ts';
import { STALLED_MS } from './transaction.ts';

const conflict = new ClientFault(
  'TransactionConflictException',
  'Transaction is ongoing for the item',
);
const full = new StoreError('full', 'The disk is full.');
const kinds = (outcomes: readonly { readonly kind: string }[]) => outcomes.map(({ kind }) => kind);

let test: TestPartition;
beforeEach(async () => {
  test = await TestPartition.open();
});
afterEach(() => test.close());

describe('prepare', () => {
  it('marks all items, and changes none', async () => {
    await test.write(putOf(itemOf(1, 1)));
    const { outcomes, timestampMin } = await test.do(
      prepareOf('t', [addTo(1, present), putOf(itemOf(2, 1), absent), checkOf(3, absent)]),
    );
    expect(outcomes).toMatchObject([
      { kind: 'accepted', capacity: { table: 1 } },
      { kind: 'accepted', capacity: { table: 1 } },
      { kind: 'accepted', capacity: { table: 1 } },
    ]);
    expect(timestampMin).toBeGreaterThan(test.stored(1)?.writtenMicros ?? Infinity);
    expect([test.get(1), test.get(2)]).toEqual([itemOf(1, 1), undefined]);
    expect(await test.count(spacePrefix(1n, 'transaction'))).toBe(3);
  });

  it('marks none when one is refused, and says of each why', async () => {
    await test.write(putOf({ ...keyOf(3), n: { S: 'no number' } }));
    await test.do(prepareOf('other', [deleteOf(4)]));
    const { outcomes, timestampMin } = await test.do(
      prepareOf('t', [putOf(itemOf(1, 1)), checkOf(2, present), addTo(3), deleteOf(4)]),
    );
    expect(kinds(outcomes)).toEqual(['accepted', 'conditionFailed', 'fault', 'conflict']);
    expect(timestampMin).toBe(0);
    expect(await test.count(spacePrefix(1n, 'transaction'))).toBe(1);
    await test.write(addTo(1));
  });

  it('shows the item that a condition failed on', async () => {
    await test.write(putOf(itemOf(1, 7)));
    const [outcome] = (await test.do(prepareOf('t', [deleteOf(1, absent)]))).outcomes;
    const before = outcome?.kind === 'conditionFailed' ? outcome.before : undefined;
    expect(JSON.parse(Buffer.from(before ?? []).toString())).toEqual(itemOf(1, 7));
  });

  it('that comes again answers the same', async () => {
    const call = prepareOf('t', [putOf(itemOf(1, 1)), deleteOf(2)]);
    const first = await test.do(call);
    await test.reopen();
    expect(await test.do(call)).toEqual(first);
  });

  it('of a later attempt takes the items over, one of an earlier attempt does not', async () => {
    await test.do(prepareOf('t', [putOf(itemOf(1, 1)), addTo(2)]));
    const second = await test.do(prepareOf('t', [putOf(itemOf(1, 2)), addTo(2)], { number: 2 }));
    expect(kinds(second.outcomes)).toEqual(['accepted', 'accepted']);
    const late = await test.do(prepareOf('t', [putOf(itemOf(1, 1))]));
    expect(kinds(late.outcomes)).toEqual(['conflict']);
    await test.do(commitAt(second.timestampMin, 't'));
    expect(test.get(1)).toBeUndefined();
    await test.do(commitAt(second.timestampMin, 't', 2));
    expect([test.get(1), test.get(2)]).toEqual([itemOf(1, 2), itemOf(2, 1)]);
  });

  it('meets marks that are not durable yet, and is answered only when they are', async () => {
    const first = test.start(prepareOf('t', [putOf(itemOf(1, 1))]));
    const second = test.start(prepareOf('u', [putOf(itemOf(1, 2))]));
    let isAnswered = false;
    second.then(() => {
      isAnswered = true;
    });
    test.flush();
    await Promise.resolve();
    expect([isAnswered, test.commits.waiting.length]).toEqual([false, 1]);
    const answers = await test.settle(Promise.all([first, second]));
    expect(answers.map(({ isCommitted }) => isCommitted)).toEqual([true, false]);
    expect(kinds(answers[1]?.answer.outcomes ?? [])).toEqual(['conflict']);
  });

  it('that fails leaves no mark', async () => {
    const first = test.start(prepareOf('t', [putOf(itemOf(1, 1))]));
    const behind = test.start(prepareOf('u', [putOf(itemOf(1, 2))]));
    test.flush();
    test.commits.next(full);
    await expect(first).rejects.toBe(full);
    await expect(behind).rejects.toBe(full);
    expect(kinds((await test.do(prepareOf('u', [addTo(1)]))).outcomes)).toEqual(['accepted']);
  });

  it('counts collections that several commands are of', async () => {
    await test.close();
    const bytes = itemBytes(itemOf(1, 1));
    test = await TestPartition.open(schemaOf({ localIndexes: [localIndex(1, 'l:S')] }), {
      collectionBytesMax: 2 * bytes,
    });
    const call = (count: number) =>
      prepareOf(
        `${count}`,
        Array.from({ length: count }, (_, index) => putOf(itemOf(index + 1, 1))),
      );
    expect(kinds((await test.do(call(3))).outcomes)).toEqual(['accepted', 'accepted', 'fault']);
    const { outcomes } = await test.do(call(2));
    expect(outcomes).toMatchObject([{ collectionBytes: bytes }, { collectionBytes: 2 * bytes }]);
  });

  it('is refused for an index without write units, only where it would change that', async () => {
    test.schema = schemaOf({ globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })] });
    const fault = new ClientFault('ThrottlingException', 'no units');
    const commands = [putOf(itemOf(1, 1)), putOf({ ...itemOf(2, 1), g: { S: 'x' } })];
    const answer = test.start(prepareOf('t', commands), ({ globalIndexes }) => {
      if (globalIndexes.has('G2')) throw fault;
    });
    expect((await answer).answer.outcomes).toMatchObject([{ kind: 'accepted' }, { fault }]);
  });

  it('of much spans several groups', async () => {
    const commands = Array.from({ length: 6 }, (_, index) =>
      putOf({ ...itemOf(index, 1), text: { S: 'x'.repeat(300_000) } }),
    );
    const preparing = test.start(prepareOf('t', commands));
    test.flush();
    expect(test.commits.waiting.length).toBeGreaterThan(1);
    const { timestampMin } = (await test.settle(preparing)).answer;
    // One after the other, and a second call may help.
    const finishing = test.start(commitAt(timestampMin, 't'));
    expect(test.commits.waiting).toHaveLength(1);
    expect(test.commits.waiting[0]?.effects.length).toBeLessThan(12);
    const helping = test.start(commitAt(timestampMin, 't'));
    const answers = await test.settle(Promise.all([finishing, helping]));
    const counts = answers.map(({ answer }) => answer.finishedCount);
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(6);
    expect(test.partition.counters.items).toBe(6);
  });
});

describe('a single write of a marked item', () => {
  it('is refused when it looks at the item, or the transaction does', async () => {
    await test.do(prepareOf('t', [putOf(itemOf(1, 1)), addTo(2), checkOf(3, absent)]));
    const writes = [
      addTo(1),
      putOf(itemOf(1, 2), absent),
      putOf(itemOf(2, 2)),
      deleteOf(2),
      putOf(itemOf(3, 2)),
    ];
    for (const write of writes) await expect(test.write(write)).rejects.toEqual(conflict);
  });

  it('is refused only once the mark is durable', async () => {
    const preparing = test.start(prepareOf('t', [addTo(1)]));
    const writing = test.startWrite(addTo(1));
    const refused = expect(writing).rejects.toBe(full);
    test.flush();
    test.commits.next(full);
    await expect(preparing).rejects.toBe(full);
    await refused;
    expect((await test.write(addTo(1))).kind).toBe('applied');
  });

  it('is refused though it looks at nothing: it may not come between what the transaction writes', async () => {
    await test.do(prepareOf('t', [putOf(itemOf(1, 1)), deleteOf(2)]));
    for (const write of [putOf(itemOf(1, 5)), deleteOf(2)]) {
      await expect(test.write(write)).rejects.toMatchObject({
        type: 'TransactionConflictException',
      });
    }
  });

  it('is possible again after the transaction, committed or not', async () => {
    const { timestampMin } = await test.do(prepareOf('t', [addTo(1)]));
    await test.do(prepareOf('u', [addTo(2)]));
    await test.do(commitAt(timestampMin, 't'));
    await test.do(abortOf('u'));
    await test.write(addTo(1));
    await test.write(addTo(2));
    expect([test.get(1), test.get(2)]).toEqual([itemOf(1, 2), itemOf(2, 1)]);
  });

  it('may follow a finish that is not durable yet', async () => {
    const { timestampMin } = await test.do(prepareOf('t', [addTo(1)]));
    const finishing = test.start(commitAt(timestampMin, 't'));
    const writing = test.startWrite(addTo(1));
    await test.settle(Promise.all([finishing, writing]));
    expect(test.get(1)).toEqual(itemOf(1, 2));
  });

  it('of another item is not concerned', async () => {
    await test.do(prepareOf('t', [addTo(1)]));
    expect((await test.write(addTo(2))).kind).toBe('applied');
  });
});

describe('finish', () => {
  it('gives all items the timestamp of the commit, also those checked or deleted', async () => {
    await test.write(putOf(itemOf(1, 1)));
    await test.write(putOf(itemOf(2, 1)));
    const { version } = test.stored(1) ?? {};
    const { timestampMin } = await test.do(
      prepareOf('t', [checkOf(1, present), addTo(2), putOf(itemOf(3, 1)), deleteOf(4)]),
    );
    const T = timestampMin + 1_000_000;
    expect(await test.do(commitAt(T, 't'))).toEqual({ finishedCount: 4 });
    for (const s of [1, 2, 3]) expect(test.stored(s)?.writtenMicros).toBe(T);
    expect([test.get(1), test.stored(1)?.version]).toEqual([itemOf(1, 1), version]);
    const next = await test.do(prepareOf('u', [addTo(1), addTo(4)]));
    expect(next.timestampMin).toBeGreaterThan(T);
    expect(await test.count(spacePrefix(1n, 'transaction'))).toBe(2);
  });

  it('that comes again, or of another attempt, does nothing', async () => {
    const { timestampMin } = await test.do(prepareOf('t', [addTo(1)], { number: 2 }));
    expect(await test.do(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 0 });
    expect(await test.do(abortOf('u', 2))).toEqual({ finishedCount: 0 });
    const calls = [1, 2].map(() => test.start(commitAt(timestampMin, 't', 2)));
    const answers = await test.settle(Promise.all(calls));
    expect(answers.map(({ answer }) => answer.finishedCount)).toEqual([1, 0]);
    expect(answers.map(({ isCommitted }) => isCommitted)).toEqual([true, false]);
    expect(test.get(1)).toEqual(itemOf(1, 1));
  });

  it('drops what a prepare has marked that came once more, after all was finished', async () => {
    const commands = [addTo(1), deleteOf(2), checkOf(3, absent)];
    const { timestampMin } = await test.do(prepareOf('t', commands));
    await test.do(commitAt(timestampMin, 't'));
    const late = await test.do(prepareOf('t', commands));
    expect(kinds(late.outcomes)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(await test.do(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 3 });
    expect(test.get(1)).toEqual(itemOf(1, 1));
    expect(await test.count(spacePrefix(1n, 'transaction'))).toBe(0);
  });

  it('that fails may be repeated', async () => {
    const { timestampMin } = await test.do(prepareOf('t', [addTo(1)]));
    const failing = test.start(commitAt(timestampMin, 't'));
    const behind = test.start(commitAt(timestampMin, 't'));
    test.flush();
    test.commits.next(full);
    await expect(failing).rejects.toBe(full);
    await expect(behind).rejects.toBe(full);
    expect(test.get(1)).toBeUndefined();
    expect(await test.do(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 1 });
    expect(test.get(1)).toEqual(itemOf(1, 1));
  });

  it('follows the schema of that time, and nothing can refuse it', async () => {
    const text = { S: 'not a number' };
    const first = putOf({ ...itemOf(1, 1), g: text });
    const { timestampMin } = await test.do(prepareOf('t', [first, addTo(2)]));
    test.schema = schemaOf({
      localIndexes: [localIndex(1, 'l:S')],
      globalIndexes: [
        globalIndex(2, { hash: 'g:N', range: '' }),
        globalIndex(3, { hash: 'n:N', range: '' }),
      ],
    });
    await test.do(commitAt(timestampMin, 't'));
    expect([test.get(1), test.get(2)]).toEqual([first.item, itemOf(2, 1)]);
    expect(test.indexChanges.map(({ indexId }) => indexId)).toEqual([3, 3]);
  });

  it('changes local and global indexes as other writes do', async () => {
    test.schema = schemaOf({
      localIndexes: [localIndex(1, 'l:S')],
      globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })],
    });
    const item: Item = { ...itemOf(1, 1), l: { S: 'l' }, g: { S: 'g' } };
    const { timestampMin } = await test.do(prepareOf('t', [putOf(item)]));
    expect([await test.count(spacePrefix(1n, 'localIndex')), test.indexChanges]).toEqual([0, []]);
    await test.do(commitAt(timestampMin, 't'));
    expect(await test.count(spacePrefix(1n, 'localIndex'))).toBe(1);
    expect(test.indexChanges).toHaveLength(1);
    const { version } = test.stored(1) ?? {};
    const check = await test.do(prepareOf('u', [checkOf(1, present)]));
    await test.do(commitAt(check.timestampMin, 'u'));
    expect([test.indexChanges.length, test.stored(1)?.version]).toEqual([1, version]);
  });
});

describe('marks', () => {
  it('are known to whoever opens the partition next', async () => {
    await test.write(putOf(itemOf(1, 1)));
    const { timestampMin } = await test.do(prepareOf('t', [addTo(1), checkOf(2, absent)]));
    await test.reopen();
    await expect(test.write(addTo(1))).rejects.toEqual(conflict);
    expect(await test.do(commitAt(timestampMin, 't'))).toEqual({ finishedCount: 2 });
    expect(test.get(1)).toEqual(itemOf(1, 2));
    expect(test.stored(1)?.writtenMicros).toBe(timestampMin);
  });

  it('keep timestamps in order across deletions and reopening, whatever the clock says', async () => {
    await test.write(putOf(itemOf(1, 1)));
    await test.write(deleteOf(1));
    const { timestampMin } = await test.do(prepareOf('t', [putOf(itemOf(1, 2))]));
    await test.do(abortOf('t'));
    test.nowMs -= 3_600_000;
    await test.reopen();
    const again = await test.do(prepareOf('u', [putOf(itemOf(1, 2))]));
    expect(again.timestampMin).toBe(timestampMin);
    await test.do(abortOf('u'));
    await test.write(putOf(itemOf(1, 3)));
    expect(test.stored(1)?.writtenMicros).toBeGreaterThan(again.timestampMin - 1_001);
  });

  it('keep items from being deleted by time to live', async () => {
    test.schema = schemaOf({ timeToLiveAttribute: 'n' });
    await test.write(putOf(itemOf(1, 100)));
    const placed = () => {
      const { itemKey } = test.placeOf(keyOf(1));
      return test.partition.place(itemKey);
    };
    expect(test.partition.itemToExpire(placed(), 100)?.item).toEqual(itemOf(1, 100));
    await test.do(prepareOf('t', [checkOf(1, present)]));
    expect(test.partition.itemToExpire(placed(), 100)).toBeUndefined();
    await test.do(abortOf('t'));
    expect(test.partition.itemToExpire(placed(), 100)?.item).toEqual(itemOf(1, 100));
  });
});

describe('read', () => {
  it('shows committed items, each with its state', async () => {
    await test.write(putOf(itemOf(1, 1)));
    const [first, second] = await test.read(1, 2);
    if (first?.kind !== 'item' || second?.kind !== 'item') throw new Error('no conflict');
    expect(JSON.parse(Buffer.from(first.json ?? []).toString())).toEqual(itemOf(1, 1));
    expect(first.bytes).toBe(itemBytes(itemOf(1, 1)));
    expect(second).toMatchObject({ json: undefined, bytes: 0 });
    expect(await test.read(1, 2)).toEqual([first, second]);
  });

  it('shows that an item was there in between, or is another', async () => {
    await test.write(putOf(itemOf(1, 1)));
    const before = await test.read(1, 2);
    await test.write(putOf(itemOf(1, 1)));
    await test.write(putOf(itemOf(2, 1)));
    await test.write(deleteOf(2));
    const after = await test.read(1, 2);
    const stateOf = (item: (typeof after)[number] | undefined) =>
      item?.kind === 'item' ? item.state : undefined;
    for (const index of [0, 1]) expect(stateOf(after[index])).not.toBe(stateOf(before[index]));
  });

  it('meets marks, but not those of checks', async () => {
    await test.write(putOf(itemOf(3, 1)));
    const before = await test.read(3);
    await test.do(prepareOf('t', [addTo(1), deleteOf(2), checkOf(3, present)]));
    expect(await test.read(1, 2)).toEqual([
      { kind: 'conflict', stalled: undefined },
      { kind: 'conflict', stalled: undefined },
    ]);
    expect(await test.read(3)).toEqual(before);
    test.nowMs += STALLED_MS;
    const stalled = { attempt: attemptOf('t'), ledger };
    expect(await test.read(1)).toEqual([{ kind: 'conflict', stalled }]);
  });

  it('tells of what it sees only once that is known to be durable', async () => {
    const writing = test.startWrite(putOf(itemOf(1, 1)));
    test.flush();
    let isAnswered = false;
    const reading = test.start({ kind: 'read', keys: [keyOf(1)] }).then(({ answer }) => {
      isAnswered = true;
      return answer.items;
    });
    await Promise.resolve();
    expect(isAnswered).toBe(false);
    await test.settle(writing);
    // As of the moment of the call.
    expect(await reading).toMatchObject([{ json: undefined }]);
  });
});

describe('execute', () => {
  it('does all in one commit, with its record', async () => {
    await test.write(putOf(itemOf(1, 1)));
    await test.write(putOf(itemOf(4, 1)));
    const call = executeOf('t', [
      addTo(1),
      putOf(itemOf(2, 1)),
      deleteOf(4),
      checkOf(3, absent),
      checkOf(1, present),
    ]);
    const executing = test.start({ ...call, commands: call.commands.slice(0, 4) });
    test.flush();
    expect(test.commits.waiting).toHaveLength(1);
    const { answer, isCommitted } = await test.settle(executing);
    expect([answer.kind, isCommitted]).toEqual(['done', true]);
    expect([test.get(1), test.get(2), test.get(4)]).toEqual([
      itemOf(1, 2),
      itemOf(2, 1),
      undefined,
    ]);
    expect(test.partition.counters.items).toBe(2);
  });

  it('does nothing when one action is refused', async () => {
    const answer = await test.do(executeOf('t', [putOf(itemOf(1, 1)), checkOf(2, present)]));
    expect(answer).toMatchObject({
      kind: 'refused',
      outcomes: [{ kind: 'accepted' }, { kind: 'conditionFailed' }],
    });
    expect(test.get(1)).toBeUndefined();
    // So it may be tried again, with another payload too.
    const again = await test.do(executeOf('t', [putOf(itemOf(1, 1))], { digest: 'other' }));
    expect(again.kind).toBe('done');
  });

  it('that was refused when another try of it may be on its way is not done by that', async () => {
    const call = executeOf('t', [putOf(itemOf(1, 1)), checkOf(2, present)]);
    expect((await test.do({ ...call, isRepeat: true })).kind).toBe('refused');
    await test.do(executeOf('u', [putOf(itemOf(2, 1))]));
    await test.reopen();
    expect(await test.do(call)).toEqual({ kind: 'inProgress' });
    expect(test.get(1)).toBeUndefined();
    // The client's next request with the token is another run.
    const next = executeOf('t', [putOf(itemOf(1, 1))], { run: 'next' });
    expect((await test.do(next)).kind).toBe('done');
  });

  it('that comes again is answered, and not done again', async () => {
    const call = executeOf('t', [addTo(1)]);
    const first = test.start(call);
    const second = test.start(call);
    const answers = await test.settle(Promise.all([first, second]));
    expect(answers[1]?.answer).toEqual(answers[0]?.answer);
    await test.reopen();
    expect(await test.do(call)).toEqual(answers[0]?.answer);
    expect(await test.do(executeOf('t', [addTo(1)], { run: 'b' }))).toEqual({ kind: 'repeated' });
    expect(await test.do(executeOf('t', [addTo(1)], { digest: 'b' }))).toEqual({
      kind: 'mismatch',
    });
    expect(test.get(1)).toEqual(itemOf(1, 1));
  });

  it('that fails is forgotten', async () => {
    const executing = test.start(executeOf('t', [addTo(1)]));
    const repeated = test.start(executeOf('t', [addTo(1)], { run: 'b' }));
    test.flush();
    test.commits.next(full);
    await expect(executing).rejects.toBe(full);
    await expect(repeated).rejects.toBe(full);
    expect((await test.do(executeOf('t', [addTo(1)]))).kind).toBe('done');
    expect(test.get(1)).toEqual(itemOf(1, 1));
  });

  it('meets marks of others, and takes those of its own earlier attempt over', async () => {
    await test.do(claimOf('t'));
    const { timestampMin } = await test.do(prepareOf('t', [addTo(1)]));
    await test.do(prepareOf('u', [addTo(2)]));
    const refused = await test.do(executeOf('t', [addTo(1), addTo(2)]));
    expect(refused).toMatchObject({ outcomes: [{ kind: 'accepted' }, { kind: 'conflict' }] });
    expect((await test.do(executeOf('t', [addTo(1)]))).kind).toBe('done');
    await test.do(commitAt(timestampMin, 't'));
    expect(test.get(1)).toEqual(itemOf(1, 1));
    expect((await test.write(addTo(1))).kind).toBe('applied');
  });

  it('of more than one entry of the log holds does nothing', async () => {
    const large = Array.from({ length: 25 }, (_, index) =>
      putOf({ ...itemOf(index, 1), text: { S: 'x'.repeat(390_000) } }),
    );
    expect(await test.do(executeOf('t', large))).toEqual({ kind: 'tooLarge' });
    expect(test.partition.counters.items).toBe(0);
    const executing = test.start(executeOf('t', large.slice(0, 20)));
    expect(test.commits.waiting).toHaveLength(1);
    expect((await test.settle(executing)).answer.kind).toBe('done');
    expect(test.partition.counters.items).toBe(20);
  });

  it('gives each write a version of its own', async () => {
    await test.do(executeOf('t', [putOf(itemOf(1, 1)), putOf(itemOf(2, 1)), putOf(itemOf(3, 1))]));
    const versions = [1, 2, 3].map((s) => test.stored(s)?.version);
    expect(new Set(versions).size).toBe(3);
    expect(test.partition.counters.version).toBe(versions[2]);
  });
});

describe('stalled', () => {
  it('lists marks once they are old, one of each attempt', async () => {
    await test.do(prepareOf('t', [addTo(1), addTo(2)]));
    expect(await test.do({ kind: 'stalled', isAll: false })).toEqual({ marks: [], unfinished: [] });
    expect(test.partition.transactions.stalledCount).toBe(0);
    const told = { marks: [{ attempt: attemptOf('t'), ledger }], unfinished: [] };
    expect(await test.do({ kind: 'stalled', isAll: true })).toEqual(told);
    test.nowMs += STALLED_MS;
    expect(await test.do({ kind: 'stalled', isAll: false })).toEqual(told);
    expect(test.partition.transactions.stalledCount).toBe(1);
    const { outcomes } = await test.do(prepareOf('u', [addTo(1)]));
    expect(outcomes).toEqual([{ kind: 'conflict', stalled: told.marks[0] }]);
    await test.do(abortOf('t'));
    expect(test.partition.transactions.stalledCount).toBe(0);
  });
});
