import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { type Server, startServer } from '../../dataplane/api/server.fixture.ts';
import { type Door, openDoor } from '../server/door.fixture.ts';
import { ClientProcess } from './client-process.ts';
import { directOutcome } from './matrix.fixture.ts';
import { habits, normalOutcome } from './normal-outcome.fixture.ts';
import { type OfficialClient, OfficialClients } from './official-clients.fixture.ts';
import { type RandomCall, randomCall } from './random-calls.fixture.ts';
import { Draw, hasIndexes, randomIndexes, randomTables } from './random-draw.fixture.ts';

/**
 * Random calls by official clients. What a read is answered is compared with the tables behind the cache, and so it is again
 * after writes; what a write is answered, with tables that have had the same writes and no cache.
 */

const seed = Number(process.env.TRESTLE_SEED ?? Date.now() % 2 ** 32);
/** Reads that are asked again after each write. */
const REPEATED_COUNT = 4;
const READS: ReadonlySet<string> = new Set([
  ...['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems'],
]);

const clients = await OfficialClients.find('v3', 'python', 'go1', 'java2');

let door: Door;
let uncached: Server;

beforeAll(() => clients.build(), 600_000);
afterAll(() => clients.remove());

beforeEach(async () => {
  door = await openDoor();
  uncached = await startServer();
  for (const tables of [door.tables, uncached]) {
    for (const name of Object.keys(randomTables)) await tables.createTable(definitionOf(name));
  }
});

afterEach(async () => {
  await door.close();
  await uncached.close();
});

function definitionOf(TableName: string): JsonObject {
  const keys = (randomTables[TableName] ?? []).map((each) => each.split(':'));
  const indexKeys = hasIndexes(TableName)
    ? ['g:S', 'gn:N', 'lb:B'].map((each) => each.split(':'))
    : [];
  return {
    TableName,
    AttributeDefinitions: [...keys, ...indexKeys].map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchema(keys.map(([name = '']) => name)),
    ...(hasIndexes(TableName) && {
      GlobalSecondaryIndexes: indexesOf('global'),
      LocalSecondaryIndexes: indexesOf('local'),
    }),
  };
}

function keySchema(names: readonly string[]) {
  return names.map((AttributeName, at) => ({
    AttributeName,
    KeyType: at === 0 ? 'HASH' : 'RANGE',
  }));
}

function indexesOf(kind: 'global' | 'local') {
  const projections: Readonly<Record<string, JsonObject>> = {
    [`${kind}All`]: { ProjectionType: 'ALL' },
    [`${kind}Keys`]: { ProjectionType: 'KEYS_ONLY' },
    [`${kind}Some`]: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['a', 'm'] },
  };
  return Object.entries(projections).map(([IndexName, Projection]) => ({
    IndexName,
    KeySchema: keySchema(randomIndexes[IndexName] ?? []),
    Projection,
  }));
}

async function settleIndexes(): Promise<void> {
  for (const name of Object.keys(randomTables).filter(hasIndexes)) {
    await Promise.all([door.tables.indexesCaughtUp(name), uncached.indexesCaughtUp(name)]);
  }
}

/** @returns what differs from the tables' own outcome */
async function differences(
  client: ClientProcess,
  call: RandomCall,
  language: OfficialClient['language'],
) {
  const { operation, parameters } = call;
  const isRead = READS.has(operation);
  const tables = isRead ? door.tables : uncached;
  const expected = await directOutcome(tables, { name: operation, operation, parameters });
  const actual = await client.call(operation, parameters);
  const isBatch = operation === 'BatchGetItem';
  const mayBeCached = isRead && operation !== 'TransactGetItems';
  const isCached = mayBeCached && (isBatch || parameters.ConsistentRead !== true);
  const comparison = { isCached, ...habits[language] };
  const [given, own] = [actual, expected].map((each) => unordered(normalOutcome(each, comparison)));
  return isDeepStrictEqual(given, own) ? [] : [{ call, expected: own, actual: given }];
}

/** Sets have no order. */
function unordered(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const members = value.map((each) => unordered(each));
    return ['SS', 'NS', 'BS'].includes(name) ? members.sort() : members;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([each, member]) => [each, unordered(member, each)]),
  );
}

async function run(official: OfficialClient): Promise<unknown[]> {
  const { name, language } = official;
  const callsCount = name === 'v3' ? 300 : 120;
  const draw = new Draw(seed);
  const url = `dax://127.0.0.1:${door.port}`;
  const client = new ClientProcess(await clients.command(official, { url }));
  const found: unknown[] = [];
  let reads: RandomCall[] = [];
  try {
    // Later differences may follow from the first.
    for (let done = 0; done < callsCount && found.length === 0; done += 1) {
      const call = randomCall(draw);
      found.push(...(await differences(client, call, language)));
      if (READS.has(call.operation)) reads = [...reads.slice(1 - REPEATED_COUNT), call];
      else await settleIndexes();
      for (const read of reads) found.push(...(await differences(client, read, language)));
    }
  } finally {
    await client.stop();
  }
  return found;
}

describe('random calls are answered as by the tables', () => {
  it.each(clients.here)('$title', { timeout: 240_000 }, async (official) => {
    expect(await run(official), `TRESTLE_SEED=${seed}`).toEqual([]);
    if (official.name === 'v3') {
      const { itemHits, queryHits, scanHits } = door.cache.counters;
      expect(Math.min(itemHits, queryHits, scanHits)).toBeGreaterThan(10);
    }
    expect(door.server.counters.protocolErrors.size).toBe(0);
  });
});
