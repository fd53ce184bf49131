import { createRequire } from 'node:module';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { keyAt, tables } from '../benchmark/dataset.ts';
import type { Reader } from './reader.ts';

/** What both of Amazon's document clients have of GetItem. */
interface DocumentClient {
  get(input: {
    TableName: string;
    Key: Record<string, unknown>;
    ConsistentRead?: boolean;
  }): Promise<{ Item?: unknown }>;
}

const region = 'us-east-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** GetItem by @amazon-dax-sdk/lib-dax: what a program with a cache sees, its client included. */
export function libDaxReader(port: number): Reader {
  // Its types are not those of its own release.
  const { DaxDocument } = createRequire(import.meta.url)('@amazon-dax-sdk/lib-dax');
  const client = new DaxDocument({ endpoint: `dax://127.0.0.1:${port}`, region, credentials });
  return readerOf(client, { isStrong: false, close: () => client.shutdown() });
}

/** GetItem by @aws-sdk/lib-dynamodb. */
export function libDynamoReader(
  port: number,
  { isStrong }: { readonly isStrong: boolean },
): Reader {
  const endpoint = `http://127.0.0.1:${port}`;
  const client = DynamoDBDocument.from(new DynamoDB({ endpoint, region, credentials }));
  return readerOf(client, { isStrong, close: () => client.destroy() });
}

function readerOf(
  client: DocumentClient,
  { isStrong, close }: { readonly isStrong: boolean; readonly close: () => void },
): Reader {
  return {
    read: async (index) => {
      const Key = plainKey(index);
      const { Item } = await client.get({
        TableName: tables.reads,
        Key,
        ...(isStrong ? { ConsistentRead: true } : {}),
      });
      if (Item === undefined) throw new Error(`item ${index} is not there`);
    },
    close,
  };
}

function plainKey(index: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(keyAt(index)).map(([name, value]) => [name, 'S' in value ? value.S : '']),
  );
}
