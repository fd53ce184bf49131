import { describe, expect, test } from 'vitest';
import { musicTable, triggerDefaults } from './table.fixture.ts';
import { changesOf, isSettled } from './table-changes.ts';
import type { DescribedTable, IndexDescription, TableDescription } from './table-description.ts';
import type { GlobalSecondaryIndex, TableSpec, Trigger } from './table-types.ts';

const ARN = 'arn:aws:dynamodb:eu-test-1:123456789012:table/Music';

const bySong: GlobalSecondaryIndex = {
  indexName: 'BySong',
  keySchema: [{ attributeName: 'SongTitle', keyType: 'HASH' }],
  projection: { projectionType: 'INCLUDE', nonKeyAttributes: ['Price', 'Genre'] },
};
const bySongShown: IndexDescription = {
  IndexName: 'BySong',
  IndexStatus: 'ACTIVE',
  KeySchema: [{ AttributeName: 'SongTitle', KeyType: 'HASH' }],
  Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['Genre', 'Price'] },
  WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000, Status: 'ACTIVE' },
};
const otherShown: IndexDescription = { ...bySongShown, IndexName: 'Other' };

/** The table of `musicTable({})`, at rest. */
function described(
  table: Partial<TableDescription> = {},
  more: Partial<DescribedTable> = {},
): DescribedTable {
  return {
    table: {
      TableName: 'Music',
      TableArn: ARN,
      TableStatus: 'ACTIVE',
      AttributeDefinitions: [
        { AttributeName: 'Artist', AttributeType: 'S' },
        { AttributeName: 'SongTitle', AttributeType: 'S' },
      ],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000, Status: 'ACTIVE' },
      DeletionProtectionEnabled: false,
      ...table,
    },
    timeToLive: { TimeToLiveStatus: 'DISABLED' },
    tags: [],
    ...more,
  };
}

const trigger: Trigger = {
  ...triggerDefaults,
  name: 'audit',
  target: { url: 'https://hook.example/' },
};

describe('triggers', () => {
  const wanted = musicTable({ triggers: [trigger] });
  const shown = { ...trigger, filterPatterns: [] };
  const update = (...Triggers: object[]) => [
    { operation: 'UpdateTriggers', body: { TableName: 'Music', Triggers } },
  ];

  test('those that a table lacks, that have changed, or that it has too many of, are set', () => {
    expect(changesOf(described(), wanted)).toEqual(update(shown));
    const before = described({}, { triggers: [{ ...shown, batchSize: 7 }] });
    expect(changesOf(before, wanted)).toEqual(update(shown));
    expect(changesOf(described({}, { triggers: [shown] }), musicTable({}))).toEqual(update());
  });

  test('nothing is asked when they are what they should be', () => {
    expect(changesOf(described({}, { triggers: [shown] }), wanted)).toEqual([]);
    expect(changesOf(described({}, { triggers: [] }), musicTable({}))).toEqual([]);
  });
});

const units = (read: number, write: number) => ({
  readCapacityUnits: read,
  writeCapacityUnits: write,
});
const unitsShown = (read: number, write: number) => ({
  ReadCapacityUnits: read,
  WriteCapacityUnits: write,
});
const provisioned = (read: number, write: number, more: Partial<TableSpec> = {}) =>
  musicTable({ billingMode: 'PROVISIONED', provisionedThroughput: units(read, write), ...more });
const provisionedShown = (read: number, write: number, more: Partial<TableDescription> = {}) => ({
  BillingModeSummary: { BillingMode: 'PROVISIONED' },
  ProvisionedThroughput: unitsShown(read, write),
  ...more,
});

/** The members that an UpdateTable is to have besides the name. */
function update(members: object) {
  return { operation: 'UpdateTable', body: { TableName: 'Music', ...members } };
}

const removal = (IndexName: string) =>
  update({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] });
