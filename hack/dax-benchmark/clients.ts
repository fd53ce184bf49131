import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { keyAt, tables } from '../benchmark/dataset.ts';
import { Histogram } from '../benchmark/histogram.ts';
import { fill, median, spreadOf } from '../benchmark/measure.ts';
import { textTable } from '../benchmark/table.ts';
import type { Finding } from '../cluster-benchmark/finding.ts';
import { startDaxNode } from './node-process.ts';
import { ITEM_BYTES, type Part } from './part.ts';

const HOT_ITEMS = 500;
const CACHE_BYTES = 256 * 2 ** 20;
const WARM_UP_CALLS = 1_000;

/** What both document clients have of GetItem. */
interface DocumentClient {
  get(input: { TableName: string; Key: Record<string, unknown> }): Promise<{ Item?: unknown }>;
}

/** What programs see: Amazon's own clients, their time included. */
export const clients: Part = async ({ options, embedded, generator, folder, atEnd }) => {
  console.log(
    `\nClients: GetItem by lib-dax at the node and by lib-dynamodb at the tables, ${options.rounds} rounds of ${options.callsCount} calls`,
  );
  await fill(embedded, generator, { itemCount: HOT_ITEMS, itemBytes: ITEM_BYTES });
  const url = `http://127.0.0.1:${embedded.port}`;
  const node = await startDaxNode({
    folder: join(folder, 'dax-clients'),
    tables: url,
    cacheBytes: CACHE_BYTES,
  });
  atEnd(() => node.stop());
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const region = 'us-east-1';
  const sdk = DynamoDBDocument.from(new DynamoDB({ endpoint: url, region, credentials }));
  // Its types are not those of its own release.
  const { DaxDocument } = createRequire(import.meta.url)('@amazon-dax-sdk/lib-dax');
  const dax = new DaxDocument({ endpoint: `dax://127.0.0.1:${node.port}`, region, credentials });
  const sides: readonly (readonly [name: string, client: DocumentClient, p50Us: number[]])[] = [
    ['lib-dax, hit', dax, []],
    ['lib-dynamodb', sdk, []],
  ];
  try {
    for (const [, client] of sides) await round(client, WARM_UP_CALLS);
    for (let number = 0; number < options.rounds; number += 1) {
      for (const [, client, found] of sides) found.push(await round(client, options.callsCount));
    }
  } finally {
    dax.destroy?.();
    sdk.destroy();
    await node.stop();
  }
  const rows = sides.map(([name, , found]) => [name, median(found).toFixed(0)]);
  console.log(textTable([['GetItem', 'p50 µs'], ...rows]));
  const [[, , hits = []] = [], [, , direct = []] = []] = sides;
  return [
    {
      what: 'p50 of a hit by lib-dax of the tables by lib-dynamodb',
      value: median(hits) / median(direct),
      unit: '×',
      target: undefined,
      spread: Math.max(spreadOf(hits), spreadOf(direct)),
    } satisfies Finding,
  ];
};

async function round(client: DocumentClient, calls: number): Promise<number> {
  const histogram = new Histogram();
  for (let call = 0; call < calls; call += 1) {
    const Key = plainKey(call % HOT_ITEMS);
    const startMs = performance.now();
    const { Item } = await client.get({ TableName: tables.reads, Key });
    histogram.record(performance.now() - startMs);
    if (Item === undefined) throw new Error('an item is not there');
  }
  return histogram.percentileUs(0.5);
}

function plainKey(index: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(keyAt(index)).map(([name, value]) => [name, 'S' in value ? value.S : '']),
  );
}
