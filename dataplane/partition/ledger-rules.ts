import type { LedgerRecord } from './ledger-record.ts';
import type { AcceptedOutcome } from './mark-record.ts';
import {
  CLAIM_TAKEOVER_MS,
  type ClaimAnswer,
  type ClaimCall,
  type DecideAnswer,
  type DecideCall,
  type ExecuteAnswer,
  type ExecuteCall,
  type Outcome,
  type ResolveAnswer,
  type ResolveCall,
  TOKEN_RETENTION_MS,
} from './transaction.ts';

/**
 * What a ledger does with the record of a transaction: pure functions of the record as it is (undefined:
 * there is none), the call, and the wall clock.
 *
 * Invariants: attempts of a record only rise, and of one transaction at most one attempt is ever
 * committed. The first outcome that is recorded of an attempt stands; one that is below the record's
 * attempt is aborted. What the clock decides (takeovers, forgetting) is safe at any time.
 */

/** Answer, and the record from then on: the same object when it stays as it is. */
export interface LedgerStep<Answer> {
  readonly answer: Answer;
  readonly record: LedgerRecord | undefined;
}

/** Records are kept for so long by the clock of whoever wrote them: clocks may be wrong. */
const RETENTION_MS = 2 * TOKEN_RETENTION_MS;

/** Begins an attempt, unless the transaction is committed or another run is at it. */
export function claim(
  before: LedgerRecord | undefined,
  { digest, runId }: ClaimCall,
  nowMs: number,
): LedgerStep<ClaimAnswer> {
  const same = (answer: ClaimAnswer) => ({ answer, record: before });
  if (before !== undefined && before.state !== 'aborted') {
    const { attempt, timestamp, participants } = before;
    if (!areEqual(before.digest, digest)) return same({ kind: 'mismatch' });
    if (before.state === 'committed') {
      return same({ kind: 'committed', attempt, timestamp, participants });
    }
    if (areEqual(before.runId, runId)) return same({ kind: 'claimed', attempt });
    if (isYoung(before, nowMs)) return same({ kind: 'inProgress' });
  }
  const attempt = (before?.attempt ?? 0) + 1;
  const record = newRecord({ state: 'claimed', attempt, digest, runId }, nowMs);
  return { answer: { kind: 'claimed', attempt }, record };
}

/** Records the outcome of an attempt that was claimed. */
export function decide(
  before: LedgerRecord | undefined,
  { attempt, outcome }: DecideCall,
  nowMs: number,
): LedgerStep<DecideAnswer> {
  const same = (answer: DecideAnswer) => ({ answer, record: before });
  const isDone = outcome.kind === 'commit' && outcome.participants.length === 0;
  if (before === undefined || before.attempt < attempt.number) {
    // Told that all have finished after that was known, and the record forgotten.
    if (isDone) return same({ kind: 'committed', timestamp: outcome.timestamp, participants: [] });
    return abortUnclaimed(before, attempt.number, nowMs);
  }
  if (before.attempt > attempt.number || before.state === 'aborted') {
    return same({ kind: 'aborted' });
  }
  if (before.state === 'committed') return isDone ? finished(before) : same(outcomeOf(before));
  const { digest, runId } = before;
  if (outcome.kind === 'abort') {
    const aborted = { state: 'aborted', attempt: attempt.number, digest, runId } as const;
    return { answer: { kind: 'aborted' }, record: newRecord(aborted, nowMs) };
  }
  const { timestamp, participants } = outcome;
  const committed = { state: 'committed', attempt: attempt.number, digest, runId } as const;
  const record = newRecord({ ...committed, timestamp, participants }, nowMs);
  return { answer: outcomeOf(record), record };
}

/** What has become of an attempt; one whose run has stopped is aborted. */
export function resolve(
  before: LedgerRecord | undefined,
  { attempt, isAbandoned }: ResolveCall,
  nowMs: number,
): LedgerStep<ResolveAnswer> {
  const same = (answer: ResolveAnswer) => ({ answer, record: before });
  if (before === undefined || before.attempt < attempt.number) {
    return abortUnclaimed(before, attempt.number, nowMs);
  }
  if (before.attempt > attempt.number) return same({ kind: 'aborted' });
  if (before.state !== 'claimed') return same(outcomeOf(before));
  if (!isAbandoned && isYoung(before, nowMs)) return same({ kind: 'inProgress' });
  const { digest, runId } = before;
  const aborted = { state: 'aborted', attempt: attempt.number, digest, runId } as const;
  return { answer: { kind: 'aborted' }, record: newRecord(aborted, nowMs) };
}

