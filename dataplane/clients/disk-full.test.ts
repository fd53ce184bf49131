import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, expect, it } from 'vitest';
import { sdkClient, startServer } from './server-process.ts';

const TableName = 'Filling';
const DISK_MB = 24;
const ITEM_CHARS = 200_000;
const folder = mkdtempSync(join(tmpdir(), 'trestle-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A small disk that only this process and its children see, and that goes with them. */
const smallDisk = [
  ...['unshare', '--mount', '--map-root-user', 'sh', '-euc'],
  'mount -t tmpfs -o "size=$1m" trestle "$2"; shift 2; exec "$@"',
  ...['sh', String(DISK_MB), folder],
];

it('disk full: writes are refused with a clear 5xx, reads go on, and nothing said is lost', {
  timeout: 120_000,
}, async () => {
  const server = await startServer(['--data', folder], smallDisk);
  const client = sdkClient(server.endpoint);
  try {
    await makeTable(client);
    const { stored, refusal } = await fillUp(client);
    expect(stored).toBeGreaterThan(10);
    expect(refusal.$metadata.httpStatusCode).toBeGreaterThanOrEqual(500);
    expect(refusal.message).toMatch(/disk|space|storage/i);

    for (let number = 0; number < stored; number += 1) await checkItem(client, number);
    const { Count: found } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'a' } },
        Limit: 3,
        ConsistentRead: true,
      }),
    );
    expect(found).toBe(3);
    await expect(client.send(putItem(stored + 1))).rejects.toThrow(DynamoDBServiceException);
  } finally {
    client.destroy();
    await server.kill();
  }
});

async function makeTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
}

/** Puts items until one is refused. */
async function fillUp(
  client: DynamoDBClient,
): Promise<{ stored: number; refusal: DynamoDBServiceException }> {
  for (let number = 0; number < (DISK_MB * 2_000_000) / ITEM_CHARS; number += 1) {
    try {
      await client.send(putItem(number));
    } catch (error) {
      if (error instanceof DynamoDBServiceException) return { stored: number, refusal: error };
      throw error;
    }
  }
  throw new Error('Twice what the disk holds was written to it');
}

function putItem(number: number): PutItemCommand {
  return new PutItemCommand({
    TableName,
    Item: { pk: { S: 'a' }, sk: { N: String(number) }, text: { S: textOf(number) } },
  });
}

async function checkItem(client: DynamoDBClient, number: number): Promise<void> {
  const { Item: item } = await client.send(
    new GetItemCommand({
      TableName,
      Key: { pk: { S: 'a' }, sk: { N: String(number) } },
      ConsistentRead: true,
    }),
  );
  expect(item?.text?.S === textOf(number), `item ${number} is whole`).toBe(true);
}

/** Text that compresses badly and can be told again. */
function textOf(number: number): string {
  let state = number + 1;
  let text = '';
  while (text.length < ITEM_CHARS) {
    state = Math.imul(state, 48_271) % 2_147_483_647;
    text += Math.abs(state).toString(36);
  }
  return text.slice(0, ITEM_CHARS);
}
