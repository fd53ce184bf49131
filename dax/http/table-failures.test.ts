import { DaxDocument } from '@amazon-dax-sdk/lib-dax';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../dataplane/endpoint/endpoint.fixture.ts';
import { RelayedFault } from '../../dataplane/errors/client-fault.ts';
import { StoreError } from '../../dataplane/storage/store.ts';
import { close as closeDax } from '../../hack/examples/dax/clients.ts';
import { startTestNode, type TestNode } from './test-node.fixture.ts';

/** Tables whose disk is full, and which say something that only they know: what callers of a node are told. */

const TableName = 'Songs';
const FULL = 'The volume of the data folder is full: writes are refused until space is freed.';
const FAILED = 'The disk refused the request; see the log of the server.';
const settings = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
};
let tables: TestServer;
let node: TestNode;
let direct: DynamoDBClient;
let through: DynamoDBClient;
let dax: DaxDocument;

beforeAll(async () => {
  tables = await startServer({
    operations: {
      PutItem: () => {
        throw new StoreError('full', 'not told');
      },
      GetItem: () => {
        throw new StoreError('io', 'not told');
      },
      DeleteItem: () => {
        throw new RelayedFault({ wireType: 'com.example#NovelException', status: 400 }, 'New.');
      },
    },
  });
  node = await startTestNode(tables.endpoint.url);
  direct = new DynamoDBClient({ ...settings, endpoint: tables.endpoint.url });
  through = new DynamoDBClient({ ...settings, endpoint: node.node.urls.http ?? '' });
  dax = new DaxDocument({ ...settings, endpoint: node.node.urls.dax ?? '' });
  await direct.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client: direct, maxWaitTime: 20, minDelay: 1 }, { TableName });
});

afterAll(async () => {
  closeDax(dax);
  through?.destroy();
  direct?.destroy();
  await node?.close();
  await tables?.close();
});

/** Name, text and status, as an SDK shows them. */
async function failureOf(sent: Promise<unknown>): Promise<unknown> {
  const error = await sent.then(
    () => undefined,
    (thrown) => thrown,
  );
  return [error?.name, error?.message, error?.$metadata?.httpStatusCode];
}

const Key = { id: { S: 'a' } };

it.each([
  ['a write', new PutItemCommand({ TableName, Item: Key }), FULL],
  ['a read', new GetItemCommand({ TableName, Key }), FAILED],
])(
  '%s that the tables could not do fails in their words at the JSON door',
  async (_, command, text) => {
    // What the client of SDKs may send, whichever it is.
    const send = (client: DynamoDBClient) => failureOf(client.send(command as PutItemCommand));
    expect(await send(direct)).toEqual(['InternalServerError', text, 500]);
    expect(await send(through)).toEqual(['InternalServerError', text, 500]);
  },
);

it('and at the DAX door', async () => {
  const failure = (sent: Promise<unknown>) =>
    sent.then(
      () => 'none',
      ({ code, message, statusCode }) => [code, message, statusCode],
    );
  // The client has words of its own before ours.
  const write = failure(dax.put({ TableName, Item: { id: 'a' } }));
  expect(await write).toEqual(['InternalServerError', expect.stringMatching(`: ${FULL}$`), 500]);
  const read = failure(dax.get({ TableName, Key: { id: 'a' } }));
  expect(await read).toEqual([
    'InternalServerErrorException',
    expect.stringMatching(`: ${FAILED}$`),
    500,
  ]);
  const remove = failure(dax.delete({ TableName, Key: { id: 'a' } }));
  expect(await remove).toEqual(['NovelException', expect.stringMatching(/New\.$/), 400]);
});
