import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ARN,
  type ControlPlane,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
  await plane.create(musicTable);
});
afterAll(() => plane.close());

describe('DescribeTable', () => {
  it('shows items and bytes as they are now', async () => {
    const Item = { Artist: { S: 'No One' }, SongTitle: { S: 'Call Me' } };
    await plane.call('PutItem', { TableName: 'Music', Item });
    const { Table } = await plane.call('DescribeTable', { TableName: 'Music' });
    expect(Table).toEqual({
      AttributeDefinitions: musicTable.AttributeDefinitions,
      TableName: 'Music',
      KeySchema: musicTable.KeySchema,
      TableStatus: 'ACTIVE',
      CreationDateTime: plane.clock.nowMs() / 1000,
      ProvisionedThroughput: {
        NumberOfDecreasesToday: 0,
        ReadCapacityUnits: 0,
        WriteCapacityUnits: 0,
      },
      TableSizeBytes: 28,
      ItemCount: 1,
      TableArn: `${ARN}/Music`,
      TableId: expect.any(String),
      BillingModeSummary: {
        BillingMode: 'PAY_PER_REQUEST',
        LastUpdateToPayPerRequestDateTime: plane.clock.nowMs() / 1000,
      },
      DeletionProtectionEnabled: false,
      WarmThroughput: {
        ReadUnitsPerSecond: 12_000,
        WriteUnitsPerSecond: 4000,
        Status: 'ACTIVE',
      },
    });
  });

  it('takes the ARN for the name and answers with the name', async () => {
    const { Table } = await plane.call('DescribeTable', { TableName: `${ARN}/Music` });
    expect(Table).toMatchObject({ TableName: 'Music' });
  });

  const foreign = (region: string, account: string, rest = 'table/Music', partition = 'aws') =>
    `arn:${partition}:dynamodb:${region}:${account}:${rest}`;
  it.each([
    ['absent', 'ResourceNotFoundException: Requested resource not found: Table: absent not found'],
    [
      `${ARN}/absent`,
      'ResourceNotFoundException: Requested resource not found: Table: absent not found',
    ],
    [foreign('eu-test-1', '999999999999'), 'AccessDeniedException: Access is denied'],
    [
      foreign('us-east-1', '123456789012'),
      `ValidationException: 1 validation error detected: Invalid AWS region in '${foreign('us-east-1', '123456789012')}'`,
    ],
    [
      `${ARN}/Music/index/by-genre`,
      `ValidationException: 1 validation error detected: Invalid resource type in '${ARN}/Music/index/by-genre'`,
    ],
    [
      'no',
      violated(
        "Value 'no' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
      ),
    ],
  ])('refuses %s', async (TableName, expected) => {
    expect(await plane.fault('DescribeTable', { TableName })).toBe(expected);
  });

  it('requires a name', async () => {
    expect(await plane.fault('DescribeTable', {})).toBe(
      violated("Value null at 'tableName' failed to satisfy constraint: Member must not be null"),
    );
  });
});
