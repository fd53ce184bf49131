// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables look like that
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ClusterProcesses } from './cluster-processes.ts';
import { sdkClient } from './server-process.ts';

/** Real processes: three storage nodes, and a router that knows its callers and their policies. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const rootKey = { accessKeyId: 'AKIDROOT', secretAccessKey: 'secret of root' };
const annKey = { accessKeyId: 'AKIDANN', secretAccessKey: 'secret of ann' };

let folder: string;
let cluster: ClusterProcesses;
let root: DynamoDBClient;
let ann: DynamoDBClient;
let account: string;

/** Items of one's own, in tables whose names begin with `Notes`. */
const document = {
  Version: '2012-10-17',
  Statement: {
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:DescribeTable'],
    Resource: 'arn:aws:dynamodb:*:*:table/Notes*',
    Condition: {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': '${aws:username}' },
    },
  },
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trestle-access-'));
  const file = (name: string, content: unknown) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const credentials = file('credentials', [rootKey, { ...annKey, principal: 'user/ann' }]);
  const policies = file('policies', {
    policies: [{ name: 'notes', subjects: ['user/ann'], document }],
  });
  cluster = await ClusterProcesses.start({
    routerOptions: ['--credentials', credentials, '--policies', policies],
  });
  account = cluster.topology.accountId;
  root = sdkClient(cluster.endpoint, rootKey);
  ann = sdkClient(cluster.endpoint, annKey);
});

afterAll(async () => {
  root?.destroy();
  ann?.destroy();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function createTable(TableName: string): Promise<void> {
  await root.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'owner', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client: root, minDelay: 1, maxWaitTime: 60 }, { TableName });
}

async function outcome(sent: Promise<unknown>): Promise<string> {
  try {
    await sent;
    return 'done';
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    return `${error.name}: ${error.message}`;
  }
}

function denied(action: string, table: string): string {
  const resource = table === '*' ? '*' : `arn:aws:dynamodb:us-east-1:${account}:table/${table}`;
  return `AccessDeniedException: User: arn:aws:iam::${account}:user/ann is not authorized to perform: dynamodb:${action} on resource: ${resource}`;
}

const get = (TableName: string, owner: string) =>
  new GetItemCommand({ TableName, Key: { owner: { S: owner } }, ConsistentRead: true });

it('a router lets callers do what their policies allow, and nothing else', async () => {
  await createTable('Notes');
  const put = (owner: string) =>
    new PutItemCommand({ TableName: 'Notes', Item: { owner: { S: owner } } });
  expect(await outcome(ann.send(put('ann')))).toBe('done');
  expect(await outcome(ann.send(put('bob')))).toBe(denied('PutItem', 'Notes'));
  expect(await outcome(root.send(put('bob')))).toBe('done');
  expect((await ann.send(get('Notes', 'ann'))).Item).toEqual({ owner: { S: 'ann' } });
  expect(await outcome(ann.send(get('Notes', 'bob')))).toBe(denied('GetItem', 'Notes'));
  const query = new QueryCommand({
    TableName: 'Notes',
    KeyConditionExpression: '#o = :o',
    ExpressionAttributeNames: { '#o': 'owner' },
    ExpressionAttributeValues: { ':o': { S: 'bob' } },
  });
  expect(await outcome(ann.send(query))).toBe(denied('Query', 'Notes'));
});

it('also what nodes do, of tables as a whole', async () => {
  expect(await outcome(ann.send(new DescribeTableCommand({ TableName: 'Notes' })))).toBe('done');
  const describe = new DescribeTableCommand({ TableName: 'Orders' });
  expect(await outcome(ann.send(describe))).toBe(denied('DescribeTable', 'Orders'));
  expect(await outcome(ann.send(new ListTablesCommand({})))).toBe(denied('ListTables', '*'));
});

it('whether there is a table, those learn who may use it with some key', async () => {
  expect(await outcome(ann.send(get('Notes2', 'bob')))).toBe(
    'ResourceNotFoundException: Requested resource not found',
  );
  expect(await outcome(ann.send(get('Orders', 'ann')))).toBe(denied('GetItem', 'Orders'));
  await createTable('Notes2');
  await createTable('Orders');
  expect(await outcome(ann.send(get('Notes2', 'bob')))).toBe(denied('GetItem', 'Notes2'));
  expect(await outcome(ann.send(get('Notes2', 'ann')))).toBe('done');
  expect(await outcome(ann.send(get('Orders', 'ann')))).toBe(denied('GetItem', 'Orders'));
});
