import {
  BatchWriteItemCommand,
  CreateTableCommand,
  GetItemCommand,
  IdempotentParameterMismatchException,
  PutItemCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, sdkClient, startServer } from './server-process.ts';

const server = { current: undefined as ServerProcess | undefined };
let client = sdkClient('http://127.0.0.1:1');

beforeAll(async () => {
  server.current = await startServer(['--in-memory']);
  client = sdkClient(server.current.endpoint);
  for (const TableName of ['Accounts', 'Orders']) {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 0.05 }, { TableName });
  }
});

afterAll(async () => {
  client.destroy();
  await server.current?.stop();
});

async function balance(id: string): Promise<string | undefined> {
  const Key = { id: { S: id } };
  const { Item } = await client.send(
    new GetItemCommand({ TableName: 'Accounts', Key, ConsistentRead: true }),
  );
  return Item?.balance?.N;
}

async function setBalance(id: string, amount: number): Promise<void> {
  const Item = { id: { S: id }, balance: { N: `${amount}` } };
  await client.send(new PutItemCommand({ TableName: 'Accounts', Item }));
}

/** Pays an order of another table, if there is enough. */
function payment(id: string, order: string, amount: number): TransactWriteItem[] {
  return [
    {
      Update: {
        TableName: 'Accounts',
        Key: { id: { S: id } },
        UpdateExpression: 'SET balance = balance - :amount',
        ConditionExpression: 'balance >= :amount',
        ExpressionAttributeValues: { ':amount': { N: `${amount}` } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    {
      Put: {
        TableName: 'Orders',
        Item: { id: { S: order }, amount: { N: `${amount}` } },
        ConditionExpression: 'attribute_not_exists(id)',
      },
    },
  ];
}

describe('transactions of the AWS SDK', () => {
  it('write to two tables, and are read as of one moment', async () => {
    await setBalance('ann', 10);
    await client.send(new TransactWriteItemsCommand({ TransactItems: payment('ann', 'first', 4) }));
    const { Responses } = await client.send(
      new TransactGetItemsCommand({
        TransactItems: [
          { Get: { TableName: 'Orders', Key: { id: { S: 'first' } } } },
          { Get: { TableName: 'Orders', Key: { id: { S: 'none' } } } },
          { Get: { TableName: 'Accounts', Key: { id: { S: 'ann' } } } },
        ],
      }),
    );
    expect(Responses?.map((response) => response.Item)).toEqual([
      { id: { S: 'first' }, amount: { N: '4' } },
      undefined,
      { id: { S: 'ann' }, balance: { N: '6' } },
    ]);
  });

  it('say in their reasons what was in the way, with the item', async () => {
    await setBalance('bob', 3);
    const sent = client.send(
      new TransactWriteItemsCommand({ TransactItems: payment('bob', 'second', 4) }),
    );
    const error = await sent.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TransactionCanceledException);
    expect(error).toMatchObject({
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]',
      CancellationReasons: [
        {
          Code: 'ConditionalCheckFailed',
          Message: 'The conditional request failed',
          Item: { id: { S: 'bob' }, balance: { N: '3' } },
        },
        { Code: 'None' },
      ],
    });
    expect(await balance('bob')).toBe('3');
  });

  it('with one token are done once, and are another request with other parameters', async () => {
    await setBalance('cat', 10);
    const ClientRequestToken = 'one-payment';
    const pay = (amount: number) =>
      client.send(
        new TransactWriteItemsCommand({
          TransactItems: payment('cat', 'third', amount),
          ClientRequestToken,
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
    const { ConsumedCapacity: first } = await pay(4);
    const { ConsumedCapacity: second } = await pay(4);
    expect(first?.map((table) => table.WriteCapacityUnits)).toEqual([2, 2]);
    expect(second?.map((table) => table.ReadCapacityUnits)).toEqual([2, 2]);
    expect(await balance('cat')).toBe('6');
    await expect(pay(5)).rejects.toBeInstanceOf(IdempotentParameterMismatchException);
    expect(await balance('cat')).toBe('6');
  });

  it('of many clients at the same items leave none half done', async () => {
    await setBalance('dan', 1_000);
    const orders = Array.from({ length: 30 }, (_, index) => `dan${index}`);
    const pay = (order: string) =>
      client.send(new TransactWriteItemsCommand({ TransactItems: payment('dan', order, 1) })).then(
        () => 1,
        (error: unknown) => {
          expect(error).toBeInstanceOf(TransactionCanceledException);
          return 0;
        },
      );
    const paid: number[] = await Promise.all(orders.map(pay));
    const sum = paid.reduce((all, one) => all + one, 0);
    expect(sum).toBeGreaterThan(0);
    expect(await balance('dan')).toBe(`${1_000 - sum}`);
    const { Responses } = await client.send(
      new TransactGetItemsCommand({
        TransactItems: orders.map((id) => ({
          Get: { TableName: 'Orders', Key: { id: { S: id } } },
        })),
      }),
    );
    expect(Responses?.map(({ Item }) => (Item === undefined ? 0 : 1))).toEqual(paid);
  });

  it('do not disturb batches, whose items come back while a transaction has them', async () => {
    const put = (id: string) => ({ PutRequest: { Item: { id: { S: id }, balance: { N: '1' } } } });
    const transactions = Array.from({ length: 20 }, (_, index) =>
      client
        .send(new TransactWriteItemsCommand({ TransactItems: payment('eve', `eve${index}`, 1) }))
        .catch(() => undefined),
    );
    const batches = Array.from({ length: 20 }, () =>
      client.send(new BatchWriteItemCommand({ RequestItems: { Accounts: [put('eve')] } })),
    );
    for (const { UnprocessedItems = {} } of await Promise.all(batches)) {
      expect([{}, { Accounts: [put('eve')] }]).toContainEqual(UnprocessedItems);
    }
    await Promise.all(transactions);
  });
});
