import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { Process } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';

const ACTIVE_S_MAX = 60;

export function endpointOf({ host, port }: Process): string {
  return `http://${host}:${port}`;
}

/** A client as applications make it, with the SDK's own retries. */
export function clientOf(router: Process): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: endpointOf(router),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
}

/** What a client throws when the cluster is not well, in one line. */
export function complaintOf(error: unknown): Complaint | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('$metadata' in error)
    return new Complaint(`the API answers: ${error.name}: ${error.message}`);
  if ('code' in error && 'syscall' in error) {
    return new Complaint(`the router does not answer: ${String(error.code)}`);
  }
  const isWaiter = error.name === 'TimeoutError' || error.name === 'AbortError';
  return isWaiter ? new Complaint('the table did not become active in time') : undefined;
}

/** Makes a table with the string keys pk and sk where there is none, and waits until it can be used. */
export async function ensureTable(client: DynamoDBClient, TableName: string): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: ACTIVE_S_MAX, minDelay: 1 }, { TableName });
  await assertKeys(client, TableName);
}

/** @throws Complaint when there is no such table, or it has other keys than `ensureTable` gives it */
export async function assertKeys(client: DynamoDBClient, TableName: string): Promise<void> {
  const description = await client
    .send(new DescribeTableCommand({ TableName }))
    .catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    });
  if (description === undefined) {
    throw new Complaint(`there is no table ${TableName}: hack/cluster up --table ${TableName}`);
  }
  const keys = description.Table?.KeySchema?.map((key) => key.AttributeName).join();
  if (keys !== 'pk,sk') throw new Complaint(`the table ${TableName} has other keys than pk and sk`);
}