const addition = update({
  AttributeDefinitions: [{ AttributeName: 'SongTitle', AttributeType: 'S' }],
  GlobalSecondaryIndexUpdates: [
    {
      Create: {
        IndexName: 'BySong',
        KeySchema: [{ AttributeName: 'SongTitle', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['Price', 'Genre'] },
      },
    },
  ],
});

describe('nothing', () => {
  test('a table that is what the spec says needs nothing', () => {
    const table = described({ GlobalSecondaryIndexes: [bySongShown] });
    expect(changesOf(table, musicTable({ globalSecondaryIndexes: [bySong] }))).toEqual([]);
    expect(isSettled(table)).toBe(true);
  });

  test.each(['CREATING', 'DELETING'] as const)('a table that is %s is left alone', (status) => {
    const table = described({ TableStatus: status });
    const spec = musicTable({ deletionProtectionEnabled: true, globalSecondaryIndexes: [bySong] });
    expect(changesOf(table, spec)).toEqual([]);
    expect(isSettled(table)).toBe(false);
  });

  test('a table that is UPDATING takes protection, tags and time to live, and nothing else', () => {
    const spec = musicTable({
      deletionProtectionEnabled: true,
      tableClass: 'STANDARD_INFREQUENT_ACCESS',
      globalSecondaryIndexes: [bySong],
      onDemandThroughput: { maxReadRequestUnits: 5 },
      warmThroughput: { readUnitsPerSecond: 20_000 },
      tags: [{ key: 'a', value: 'b' }],
      timeToLive: { enabled: true, attributeName: 'at' },
    });
    const changes = changesOf(described({ TableStatus: 'UPDATING' }), spec);
    expect(changes.map(({ operation }) => operation)).toEqual([
      'UpdateTable',
      'TagResource',
      'UpdateTimeToLive',
    ]);
    expect(changes[0]).toEqual(update({ DeletionProtectionEnabled: true }));
  });

  test('what could not be asked is not compared', () => {
    const table = described({}, { timeToLive: undefined, tags: undefined });
    const spec = musicTable({
      tags: [{ key: 'a', value: 'b' }],
      timeToLive: { enabled: true, attributeName: 'at' },
    });
    expect(changesOf(table, spec)).toEqual([]);
    expect(isSettled(table)).toBe(false);
  });
});

describe('stream', () => {
  const on = (streamViewType: 'KEYS_ONLY' | 'NEW_IMAGE') =>
    musicTable({ streamSpecification: { streamEnabled: true, streamViewType } });
  const shown = (StreamViewType: string) =>
    described({ StreamSpecification: { StreamEnabled: true, StreamViewType } });
  const disabled = update({ StreamSpecification: { StreamEnabled: false } });

  test('one is enabled alone', () => {
    const enabled = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
    expect(changesOf(described(), on('KEYS_ONLY'))).toEqual([
      update({ StreamSpecification: enabled }),
    ]);
    expect(changesOf(shown('KEYS_ONLY'), on('KEYS_ONLY'))).toEqual([]);
  });

  test('another view type: the stream is disabled first', () => {
    expect(changesOf(shown('KEYS_ONLY'), on('NEW_IMAGE'))).toEqual([disabled]);
  });

  test.each([
    ['that is off', musicTable({ streamSpecification: { streamEnabled: false } })],
    ['that is left out', musicTable({})],
  ])('one %s is disabled', (_, spec) => {
    expect(changesOf(shown('NEW_IMAGE'), spec)).toEqual([disabled]);
    const LatestStreamArn = `${ARN}/stream/2026-11-21T02:45:00.123`;
    expect(changesOf(described({ LatestStreamArn }), spec)).toEqual([]);
  });
});

describe('tags', () => {
  test('those that are not in the spec go first, then the others are set', () => {
    const current = ['keep', 'change', 'drop'].map((Key) => ({ Key, Value: 'old' }));
    const spec = musicTable({
      tags: [
        { key: 'keep', value: 'old' },
        { key: 'change', value: 'new' },
        { key: 'add', value: '' },
      ],
    });
    expect(changesOf(described({}, { tags: current }), spec)).toEqual([
      { operation: 'UntagResource', body: { ResourceArn: ARN, TagKeys: ['drop'] } },
      {
        operation: 'TagResource',
        body: {
          ResourceArn: ARN,
          Tags: [
            { Key: 'change', Value: 'new' },
            { Key: 'add', Value: '' },
          ],
        },
      },
    ]);
  });
});

describe('time to live', () => {
  const request = (Enabled: boolean, AttributeName: string) => ({
    operation: 'UpdateTimeToLive',
    body: { TableName: 'Music', TimeToLiveSpecification: { Enabled, AttributeName } },
  });
  const on = musicTable({ timeToLive: { enabled: true, attributeName: 'at' } });
  const off = musicTable({ timeToLive: { enabled: false, attributeName: 'at' } });
  const shown = (TimeToLiveStatus: string, AttributeName?: string) =>
    described({}, { timeToLive: { TimeToLiveStatus, ...(AttributeName && { AttributeName }) } });

  test.each([
    {
      name: 'on where it is off',
      table: shown('DISABLED'),
      spec: on,
      changes: [request(true, 'at')],
    },
    {
      name: 'off where it is on',
      table: shown('ENABLED', 'at'),
      spec: off,
      changes: [request(false, 'at')],
    },
    {
      name: 'left out where it is on',
      table: shown('ENABLED', 'at'),
      spec: musicTable({}),
      changes: [request(false, 'at')],
    },
    {
      name: 'another attribute: off first',
      table: shown('ENABLED', 'until'),
      spec: on,
      changes: [request(false, 'until')],
    },
    { name: 'as it is', table: shown('ENABLED', 'at'), spec: on, changes: [] },
    { name: 'while it is being enabled', table: shown('ENABLING', 'at'), spec: off, changes: [] },
    { name: 'while it is being disabled', table: shown('DISABLING', 'at'), spec: on, changes: [] },
  ])('$name', ({ table, spec, changes }) => {
    expect(changesOf(table, spec)).toEqual(changes);
  });
});

describe('indexes', () => {
  const wanted = musicTable({ globalSecondaryIndexes: [bySong] });

  test('one is added with the definitions of its own key', () => {
    expect(changesOf(described(), wanted)).toEqual([addition]);
  });

  test('several are added one at a time', () => {
    const second = { ...bySong, indexName: 'Second' };
    const both = musicTable({ globalSecondaryIndexes: [bySong, second] });
    expect(changesOf(described(), both)).toEqual([addition]);
  });

  test('one that the spec does not have is removed', () => {
    const table = described({ GlobalSecondaryIndexes: [otherShown] });
    expect(changesOf(table, musicTable({}))).toEqual([removal('Other')]);
  });

  test('what is to go goes before another is added', () => {
    const table = described({ GlobalSecondaryIndexes: [otherShown] });
    expect(changesOf(table, wanted)).toEqual([removal('Other')]);
  });

  test.each<{ name: string; shown: Partial<IndexDescription>; type: string }>([
    {
      name: 'key',
      shown: { KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }] },
      type: 'S',
    },
    { name: 'projection', shown: { Projection: { ProjectionType: 'ALL' } }, type: 'S' },
    { name: 'type of key', shown: {}, type: 'N' },
  ])('one with another $name under the name is removed, to be made again', ({ shown, type }) => {
    const table = described({
      AttributeDefinitions: [
        { AttributeName: 'Artist', AttributeType: 'S' },
        { AttributeName: 'SongTitle', AttributeType: type },
      ],
      GlobalSecondaryIndexes: [{ ...bySongShown, ...shown }],
    });
    expect(changesOf(table, wanted)).toEqual([removal('BySong')]);
  });

  test('one that is being filled may be removed', () => {
    const filling = { ...otherShown, IndexStatus: 'CREATING', Backfilling: true } as const;
    const table = described({ GlobalSecondaryIndexes: [filling] });
    expect(changesOf(table, musicTable({}))).toEqual([removal('Other')]);
    expect(isSettled(table)).toBe(false);
  });

  test('none is added or removed while another is created or deleted', () => {
    const filling = { ...bySongShown, IndexStatus: 'CREATING', Backfilling: true } as const;
    const removing = { ...otherShown, IndexStatus: 'DELETING' } as const;
    const second = { ...bySong, indexName: 'Second' };
    const both = musicTable({ globalSecondaryIndexes: [bySong, second] });
    const table = described({ GlobalSecondaryIndexes: [filling, otherShown] });
    expect(changesOf(table, both)).toEqual([]);
    expect(changesOf(described({ GlobalSecondaryIndexes: [removing] }), wanted)).toEqual([]);
  });
});

