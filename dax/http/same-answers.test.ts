import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import {
  type GeneratedRequest,
  looseRequest,
  mistypedRequest,
  unrelatedRequest,
  validRequest,
} from '../../dataplane/api/requests.fixture.ts';
import { music, users } from '../../dataplane/api/server.fixture.ts';
import {
  callOperation,
  startServer,
  type TestServer,
} from '../../dataplane/endpoint/endpoint.fixture.ts';
import { withinTime } from '../../dataplane/time-limit.fixture.ts';
import { startTestNode, type TestNode } from './test-node.fixture.ts';

/**
 * A node in front of tables answers what the tables themselves would have answered. Reads are compared with a read
 * of the very same tables; writes with the same write of tables that have seen the same, and have no cache.
 * fast-check prints the seed and the smallest request of a failure.
 */

let uncached: TestServer;
let behind: TestServer;
let node: TestNode;

beforeAll(async () => {
  uncached = await startServer();
  behind = await startServer();
  node = await startTestNode(`http://127.0.0.1:${behind.port}`);
  for (const { port } of [uncached, behind]) {
    for (const definition of [users, music]) {
      await callOperation(port, 'CreateTable', { BillingMode: 'PAY_PER_REQUEST', ...definition });
      await vi.waitUntil(() => isActive(port, definition.TableName), { timeout: 30_000 });
    }
  }
});

afterAll(async () => {
  await node?.close();
  await behind?.close();
  await uncached?.close();
});

async function isActive(port: number, TableName: string): Promise<boolean> {
  const { text } = await callOperation(port, 'DescribeTable', { TableName });
  return JSON.parse(text).Table.TableStatus === 'ACTIVE';
}

const READS: ReadonlySet<string> = new Set([
  'GetItem',
  'BatchGetItem',
  'Query',
  'Scan',
  'TransactGetItems',
]);
const WRITES: ReadonlySet<string> = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
]);

interface Outcome {
  readonly status: number;
  readonly body: unknown;
}

async function outcome(port: number, { operation, body }: GeneratedRequest): Promise<Outcome> {
  const { status, text } = await callOperation(port, operation, body);
  const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : text;
  return { status, body: READS.has(operation) ? withoutCapacity(parsed) : parsed };
}

/** What a read costs is what a cache changes. */
function withoutCapacity(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const { ConsumedCapacity, ...rest } = body as JsonObject;
  return rest;
}

/** Global indexes are fed behind a write. */
function readsGlobalIndex({ body }: GeneratedRequest): boolean {
  return (
    typeof body === 'object' && body !== null && 'IndexName' in body && body.IndexName === 'ByGenre'
  );
}

async function checkSame(request: GeneratedRequest): Promise<'response' | 'fault'> {
  const isWrite = WRITES.has(request.operation);
  const direct = () => outcome(isWrite ? uncached.port : behind.port, request);
  const cached = () => outcome(node.port, request);
  if (readsGlobalIndex(request)) {
    await expect
      .poll(async () => ({ cached: await cached(), direct: await direct() }))
      .toSatisfy(({ cached: a, direct: b }) => JSON.stringify(a) === JSON.stringify(b));
    return 'response';
  }
  const expected = await direct();
  expect(await cached()).toEqual(expected);
  // The second time it may come out of the cache.
  if (!isWrite) expect(await cached()).toEqual(expected);
  return expected.status === 200 ? 'response' : 'fault';
}

/** The cache has no PartiQL, and no streams; tables are another test's. */
function concernsItems({ operation }: GeneratedRequest): boolean {
  return READS.has(operation) || WRITES.has(operation);
}

async function everything(port: number, TableName: string): Promise<readonly string[]> {
  const { body } = await outcome(port, {
    operation: 'Scan',
    body: { TableName, ConsistentRead: true },
  });
  const { Items } = body as { Items: readonly unknown[] };
  return Items.map((item) => JSON.stringify(sorted(item))).sort();
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, sorted(member)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** At the least so many that the share of responses tells something. */
const TIME_LIMIT = { limitMs: 15_000, runsMin: 100 };

describe('a node answers as the tables do', () => {
  it.each([
    { kind: 'valid requests', request: validRequest, leastResponses: 0.5, numRuns: 1_500 },
    {
      kind: 'those with anything wrong but types',
      request: looseRequest,
      leastResponses: 0,
      numRuns: 1_500,
    },
    {
      kind: 'those with a wrong type somewhere',
      request: mistypedRequest,
      leastResponses: 0,
      numRuns: 1_500,
    },
    { kind: 'unrelated JSON', request: unrelatedRequest, leastResponses: 0, numRuns: 300 },
  ])(
    '$kind',
    async ({ request, leastResponses, numRuns }) => {
      const counts = { response: 0, fault: 0 };
      await fc.assert(
        fc.asyncProperty(
          request.filter(concernsItems),
          withinTime(TIME_LIMIT, async (generated) => {
            counts[await checkSame(generated)] += 1;
          }),
        ),
        { numRuns },
      );
      // Else the generators would test nothing but the first checks.
      const all = counts.response + counts.fault;
      expect(counts.response).toBeGreaterThanOrEqual(leastResponses * all);
      for (const TableName of ['Users', 'Music']) {
        expect(await everything(behind.port, TableName)).toEqual(
          await everything(uncached.port, TableName),
        );
      }
    },
    180_000,
  );

  it('has read from its caches meanwhile', async () => {
    const { itemHits, queryHits, scanHits } = node.counters();
    expect(itemHits).toBeGreaterThan(100);
    expect(queryHits).toBeGreaterThan(10);
    expect(scanHits).toBeGreaterThan(10);
  });
});
