import {
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import type { Installation } from './installation.ts';

/** Another release under the same name, in a namespace of its own, as the chart's README says it: "Several releases". */

const EMPLOYEES = 'hack/examples/kubernetes/employees.yaml';
const DELETION = '--timeout=300s';

/** Installs it, uses a table by it, and takes it away with everything. @param values - of its images */
export async function comesAndGoes(second: Installation, values: readonly string[]): Promise<void> {
  await second.installPlain(values);
  await second.running();
  await second.kubectl('apply', '-f', EMPLOYEES);
  await second.tableWhole('employees');
  await usesTable(second);
  await second.kubectl('delete', 'tables', '--all', DELETION);
  await second.uninstall();
  await second.cluster.kubectl('delete', 'namespace', second.namespace, DELETION);
}

/** It has the tables of its namespace, and no others. */
async function usesTable(second: Installation): Promise<void> {
  const client = await second.clientOf(await second.accessKey(), await second.serviceEndpoint());
  const { TableNames } = await client.send(new ListTablesCommand());
  expect(TableNames).toEqual(['Employees']);
  const Item = { LoginAlias: { S: 'second' } };
  await client.send(new PutItemCommand({ TableName: 'Employees', Item }));
  const read = new GetItemCommand({ TableName: 'Employees', Key: Item, ConsistentRead: true });
  expect((await client.send(read)).Item).toEqual(Item);
  client.destroy();
}

export interface ProtectedTable {
  readonly installation: Installation;
  readonly client: DynamoDBClient;
  readonly table: string;
}

/** Protects a table, and finds that the API server refuses to delete it, and the definitions. Deletes nothing if not so. */
export async function expectProtection(parts: ProtectedTable): Promise<void> {
  const { installation, client, table } = parts;
  // For good: the service lets nobody change it twice within 15 seconds.
  await client.send(new UpdateTableCommand({ TableName: table, DeletionProtectionEnabled: true }));
  const { metadata } = (await installation.tableNamed(table)) ?? {};
  const tryToDelete = (...what: readonly string[]) =>
    installation.kubectl('delete', ...what, '--dry-run=server');
  await expect(tryToDelete('table', metadata?.name ?? '')).rejects.toThrow(
    /deletionProtectionEnabled/,
  );
  await expect(tryToDelete('crd', 'tables.trestle.dev')).rejects.toThrow(/allow-crd-deletion/);
}
