import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  PutItemCommand,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { CrashLedger, Item, Write } from './crash-ledger.ts';

export const TableName = 'Crashing';
export const localIndex = { name: 'ByRank', sortKey: 'rank' } as const;
export const globalIndex = { name: 'ByCity', hashKey: 'city', sortKey: 'rank' } as const;

/** Each connection owns this many keys, so that it knows the order of the writes of each. */
const KEYS_EACH = 24;
const BATCH_WRITES = 5;
const CITIES = ['Oslo', 'Lima', 'Pune', undefined];

/** Chooses whole numbers from 0 to bound - 1; seeded. */
export type Random = (bound: number) => number;

/** The table with a local and a global index that the load writes to. */
export async function makeCrashTable(client: DynamoDBClient): Promise<void> {
  const key = (name: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName: name, KeyType });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
        { AttributeName: 'rank', AttributeType: 'N' },
        { AttributeName: 'city', AttributeType: 'S' },
      ],
      KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
      LocalSecondaryIndexes: [
        {
          IndexName: localIndex.name,
          KeySchema: [key('pk', 'HASH'), key(localIndex.sortKey, 'RANGE')],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: globalIndex.name,
          KeySchema: [key(globalIndex.hashKey, 'HASH'), key(globalIndex.sortKey, 'RANGE')],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
}

export function keyOf(item: Item): string {
  return `${item.pk?.S}/${item.sk?.N}`;
}

/**
 * Writes until the server is gone or `signal` is aborted: puts, updates, deletes and batches, each entered in
 * the ledger before and after. @returns how many were acknowledged
 * @throws what the server answers when that is an error
 */
export async function writeUntilCrash(
  client: DynamoDBClient,
  connection: number,
  ledger: CrashLedger,
  random: Random,
): Promise<number> {
  for (let acknowledged = 0; ; acknowledged += 1) {
    const { command, writes } = nextWrite(connection, ledger, random);
    ledger.begin(writes);
    try {
      await send(client, command);
    } catch (error) {
      if (error instanceof DynamoDBServiceException && error.$metadata.httpStatusCode) throw error;
      return acknowledged;
    }
    ledger.acknowledge(writes);
  }
}

type WriteCommand = PutItemCommand | UpdateItemCommand | DeleteItemCommand | BatchWriteItemCommand;

/** The commands' types differ in what they answer, which nobody looks at but for what was left undone. */
async function send(client: DynamoDBClient, command: WriteCommand): Promise<void> {
  if (command instanceof BatchWriteItemCommand) {
    const { UnprocessedItems: left } = await client.send(command);
    if (Object.keys(left ?? {}).length > 0) throw new Error('A batch was not done whole');
  } else if (command instanceof PutItemCommand) await client.send(command);
  else if (command instanceof UpdateItemCommand) await client.send(command);
  else await client.send(command);
}

interface NextWrite {
  readonly command: WriteCommand;
  readonly writes: readonly Write[];
}

function nextWrite(connection: number, ledger: CrashLedger, random: Random): NextWrite {
  const key = { pk: { S: `c${connection}` }, sk: { N: String(random(KEYS_EACH)) } };
  const kind = random(10);
  if (kind < 4) {
    const item = newItem(key, random);
    return { command: new PutItemCommand({ TableName, Item: item }), writes: [write(item)] };
  }
  if (kind < 7) return nextUpdate(key, ledger, random);
  if (kind < 9) {
    return {
      command: new DeleteItemCommand({ TableName, Key: key }),
      writes: [{ key: keyOf(key), item: undefined }],
    };
  }
  const first = random(KEYS_EACH - BATCH_WRITES);
  const items = Array.from({ length: BATCH_WRITES }, (_, index) =>
    newItem({ pk: key.pk, sk: { N: String(first + index) } }, random),
  );
  const requests = items.map((Item) => ({ PutRequest: { Item } }));
  return {
    command: new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }),
    writes: items.map(write),
  };
}

/** Counts up, moves the item in both indexes, and leaves the rest of the item as it is. */
function nextUpdate(key: Item, ledger: CrashLedger, random: Random): NextWrite {
  const before = ledger.current(keyOf(key)) ?? key;
  const rank = { N: String(random(1000)) };
  const city = CITIES[random(CITIES.length)];
  const { city: _before, ...rest } = before;
  const count = { N: String(Number(before.count?.N ?? 0) + 1) };
  const item = {
    ...rest,
    ...key,
    rank,
    count,
    ...(city === undefined ? {} : { city: { S: city } }),
  };
  return {
    command: new UpdateItemCommand({
      TableName,
      Key: key,
      UpdateExpression: `SET #r = :r ${city === undefined ? 'REMOVE city' : ', city = :c'} ADD #n :one`,
      ExpressionAttributeNames: { '#r': 'rank', '#n': 'count' },
      ExpressionAttributeValues: {
        ':r': rank,
        ':one': { N: '1' },
        ...(city === undefined ? {} : { ':c': { S: city } }),
      },
    }),
    writes: [{ key: keyOf(key), item }],
  };
}

/** An item whose parts must all be of the same write. */
function newItem(key: Item, random: Random): Item {
  const mark = String(random(1_000_000_000));
  const city = CITIES[random(CITIES.length)];
  return {
    ...key,
    mark: { N: mark },
    parts: { L: Array.from({ length: 8 }, () => ({ S: mark.repeat(4) })) },
    ...(random(5) === 0 ? {} : { rank: { N: String(random(1000)) } }),
    ...(city === undefined ? {} : { city: { S: city } }),
  };
}

function write(item: Item): Write {
  return { key: keyOf(item), item };
}
