import { matches } from '../expression/evaluate.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { tableCapacity } from '../partition/capacity.ts';
import type { LedgerRecord } from '../partition/ledger-record.ts';
import {
  claim,
  decide,
  executedRecord,
  type LedgerStep,
  permitExecution,
  resolve,
} from '../partition/ledger-rules.ts';
import {
  type ActionOutcome,
  type Attempt,
  type ExecuteAnswer,
  type ExecuteCall,
  type FinishCall,
  type LedgerPlace,
  type PrepareAnswer,
  type PrepareCall,
  STALLED_MS,
  type StalledMark,
  type TransactionAnswers,
  type TransactionCall,
  type TransactionCommand,
} from '../partition/transaction.ts';

interface ModelMark {
  readonly attempt: Attempt;
  readonly ledger: LedgerPlace;
  readonly command: TransactionCommand;
  readonly timestampMin: number;
  readonly markedMs: number;
}

interface ModelItem {
  readonly item: Item | undefined;
  readonly timestamp: number;
}

type Answer = TransactionAnswers[keyof TransactionAnswers];

const capacity = tableCapacity(1);

/**
 * A partition as the interface describes it, in memory and without a log: puts, deletes and checks. It
 * has the rules of ledgers from the real one, and those of marks in the plainest form.
 */
export class ModelPartition {
  /** Every write that was applied, in order. */
  readonly applied: Item[] = [];
  readonly #items = new Map<string, ModelItem>();
  readonly #marks = new Map<string, ModelMark>();
  readonly #ledger = new Map<string, LedgerRecord>();
  /** By run: what came of an `execute` that was refused, as the request log of a node remembers it. */
  readonly #refused = new Map<string, ExecuteAnswer>();
  readonly #executeMax: number;

  /** @param executeMax - commands that are done in one step */
  constructor(executeMax = Number.POSITIVE_INFINITY) {
    this.#executeMax = executeMax;
  }

  get marksCount(): number {
    return this.#marks.size;
  }

