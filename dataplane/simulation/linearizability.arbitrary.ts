import fc from 'fast-check';
import type { Operation, Outcome, RecordedOperation, RegisterValue } from './history.ts';
import { SimRandom } from './random.ts';
import { step } from './register-model.ts';

export interface RegisterRunOptions {
  readonly operationsCount: number;
  readonly clientsCount: number;
  /** Share of operations whose outcome the client never learns. */
  readonly unknownShare: number;
  readonly isCounter: boolean;
}

/**
 * The history of clients of one truly atomic register: each operation takes effect at one moment
 * between its call and its return, so the history is linearizable.
 */
export function atomicHistory(seed: string | number, options: RegisterRunOptions) {
  const random = new SimRandom(seed);
  const history: RecordedOperation[] = [];
  const waiting = new Map<
    string,
    { readonly operation: RecordedOperation; hasHappened: boolean }
  >();
  let state: RegisterValue;
  let event = 0;
  const happen = (operation: RecordedOperation): Outcome => {
    const before = state;
    const unknown = { operation: operation.operation, outcome: { kind: 'unknown' } } as const;
    state = step(state, unknown).next;
    return outcomeOf(operation.operation, before, state);
  };
  while (history.length < options.operationsCount || waiting.size > 0) {
    event += 1;
    const client = `c${random.int(options.clientsCount)}`;
    const running = waiting.get(client);
    if (running === undefined) {
      if (history.length >= options.operationsCount) {
        const [first] = waiting.keys();
        const last = waiting.get(first ?? '');
        if (last !== undefined && !last.hasHappened) {
          last.operation.outcome = happen(last.operation);
        }
        finish(last?.operation, event);
        waiting.delete(first ?? '');
        continue;
      }
      const operation = called(history.length, client, event);
      const recorded = { ...operation, operation: someOperation(random, options, history.length) };
      history.push(recorded);
      waiting.set(client, { operation: recorded, hasHappened: false });
    } else if (!running.hasHappened) {
      running.operation.outcome = happen(running.operation);
      running.hasHappened = true;
      if (random.chance(options.unknownShare)) {
        running.operation.outcome = { kind: 'unknown' };
        waiting.delete(client);
      }
    } else {
      finish(running.operation, event);
      waiting.delete(client);
    }
  }
  return history;
}

function finish(operation: RecordedOperation | undefined, event: number): void {
  if (operation !== undefined) {
    operation.returnedAt = event;
    operation.returnedMs = event;
  }
}

function called(id: number, client: string, event: number): RecordedOperation {
  return {
    id,
    client,
    key: 'k',
    operation: { kind: 'get' },
    outcome: { kind: 'unknown' },
    calledAt: event,
    calledMs: event,
    returnedAt: Number.POSITIVE_INFINITY,
    returnedMs: Number.POSITIVE_INFINITY,
  };
}

function someOperation(
  random: SimRandom,
  { isCounter }: RegisterRunOptions,
  id: number,
): Operation {
  const kinds = isCounter
    ? { get: 2, add: 3, delete: 0.2 }
    : { get: 4, put: 3, putIf: 2, delete: 0.5 };
  switch (random.weighted<string>(kinds)) {
    case 'get':
      return { kind: 'get' };
    case 'put':
      return { kind: 'put', value: `v${id}` };
    case 'add':
      return { kind: 'add', by: random.between(1, 3) };
    case 'delete':
      return { kind: 'delete' };
    default: {
      const expected = random.chance(0.3) ? undefined : `v${random.between(0, id)}`;
      return { kind: 'putIf', expected, value: `v${id}` };
    }
  }
}

function outcomeOf(operation: Operation, before: RegisterValue, after: RegisterValue): Outcome {
  switch (operation.kind) {
    case 'get':
      return { kind: 'ok', value: before };
    case 'add':
      return { kind: 'ok', value: after };
    case 'putIf':
      return before === operation.expected
        ? { kind: 'ok' }
        : { kind: 'conditionFailed', old: { value: before } };
    default:
      return { kind: 'ok' };
  }
}

/** Values few enough that small histories make sense now and then. */
const someValue = fc.constantFrom<RegisterValue>(undefined, 1, 2, 'a');
const anOperation = fc.oneof<fc.Arbitrary<Operation>[]>(
  fc.constant({ kind: 'get' }),
  fc.record({ kind: fc.constant('put'), value: someValue }),
  fc.record({ kind: fc.constant('add'), by: fc.constantFrom(1, 2) }),
  fc.constant({ kind: 'delete' }),
  fc.record({ kind: fc.constant('putIf'), expected: someValue, value: someValue }),
);

function anOutcome(operation: Operation): fc.Arbitrary<Outcome> {
  const ok = someValue.map((value): Outcome => ({ kind: 'ok', value }));
  const others: Outcome[] = [{ kind: 'unknown' }, { kind: 'failed' }];
  const rest = fc.constantFrom(...others);
  return operation.kind === 'putIf'
    ? fc.oneof(
        { weight: 3, arbitrary: ok },
        {
          weight: 2,
          arbitrary: fc
            .option(
              someValue.map((value) => ({ value })),
              { nil: undefined },
            )
            .map(
              (old): Outcome => ({
                kind: 'conditionFailed',
                ...(old === undefined ? {} : { old }),
              }),
            ),
        },
        { weight: 2, arbitrary: rest },
      )
    : fc.oneof({ weight: 4, arbitrary: ok }, { weight: 2, arbitrary: rest });
}

/** Small histories, sensible or not, with any overlaps. */
export const smallHistory: fc.Arbitrary<readonly RecordedOperation[]> = fc
  .array(
    anOperation.chain((operation) =>
      fc.record({
        operation: fc.constant(operation),
        outcome: anOutcome(operation),
        start: fc.integer({ min: 0, max: 12 }),
        length: fc.integer({ min: 1, max: 6 }),
      }),
    ),
    { maxLength: 5 },
  )
  .map((parts) =>
    parts
      .toSorted((one, other) => one.start - other.start)
      .map(({ operation, outcome, start, length }, id) => {
        const end = outcome.kind === 'unknown' ? Number.POSITIVE_INFINITY : start + length;
        return {
          ...called(id, `c${id}`, start),
          operation,
          outcome,
          returnedAt: end,
          returnedMs: end,
        };
      }),
  );
