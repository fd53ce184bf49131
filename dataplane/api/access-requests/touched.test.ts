import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientFault } from '../../errors/client-fault.ts';
import { withinTime } from '../../time-limit.fixture.ts';
import type { JsonObject } from '../operation.ts';
import { operations } from '../operations.ts';
import {
  type GeneratedRequest,
  looseRequest,
  mistypedRequest,
  unrelatedRequest,
  validRequest,
} from '../requests.fixture.ts';
import { music, type Server, startServer, users } from '../server.fixture.ts';
import { accessRequests, type RequestedAccess } from './access-requests.ts';
import { type Touch, watched } from './touched.fixture.ts';

/**
 * Whatever a request is: its operation touches no table, index and partition key but those that the
 * caller had to be allowed. fast-check prints the seed and the smallest request of a failure.
 */
let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

const TABLES = 'arn:aws:dynamodb:us-east-1:000000000000:table/';
const statement = fc
  .constantFrom(
    "SELECT * FROM Music WHERE Artist = 'x' AND Song = 'y'",
    "SELECT Label FROM Music WHERE Artist IN ['x', 'z']",
    "SELECT * FROM Music WHERE Artist = 'x' OR Artist = 'y' AND Song > 'x'",
    `SELECT * FROM "Music"."ByGenre" WHERE Genre = 'x'`,
    `SELECT * FROM "Music"."ByYear" WHERE Artist = 'z' AND "Year" < 3`,
    'SELECT * FROM Users',
    "SELECT * FROM Users WHERE Id <> 'x'",
    'SELECT * FROM Users WHERE Id = ?',
    "INSERT INTO Users VALUE {'Id': 'y', 'a': 1}",
    "UPDATE Users SET a = 1 WHERE Id = 'x' AND Id = 'x'",
    "DELETE FROM Music WHERE Song = 'y' AND Artist = 'x'",
    "EXISTS(SELECT * FROM Users WHERE Id = 'x' AND a = 1)",
    'SELECT * FROM',
  )
  .map((Statement) => ({
    Statement,
    ...(Statement.includes('?') && { Parameters: [{ S: 'q' }] }),
  }));
const statementRequest: fc.Arbitrary<GeneratedRequest> = fc.oneof(
  statement.map((body) => ({ operation: 'ExecuteStatement', body })),
  fc
    .array(statement, { minLength: 1, maxLength: 4 })
    .map((Statements) => ({ operation: 'BatchExecuteStatement', body: { Statements } })),
  fc.array(statement, { minLength: 1, maxLength: 4 }).map((TransactStatements) => ({
    operation: 'ExecuteTransaction',
    body: { TransactStatements },
  })),
);

function read(operation: string, body: JsonObject): readonly RequestedAccess[] | ClientFault {
  return faultOr(() => accessRequests(operation, body, server.context));
}

function faultOr<T>(act: () => T): T | ClientFault {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown;
    throw thrown;
  }
}

/** What the operation does with the body, whatever it answers. */
async function touchedBy(operation: string, body: JsonObject): Promise<readonly Touch[]> {
  const { context, touched } = watched(server.context);
  try {
    await operations.get(operation)?.handle(body, context);
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
  }
  return touched;
}

function isCovered({ table, index, keys }: Touch, needed: readonly RequestedAccess[]): boolean {
  const name = index === undefined ? table : `${table}/index/${index}`;
  return needed.some(({ resource, conditions }) => {
    if (resource !== TABLES + name) return false;
    const leading = faultOr(() => conditions.get('dynamodb:leadingkeys') ?? []);
    // A policy about keys refuses such a request.
    if (leading instanceof ClientFault || keys === undefined) return true;
    return keys.every((key) => leading.includes(Object.values(key)[0]));
  });
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** At the least so many that enough of them touch something. */
const TIME_LIMIT = { limitMs: 1_500, runsMin: 1_000 };

describe('an operation touches nothing that was not asked about', () => {
  it.each([
    { kind: 'valid requests', request: validRequest, leastTouched: 100 },
    { kind: 'statements', request: statementRequest, leastTouched: 100 },
    { kind: 'those with anything wrong but types', request: looseRequest, leastTouched: 1 },
    { kind: 'those with a wrong type somewhere', request: mistypedRequest, leastTouched: 1 },
    { kind: 'unrelated JSON', request: unrelatedRequest, leastTouched: 0 },
  ])('$kind', async ({ request, leastTouched }) => {
    let touchedCount = 0;
    await fc.assert(
      fc.asyncProperty(
        request,
        withinTime(TIME_LIMIT, async ({ operation, body }) => {
          const text = JSON.stringify(body);
          const parsed: unknown = JSON.parse(text);
          if (!isJsonObject(parsed)) return; // The endpoint lets no other body through.
          const needed = read(operation, parsed);
          // As at the endpoint: the same body, which reading may have brought into normal form.
          const touched = await touchedBy(operation, parsed);
          touchedCount += touched.length;
          if (needed instanceof ClientFault) expect(touched).toEqual([]);
          else expect(touched.filter((each) => !isCovered(each, needed))).toEqual([]);
        }),
      ),
      { numRuns: 10_000 },
    );
    // Else the generators would test nothing.
    expect(touchedCount).toBeGreaterThanOrEqual(leastTouched);
  });
});
