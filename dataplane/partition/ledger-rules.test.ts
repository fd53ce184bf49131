import { describe, expect, it } from 'vitest';
import type { LedgerRecord } from './ledger-record.ts';
import {
  claim,
  decide,
  executedRecord,
  type LedgerStep,
  permitExecution,
  resolve,
  whenDue,
} from './ledger-rules.ts';
import {
  claimOf,
  decideAbort,
  decideCommit,
  executeOf,
  participant,
  resolveOf,
} from './transaction.fixture.ts';
import { CLAIM_TAKEOVER_MS, TOKEN_RETENTION_MS } from './transaction.ts';

const NOW = 1_790_000_000_000;
const LATER = NOW + CLAIM_TAKEOVER_MS;
const T = 1.8e15;

/** What a step leaves behind. */
function after<Answer>({ record }: LedgerStep<Answer>): LedgerRecord {
  if (record === undefined) throw new Error('there is a record');
  return record;
}

const claimed = after(claim(undefined, claimOf('t'), NOW));
const committed = after(decide(claimed, decideCommit('t', T), NOW));
const aborted = after(decide(claimed, decideAbort('t'), NOW));
const second = after(claim(aborted, claimOf('t', { run: 'second' }), NOW));
const done = after(decide(committed, decideCommit('t', T, { participants: [] }), NOW));
const overdue = whenDue(committed);

const isCommitted = { kind: 'committed', timestamp: T, participants: [participant] };
const isAborted = { kind: 'aborted' };

describe('claim', () => {
  it.each<[string, LedgerRecord | undefined, Parameters<typeof claimOf>[1], number, object]>([
    ['of a new transaction', undefined, {}, NOW, { kind: 'claimed', attempt: 1 }],
    ['of one that was aborted', aborted, { run: 'b' }, NOW, { kind: 'claimed', attempt: 2 }],
    ['of one that was aborted, by another request', aborted, { digest: 'b' }, NOW, { attempt: 2 }],
    ['that comes again', claimed, {}, LATER, { kind: 'claimed', attempt: 1 }],
    ['by another request', claimed, { digest: 'b' }, LATER, { kind: 'mismatch' }],
    ['while another run is at it', claimed, { run: 'b' }, LATER - 1, { kind: 'inProgress' }],
    ['after another run has stopped', claimed, { run: 'b' }, LATER, { attempt: 2 }],
    ['after the clock was put back', claimed, { run: 'b' }, NOW - 1e9, { attempt: 2 }],
    ['of one that is committed', committed, { run: 'b' }, NOW, { ...isCommitted, attempt: 1 }],
    ['of one that has finished', done, {}, NOW, { ...isCommitted, participants: [] }],
    ['of one that is committed, by another', committed, { digest: 'b' }, NOW, { kind: 'mismatch' }],
  ])('%s', (_, before, options, nowMs, answer) => {
    const step = claim(before, claimOf('t', options), nowMs);
    expect(step.answer).toMatchObject(answer);
    const isNew = step.answer.kind === 'claimed' && step.answer.attempt !== before?.attempt;
    expect(step.record === before).toBe(!isNew);
  });

  it('keeps its record for twice the time in which a token is known', () => {
    expect(claimed.dueMs - NOW).toBe(2 * TOKEN_RETENTION_MS);
  });
});

describe('decide', () => {
  it.each<[string, LedgerRecord | undefined, Parameters<typeof decide>[1], object, boolean]>([
    ['commit of a claimed attempt', claimed, decideCommit('t', T), isCommitted, true],
    ['abort of a claimed attempt', claimed, decideAbort('t'), isAborted, true],
    ['commit that comes again', committed, decideCommit('t', T), isCommitted, false],
    ['commit at another time', committed, decideCommit('t', T + 1), isCommitted, false],
    ['abort after the commit', committed, decideAbort('t'), isCommitted, false],
    ['commit after the abort', aborted, decideCommit('t', T), isAborted, false],
    ['commit of an attempt that was taken over', second, decideCommit('t', T), isAborted, false],
    ['abort of an attempt that was taken over', second, decideAbort('t'), isAborted, false],
    ['commit of the later attempt', second, decideCommit('t', T, { number: 2 }), isCommitted, true],
    ['commit of what was never claimed', undefined, decideCommit('t', T), isAborted, true],
    ['abort of what was never claimed', undefined, decideAbort('t'), isAborted, true],
    [
      'commit of an attempt not given yet',
      claimed,
      decideCommit('t', T, { number: 2 }),
      isAborted,
      true,
    ],
    [
      'commit after that of an earlier one',
      committed,
      decideCommit('t', T, { number: 2 }),
      isAborted,
      false,
    ],
  ])('%s', (_, before, call, answer, isWritten) => {
    const step = decide(before, call, NOW);
    expect(step.answer).toEqual(answer);
    expect(step.record !== before).toBe(isWritten);
    if (isWritten) expect(step.record?.state).toBe(step.answer.kind);
  });

  it('without participants: all of them have finished', () => {
    const finished = decideCommit('t', T, { participants: [] });
    expect(done).toEqual({ ...committed, participants: [] });
    expect(decide(done, finished, NOW).record).toBe(done);
    expect(decide(overdue, finished, NOW).record).toBeUndefined();
    const unknown = decide(undefined, finished, NOW);
    expect(unknown).toEqual({ answer: { ...isCommitted, participants: [] }, record: undefined });
  });
});

