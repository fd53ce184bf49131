import type { CommitGroups } from './commit-groups.ts';
import type { Decided, Ledger } from './ledger.ts';
import {
  claim,
  decide,
  executedRecord,
  permitExecution,
  refusedRecord,
  resolve,
} from './ledger-rules.ts';
import type { AcceptedOutcome, Mark } from './mark-record.ts';
import type { PartitionState, PlacedKey } from './partition-state.ts';
import type {
  ActionOutcome,
  AnswerTo,
  ExecuteAnswer,
  ExecuteCall,
  FinishAnswer,
  FinishCall,
  PrepareAnswer,
  PrepareCall,
  StalledAnswer,
  StalledCall,
  StalledMark,
  TransactionAnswers,
  TransactionCall,
} from './transaction.ts';
import { type Admit, bytesOfActions, TransactionActions } from './transaction-actions.ts';
import { transactionIdText } from './transaction-keys.ts';
import { TransactionReader, type TransactionReaderParts } from './transaction-reader.ts';
import { isOfCommit, isSameAttempt, isStalled } from './transaction-rules.ts';

export interface PartitionTransactionsParts extends TransactionReaderParts {
  readonly state: PartitionState;
  readonly groups: CommitGroups;
  readonly ledger: Ledger;
}

/** Values of the effects of a transaction that is executed in one step: one entry of the log. */
const EXECUTED_BYTES_MAX = 8 * 1024 * 1024;
/** Items that conditions failed on; those beyond this are not shown. */
const SHOWN_BYTES_MAX = 8 * 1024 * 1024;
/** Stalled transactions that are told of at once. */
const STALLED_COUNT_MAX = 100;

/**
 * What a partition does as a participant of transactions, and as their ledger. Calls are evaluated in
 * the order of their arrival, among the writes, on what is durable or in flight; they are answered
 * when what they did, or were decided on, is durable.
 */
export class PartitionTransactions {
  readonly #parts: PartitionTransactionsParts;
  readonly #actions: TransactionActions;
  readonly #reader: TransactionReader;

  constructor(parts: PartitionTransactionsParts) {
    this.#parts = parts;
    this.#actions = new TransactionActions(parts.state);
    this.#reader = new TransactionReader(parts);
  }

  /**
   * @param admit - asked for each action of a prepare or an execute
   * @throws StoreError; whatever commits reject with
   */
  do<Call extends TransactionCall>(call: Call, admit: Admit): Promise<Decided<AnswerTo<Call>>> {
    // Each kind of call has its own kind of answer.
    return this.#do(call, admit) as Promise<Decided<AnswerTo<Call>>>;
  }

  /** Transactions that wait for somebody to finish them. */
  get stalledCount(): number {
    return this.#stalledMarks(false).length + this.#parts.ledger.unfinishedCount;
  }

  /**
   * Forgets a bounded number of records whose time is over; that is also done now and then in the
   * background. Resolves when it is durable.
   */
  forgetDue(): Promise<void> {
    return this.#parts.ledger.forgetDue();
  }

  /** Takes up what earlier leaders have left. @throws StoreError */
  load(): Promise<void> {
    return this.#parts.ledger.load();
  }

