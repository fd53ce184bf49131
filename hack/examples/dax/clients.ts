import { DaxDocument } from '@amazon-dax-sdk/lib-dax';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';

const region = 'us-east-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** A client of the tables. */
export function withoutCache(endpoint: string): DynamoDBDocument {
  return DynamoDBDocument.from(new DynamoDBClient({ endpoint, region, credentials }));
}

/** A client of the cache: this line is all that changes in a program. */
export function withCache(endpoint: string): DynamoDBDocument {
  return new DaxDocument({ endpoint, region, credentials });
}

/** Ends the client's connections. That of DAX calls it `shutdown`, whatever its type says. */
export function close(client: DynamoDBDocument): void {
  if ('shutdown' in client && typeof client.shutdown === 'function') client.shutdown();
  else client.destroy();
}