describe('resolve', () => {
  it.each<
    [string, LedgerRecord | undefined, Parameters<typeof resolveOf>[1], number, object, boolean]
  >([
    ['of an attempt under way', claimed, {}, LATER - 1, { kind: 'inProgress' }, false],
    ['of one that has stopped', claimed, {}, LATER, isAborted, true],
    ['of one whose run is known to be gone', claimed, { isAbandoned: true }, NOW, isAborted, true],
    ['of one that is committed', committed, {}, LATER, isCommitted, false],
    ['of one that was aborted', aborted, {}, LATER, isAborted, false],
    ['of one that was taken over', second, {}, NOW, isAborted, false],
    ['of one that nobody claimed', undefined, {}, NOW, isAborted, true],
    ['of one not given yet', claimed, { number: 2 }, NOW, isAborted, true],
    ['of a later one than was committed', committed, { number: 2 }, NOW, isAborted, false],
  ])('%s', (_, before, options, nowMs, answer, isWritten) => {
    const step = resolve(before, resolveOf('t', options), nowMs);
    expect(step.answer).toEqual(answer);
    expect(step.record !== before).toBe(isWritten);
  });

  it('keeps what it has aborted from being committed', () => {
    const { record } = resolve(undefined, resolveOf('t'), NOW);
    expect(decide(record, decideCommit('t', T), NOW).answer).toEqual(isAborted);
    expect(claim(record, claimOf('t'), NOW).answer).toEqual({ kind: 'claimed', attempt: 2 });
  });
});

describe('an execution', () => {
  const call = executeOf('t', []);
  const outcomes = [
    {
      kind: 'accepted',
      capacity: { table: 1, localIndexes: new Map(), globalIndexes: new Map() },
      collectionBytes: 5,
    },
  ] as const;
  const executed = executedRecord(call, { attempt: 1, timestamp: T, outcomes }, NOW);

  it.each<[string, LedgerRecord | undefined, Parameters<typeof executeOf>[2], number, object]>([
    ['of a new transaction', undefined, {}, NOW, { kind: 'permitted', attempt: 1 }],
    ['after an abort', aborted, { run: 'b', digest: 'b' }, NOW, { kind: 'permitted', attempt: 2 }],
    ['of a run that was told that it is refused', aborted, {}, NOW, { kind: 'inProgress' }],
    ['that its own run repeats', executed, {}, LATER, { kind: 'done', outcomes }],
    ['that another run repeats', executed, { run: 'b' }, NOW, { kind: 'repeated' }],
    ['after a commit in two rounds', committed, {}, NOW, { kind: 'repeated' }],
    ['of another request', executed, { digest: 'b' }, NOW, { kind: 'mismatch' }],
    ['of another request, of one under way', claimed, { digest: 'b' }, NOW, { kind: 'mismatch' }],
    ['while another run is at it', claimed, { run: 'b' }, NOW, { kind: 'inProgress' }],
    ['after another run has stopped', claimed, { run: 'b' }, LATER, { attempt: 2 }],
    ['after its own claim', claimed, {}, NOW, { kind: 'permitted', attempt: 2 }],
  ])('%s', (_, before, options, nowMs, permit) => {
    expect(permitExecution(before, executeOf('t', [], options), nowMs)).toMatchObject(permit);
  });

  it('is no attempt that marks may be of', () => {
    expect(resolve(executed, resolveOf('t', { number: 2 }), NOW).answer).toEqual(isAborted);
  });
});

describe('a record that is due', () => {
  it.each([
    ['claimed', claimed],
    ['aborted', aborted],
    ['finished', done],
  ])('is forgotten: %s', (_, record) => {
    expect(whenDue(record)).toBeUndefined();
  });

  it('is kept while participants may have marks of it', () => {
    expect(overdue).toEqual({ ...committed, isOverdue: true });
  });
});