  /** Committed transactions that the ledger has to keep for their participants. */
  get unfinishedCount(): number {
    return [...this.#ledger.values()].filter(({ participants }) => participants.length > 0).length;
  }

  item(key: Item): Item | undefined {
    return this.#items.get(nameOf(key))?.item;
  }

  answer(call: TransactionCall, nowMs: number): Answer {
    switch (call.kind) {
      case 'claim':
        return this.#step(call.id, claim(this.#record(call.id), call, nowMs));
      case 'decide':
        return this.#step(call.attempt.id, decide(this.#record(call.attempt.id), call, nowMs));
      case 'resolve':
        return this.#step(call.attempt.id, resolve(this.#record(call.attempt.id), call, nowMs));
      case 'prepare':
        return this.#prepare(call, nowMs);
      case 'execute':
        return this.#execute(call, nowMs);
      case 'finish':
        return { finishedCount: this.#finish(call) };
      case 'read':
        return { items: call.keys.map((key) => this.#read(key, nowMs)) };
      case 'stalled':
        return {
          marks: this.#stalled(call.isAll ? 0 : STALLED_MS, nowMs),
          unfinished: this.#unfinished(nowMs),
        };
    }
  }

  #prepare({ attempt, ledger, commands }: PrepareCall, nowMs: number): PrepareAnswer {
    const outcomes = commands.map((command) => this.#outcome(command, attempt, nowMs));
    if (outcomes.some(({ kind }) => kind !== 'accepted')) return { outcomes, timestampMin: 0 };
    let timestampMin = 0;
    for (const command of commands) {
      const own = this.#marks.get(nameOf(command.key));
      const isRepeat = own !== undefined && isSame(own.attempt, attempt);
      const mark = isRepeat
        ? own
        : { attempt, ledger, command, timestampMin: this.#least(command.key), markedMs: nowMs };
      this.#marks.set(nameOf(command.key), mark);
      timestampMin = Math.max(timestampMin, mark.timestampMin);
    }
    return { outcomes, timestampMin };
  }

  #execute(call: ExecuteCall, nowMs: number): ExecuteAnswer {
    const refused = this.#refused.get(textOf(call.runId));
    if (refused !== undefined) return refused;
    const permit = permitExecution(this.#record(call.id), call, nowMs);
    if (permit.kind !== 'permitted') return permit;
    if (call.commands.length > this.#executeMax) return { kind: 'tooLarge' };
    const attempt = { id: call.id, number: permit.attempt };
    const outcomes = call.commands.map((command) => this.#outcome(command, attempt, nowMs));
    const accepted = outcomes.filter((outcome) => outcome.kind === 'accepted');
    if (accepted.length < outcomes.length) {
      const answer = { kind: 'refused', outcomes } as const;
      this.#refused.set(textOf(call.runId), answer);
      return answer;
    }
    const timestamp = Math.max(...call.commands.map(({ key }) => this.#least(key)));
    for (const command of call.commands) this.#apply(command, timestamp);
    const done = { attempt: permit.attempt, timestamp, outcomes: accepted };
    this.#ledger.set(textOf(call.id), executedRecord(call, done, nowMs));
    return { kind: 'done', outcomes };
  }

  #outcome(command: TransactionCommand, attempt: Attempt, nowMs: number): ActionOutcome {
    const mark = this.#marks.get(nameOf(command.key));
    if (mark !== undefined) {
      if (isSame(mark.attempt, attempt)) return accepted;
      const isEarlier =
        textOf(mark.attempt.id) === textOf(attempt.id) && mark.attempt.number < attempt.number;
      if (!isEarlier) return { kind: 'conflict', stalled: stalledOf(mark, STALLED_MS, nowMs) };
    }
    const item = this.item(command.key);
    const { condition } = command;
    if (condition === undefined || matches(condition, item ?? {})) return accepted;
    return { kind: 'conditionFailed', capacity, before: item && jsonOf(item) };
  }

  /** Marks made after the commit are of a prepare that came late: nothing of it may be applied. */
  #finish({ attempt, outcome }: FinishCall): number {
    let count = 0;
    for (const [name, mark] of [...this.#marks]) {
      if (!isSame(mark.attempt, attempt)) continue;
      this.#marks.delete(name);
      count += 1;
      if (outcome.kind === 'commit' && mark.timestampMin <= outcome.timestamp) {
        this.#apply(mark.command, outcome.timestamp);
      }
    }
    return count;
  }

  #read(key: Item, nowMs: number) {
    const mark = this.#marks.get(nameOf(key));
    if (mark !== undefined && mark.command.kind !== 'check') {
      return { kind: 'conflict', stalled: stalledOf(mark, STALLED_MS, nowMs) } as const;
    }
    const stored = this.#items.get(nameOf(key));
    const item = stored?.item;
    return {
      kind: 'item',
      json: item && jsonOf(item),
      bytes: item === undefined ? 0 : itemBytes(item),
      state: `${stored?.timestamp ?? 0}`,
    } as const;
  }

  #stalled(ageMs: number, nowMs: number): StalledMark[] {
    const byAttempt = new Map<string, StalledMark>();
    for (const mark of this.#marks.values()) {
      const stalled = stalledOf(mark, ageMs, nowMs);
      const { id, number } = mark.attempt;
      if (stalled !== undefined) byAttempt.set(`${textOf(id)} ${number}`, stalled);
    }
    return [...byAttempt.values()];
  }

  #unfinished(nowMs: number) {
    return [...this.#ledger].flatMap(([id, { attempt, timestamp, participants, dueMs }]) => {
      if (participants.length === 0 || nowMs < dueMs) return [];
      return [
        { attempt: { id: Buffer.from(id, 'hex'), number: attempt }, timestamp, participants },
      ];
    });
  }

  #apply(command: TransactionCommand, timestamp: number): void {
    const name = nameOf(command.key);
    if (command.kind === 'check') {
      this.#items.set(name, { item: this.item(command.key), timestamp });
      return;
    }
    const item = command.kind === 'put' ? command.item : undefined;
    this.#items.set(name, { item, timestamp });
    this.applied.push(item ?? command.key);
  }

  #least(key: Item): number {
    return (this.#items.get(nameOf(key))?.timestamp ?? 0) + 1;
  }

  #record(id: Uint8Array): LedgerRecord | undefined {
    return this.#ledger.get(textOf(id));
  }

  #step<A extends Answer>(id: Uint8Array, { answer, record }: LedgerStep<A>): A {
    if (record === undefined) this.#ledger.delete(textOf(id));
    else this.#ledger.set(textOf(id), record);
    return answer;
  }
}

const accepted: ActionOutcome = { kind: 'accepted', capacity, collectionBytes: undefined };

function stalledOf(mark: ModelMark, ageMs: number, nowMs: number): StalledMark | undefined {
  const { attempt, ledger, markedMs } = mark;
  return nowMs - markedMs >= ageMs ? { attempt, ledger } : undefined;
}

function isSame(one: Attempt, other: Attempt): boolean {
  return one.number === other.number && textOf(one.id) === textOf(other.id);
}

function nameOf(key: Item): string {
  return JSON.stringify(key);
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}

function jsonOf(item: Item): Uint8Array {
  return Buffer.from(JSON.stringify(item));
}
