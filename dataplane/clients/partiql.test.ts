import {
  BatchExecuteStatementCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DuplicateItemException,
  ExecuteStatementCommand,
  ExecuteTransactionCommand,
  TransactionCanceledException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  ExecuteStatementCommand as ExecuteDocumentStatementCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, sdkClient, startServer } from './server-process.ts';

const server = { current: undefined as ServerProcess | undefined };
let client = sdkClient('http://127.0.0.1:1');
const TableName = 'Songs';

beforeAll(async () => {
  server.current = await startServer(['--in-memory']);
  client = sdkClient(server.current.endpoint);
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'artist', AttributeType: 'S' },
        { AttributeName: 'title', AttributeType: 'S' },
        { AttributeName: 'genre', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'artist', KeyType: 'HASH' },
        { AttributeName: 'title', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'ByGenre',
          KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 0.05 }, { TableName });
});

afterAll(async () => {
  client.destroy();
  await server.current?.stop();
});

describe('the low-level client', () => {
  it('inserts, reads, changes and deletes', async () => {
    await client.send(
      new ExecuteStatementCommand({
        Statement: `INSERT INTO "Songs" VALUE {'artist': 'No One You Know', 'title': ?, 'awards': 1}`,
        Parameters: [{ S: 'Call Me Today' }],
      }),
    );
    const where = `WHERE artist = 'No One You Know' AND title = 'Call Me Today'`;
    const changed = await client.send(
      new ExecuteStatementCommand({
        Statement: `UPDATE Songs SET awards = awards + 2 SET tags = <<'live'>> ${where} RETURNING MODIFIED NEW *`,
      }),
    );
    expect(changed.Items).toEqual([{ awards: { N: '3' }, tags: { SS: ['live'] } }]);
    const found = await client.send(
      new ExecuteStatementCommand({
        Statement: `SELECT title, awards FROM Songs ${where}`,
        ConsistentRead: true,
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    expect(found.Items).toEqual([{ title: { S: 'Call Me Today' }, awards: { N: '3' } }]);
    expect(found.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 1 });
    const deleted = await client.send(
      new ExecuteStatementCommand({ Statement: `DELETE FROM Songs ${where} RETURNING ALL OLD *` }),
    );
    expect(deleted.Items).toHaveLength(1);
  });

  it('goes through pages', async () => {
    const artists = ['a', 'b', 'c'];
    for (const artist of artists) {
      for (const title of ['1', '2', '3']) {
        const Statement = `INSERT INTO Songs VALUE {'artist': '${artist}', 'title': '${title}', 'genre': 'jazz'}`;
        await client.send(new ExecuteStatementCommand({ Statement }));
      }
    }
    const Statement = `SELECT artist, title FROM Songs WHERE artist IN ['c', 'a', 'b'] ORDER BY artist, title`;
    const rows: unknown[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ExecuteStatementCommand({ Statement, Limit: 2, ...(NextToken && { NextToken }) }),
      );
      rows.push(...(page.Items ?? []).map(({ artist, title }) => [artist?.S, title?.S].join('')));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(rows).toEqual(artists.flatMap((artist) => ['1', '2', '3'].map((each) => artist + each)));
  });

  it('throws the errors that the SDK knows', async () => {
    const insert = `INSERT INTO Songs VALUE {'artist': 'e', 'title': 'e'}`;
    const send = (Statement: string) => client.send(new ExecuteStatementCommand({ Statement }));
    await send(insert);
    await expect(send(insert)).rejects.toBeInstanceOf(DuplicateItemException);
    const absent = `UPDATE Songs SET x = 1 WHERE artist = 'e' AND title = 'none'`;
    await expect(send(absent)).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    await expect(send('SELECT')).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('runs batches and transactions', async () => {
    const { Responses } = await client.send(
      new BatchExecuteStatementCommand({
        Statements: [
          { Statement: `INSERT INTO Songs VALUE {'artist': 'batch', 'title': '1'}` },
          { Statement: `DELETE FROM Songs WHERE artist = 'batch'` },
        ],
      }),
    );
    expect(Responses).toMatchObject([{ TableName }, { Error: { Code: 'ValidationError' } }]);
    const exists = `EXISTS(SELECT * FROM Songs WHERE artist = 'batch' AND title = '1' AND x IS MISSING)`;
    const transaction = new ExecuteTransactionCommand({
      TransactStatements: [
        { Statement: exists },
        { Statement: `INSERT INTO Songs VALUE {'artist': 'batch', 'title': '2'}` },
      ],
    });
    await client.send(transaction);
    const error = await client.send(transaction).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransactionCanceledException);
    expect(error).toMatchObject({
      CancellationReasons: [{ Code: 'None' }, { Code: 'DuplicateItem' }],
    });
    const read = await client.send(
      new ExecuteTransactionCommand({
        TransactStatements: [
          { Statement: `SELECT title FROM Songs WHERE artist = 'batch' AND title = '2'` },
        ],
      }),
    );
    expect(read.Responses).toEqual([{ Item: { title: { S: '2' } } }]);
  });
});

it('the document client takes and gives values of JavaScript', async () => {
  const documents = DynamoDBDocumentClient.from(client);
  const Parameters = ['doc', 'd', { year: 1994, live: true, by: ['me', null] }];
  await documents.send(
    new ExecuteDocumentStatementCommand({
      Statement: `INSERT INTO Songs VALUE {'artist': ?, 'title': ?, 'details': ?}`,
      Parameters,
    }),
  );
  const { Items } = await documents.send(
    new ExecuteDocumentStatementCommand({
      Statement: `SELECT details.year, details."by"[0] FROM Songs WHERE artist = ?`,
      Parameters: ['doc'],
    }),
  );
  expect(Items).toEqual([{ year: 1994, 'by[0]': 'me' }]);
});
