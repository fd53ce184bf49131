import { describe, expect, it } from 'vitest';
import {
  describeDeletedResource,
  describeNewResource,
  describeResource,
  stateOf,
} from './resource-description.ts';
import { activeStatus, tableResource } from './table-resource.fixture.ts';

const place = { region: 'eu-test-1', accountId: '123456789012' };
const context = { place, nowMs: Date.UTC(2026, 10, 22) };
const createdAt = Date.UTC(2026, 10, 20, 10) / 1000;

const index = {
  indexName: 'ByYear',
  keySchema: [{ attributeName: 'pk', keyType: 'HASH' as const }],
  projection: { projectionType: 'ALL' as const },
};

describe('the state that a resource shows', () => {
  it.each([
    { name: 'nobody has looked at it', resource: tableResource(), state: 'CREATING' },
    {
      name: 'as the operator says',
      resource: tableResource({ status: activeStatus() }),
      state: 'ACTIVE',
    },
    {
      name: 'its spec has changed since',
      resource: tableResource({ generation: 2, status: activeStatus() }),
      state: 'UPDATING',
    },
    {
      name: 'it is being deleted',
      resource: tableResource({ isDeleting: true, status: activeStatus() }),
      state: 'DELETING',
    },
  ])('$name: $state', ({ resource, state }) => {
    expect(stateOf(resource)).toBe(state);
  });
});

describe('a table as its resource describes it', () => {
  it('is what CreateTable answers, with the id and time of the resource', () => {
    const description = describeNewResource(tableResource(), context);
    expect(JSON.parse(JSON.stringify(description))).toEqual({
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      TableName: 'Music',
      TableStatus: 'CREATING',
      CreationDateTime: createdAt,
      ProvisionedThroughput: {
        NumberOfDecreasesToday: 0,
        ReadCapacityUnits: 0,
        WriteCapacityUnits: 0,
      },
      TableSizeBytes: 0,
      ItemCount: 0,
      TableArn: 'arn:aws:dynamodb:eu-test-1:123456789012:table/Music',
      TableId: 'uid-1',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      DeletionProtectionEnabled: false,
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    });
  });

  it('has the stream that it declares; the ARN of one that is there only', () => {
    const streamSpecification = { streamEnabled: true, streamViewType: 'NEW_IMAGE' as const };
    const spec = { streamSpecification };
    const shown = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' };
    const created = describeNewResource(tableResource({ spec }), context);
    expect(created).toMatchObject({ StreamSpecification: shown });
    expect(created).not.toHaveProperty('LatestStreamArn');
    const stream = { latestStreamARN: 'the arn', latestStreamLabel: 'the label' };
    const resource = tableResource({ spec, status: { ...activeStatus(), ...stream } });
    expect(describeResource(resource, context)).toMatchObject({
      StreamSpecification: shown,
      LatestStreamArn: 'the arn',
      LatestStreamLabel: 'the label',
    });
    expect(describeDeletedResource(resource, context)).not.toHaveProperty('LatestStreamArn');
  });

  it('has the counts of the status, and indexes', () => {
    const status = {
      ...activeStatus(),
      itemCount: 7,
      tableSizeBytes: 70,
      globalSecondaryIndexes: [{ indexName: 'ByYear', itemCount: 3, indexSizeBytes: 30 }],
    };
    const resource = tableResource({ status, spec: { globalSecondaryIndexes: [index] } });
    expect(describeResource(resource, context)).toMatchObject({
      TableStatus: 'ACTIVE',
      ItemCount: 7,
      TableSizeBytes: 70,
      GlobalSecondaryIndexes: [
        { IndexName: 'ByYear', IndexStatus: 'ACTIVE', ItemCount: 3, IndexSizeBytes: 30 },
      ],
      BillingModeSummary: { LastUpdateToPayPerRequestDateTime: createdAt },
    });
  });

  it('has no schema when it is deleted, as with the service', () => {
    const status = { ...activeStatus(), itemCount: 7 };
    const description = describeDeletedResource(tableResource({ status }), context);
    expect(description).toMatchObject({ TableStatus: 'DELETING', ItemCount: 7, TableId: 'uid-1' });
    expect(description).not.toHaveProperty('KeySchema');
  });
});
