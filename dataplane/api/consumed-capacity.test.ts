import { describe, expect, it } from 'vitest';
import { consumedCapacity, sumOfCapacities } from './consumed-capacity.ts';
import { music, startServer } from './server.fixture.ts';

const read = {
  table: 0,
  localIndexes: new Map<string, number>(),
  globalIndexes: new Map([['__proto__', 1.5]]),
};
const write = {
  table: 2,
  localIndexes: new Map([['l', 1]]),
  globalIndexes: new Map([['g', 3]]),
};

describe('ConsumedCapacity', () => {
  it('is absent unless asked for', () => {
    expect(consumedCapacity(undefined, 't', read)).toBeUndefined();
    expect(consumedCapacity('NONE', 't', read)).toBeUndefined();
  });

  it('TOTAL is the sum of all parts', () => {
    expect(consumedCapacity('TOTAL', 't', write)).toEqual({ TableName: 't', CapacityUnits: 6 });
  });

  it('INDEXES names the indexes that were touched, and the table always', () => {
    const shown = consumedCapacity('INDEXES', 't', read);
    expect(JSON.stringify(shown)).toBe(
      '{"TableName":"t","CapacityUnits":1.5,"Table":{"CapacityUnits":0},"GlobalSecondaryIndexes":{"__proto__":{"CapacityUnits":1.5}}}',
    );
  });

  it('adds up a batch part by part', () => {
    expect(sumOfCapacities([write, write, read])).toEqual({
      table: 4,
      localIndexes: new Map([['l', 2]]),
      globalIndexes: new Map([
        ['g', 6],
        ['__proto__', 1.5],
      ]),
    });
  });

  /** botocore, ConsumedCapacity.TableName; getmoto/moto test_batch_write_using_arn (verified). */
  it('has the table as the request does: by ARN if it was asked for by ARN', async () => {
    const server = await startServer();
    try {
      await server.createTable(music);
      const arn = (await server.call('DescribeTable', { TableName: 'Music' })).Table.TableArn;
      const key = { Artist: { S: 'a' }, Song: { S: 's' } };
      const report = { ReturnConsumedCapacity: 'TOTAL' };
      const toTable = { ...report, TableName: arn };
      const query = {
        KeyConditionExpression: 'Artist = :a',
        ExpressionAttributeValues: { ':a': { S: 'a' } },
      };
      const answers = [
        await server.call('PutItem', { ...toTable, Item: key }),
        await server.call('UpdateItem', { ...toTable, Key: key }),
        await server.call('GetItem', { ...toTable, Key: key }),
        await server.call('Query', { ...toTable, ...query }),
        await server.call('Scan', toTable),
        await server.call('DeleteItem', { ...toTable, Key: key }),
      ];
      for (const { ConsumedCapacity } of answers) expect(ConsumedCapacity.TableName).toBe(arn);
      const batches = [
        await server.call('BatchWriteItem', {
          ...report,
          RequestItems: { [arn]: [{ PutRequest: { Item: key } }] },
        }),
        await server.call('BatchGetItem', { ...report, RequestItems: { [arn]: { Keys: [key] } } }),
        await server.call('TransactWriteItems', {
          ...report,
          TransactItems: [{ Put: { TableName: arn, Item: key } }],
        }),
        await server.call('TransactGetItems', {
          ...report,
          TransactItems: [{ Get: { TableName: arn, Key: key } }],
        }),
      ];
      for (const { ConsumedCapacity } of batches) {
        expect(ConsumedCapacity).toMatchObject([{ TableName: arn }]);
      }
    } finally {
      await server.close();
    }
  });
});