/**
 * Whether a transaction may be executed here in one step, and as which attempt; an earlier attempt is
 * aborted by that.
 */
export function permitExecution(
  before: LedgerRecord | undefined,
  { digest, runId }: ExecuteCall,
  nowMs: number,
): ExecuteAnswer | { readonly kind: 'permitted'; readonly attempt: number } {
  const attempt = (before?.attempt ?? 0) + 1;
  if (before === undefined) return { kind: 'permitted', attempt };
  const isOwn = areEqual(before.runId, runId);
  // The run has given it up, and this is a try of it that was late: nobody hears the answer.
  if (before.state === 'aborted')
    return isOwn ? { kind: 'inProgress' } : { kind: 'permitted', attempt };
  if (!areEqual(before.digest, digest)) return { kind: 'mismatch' };
  if (before.state === 'committed') {
    const { outcomes } = before;
    return isOwn && outcomes !== undefined ? { kind: 'done', outcomes } : { kind: 'repeated' };
  }
  return isOwn || !isYoung(before, nowMs) ? { kind: 'permitted', attempt } : { kind: 'inProgress' };
}

/** The record of a transaction that is executed as `attempt`. */
export function executedRecord(
  { digest, runId }: ExecuteCall,
  done: {
    readonly attempt: number;
    readonly timestamp: number;
    readonly outcomes: readonly AcceptedOutcome[];
  },
  nowMs: number,
): LedgerRecord {
  return newRecord({ state: 'committed', digest, runId, ...done }, nowMs);
}

/** Of a transaction whose run is told that it is refused: no late try of that run is executed. */
export function refusedRecord(
  { digest, runId }: ExecuteCall,
  attempt: number,
  nowMs: number,
): LedgerRecord {
  return newRecord({ state: 'aborted', attempt, digest, runId }, nowMs);
}

/** A record that is due: forgotten, unless there may be marks that only it can tell the outcome of. */
export function whenDue(record: LedgerRecord): LedgerRecord | undefined {
  const isUnfinished = record.state === 'committed' && record.participants.length > 0;
  return isUnfinished ? { ...record, isOverdue: true } : undefined;
}

/**
 * An attempt that no record tells of was never claimed, or was forgotten: it cannot be committed any
 * more. It is written down, so that nobody commits it after this has been told.
 */
function abortUnclaimed(
  before: LedgerRecord | undefined,
  attempt: number,
  nowMs: number,
): LedgerStep<{ readonly kind: 'aborted' }> {
  const answer = { kind: 'aborted' } as const;
  // After a commit no further attempt is ever given.
  if (before?.state === 'committed') return { answer, record: before };
  const record = newRecord({ state: 'aborted', attempt, digest: NOTHING, runId: NOTHING }, nowMs);
  return { answer, record };
}

/** All participants have finished: only repeats with the same token ask for the record now. */
function finished(before: LedgerRecord): LedgerStep<DecideAnswer> {
  const { timestamp } = before;
  const answer = { kind: 'committed', timestamp, participants: [] } as const;
  if (before.isOverdue) return { answer, record: undefined };
  const record = before.participants.length === 0 ? before : { ...before, participants: [] };
  return { answer, record };
}

function outcomeOf({ state, timestamp, participants }: LedgerRecord): Outcome {
  return state === 'committed'
    ? { kind: 'committed', timestamp, participants }
    : { kind: 'aborted' };
}

type NewRecord = Pick<LedgerRecord, 'state' | 'attempt' | 'digest' | 'runId'> &
  Partial<Pick<LedgerRecord, 'timestamp' | 'participants' | 'outcomes'>>;

function newRecord(parts: NewRecord, nowMs: number): LedgerRecord {
  return {
    timestamp: 0,
    participants: [],
    outcomes: undefined,
    ...parts,
    writtenMs: nowMs,
    dueMs: nowMs + RETENTION_MS,
    isOverdue: false,
  };
}

/** A clock that was put back makes no run wait for long. */
function isYoung({ writtenMs }: LedgerRecord, nowMs: number): boolean {
  return Math.abs(nowMs - writtenMs) < CLAIM_TAKEOVER_MS;
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

const NOTHING = new Uint8Array(0);
