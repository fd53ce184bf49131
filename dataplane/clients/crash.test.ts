import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, it } from 'vitest';
import { CrashLedger, canonical, type Item } from './crash-ledger.ts';
import {
  globalIndex,
  keyOf,
  localIndex,
  makeCrashTable,
  type Random,
  TableName,
  writeUntilCrash,
} from './crash-load.ts';
import { beginServer, sdkClient, startServer } from './server-process.ts';
import { waitFor } from './wait-for.ts';

const ROUNDS = 50;
const CONNECTIONS = 6;
const LOAD_MS = { least: 50, most: 300 };
/** Some servers are killed while they start: this is about how long a start takes. */
const START_MS = 400;
const INDEX_MS_MAX = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'trestle-crash-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The test's own choices repeat with the same CRASH_SEED; what the machine does meanwhile does not. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

it(`crash: ${ROUNDS} kills at random moments lose and halve nothing (seed ${seed})`, {
  timeout: 300_000,
}, async () => {
  process.stdout.write(`crash test: CRASH_SEED=${seed}\n`);
  const random = randomOf(seed);
  const ledger = new CrashLedger();
  let acknowledged = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    if (round % 5 === 4) await crashWhileStarting(random);
    const server = await startServer(['--data', folder]);
    const client = sdkClient(server.endpoint);
    try {
      if (round === 0) await makeCrashTable(client);
      await checkTable(client, ledger, `round ${round}, seed ${seed}`);
      if (round === ROUNDS) break;
      const writers = Array.from({ length: CONNECTIONS }, (_, connection) =>
        writeUntilCrash(client, connection, ledger, random),
      );
      // A crash at a random moment is what is tested.
      await delay(LOAD_MS.least + random(LOAD_MS.most - LOAD_MS.least));
      await server.kill();
      for (const count of await Promise.all(writers)) acknowledged += count;
    } finally {
      client.destroy();
      await server.kill();
    }
  }
  process.stdout.write(`crash test: ${acknowledged} acknowledged writes in ${ROUNDS} rounds\n`);
  expect(acknowledged).toBeGreaterThan(ROUNDS);
});

async function crashWhileStarting(random: Random): Promise<void> {
  const starting = beginServer(['--data', folder]);
  const started = starting.started.catch((error: unknown) => error);
  await delay(random(START_MS));
  await starting.kill();
  await started;
}

/** The table holds what it may; both indexes hold exactly the table's items that have their keys. */
async function checkTable(
  client: DynamoDBClient,
  ledger: CrashLedger,
  where: string,
): Promise<void> {
  const items = await scanAll(client);
  const held = new Map(items.map((item) => [keyOf(item), item]));
  expect(held.size, where).toBe(items.length);
  expect(ledger.reconcile(held), where).toEqual([]);

  const inLocal = items.filter((item) => localIndex.sortKey in item);
  expect(texts(await scanAll(client, localIndex.name)), where).toEqual(texts(inLocal));

  const inGlobal = inLocal.filter((item) => globalIndex.hashKey in item);
  const wished = texts(inGlobal);
  await waitFor(
    async () => texts(await scanAll(client, globalIndex.name)),
    (found) => JSON.stringify(found) === JSON.stringify(wished),
    INDEX_MS_MAX,
  ).catch((error: unknown) => {
    throw new Error(`The global index does not catch up: ${where}; wished ${wished}`, {
      cause: error,
    });
  });
}

async function scanAll(client: DynamoDBClient, index?: string): Promise<Item[]> {
  const items: Item[] = [];
  const input = {
    TableName,
    ...(index === undefined ? {} : { IndexName: index }),
    ConsistentRead: index !== globalIndex.name,
  };
  for await (const page of paginateScan({ client }, input)) items.push(...(page.Items ?? []));
  return items;
}

function texts(items: readonly Item[]): string[] {
  return items.map(canonical).sort();
}

/** The same numbers for the same seed (mulberry32). */
function randomOf(from: number): Random {
  let state = from >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
