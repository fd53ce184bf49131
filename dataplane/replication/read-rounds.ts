import type { ProposalError } from './replica.ts';
import type { Timer } from './scheduler.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: ProposalError) => void;
  timer: Timer | undefined;
}

/** One question to a quorum whether this replica still leads. */
interface Round {
  readonly context: number;
  /** Monotonic; before any message of the round. */
  readonly issuedMs: number;
  /** The turn whose flush takes the question along: calls until then share it. */
  readonly turn: number;
  readonly waiters: Waiter[];
  /** Once the quorum answered: what has to be applied. */
  index: number | undefined;
}

export interface ReadRoundsEnvironment {
  /** Asks the core for a read index. */
  ask(context: number): void;
  monotonicMs(): number;
  /** Number of flushes so far. */
  turn(): number;
  /** Leadership from `issuedMs` on was confirmed, and all that was committed before is applied. */
  onConfirmed(issuedMs: number): void;
}

/** Rounds under way at once; further calls wait for one to end. */
const ROUNDS_MAX = 2;

/** The read index rounds of one leader. */
export class ReadRounds {
  readonly #environment: ReadRoundsEnvironment;
  #rounds: Round[] = [];
  /** Whose round cannot begin yet. */
  #next: Waiter[] = [];
  #isNextWanted = false;
  #lastContext = 0;

  constructor(environment: ReadRoundsEnvironment) {
    this.#environment = environment;
  }

  get areUnderWay(): boolean {
    return this.#rounds.length > 0;
  }

  /** Begins a round, or joins one that has not left, for its side effect `onConfirmed`. */
  renew(): void {
    if (this.#joinable() === undefined) this.#begin([]);
  }

  confirm(waiter: Waiter): void {
    const round = this.#joinable();
    if (round !== undefined) round.waiters.push(waiter);
    else this.#begin([waiter]);
  }

  forget(waiter: Waiter): void {
    for (const list of [...this.#rounds.map(({ waiters }) => waiters), this.#next]) {
      const at = list.indexOf(waiter);
      if (at >= 0) list.splice(at, 1);
    }
  }

  /** A `read` record. */
  answered(context: number, index: number, appliedIndex: number): void {
    const round = this.#rounds.find((candidate) => candidate.context === context);
    if (round === undefined) return;
    round.index = index;
    this.applied(appliedIndex);
  }

  applied(appliedIndex: number): void {
    if (this.#rounds.length === 0) return;
    const done = this.#rounds.filter(({ index }) => index !== undefined && index <= appliedIndex);
    if (done.length === 0) return;
    this.#rounds = this.#rounds.filter((round) => !done.includes(round));
    for (const round of done) {
      this.#environment.onConfirmed(round.issuedMs);
      for (const waiter of round.waiters) settle(waiter).resolve();
    }
    if (this.#isNextWanted && this.#rounds.length < ROUNDS_MAX) {
      const waiters = this.#next;
      this.#next = [];
      this.#isNextWanted = false;
      this.#begin(waiters);
    }
  }

  /** The core refused, or leadership ended: all rounds are void. */
  fail(error: ProposalError): void {
    const waiters = [...this.#rounds.flatMap((round) => round.waiters), ...this.#next];
    this.#rounds = [];
    this.#next = [];
    this.#isNextWanted = false;
    for (const waiter of waiters) settle(waiter).reject(error);
  }

  #joinable(): Round | undefined {
    const last = this.#rounds.at(-1);
    return last?.turn === this.#environment.turn() ? last : undefined;
  }

  #begin(waiters: Waiter[]): void {
    if (this.#rounds.length >= ROUNDS_MAX) {
      this.#isNextWanted = true;
      this.#next.push(...waiters);
      return;
    }
    const { ask, monotonicMs, turn } = this.#environment;
    this.#lastContext += 1;
    this.#rounds.push({
      context: this.#lastContext,
      issuedMs: monotonicMs(),
      turn: turn(),
      waiters,
      index: undefined,
    });
    ask(this.#lastContext);
  }
}

export type ReadWaiter = Waiter;

function settle(waiter: Waiter): Waiter {
  waiter.timer?.cancel();
  return waiter;
}
