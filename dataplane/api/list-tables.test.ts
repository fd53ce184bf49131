import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ControlPlane,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
  for (const TableName of ['one', 'two', 'three']) await plane.create({ ...musicTable, TableName });
});
afterAll(() => plane.close());

describe('ListTables', () => {
  it('pages in alphabetical order', async () => {
    expect(await plane.call('ListTables', {})).toEqual({ TableNames: ['one', 'three', 'two'] });
    const first = await plane.call('ListTables', { Limit: 2 });
    expect(first).toEqual({ TableNames: ['one', 'three'], LastEvaluatedTableName: 'three' });
    const start = { Limit: 2, ExclusiveStartTableName: first.LastEvaluatedTableName };
    expect(await plane.call('ListTables', start)).toEqual({ TableNames: ['two'] });
  });

  it('refuses bad limits and start names', async () => {
    expect(await plane.fault('ListTables', { Limit: 0, ExclusiveStartTableName: 'a;' })).toBe(
      violated(
        "Value 'a;' at 'exclusiveStartTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        "Value 'a;' at 'exclusiveStartTableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
        "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ),
    );
    expect(await plane.fault('ListTables', { Limit: 101 })).toBe(
      violated(
        "Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100",
      ),
    );
  });
});
