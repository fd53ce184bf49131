// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables look like that
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as streams from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, expect } from 'vitest';
import {
  type SdkCredentials,
  type ServerProcess,
  sdkClient,
  startServer,
} from './server-process.ts';

/** For tests: an embedded server with access keys and policies, and a client for each of its callers. */
const ACCOUNT = '111122223333';
export const TABLE = `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/GameScores`;
export const INDEX = `${TABLE}/index/GameTitleIndex`;

const folder = mkdtempSync(join(tmpdir(), 'trestle-access-'));
const credentialsFile = join(folder, 'credentials.json');
export const policiesFile = join(folder, 'policies.json');

const names = ['root', 'admin', 'nobody', 'ann', 'bob', 'writer', 'lister', 'analyst'] as const;
export type Name = (typeof names)[number];

function keyOf(name: string): SdkCredentials {
  return { accessKeyId: `AKID${name.toUpperCase()}`, secretAccessKey: `secret of ${name}` };
}

/** The documents of AWS's guide to fine-grained access, with the caller's name for the web identity's id. */
const documents: Readonly<Record<string, { subjects: string[]; Statement: object[] }>> = {
  admin: {
    subjects: ['role/admin'],
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' }],
  },
  /** "AllowAccessToOnlyItemsMatchingUserID", with attributes, and guards of what is returned. */
  players: {
    subjects: ['user/ann', 'user/bob'],
    Statement: [
      {
        Effect: 'Allow',
        Action: ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map(
          (operation) => `dynamodb:${operation}`,
        ),
        Resource: [TABLE],
        Condition: {
          'ForAllValues:StringEquals': {
            'dynamodb:LeadingKeys': ['${aws:username}'],
            'dynamodb:Attributes': ['UserId', 'GameTitle', 'Wins', 'TopScore'],
          },
          StringEqualsIfExists: {
            'dynamodb:Select': 'SPECIFIC_ATTRIBUTES',
            'dynamodb:ReturnValues': ['NONE', 'UPDATED_OLD', 'UPDATED_NEW'],
          },
        },
      },
    ],
  },
  /** Writes in transactions alone, and nothing is deleted. */
  writers: {
    subjects: ['user/writer'],
    Statement: [
      {
        Effect: 'Allow',
        Action: 'dynamodb:*Item',
        Resource: TABLE,
        Condition: { StringEquals: { 'dynamodb:EnclosingOperation': 'TransactWriteItems' } },
      },
      { Effect: 'Deny', Action: 'dynamodb:DeleteItem', Resource: '*' },
    ],
  },
  listers: {
    subjects: ['user/lister'],
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:List*', Resource: '*' }],
  },
  /** Reads an index, and by PartiQL all but whole tables. */
  analysts: {
    subjects: ['user/analyst'],
    Statement: [
      { Effect: 'Allow', Action: 'dynamodb:Query', Resource: INDEX },
      { Effect: 'Allow', Action: 'dynamodb:PartiQLSelect', Resource: TABLE },
      {
        Effect: 'Deny',
        Action: 'dynamodb:PartiQLSelect',
        Resource: '*',
        Condition: { Bool: { 'dynamodb:FullTableScan': 'true' } },
      },
    ],
  },
};

export function writePolicies(more: readonly object[] = []): void {
  const policies = Object.entries(documents).map(([name, { subjects, Statement }]) => ({
    name,
    subjects,
    document: { Version: '2012-10-17', Statement },
  }));
  writeFileSync(policiesFile, JSON.stringify({ policies: [...policies, ...more] }));
}

function writeCredentials(): void {
  const entries = names.map((name) => {
    if (name === 'root') return keyOf(name);
    return { ...keyOf(name), principal: `${name === 'admin' ? 'role' : 'user'}/${name}` };
  });
  writeFileSync(credentialsFile, JSON.stringify(entries));
}

const running = { server: undefined as ServerProcess | undefined };
const clients = new Map<string, dynamodb.DynamoDBClient>();

export function as(name: Name): dynamodb.DynamoDBClient {
  const client = clients.get(name);
  if (client === undefined) throw new Error(`no client of ${name}`);
  return client;
}

/** Starts it before all tests of a file, with a table `GameScores`, and ends it after them. */
export function usePolicyServer(): void {
  beforeAll(async () => {
    writeCredentials();
    writePolicies();
    const files = ['--credentials', credentialsFile, '--policies', policiesFile];
    running.server = await startServer(['--in-memory', '--account', ACCOUNT, ...files]);
    const { endpoint } = running.server;
    for (const name of names) clients.set(name, sdkClient(endpoint, keyOf(name)));
    await as('root').send(
      new dynamodb.CreateTableCommand({
        TableName: 'GameScores',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'UserId', AttributeType: 'S' },
          { AttributeName: 'GameTitle', AttributeType: 'S' },
          { AttributeName: 'TopScore', AttributeType: 'N' },
        ],
        KeySchema: [
          { AttributeName: 'UserId', KeyType: 'HASH' },
          { AttributeName: 'GameTitle', KeyType: 'RANGE' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'GameTitleIndex',
            KeySchema: [
              { AttributeName: 'GameTitle', KeyType: 'HASH' },
              { AttributeName: 'TopScore', KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      }),
    );
    await dynamodb.waitUntilTableExists(
      { client: as('root'), minDelay: 1, maxDelay: 1, maxWaitTime: 20 },
      { TableName: 'GameScores' },
    );
  });

  afterAll(async () => {
    for (const client of clients.values()) client.destroy();
    await running.server?.stop();
    rmSync(folder, { recursive: true });
  });
}

/** `allowed` (also if the operation then fails otherwise), or the text of the denial. */
export async function outcome(sent: Promise<unknown>): Promise<string> {
  try {
    await sent;
    return 'allowed';
  } catch (error) {
    if (!(error instanceof dynamodb.DynamoDBServiceException) && !isStreamsError(error))
      throw error;
    expect(error.$metadata.httpStatusCode).toBe(400);
    return error.name === 'AccessDeniedException' ? error.message : 'allowed';
  }
}

function isStreamsError(error: unknown): error is streams.DynamoDBStreamsServiceException {
  return error instanceof streams.DynamoDBStreamsServiceException;
}

export function denied(name: Name, action: string, resource: string): string {
  return `User: arn:aws:iam::${ACCOUNT}:user/${name} is not authorized to perform: dynamodb:${action} on resource: ${resource}`;
}

export const TableName = 'GameScores';
export const Key = { UserId: { S: 'ann' }, GameTitle: { S: 'Chess' } };
export const Item = { ...Key, Wins: { N: '1' }, TopScore: { N: '10' } };
export const byTitle = {
  TableName,
  IndexName: 'GameTitleIndex',
  KeyConditionExpression: 'GameTitle = :t',
  ExpressionAttributeValues: { ':t': { S: 'Chess' } },
};
export const oneScore = "SELECT * FROM GameScores WHERE UserId = 'ann' AND GameTitle = 'Chess'";
