import type { Operation, Outcome, RecordedOperation, RegisterValue } from './history.ts';

/** Whether an operation can have had that outcome in a state, and the state after it. */
export interface StepResult {
  readonly isPossible: boolean;
  readonly next: RegisterValue;
}

/**
 * The one true item: what an operation does to it, and whether it would have answered so.
 *
 * An unknown outcome is whatever the state makes of it. A failed operation is no operation, and
 * eventual reads are not ordered with others: neither may be given here.
 */
export function step(
  state: RegisterValue,
  { operation, outcome }: Pick<RecordedOperation, 'operation' | 'outcome'>,
): StepResult {
  switch (operation.kind) {
    case 'get':
      return { isPossible: outcome.kind !== 'ok' || outcome.value === state, next: state };
    case 'put':
      return { isPossible: true, next: operation.value };
    case 'delete':
      return { isPossible: true, next: undefined };
    case 'add':
      return stepAdd(state, operation.by, outcome);
    case 'putIf':
      return stepPutIf(state, operation, outcome);
    default:
      throw new RangeError(`${operation.kind} has no place in a linear order.`);
  }
}

function stepAdd(state: RegisterValue, by: number, outcome: Outcome): StepResult {
  if (typeof state === 'string') {
    // Adding to a text is refused, so it changed nothing; only an unknown outcome can be that.
    return { isPossible: outcome.kind === 'unknown', next: state };
  }
  const next = (state ?? 0) + by;
  return { isPossible: outcome.kind !== 'ok' || outcome.value === next, next };
}

function stepPutIf(
  state: RegisterValue,
  operation: Extract<Operation, { kind: 'putIf' }>,
  outcome: Outcome,
): StepResult {
  const isMet = state === operation.expected;
  const next = isMet ? operation.value : state;
  switch (outcome.kind) {
    case 'ok':
      return { isPossible: isMet, next };
    case 'conditionFailed': {
      const isOld = outcome.old === undefined || outcome.old.value === state;
      return { isPossible: !isMet && isOld, next };
    }
    default:
      return { isPossible: true, next };
  }
}

/** The client learnt how it ended. */
export function isKnown({ outcome }: RecordedOperation): boolean {
  return outcome.kind !== 'unknown';
}

/** It changes nothing, and its answer depends on the state. */
export function isRead({ operation, outcome }: RecordedOperation): boolean {
  return operation.kind === 'get' || outcome.kind === 'conditionFailed';
}

/** What it does and answers is the same in every state. */
export function isBlind({ operation }: RecordedOperation): boolean {
  return operation.kind === 'put' || operation.kind === 'delete';
}
