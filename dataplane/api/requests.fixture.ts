import fc from 'fast-check';
import { looseBodies } from './loose-requests.fixture.ts';
import type { JsonObject } from './operation.ts';
import { operations } from './operations.ts';
import { validBodies } from './valid-requests.fixture.ts';

/** For tests: generated requests against the tables of `server.fixture.ts`. */
export interface GeneratedRequest {
  readonly operation: string;
  readonly body: unknown;
}

function requestOf(
  source: Record<string, fc.Arbitrary<JsonObject>>,
): fc.Arbitrary<GeneratedRequest> {
  return fc.oneof(
    ...Object.entries(source).map(([operation, arbitrary]) =>
      arbitrary.map((generated) => ({ operation, body: generated })),
    ),
  );
}

/** Requests with nothing wrong but what the items at hand make of them. */
export const validRequest = requestOf(validBodies);

/** Requests of the right types and with anything else wrong. */
export const looseRequest = requestOf(looseBodies);

/** Requests with a value of a wrong type at one place. */
export const mistypedRequest: fc.Arbitrary<GeneratedRequest> = fc
  .tuple(
    fc.oneof(validRequest, looseRequest),
    fc.array(fc.nat(10), { minLength: 1, maxLength: 5 }),
    fc.jsonValue(),
  )
  .map(([{ operation, body: generated }, steps, replacement]) => ({
    operation,
    body: withReplaced(generated, steps, replacement),
  }));

/** Any JSON for any operation. */
export const unrelatedRequest: fc.Arbitrary<GeneratedRequest> = fc.record({
  operation: fc.constantFrom(...operations.keys()),
  body: fc.dictionary(
    fc.constantFrom(
      'TableName',
      'Key',
      'Item',
      'RequestItems',
      'Statement',
      'Statements',
      'TransactStatements',
      'Parameters',
      'Limit',
      'Tags',
      'ResourceArn',
      'x',
    ),
    fc.jsonValue(),
  ),
});

/** Replaces the value at one place of a body, so that types are wrong anywhere. */
function withReplaced(node: unknown, steps: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof node !== 'object' || node === null) return replacement;
  const keys = Object.keys(node);
  const key = keys[step % Math.max(keys.length, 1)];
  if (key === undefined) return replacement;
  const entries = Object.entries(node).map(([each, child]) =>
    each === key ? [each, withReplaced(child, rest, replacement)] : [each, child],
  );
  return Array.isArray(node) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}
