import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../../dataplane/api/server.fixture.ts';
import { type Door, openDoor } from '../server/door.fixture.ts';
import {
  GoClient,
  hasGo,
  hasJava,
  JavaClients,
  nodeClient,
  pythonClient,
} from './client-commands.ts';
import { type ClientCommand, ClientProcess, type Outcome } from './client-process.ts';
import { type ClientName, knownOutcome, languages } from './known-outcomes.fixture.ts';
import { largeCases } from './large-cases.fixture.ts';
import {
  capturedCases,
  createTables,
  directOutcome,
  type MatrixCase,
  moreCases,
} from './matrix.fixture.ts';
import { habits, normalOutcome } from './normal-outcome.fixture.ts';

/**
 * Every case, by every official client, against the DAX door over real tables; each outcome is to be what
 * the same call gets from other tables without a cache between.
 */
const cases: readonly MatrixCase[] = [...capturedCases, ...moreCases, ...largeCases];

const isGoHere = await hasGo();
const isJavaHere = await hasJava();

/** Outcomes of the tables themselves, by name of the case. */
const direct = new Map<string, Outcome>();
const started: { door?: Door; go?: GoClient; java?: JavaClients } = {};

beforeAll(async () => {
  const tables = await startServer();
  await createTables(tables);
  for (const each of cases) {
    direct.set(each.name, await directOutcome(tables, each));
    await settleIndexes(tables, each);
  }
  await tables.close();
});

afterAll(() => {
  started.go?.remove();
  started.java?.remove();
});

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
async function run(name: ClientName, command: ClientCommand): Promise<readonly unknown[]> {
  const client = new ClientProcess(command);
  const unexpected: unknown[] = [];
  try {
    for (const each of cases) {
      const known = knownOutcome(name, each.name);
      if (known?.kind === 'hangs') continue;
      const outcome = await client.call(each.operation, each.parameters);
      if (started.door !== undefined) await settleIndexes(started.door.tables, each);
      const comparison = { isCached: isCached(each), ...habits[languages[name]] };
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
  async function expectAll(
    name: ClientName,
    commandFor: (url: string) => ClientCommand | Promise<ClientCommand>,
  ): Promise<void> {
    const door = await openDoor();
    started.door = door;
    try {
      await createTables(door.tables);
      const command = await commandFor(`dax://127.0.0.1:${door.port}`);
      expect(await run(name, command)).toEqual([]);
      expect(door.server.counters.protocolErrors.size).toBe(0);
    } finally {
      await door.close();
    }
  }

  it('@amazon-dax-sdk/client-dax', async () => {
    await expectAll('v3', (url) => nodeClient('v3', { url }));
  });

  it('amazon-dax-client for Node, of the AWS SDK v2', async () => {
    await expectAll('v1', (url) => nodeClient('v1', { url }));
  });

  it('amazon-dax-client for Python', { timeout: 240_000 }, async () => {
    await expectAll('python', (url) => pythonClient({ url }));
  });

  it.skipIf(!isGoHere)(
    'aws-dax-go-v2 (left out where there is no Go)',
    { timeout: 600_000 },
    async () => {
      const go = await GoClient.build();
      started.go = go;
      await expectAll('go', (url) => go.command({ url }));
    },
  );

  it.skipIf(!isJavaHere)(
    'amazon-dax-client for Java, 1 and 2 (left out where there is no Java or Maven)',
    { timeout: 600_000 },
    async () => {
      const java = await JavaClients.build();
      started.java = java;
      await expectAll('java', (url) => java.command('ClientV2', { url }));
      await expectAll('java', (url) => java.command('ClientV1', { url }));
    },
  );
});
