import type { TableCalls } from '../tables/table-calls.ts';

/** Makes the table of a registry, as the operator does. @returns its name, when it is active */
export async function createRegistryTable(calls: TableCalls, name = 'registry'): Promise<string> {
  await calls.call('CreateTable', {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'cluster', AttributeType: 'S' },
      { AttributeName: 'id', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'cluster', KeyType: 'HASH' },
      { AttributeName: 'id', KeyType: 'RANGE' },
    ],
  });
  for (let status = ''; status !== 'ACTIVE'; ) {
    const { Table } = await calls.call('DescribeTable', { TableName: name });
    status = String(Object(Table).TableStatus);
  }
  return name;
}
