import { setTimeout as delay } from 'node:timers/promises';
import {
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { City } from './cities.ts';
import { itemOf } from './table.ts';

/** BatchWriteItem takes no more. */
const BATCH_ITEMS = 25;
const CONCURRENT_BATCHES = 8;
/** What a server leaves unprocessed is sent again, after a pause that doubles each time. */
const TRIES_MAX = 10;
const PAUSE_MS = 25;

/** Writes all cities in batches, several at a time. `onStored` hears how many more are stored. */
export async function loadCities(
  client: DynamoDBClient,
  table: string,
  cities: readonly City[],
  onStored: (count: number) => void,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < cities.length) {
      const batch = cities.slice(next, next + BATCH_ITEMS);
      next += batch.length;
      await storeBatch(client, table, batch);
      onStored(batch.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_BATCHES }, worker));
}

async function storeBatch(
  client: DynamoDBClient,
  table: string,
  cities: readonly City[],
): Promise<void> {
  let left: WriteRequest[] = cities.map((city) => ({ PutRequest: { Item: itemOf(city) } }));
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (tries > 0) await delay(PAUSE_MS * 2 ** tries);
    const answer = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: left } }),
    );
    left = answer.UnprocessedItems?.[table] ?? [];
    if (left.length === 0) return;
  }
  throw new Error(`${left.length} cities stayed unprocessed after ${TRIES_MAX} tries`);
}