describe('throughput', () => {
  const index = (read: number, write: number): GlobalSecondaryIndex => ({
    ...bySong,
    provisionedThroughput: units(read, write),
  });
  const indexShown = (read: number, write: number): IndexDescription => ({
    ...bySongShown,
    ProvisionedThroughput: unitsShown(read, write),
  });
  const indexUpdate = (members: object) => ({
    GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'BySong', ...members } }],
  });

  test('units of table and indexes rise in one request', () => {
    const table = described(provisionedShown(5, 5, { GlobalSecondaryIndexes: [indexShown(5, 5)] }));
    const spec = provisioned(6, 5, { globalSecondaryIndexes: [index(5, 9)] });
    const ProvisionedThroughput = unitsShown(5, 9);
    expect(changesOf(table, spec)).toEqual([
      update({
        ProvisionedThroughput: unitsShown(6, 5),
        ...indexUpdate({ ProvisionedThroughput }),
      }),
    ]);
  });

  test('an increase does not wait for a decrease, which may be refused for an hour', () => {
    const table = described(provisionedShown(5, 5, { GlobalSecondaryIndexes: [indexShown(5, 5)] }));
    const spec = provisioned(4, 50, { globalSecondaryIndexes: [index(50, 5)] });
    expect(changesOf(table, spec)).toEqual([
      update(indexUpdate({ ProvisionedThroughput: unitsShown(50, 5) })),
      update({ ProvisionedThroughput: unitsShown(4, 50) }),
    ]);
  });

  test('units of an index that is not ACTIVE wait; those of the table do not', () => {
    const filling = { ...indexShown(5, 5), IndexStatus: 'CREATING', Backfilling: true } as const;
    const table = described(provisionedShown(5, 5, { GlobalSecondaryIndexes: [filling] }));
    const spec = provisioned(6, 6, { globalSecondaryIndexes: [index(9, 9)] });
    expect(changesOf(table, spec)).toEqual([update({ ProvisionedThroughput: unitsShown(6, 6) })]);
  });

  test('maximums that differ are set, those that are gone are lifted', () => {
    const table = described({
      OnDemandThroughput: { MaxReadRequestUnits: 10, MaxWriteRequestUnits: 10 },
      GlobalSecondaryIndexes: [bySongShown],
    });
    const spec = musicTable({
      onDemandThroughput: { maxReadRequestUnits: 20 },
      globalSecondaryIndexes: [{ ...bySong, onDemandThroughput: { maxWriteRequestUnits: 7 } }],
    });
    expect(changesOf(table, spec)).toEqual([
      update({ OnDemandThroughput: { MaxReadRequestUnits: 20, MaxWriteRequestUnits: -1 } }),
      update(indexUpdate({ OnDemandThroughput: { MaxWriteRequestUnits: 7 } })),
    ]);
  });

  test('to on-demand mode: with the maximums of the table', () => {
    const table = described(provisionedShown(5, 5, { GlobalSecondaryIndexes: [indexShown(5, 5)] }));
    const spec = musicTable({
      onDemandThroughput: { maxReadRequestUnits: 20 },
      globalSecondaryIndexes: [bySong],
    });
    expect(changesOf(table, spec)).toEqual([
      update({ BillingMode: 'PAY_PER_REQUEST', OnDemandThroughput: { MaxReadRequestUnits: 20 } }),
    ]);
  });

  test('to on-demand mode: not while units of an index are changing', () => {
    const changing = { ...indexShown(5, 5), IndexStatus: 'UPDATING' } as const;
    const table = described(provisionedShown(5, 5, { GlobalSecondaryIndexes: [changing] }));
    expect(changesOf(table, musicTable({ globalSecondaryIndexes: [bySong] }))).toEqual([]);
  });

  test('to provisioned mode: with units for all indexes; a new one comes afterwards', () => {
    const table = described({ GlobalSecondaryIndexes: [bySongShown] });
    const second = { ...index(1, 1), indexName: 'Second' };
    const spec = provisioned(5, 5, { globalSecondaryIndexes: [index(3, 4), second] });
    expect(changesOf(table, spec)).toEqual([
      update({
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: unitsShown(5, 5),
        ...indexUpdate({ ProvisionedThroughput: unitsShown(3, 4) }),
      }),
    ]);
  });

  test('to provisioned mode: an index that is to go, goes first', () => {
    const table = described({ GlobalSecondaryIndexes: [otherShown] });
    expect(changesOf(table, provisioned(5, 5))).toEqual([removal('Other')]);
  });

  test('warm throughput is raised alone, and never lowered', () => {
    const table = described({ GlobalSecondaryIndexes: [bySongShown] });
    const spec = musicTable({
      warmThroughput: { readUnitsPerSecond: 13_000, writeUnitsPerSecond: 1 },
      globalSecondaryIndexes: [{ ...bySong, warmThroughput: { writeUnitsPerSecond: 5000 } }],
    });
    expect(changesOf(table, spec)).toEqual([
      update({ WarmThroughput: { ReadUnitsPerSecond: 13_000 } }),
      update(indexUpdate({ WarmThroughput: { WriteUnitsPerSecond: 5000 } })),
    ]);
  });

  test('the class is changed alone; a table that was never asked for one is STANDARD', () => {
    const spec = musicTable({ tableClass: 'STANDARD_INFREQUENT_ACCESS' });
    const change = update({ TableClass: 'STANDARD_INFREQUENT_ACCESS' });
    expect(changesOf(described(), spec)).toEqual([change]);
    const TableClassSummary = { TableClass: 'STANDARD_INFREQUENT_ACCESS' };
    expect(changesOf(described({ TableClassSummary }), spec)).toEqual([]);
  });
});
