/** Runs the same program with and without the cache, and says how long its reads take. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { startLaptop } from '../../../dax/clients/laptop-process.ts';
import { close, withCache, withoutCache } from './clients.ts';
import { type Latencies, latenciesOf } from './latency.ts';
import { PRODUCTS, priceOf, product, raisePrice, stock } from './program.ts';

const usage = `Runs the same program with and without the cache, and says how long its reads take.

Usage: hack/examples/dax/run [options]

  --products N   how many there are (100)
  --reads N      how many prices are looked up (5000)
  --help         this text

It starts tables and a DAX node of its own, on free ports and in a folder that is removed at the end.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      products: { type: 'string', default: '100' },
      reads: { type: 'string', default: '5000' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'trestle-dax-'));
  const servers = await startLaptop(['--data', folder, '--log-level', 'error']);
  try {
    await createTable(servers.tablesUrl);
    return await compare(
      { tables: withoutCache(servers.tablesUrl), cache: withCache(servers.daxUrl) },
      { productsCount: Number(values.products), readsCount: Number(values.reads) },
    );
  } finally {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function createTable(endpoint: string): Promise<void> {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await client.send(
    new CreateTableCommand({
      TableName: PRODUCTS,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: PRODUCTS });
  client.destroy();
}

interface Clients {
  readonly tables: DynamoDBDocument;
  readonly cache: DynamoDBDocument;
}

interface Counts {
  readonly productsCount: number;
  readonly readsCount: number;
}

/** @returns the exit status: 0 when both clients saw the same */
async function compare({ tables, cache }: Clients, counts: Counts): Promise<number> {
  const { productsCount, readsCount } = counts;
  await stock(tables, productsCount);
  const read = (client: DynamoDBDocument) => (at: number) =>
    priceOf(client, product(at % productsCount).id);
  // Warm: the programs' code is compiled, and the cache has seen each product once.
  for (const client of [tables, cache]) await latenciesOf(productsCount * 2, read(client));
  const without = await latenciesOf(readsCount, read(tables));
  const withIt = await latenciesOf(readsCount, read(cache));
  show('without the cache', without);
  show('with the cache', withIt);
  console.log(
    `With the cache, a read takes 1/${(without.p50Us / withIt.p50Us).toFixed(1)} of the time (p50).`,
  );
  const isRight = await seesWrites({ tables, cache });
  for (const client of [cache, tables]) close(client);
  return isRight ? 0 : 1;
}

function show(what: string, { p50Us, p99Us }: Latencies): void {
  const shown = (us: number) => `${us.toFixed(0).padStart(6)} µs`;
  console.log(`${what.padEnd(18)} p50 ${shown(p50Us)}   p99 ${shown(p99Us)}`);
}

/** What is written through the cache is read from it at once, and is in the table. */
async function seesWrites({ tables, cache }: Clients): Promise<boolean> {
  const { id } = product(0);
  const raised = await raisePrice(cache, id, 50);
  const seen = await Promise.all([priceOf(cache, id), priceOf(tables, id)]);
  const isRight = seen.every((price) => price === raised);
  console.log(
    isRight
      ? 'A price that was raised through the cache is the new one at once, with and without it.'
      : `WRONG: the price was raised to ${raised}, and is read as ${seen.join(' and ')}`,
  );
  return isRight;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