  async #do(
    call: TransactionCall,
    admit: Admit,
  ): Promise<Decided<TransactionAnswers[TransactionCall['kind']]>> {
    const { state, ledger } = this.#parts;
    const { nowMs } = state;
    switch (call.kind) {
      case 'prepare':
        return this.#prepare(call, admit);
      case 'execute':
        return this.#execute(call, admit);
      case 'claim':
        return ledger.step(call.id, (before) => claim(before, call, nowMs));
      case 'decide':
        return ledger.step(call.attempt.id, (before) => decide(before, call, nowMs));
      case 'resolve':
        return ledger.step(call.attempt.id, (before) => resolve(before, call, nowMs));
      case 'finish':
        return this.#finish(call);
      case 'read':
        return { answer: await this.#reader.read(call), isCommitted: false };
      case 'stalled':
        return { answer: this.#stalled(call), isCommitted: false };
    }
  }

  async #prepare(call: PrepareCall, admit: Admit): Promise<Decided<PrepareAnswer>> {
    const { groups, state } = this.#parts;
    const { attempt, ledger, commands } = call;
    const { actions, timestamp: timestampMin } = this.#actions.evaluate(commands, attempt, admit);
    const outcomes = actions.map(({ outcome }) => outcome);
    if (!areAccepted(outcomes)) {
      await groups.newest?.done;
      const answer = { outcomes: withinBounds(outcomes), timestampMin: 0 };
      return { answer, isCommitted: false };
    }
    const answer = { outcomes, timestampMin };
    let markedCount = 0;
    for (const { command, placed, outcome, ownMark } of actions) {
      if (ownMark !== undefined || outcome.kind !== 'accepted') continue;
      const { nowMs: markedMs } = state;
      const mark: Mark = { attempt, ledger, command, timestampMin, markedMs, outcome };
      state.marks.put(placed.itemKey, mark, groups.gather());
      groups.flushIfFull();
      markedCount += 1;
    }
    await groups.newest?.done;
    return { answer, isCommitted: markedCount > 0 };
  }

  async #execute(call: ExecuteCall, admit: Admit): Promise<Decided<ExecuteAnswer>> {
    const { groups, ledger, state } = this.#parts;
    const { id } = call;
    const { nowMs } = state;
    const before = ledger.find(id);
    const permit = permitExecution(before, call, nowMs);
    if (permit.kind !== 'permitted') {
      await ledger.groupOf(id)?.done;
      return { answer: permit, isCommitted: false };
    }
    const { attempt } = permit;
    const { actions, timestamp } = this.#actions.evaluate(
      call.commands,
      { id, number: attempt },
      admit,
    );
    const outcomes = actions.map(({ outcome }) => outcome);
    if (!areAccepted(outcomes)) {
      return this.#refuse(call, attempt, { kind: 'refused', outcomes: withinBounds(outcomes) });
    }
    if (bytesOfActions(actions) > EXECUTED_BYTES_MAX) {
      return this.#refuse(call, attempt, { kind: 'tooLarge' });
    }
    const group = groups.gather();
    const after = executedRecord(call, { attempt, timestamp, outcomes }, nowMs);
    ledger.put(group, id, { before, after });
    for (const action of actions) {
      const { placed } = action;
      this.#actions.apply(group, action, timestamp);
      // One of an earlier attempt, which is aborted by this one.
      if (state.marks.newest(placed.name) !== undefined) state.marks.drop(placed.itemKey, group);
    }
    groups.flushIfFull();
    ledger.tend();
    await group.done;
    return { answer: { kind: 'done', outcomes }, isCommitted: true };
  }

  /** When other tries of the call may be on their way, it is written down that they are too late. */
  async #refuse(
    call: ExecuteCall,
    attempt: number,
    answer: ExecuteAnswer,
  ): Promise<Decided<ExecuteAnswer>> {
    const { groups, ledger, state } = this.#parts;
    const isCommitted = call.isRepeat === true;
    if (isCommitted) {
      const before = ledger.find(call.id);
      const after = refusedRecord(call, attempt, state.nowMs);
      ledger.put(groups.gather(), call.id, { before, after });
    }
    await groups.newest?.done;
    return { answer, isCommitted };
  }

  async #finish({ attempt, outcome }: FinishCall): Promise<Decided<FinishAnswer>> {
    const { groups, state } = this.#parts;
    let finishedCount = 0;
    for (const name of state.marks.namesOf(attempt)) {
      const mark = state.marks.newest(name);
      // Another call of the same kind may come in between.
      if (mark === undefined || !isSameAttempt(mark.attempt, attempt)) continue;
      const placed = placedOf(name);
      const group = groups.gather();
      if (outcome.kind === 'commit' && isOfCommit(mark, outcome.timestamp)) {
        this.#actions.commit(group, placed, { mark, timestamp: outcome.timestamp });
      }
      state.marks.drop(placed.itemKey, group);
      finishedCount += 1;
      // One group at a time: the items of a large transaction may be many MB.
      if (groups.flushIfFull()) await group.done;
    }
    // Also what an earlier call has left in flight.
    if (finishedCount > 0 || state.marks.knows(attempt)) await groups.newest?.done;
    return { answer: { finishedCount }, isCommitted: finishedCount > 0 };
  }

  #stalled({ isAll }: StalledCall): StalledAnswer {
    const marks = this.#stalledMarks(isAll).slice(0, STALLED_COUNT_MAX);
    return { marks, unfinished: this.#parts.ledger.unfinished() };
  }

  /** One of each attempt. */
  #stalledMarks(isAll: boolean): StalledMark[] {
    const { marks, nowMs } = this.#parts.state;
    const found = new Map<string, StalledMark>();
    for (const mark of marks.durable()) {
      if (!isAll && !isStalled(mark, nowMs)) continue;
      const { attempt, ledger } = mark;
      found.set(`${attempt.number} ${transactionIdText(attempt.id)}`, { attempt, ledger });
    }
    return [...found.values()];
  }
}

function placedOf(name: string): PlacedKey {
  return { itemKey: Buffer.from(name, 'latin1'), name, cell: undefined };
}

function areAccepted(outcomes: readonly ActionOutcome[]): outcomes is readonly AcceptedOutcome[] {
  return outcomes.every(({ kind }) => kind === 'accepted');
}

/** Leaves out items that conditions failed on where they are too many to be sent. */
function withinBounds(outcomes: readonly ActionOutcome[]): readonly ActionOutcome[] {
  let bytes = 0;
  return outcomes.map((outcome) => {
    if (outcome.kind !== 'conditionFailed') return outcome;
    bytes += outcome.before?.length ?? 0;
    return bytes <= SHOWN_BYTES_MAX ? outcome : { ...outcome, before: undefined };
  });
}
