import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';

export const EMPLOYEES = 'Employees';
export const AUDIT = 'EmployeesAudit';

/** One entry of the audit trail. */
export interface AuditEntry {
  readonly what: string;
  readonly who: string;
  readonly changed: readonly string[];
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** The employees, whose stream shows them before and after each change, and their audit trail. */
export async function createTables(client: DynamoDBClient): Promise<void> {
  await create(
    client,
    new CreateTableCommand({
      TableName: EMPLOYEES,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'employeeId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'employeeId', KeyType: 'HASH' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  await create(
    client,
    new CreateTableCommand({
      TableName: AUDIT,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'employeeId', AttributeType: 'S' },
        { AttributeName: 'change', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'employeeId', KeyType: 'HASH' },
        { AttributeName: 'change', KeyType: 'RANGE' },
      ],
    }),
  );
}

async function create(client: DynamoDBClient, command: CreateTableCommand): Promise<void> {
  const { TableName } = command.input;
  try {
    await client.send(command);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
}

/** What happens to an employee: hired, moved, promoted, and gone. */
export async function changeEmployee(client: DynamoDBClient, employeeId: string): Promise<void> {
  const table = DynamoDBDocumentClient.from(client);
  const Key = { employeeId };
  const Item = { employeeId, name: 'Ada', department: 'Engines', salary: 4000 };
  await table.send(new PutCommand({ TableName: EMPLOYEES, Item }));
  const move = {
    TableName: EMPLOYEES,
    Key,
    UpdateExpression: 'SET department = :d',
    ExpressionAttributeValues: { ':d': 'Analysis' },
  };
  await table.send(new UpdateCommand(move));
  // Nothing changes, so nothing is recorded.
  await table.send(new UpdateCommand(move));
  await table.send(
    new UpdateCommand({
      TableName: EMPLOYEES,
      Key,
      UpdateExpression: 'ADD salary :raise',
      ExpressionAttributeValues: { ':raise': 500 },
    }),
  );
  await table.send(new DeleteCommand({ TableName: EMPLOYEES, Key }));
}

/** The trail of an employee whom `changeEmployee` has changed. */
export function expectedTrail(employeeId: string): readonly AuditEntry[] {
  const hired = { employeeId, name: 'Ada', department: 'Engines', salary: 4000 };
  const moved = { ...hired, department: 'Analysis' };
  const promoted = { ...moved, salary: 4500 };
  const all = Object.keys(hired).sort();
  const who = 'a client';
  return [
    { what: 'INSERT', who, changed: all, before: null, after: hired },
    { what: 'MODIFY', who, changed: ['department'], before: hired, after: moved },
    { what: 'MODIFY', who, changed: ['salary'], before: moved, after: promoted },
    { what: 'REMOVE', who, changed: all, before: promoted, after: null },
  ];
}

/** The trail as it is by now, in the order of the changes. */
export async function auditTrail(
  client: DynamoDBClient,
  employeeId: string,
): Promise<readonly AuditEntry[]> {
  const { Items = [] } = await DynamoDBDocumentClient.from(client).send(
    new QueryCommand({
      TableName: AUDIT,
      ConsistentRead: true,
      KeyConditionExpression: 'employeeId = :id',
      ExpressionAttributeValues: { ':id': employeeId },
    }),
  );
  return Items.map(({ what, who, changed, before, after }) => ({
    what,
    who,
    changed,
    before,
    after,
  }));
}
