import assert from 'node:assert/strict';

/** A register's value: undefined when there is no item, a number for counters. */
export type RegisterValue = string | number | undefined;

/** What was asked of one item. */
export type Operation =
  | { readonly kind: 'get' }
  /** An eventually consistent read. */
  | { readonly kind: 'getEventual' }
  | { readonly kind: 'put'; readonly value: RegisterValue }
  /** No value is the same as 0. */
  | { readonly kind: 'add'; readonly by: number }
  | { readonly kind: 'delete' }
  /** Puts if the item has this value now; undefined: if there is none. */
  | {
      readonly kind: 'putIf';
      readonly expected: RegisterValue;
      readonly value: RegisterValue;
    };

/** What was answered. */
export type Outcome =
  /** `value`: what a get found, what an add made; undefined for others. */
  | { readonly kind: 'ok'; readonly value?: RegisterValue }
  /** `old`: the value that the condition met; absent when the answer did not say. */
  | { readonly kind: 'conditionFailed'; readonly old?: { readonly value: RegisterValue } }
  /** Certainly not carried out, now or later. */
  | { readonly kind: 'failed' }
  /** It may have been carried out, it may still be, or never. */
  | { readonly kind: 'unknown' };

/** An operation as the client saw it. */
export interface RecordedOperation {
  /** Place in the history. */
  readonly id: number;
  readonly client: string;
  readonly key: string;
  readonly operation: Operation;
  /** Unknown until it returned. */
  outcome: Outcome;
  /**
   * Order of all calls and returns: one that returned before another was called has the smaller
   * number. Virtual times could not tell two events of one instant apart.
   */
  readonly calledAt: number;
  returnedAt: number;
  readonly calledMs: number;
  returnedMs: number;
}

/** The history as it stood at an event: what had not returned is unknown. */
export function historyUntil<
  Recorded extends Pick<RecordedOperation, 'calledAt' | 'returnedAt' | 'returnedMs'>,
>(history: readonly Recorded[], atEvent: number) {
  return history
    .filter(({ calledAt }) => calledAt <= atEvent)
    .map((operation) =>
      operation.returnedAt <= atEvent
        ? operation
        : {
            ...operation,
            outcome: { kind: 'unknown' } as const,
            returnedAt: Number.POSITIVE_INFINITY,
            returnedMs: Number.POSITIVE_INFINITY,
          },
    );
}

/** Every operation of a run, in the order of the calls. */
export class History {
  readonly operations: RecordedOperation[] = [];
  readonly #nowMs: () => number;
  #events = 0;

  /** `nowMs`: virtual time of the world, the same for all clients. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Call it before the operation is sent anywhere. */
  begin(client: string, key: string, operation: Operation): RecordedOperation {
    this.#events += 1;
    const recorded: RecordedOperation = {
      id: this.operations.length,
      client,
      key,
      operation,
      outcome: { kind: 'unknown' },
      calledAt: this.#events,
      returnedAt: Number.POSITIVE_INFINITY,
      calledMs: this.#nowMs(),
      returnedMs: Number.POSITIVE_INFINITY,
    };
    this.operations.push(recorded);
    return recorded;
  }

  /** Call it when the client has its answer. Once; `unknown` may as well not be told. */
  end(recorded: RecordedOperation, outcome: Outcome): void {
    assert(recorded.outcome.kind === 'unknown', 'an operation returns once');
    this.#events += 1;
    recorded.outcome = outcome;
    if (outcome.kind !== 'unknown') {
      recorded.returnedAt = this.#events;
      recorded.returnedMs = this.#nowMs();
    }
  }

  /** Per key: operations on different items do not constrain each other. */
  byKey(): ReadonlyMap<string, readonly RecordedOperation[]> {
    return Map.groupBy(this.operations, ({ key }) => key);
  }
}

/** One line for people: when, who, what, and how it ended. */
export function printOperation(recorded: RecordedOperation): string {
  const { id, client, calledMs, returnedMs, operation, outcome } = recorded;
  const until = Number.isFinite(returnedMs) ? returnedMs.toFixed(3) : '...';
  const when = `${calledMs.toFixed(3)} to ${until} ms`;
  return `#${id} ${when.padEnd(28)} ${client}: ${printRequest(operation)} -> ${printOutcome(operation, outcome)}`;
}

function printRequest(operation: Operation): string {
  switch (operation.kind) {
    case 'put':
      return `put ${printValue(operation.value)}`;
    case 'add':
      return `add ${operation.by}`;
    case 'putIf':
      return `put ${printValue(operation.value)} if ${printValue(operation.expected)}`;
    default:
      return operation.kind;
  }
}

function printOutcome(operation: Operation, outcome: Outcome): string {
  switch (outcome.kind) {
    case 'ok':
      return hasValue(operation) ? `ok ${printValue(outcome.value)}` : 'ok';
    case 'conditionFailed':
      return outcome.old === undefined
        ? 'condition failed'
        : `condition failed, was ${printValue(outcome.old.value)}`;
    default:
      return outcome.kind;
  }
}

function hasValue({ kind }: Operation): boolean {
  return kind === 'get' || kind === 'getEventual' || kind === 'add';
}

/** A value as people read it; `none` when there is no item. */
export function printValue(value: RegisterValue): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
