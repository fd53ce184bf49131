import assert from 'node:assert/strict';

/** What a write makes of an item: unique in a run, above 0. */
export type Version = number;

/** In place of a version: there is no item. */
export const NO_ITEM = 0;

/**
 * An item as somebody saw it: the version that put it there, and those that were appended since, in
 * order; empty when there is no item. So whoever sees an item sees where it comes from.
 */
export type ItemState = readonly Version[];

export type ItemEffect =
  | { readonly kind: 'none' }
  /** Whatever was there is gone. */
  | { readonly kind: 'put'; readonly version: Version }
  /** Adds to what is there; makes an item of this version alone where there is none. */
  | { readonly kind: 'append'; readonly version: Version }
  | { readonly kind: 'delete' };

export interface ItemAction {
  readonly item: string;
  readonly effect: ItemEffect;
  /** Holds only if this is the newest version, or `NO_ITEM`; undefined: whatever there is. */
  readonly expected: Version | undefined;
}

export type TransactionOutcome =
  /** `seen`: what each action met, in their order; undefined where nobody told. */
  | { readonly kind: 'ok'; readonly seen: readonly (ItemState | undefined)[] }
  /** Certainly not carried out, now or later. */
  | { readonly kind: 'failed' }
  /** It may have been carried out, it may still be, or never. */
  | { readonly kind: 'unknown' };

/** A transaction, or an operation on a single item beside them, as its client saw it. */
export interface RecordedTransaction {
  /** Place in the history. */
  readonly id: number;
  readonly client: string;
  /** What it was for, to count by. */
  readonly name: string;
  /** `single`: one action, not in a transaction. */
  readonly scope: 'transaction' | 'single';
  /** Each of another item. */
  readonly actions: readonly ItemAction[];
  outcome: TransactionOutcome;
  /** Order of all calls and returns, as in `RecordedOperation`. */
  readonly calledAt: number;
  returnedAt: number;
  readonly calledMs: number;
  returnedMs: number;
}

/** A moment of a run. */
export interface Moment {
  readonly at: number;
  readonly ms: number;
}

/** What is known of an operation before it is sent. */
export type TransactionRequest = Pick<RecordedTransaction, 'client' | 'name' | 'scope' | 'actions'>;

/** All that happened to items that transactions touch, in the order of the calls. */
export class TransactionHistory {
  readonly transactions: RecordedTransaction[] = [];
  readonly #nowMs: () => number;
  #events = 0;

  /** `nowMs`: virtual time of the world, the same for all clients. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Now: before whatever happens later. */
  moment(): Moment {
    this.#events += 1;
    return { at: this.#events, ms: this.#nowMs() };
  }

  /** Call it before anything is sent anywhere. */
  begin(request: TransactionRequest): RecordedTransaction {
    return this.#add(request, this.moment());
  }

  /**
   * Call it when a client has an answer. A repeat may find out later what became of one that is
   * unknown, or have one done that had failed.
   */
  end(recorded: RecordedTransaction, outcome: TransactionOutcome): void {
    assert(recorded.outcome.kind !== 'ok', 'what was carried out stays so');
    const now = this.moment();
    const isKnown = outcome.kind !== 'unknown';
    recorded.outcome = outcome;
    recorded.returnedAt = isKnown ? now.at : Number.POSITIVE_INFINITY;
    recorded.returnedMs = isKnown ? now.ms : Number.POSITIVE_INFINITY;
  }

  /** What somebody saw of one item at some moment from then until now. */
  observe(
    request: Pick<RecordedTransaction, 'client' | 'name'>,
    sight: Sight,
    since: Moment,
  ): void {
    const { item, state } = sight;
    const action: ItemAction = { item, effect: { kind: 'none' }, expected: undefined };
    const recorded = this.#add({ ...request, scope: 'single', actions: [action] }, since);
    this.end(recorded, { kind: 'ok', seen: [state] });
  }

  #add(request: TransactionRequest, { at, ms }: Moment): RecordedTransaction {
    const recorded: RecordedTransaction = {
      ...request,
      id: this.transactions.length,
      outcome: { kind: 'unknown' },
      calledAt: at,
      returnedAt: Number.POSITIVE_INFINITY,
      calledMs: ms,
      returnedMs: Number.POSITIVE_INFINITY,
    };
    this.transactions.push(recorded);
    return recorded;
  }
}

export interface Sight {
  readonly item: string;
  readonly state: ItemState;
}

/** One line for people: when, who, what, and how it ended. */
export function printTransaction(recorded: RecordedTransaction): string {
  const { id, client, name, calledMs, returnedMs, actions, outcome } = recorded;
  const until = Number.isFinite(returnedMs) ? returnedMs.toFixed(3) : '...';
  const when = `${calledMs.toFixed(3)} to ${until} ms`;
  const seen = outcome.kind === 'ok' ? outcome.seen : [];
  const what = actions.map((action, index) => printAction(action, seen[index])).join('; ');
  return `#${id} ${when.padEnd(28)} ${client} ${name}: ${what} -> ${outcome.kind}`;
}

function printAction({ item, effect, expected }: ItemAction, seen: ItemState | undefined): string {
  const what =
    effect.kind === 'put' || effect.kind === 'append'
      ? `${effect.kind} ${item}=${effect.version}`
      : `${effect.kind === 'none' ? 'look at' : effect.kind} ${item}`;
  const condition = expected === undefined ? '' : ` if ${printVersion(expected)}`;
  return `${what}${condition}${seen === undefined ? '' : ` (was ${printState(seen)})`}`;
}

export function printState(state: ItemState): string {
  return state.length === 0 ? printVersion(NO_ITEM) : state.join('+');
}

export function printVersion(version: Version): string {
  return version === NO_ITEM ? 'no item' : String(version);
}
