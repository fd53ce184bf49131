import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../../dataplane/api/server.fixture.ts';
import { type Door, openDoor } from '../server/door.fixture.ts';
import { type ClientCommand, ClientProcess, type Outcome } from './client-process.ts';
import { knownOutcome } from './known-outcomes.fixture.ts';
import { largeCases } from './large-cases.fixture.ts';
import {
  capturedCases,
  createTables,
  directOutcome,
  type MatrixCase,
  moreCases,
} from './matrix.fixture.ts';
import { habits, normalOutcome } from './normal-outcome.fixture.ts';
import { type OfficialClient, OfficialClients } from './official-clients.fixture.ts';

/**
 * Every case, by every official client, against the DAX door over real tables; each outcome is to be what
 * the same call gets from other tables without a cache between.
 */
const cases: readonly MatrixCase[] = [...capturedCases, ...moreCases, ...largeCases];

const clients = await OfficialClients.find();

/** Outcomes of the tables themselves, by name of the case. */
const direct = new Map<string, Outcome>();
const opened: { door?: Door } = {};

beforeAll(async () => {
  const tables = await startServer();
  await createTables(tables);
  for (const each of cases) {
    direct.set(each.name, await directOutcome(tables, each));
    await settleIndexes(tables, each);
  }
  await tables.close();
  await clients.build();
}, 600_000);

afterAll(() => clients.remove());

/** Global indexes follow their table; whoever asks them next is to find them settled. */
async function settleIndexes(tables: Server, { operation }: MatrixCase): Promise<void> {
  if (!/^(?:Get|Query|Scan)/.test(operation)) await tables.indexesCaughtUp('Idx');
}

/** Of these reads the cache may know the answer, which then cost nothing. */
function isCached({ operation, parameters }: MatrixCase): boolean {
  const isRead = ['GetItem', 'Query', 'Scan', 'BatchGetItem'].includes(operation);
  return isRead && parameters.ConsistentRead !== true;
}

/** What differs from the tables' own outcome, and from what is known to differ. */
async function run(
  { name, language }: OfficialClient,
  command: ClientCommand,
): Promise<readonly unknown[]> {
  const client = new ClientProcess(command);
  const unexpected: unknown[] = [];
  try {
    for (const each of cases) {
      const known = knownOutcome(name, each.name);
      if (known?.kind === 'hangs') continue;
      const outcome = await client.call(each.operation, each.parameters);
      if (opened.door !== undefined) await settleIndexes(opened.door.tables, each);
      const comparison = { isCached: isCached(each), ...habits[language] };
      const actual = normalOutcome(outcome, comparison);
      const tablesOwn = direct.get(each.name) ?? { result: 'no such case' };
      const isOther = known?.kind === 'outcome';
      let expected = normalOutcome(isOther ? known.outcome : tablesOwn, comparison);
      if (known?.kind === 'altered') expected = altered(expected, known.texts);
      if (!isDeepStrictEqual(actual, expected)) {
        unexpected.push({ case: each.name, expected, actual });
      }
    }
  } finally {
    await client.stop();
  }
  return unexpected;
}

function altered(outcome: unknown, texts: readonly (readonly [string, string])[]): unknown {
  let json = JSON.stringify(outcome);
  for (const [from, to] of texts) json = json.replace(from, to);
  return JSON.parse(json);
}

describe('official clients through the DAX door', () => {
  for (const official of [...clients.here, ...clients.missing]) {
    const isMissing = clients.missing.includes(official);
    const title = isMissing
      ? `${official.title}: left out, this machine cannot build it`
      : official.title;
    it.skipIf(isMissing)(title, { timeout: 240_000 }, async () => {
      const door = await openDoor();
      opened.door = door;
      try {
        await createTables(door.tables);
        const url = `dax://127.0.0.1:${door.port}`;
        expect(await run(official, await clients.command(official, { url }))).toEqual([]);
        expect(door.server.counters.protocolErrors.size).toBe(0);
      } finally {
        await door.close();
      }
    });
  }
});
