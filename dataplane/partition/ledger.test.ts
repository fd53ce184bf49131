import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../storage/store.ts';
import { spacePrefix } from './key-space.ts';
import {
  addTo,
  attemptOf,
  claimOf,
  decideAbort,
  decideCommit,
  executeOf,
  participant,
  resolveOf,
  TestPartition,
} from './transaction.fixture.ts';
import { CLAIM_TAKEOVER_MS, TOKEN_RETENTION_MS } from './transaction.ts';
import { partPrefix } from './transaction-keys.ts';

const T = 1.8e15;
const prefix = spacePrefix(1n, 'transaction');
const full = new StoreError('full', 'The disk is full.');

let test: TestPartition;
beforeEach(async () => {
  test = await TestPartition.open();
});
afterEach(() => test.close());

const records = () => test.count(partPrefix(prefix, 'ledger'));
const unfinished = async () => (await test.do({ kind: 'stalled', isAll: false })).unfinished;

/** Time goes by, and the ledger looks for what is due before and after. */
async function pass(ms: number, { isWallStill = false } = {}): Promise<void> {
  if (!isWallStill) test.nowMs += ms;
  for (const step of [0, Math.max(ms, 60_000)]) {
    test.monotonicMs += step;
    await test.settle(test.partition.transactions.forgetDue());
  }
}

describe('a ledger', () => {
  it('says what has become of a transaction, also to whoever opens it next', async () => {
    expect(await test.do(claimOf('t'))).toEqual({ kind: 'claimed', attempt: 1 });
    await test.reopen();
    expect(await test.do(resolveOf('t'))).toEqual({ kind: 'inProgress' });
    const committed = { kind: 'committed', timestamp: T, participants: [participant] };
    expect(await test.do(decideCommit('t', T))).toEqual(committed);
    await test.reopen();
    expect(await test.do(decideAbort('t'))).toEqual(committed);
    expect(await test.do(resolveOf('t'))).toEqual(committed);
    expect(await test.do(claimOf('t', { run: 'b' }))).toEqual({ ...committed, attempt: 1 });
  });

  it('lets another run take over what has stopped, and the first one not go on', async () => {
    await test.do(claimOf('t'));
    expect(await test.do(claimOf('t', { run: 'b' }))).toEqual({ kind: 'inProgress' });
    test.nowMs += CLAIM_TAKEOVER_MS;
    expect(await test.do(claimOf('t', { run: 'b' }))).toEqual({ kind: 'claimed', attempt: 2 });
    expect(await test.do(decideCommit('t', T))).toEqual({ kind: 'aborted' });
    expect(await test.do(decideCommit('t', T, { number: 2 }))).toMatchObject({ timestamp: T });
  });

  it('decides on what is in flight, and answers when that is durable', async () => {
    const calls = [
      test.start(claimOf('t')),
      test.start(decideCommit('t', T)),
      test.start(decideAbort('t')),
    ];
    test.flush();
    let isAnswered = false;
    calls[2]?.then(() => {
      isAnswered = true;
    });
    await Promise.resolve();
    expect(isAnswered).toBe(false);
    const answers = await test.settle(Promise.all(calls));
    expect(answers.map(({ answer }) => answer)).toMatchObject([
      { kind: 'claimed' },
      { kind: 'committed' },
      { kind: 'committed' },
    ]);
    expect(answers.map(({ isCommitted }) => isCommitted)).toEqual([true, true, false]);
  });

  it('forgets what failed to become durable', async () => {
    await test.do(claimOf('t'));
    const deciding = test.start(decideCommit('t', T));
    const asking = test.start(resolveOf('t'));
    test.flush();
    test.commits.next(full);
    await expect(deciding).rejects.toBe(full);
    await expect(asking).rejects.toBe(full);
    expect(await test.do(decideAbort('t'))).toEqual({ kind: 'aborted' });
  });
});

describe('forgetting', () => {
  it('takes what is finished once its time is over', async () => {
    await test.do(executeOf('done', [addTo(1)]));
    await test.do(claimOf('claimed'));
    await test.do(claimOf('aborted'));
    await test.do(decideAbort('aborted'));
    await test.do(claimOf('t'));
    await test.do(decideCommit('t', T));
    await test.do(decideCommit('t', T, { participants: [] }));
    await pass(TOKEN_RETENTION_MS);
    expect(await records()).toBe(4);
    expect(await test.do(executeOf('done', [addTo(1)], { run: 'b' }))).toEqual({
      kind: 'repeated',
    });
    await pass(TOKEN_RETENTION_MS);
    expect(await records()).toBe(0);
    expect(await test.count(prefix)).toBe(0);
    expect(await unfinished()).toEqual([]);
  });

  it('begins anew with each outcome', async () => {
    await test.do(claimOf('t'));
    test.nowMs += 2 * TOKEN_RETENTION_MS - 1;
    await test.do(claimOf('t', { run: 'b' }));
    expect(await test.count(partPrefix(prefix, 'due'))).toBe(1);
    await pass(TOKEN_RETENTION_MS);
    expect(await test.do(resolveOf('t', { number: 2 }))).toEqual({ kind: 'aborted' });
    expect(await records()).toBe(1);
  });

  it('waits for who has not finished, and then takes the record at once', async () => {
    await test.do(claimOf('t'));
    await test.do(decideCommit('t', T));
    await pass(2 * TOKEN_RETENTION_MS);
    const told = [{ attempt: attemptOf('t'), timestamp: T, participants: [participant] }];
    expect(await unfinished()).toEqual(told);
    expect(test.partition.transactions.stalledCount).toBe(1);
    await test.reopen();
    expect(await unfinished()).toEqual(told);
    expect(await test.do(resolveOf('t'))).toMatchObject({ kind: 'committed', timestamp: T });
    await test.do(decideCommit('t', T, { participants: [] }));
    expect(await unfinished()).toEqual([]);
    expect(test.partition.transactions.stalledCount).toBe(0);
    expect(await test.count(prefix)).toBe(0);
  });

  it('waits after a clock that was put forward, here or by an earlier leader', async () => {
    await test.do(executeOf('t', [addTo(1)]));
    test.nowMs += 10 * TOKEN_RETENTION_MS;
    await test.settle(test.partition.transactions.forgetDue());
    test.monotonicMs += 59_999;
    await test.settle(test.partition.transactions.forgetDue());
    expect(await records()).toBe(1);
    await test.reopen();
    await test.settle(test.partition.transactions.forgetDue());
    test.monotonicMs += 59_999;
    await test.settle(test.partition.transactions.forgetDue());
    expect(await records()).toBe(1);
    // What was written after the clock was put back is not due by the time that was seen before.
    test.nowMs -= 10 * TOKEN_RETENTION_MS;
    await test.do(executeOf('u', [addTo(1)]));
    await pass(60_000);
    expect(await records()).toBe(2);
  });

  it('happens in the background, while there are transactions', async () => {
    await test.do(executeOf('t', [addTo(1)]));
    test.nowMs += 2 * TOKEN_RETENTION_MS;
    for (const run of ['a', 'b', 'c']) {
      test.monotonicMs += 60_000;
      await test.do(claimOf(run));
    }
    for (let turns = 0; turns < 100 && (await records()) === 4; turns++) {
      await test.settle(test.partition.settled());
    }
    expect(await records()).toBe(3);
    expect((await test.do(executeOf('t', [addTo(1)]))).kind).toBe('done');
    expect(test.get(1)).toMatchObject({ n: { N: '2' } });
  });
});
