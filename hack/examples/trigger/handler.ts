import { type AttributeValue, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBRecord, LambdaHandler } from './lambda-event.ts';

type Attributes = Record<string, AttributeValue>;

/**
 * Keeps an audit trail: writes each change of an employee into the table of AUDIT_TABLE. A function for
 * AWS Lambda as it stands; `lambda-server.ts` runs it anywhere else.
 *
 * An event may come twice, so an entry is named by what it is of: writing it again changes nothing.
 */
export const handler: LambdaHandler = async (event, context): Promise<DynamoDBBatchResponse> => {
  const TableName = process.env.AUDIT_TABLE ?? 'EmployeesAudit';
  client ??= new DynamoDBClient({});
  for (const record of event.Records) {
    try {
      await client.send(new PutItemCommand({ TableName, Item: entryOf(record) }));
    } catch (error) {
      console.error(`${context.awsRequestId}: ${record.eventID}: ${String(error)}`);
      // This record and those behind it come again.
      return { batchItemFailures: [{ itemIdentifier: record.dynamodb.SequenceNumber }] };
    }
  }
  return { batchItemFailures: [] };
};

/** Made once, and kept from one event to the next. */
let client: DynamoDBClient | undefined;

function entryOf({ eventName, userIdentity, dynamodb }: DynamoDBRecord): Attributes {
  const { Keys, NewImage, OldImage, SequenceNumber, ApproximateCreationDateTime } = dynamodb;
  return {
    ...Keys,
    change: { S: SequenceNumber },
    what: { S: eventName },
    when: { S: new Date(ApproximateCreationDateTime * 1000).toISOString() },
    who: { S: userIdentity?.principalId ?? 'a client' },
    changed: { L: changedAttributes(OldImage, NewImage).map((name) => ({ S: name })) },
    before: imageOf(OldImage),
    after: imageOf(NewImage),
  };
}

function imageOf(image: Attributes | undefined): AttributeValue {
  return image === undefined ? { NULL: true } : { M: image };
}

function changedAttributes(before: Attributes = {}, after: Attributes = {}): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .sort();
}
