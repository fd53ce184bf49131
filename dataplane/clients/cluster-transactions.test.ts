import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  paginateScan,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClusterProcesses } from './cluster-processes.ts';
import { waitFor } from './wait-for.ts';

/**
 * Transactions over partitions on several nodes, by real processes. What a table of transfers says is
 * done must be what the balances show: each transfer once, and both of its sides.
 */

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const ACCOUNTS_COUNT = 8;
const BALANCE = 1_000;
const CLIENTS_COUNT = 4;
const WAIT_MS = 90_000;

let cluster: ClusterProcesses;
let client: DynamoDBClient;

beforeAll(async () => {
  cluster = await ClusterProcesses.start();
  client = new DynamoDBClient({
    endpoint: cluster.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  for (const TableName of ['Accounts', 'Transfers']) {
    await client.send(
      new CreateTableCommand({
        TableName,
        // Enough for several partitions.
        ProvisionedThroughput: { ReadCapacityUnits: 6_000, WriteCapacityUnits: 3_000 },
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  }
  await client.send(
    new TransactWriteItemsCommand({
      TransactItems: accounts().map((id) => ({
        Put: { TableName: 'Accounts', Item: { id: { S: id }, balance: { N: `${BALANCE}` } } },
      })),
    }),
  );
});

afterAll(async () => {
  client?.destroy();
  await cluster?.close();
});

function accounts(): string[] {
  return Array.from({ length: ACCOUNTS_COUNT }, (_, index) => `account${index}`);
}

interface Transfer {
  readonly token: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

async function send({ token, from, to, amount }: Transfer): Promise<void> {
  const move = (id: string, sign: '-' | '+') => ({
    Update: {
      TableName: 'Accounts',
      Key: { id: { S: id } },
      UpdateExpression: `SET balance = balance ${sign} :amount`,
      ConditionExpression: 'attribute_exists(id)',
      ExpressionAttributeValues: { ':amount': { N: `${amount}` } },
    },
  });
  const record = { id: { S: token }, from: { S: from }, to: { S: to }, amount: { N: `${amount}` } };
  const Put = { TableName: 'Transfers', Item: record };
  await client.send(
    new TransactWriteItemsCommand({
      ClientRequestToken: token,
      TransactItems: [move(from, '-'), move(to, '+'), { Put }],
    }),
  );
}

/** Sends transfers until told to stop, and notes those that it knows to be done. */
async function load(name: string, done: string[], signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    const from = `account${(number * 3 + name.length) % ACCOUNTS_COUNT}`;
    const to = `account${(number * 5 + 1) % ACCOUNTS_COUNT}`;
    if (from === to) continue;
    const transfer = { token: `${name}-${number}`, from, to, amount: 1 + (number % 7) };
    try {
      await send(transfer);
      done.push(transfer.token);
    } catch (error) {
      // Another one was at the items, or the cluster could not say: the check finds out.
      if (!(error instanceof Error)) throw error;
    }
  }
}

async function scanAll(TableName: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  for await (const { Items = [] } of paginateScan(
    { client },
    { TableName, ConsistentRead: true },
  )) {
    items.push(...Items);
  }
  return items;
}

/** Nothing is under way any more: all items can be read by one transaction. */
async function isQuiet(): Promise<void> {
  const TransactItems = accounts().map((id) => ({
    Get: { TableName: 'Accounts', Key: { id: { S: id } } },
  }));
  await waitFor(
    () =>
      client.send(new TransactGetItemsCommand({ TransactItems })).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Error) return false;
          throw error;
        },
      ),
    (isRead) => isRead,
    WAIT_MS,
  );
}

/** What the accounts hold, and what they should by the transfers on record. */
async function balances(): Promise<{ found: Record<string, number>; due: Record<string, number> }> {
  const due = Object.fromEntries(accounts().map((id) => [id, BALANCE]));
  const add = (id: string | undefined, amount: number) => {
    if (id !== undefined) due[id] = (due[id] ?? 0) + amount;
  };
  for (const { from, to, amount } of await scanAll('Transfers')) {
    add(from?.S, -Number(amount?.N));
    add(to?.S, Number(amount?.N));
  }
  const rows = await scanAll('Accounts');
  return {
    found: Object.fromEntries(rows.map(({ id, balance }) => [id?.S, Number(balance?.N)])),
    due,
  };
}

/**
 * What a client was told is there at once. The rest of what a dead router had begun is finished by
 * another one within seconds, item by item: a scan in between may see half of it.
 */
async function check(done: readonly string[]): Promise<void> {
  const recorded = new Set((await scanAll('Transfers')).map(({ id }) => id?.S));
  expect(done.filter((token) => !recorded.has(token))).toEqual([]);
  await isQuiet();
  const { found, due } = await waitFor(
    balances,
    (each) => accounts().every((id) => each.found[id] === each.due[id]),
    WAIT_MS,
  );
  expect(found).toEqual(due);
}

/** Disturbs clients that send transfers; `more` resolves when so many further ones are done. */
async function during(
  name: string,
  disturb: (more: (count: number) => Promise<void>) => Promise<void>,
): Promise<readonly string[]> {
  const stop = new AbortController();
  const done: string[] = [];
  const loads = Array.from({ length: CLIENTS_COUNT }, (_, index) =>
    load(`${name}${'x'.repeat(index)}`, done, stop.signal),
  );
  await disturb(async (count) => {
    const wished = done.length + count;
    await waitFor(
      async () => done.length,
      (length) => length >= wished,
      WAIT_MS,
    );
  });
  stop.abort();
  await Promise.all(loads);
  return done;
}

describe('transactions in a cluster', () => {
  it('of several clients at few items are done as a whole', async () => {
    const done = await during('calm', (more) => more(100));
    await check(done);
  });

  it('repeat with one token does nothing', async () => {
    const transfer = { token: 'only-once', from: 'account0', to: 'account1', amount: 9 };
    await send(transfer);
    await send(transfer);
    await check(['only-once']);
  });

  it('go on, and none is left half done, when a node dies', async () => {
    const node = cluster.node('b-1');
    const done = await during('node', async (more) => {
      await more(10);
      await node.end('SIGKILL');
      await more(50);
      node.start();
      await node.isReady();
    });
    await check(done);
  });

  it('of a router that dies are finished by the next', async () => {
    const done = await during('router', async (more) => {
      await more(10);
      await cluster.router.end('SIGKILL');
      cluster.router.start();
      await more(50);
    });
    await check(done);
  });

  it('say which item was in the way', async () => {
    const missing = { token: 'missing', from: 'account0', to: 'nobody', amount: 1 };
    await isQuiet();
    const error = await send(missing).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TransactionCanceledException);
    expect(error).toMatchObject({
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
    });
  });
});
