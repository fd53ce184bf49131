import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as limits from '../catalog/limits.ts';
import { musicTable as music } from './table.fixture.ts';
import {
  createRequestOf,
  ON_DEMAND_WARM_MIN,
  resourceNameOf,
  specOfCreateRequest,
  timeToLiveRequestOf,
} from './table-resource.ts';

test('CreateTable: members of the spec with capital letters, and no others', () => {
  const table = music({
    globalSecondaryIndexes: [
      {
        indexName: 'BySong',
        keySchema: [{ attributeName: 'SongTitle', keyType: 'HASH' }],
        projection: { projectionType: 'INCLUDE', nonKeyAttributes: ['Genre'] },
        onDemandThroughput: { maxReadRequestUnits: 10 },
      },
    ],
    localSecondaryIndexes: [],
    timeToLive: { enabled: true, attributeName: 'ExpiresAt' },
    tableClass: 'STANDARD_INFREQUENT_ACCESS',
    deletionProtectionEnabled: true,
    tags: [{ key: 'team', value: 'a' }],
  });
  expect(createRequestOf(table)).toEqual({
    TableName: 'Music',
    AttributeDefinitions: [
      { AttributeName: 'Artist', AttributeType: 'S' },
      { AttributeName: 'SongTitle', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'Artist', KeyType: 'HASH' },
      { AttributeName: 'SongTitle', KeyType: 'RANGE' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: [
      {
        IndexName: 'BySong',
        KeySchema: [{ AttributeName: 'SongTitle', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['Genre'] },
        OnDemandThroughput: { MaxReadRequestUnits: 10 },
      },
    ],
    TableClass: 'STANDARD_INFREQUENT_ACCESS',
    DeletionProtectionEnabled: true,
    Tags: [{ Key: 'team', Value: 'a' }],
  });
});

test('CreateTable: warm throughput below what on-demand tables have anyway is raised to that', () => {
  const request = createRequestOf(music({ warmThroughput: { readUnitsPerSecond: 1 } }));
  expect(request.WarmThroughput).toEqual({ ReadUnitsPerSecond: 12_000 });
});

test('CreateTable: warm throughput below the provisioned units of table and index is raised to them', () => {
  const request = createRequestOf(
    music({
      billingMode: 'PROVISIONED',
      provisionedThroughput: { readCapacityUnits: 50, writeCapacityUnits: 5 },
      warmThroughput: { readUnitsPerSecond: 10, writeUnitsPerSecond: 10 },
      globalSecondaryIndexes: [
        {
          indexName: 'BySong',
          keySchema: [{ attributeName: 'SongTitle', keyType: 'HASH' }],
          projection: { projectionType: 'ALL' },
          provisionedThroughput: { readCapacityUnits: 20, writeCapacityUnits: 20 },
          warmThroughput: { writeUnitsPerSecond: 10 },
        },
      ],
    }),
  );
  expect(request).toMatchObject({
    WarmThroughput: { ReadUnitsPerSecond: 50, WriteUnitsPerSecond: 10 },
    GlobalSecondaryIndexes: [{ WarmThroughput: { WriteUnitsPerSecond: 20 } }],
  });
});

test('warm throughput of on-demand tables is the same as in the catalog', () => {
  expect(ON_DEMAND_WARM_MIN).toEqual({
    readUnitsPerSecond: limits.ON_DEMAND_READ_UNITS_INITIAL,
    writeUnitsPerSecond: limits.ON_DEMAND_WRITE_UNITS_INITIAL,
  });
});

test('CreateTable: with the stream that is on, and without one that is off', () => {
  const streamSpecification = { streamEnabled: true, streamViewType: 'OLD_IMAGE' } as const;
  expect(createRequestOf(music({ streamSpecification })).StreamSpecification).toEqual({
    StreamEnabled: true,
    StreamViewType: 'OLD_IMAGE',
  });
  const off = createRequestOf(music({ streamSpecification: { streamEnabled: false } }));
  expect(Object.keys(off)).not.toContain('StreamSpecification');
});

test('spec of CreateTable: a stream as the request has it', () => {
  const streamSpecification = { streamEnabled: true, streamViewType: 'KEYS_ONLY' } as const;
  const table = music({ streamSpecification });
  expect(specOfCreateRequest(createRequestOf(table))).toMatchObject({ streamSpecification });
});

test('UpdateTimeToLive: for a new table only where it is on', () => {
  expect(
    timeToLiveRequestOf(music({ timeToLive: { enabled: true, attributeName: 'at' } })),
  ).toEqual({
    TableName: 'Music',
    TimeToLiveSpecification: { Enabled: true, AttributeName: 'at' },
  });
  const off = music({ timeToLive: { enabled: false, attributeName: 'at' } });
  expect(timeToLiveRequestOf(off)).toBeUndefined();
  expect(timeToLiveRequestOf(music({}))).toBeUndefined();
});

test('spec of CreateTable: what the request says, without empty structs and what a Table does not have', () => {
  const spec = specOfCreateRequest({
    TableName: 'Music',
    AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH', Surprise: 1 }],
    ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 2 },
    OnDemandThroughput: {},
    GlobalSecondaryIndexes: [
      {
        IndexName: 'Again',
        KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
        WarmThroughput: {},
      },
    ],
    StreamSpecification: { StreamEnabled: false },
    SSESpecification: { Enabled: false },
    Tags: [],
  });
  expect(spec).toEqual({
    tableName: 'Music',
    attributeDefinitions: [{ attributeName: 'Artist', attributeType: 'S' }],
    keySchema: [{ attributeName: 'Artist', keyType: 'HASH' }],
    provisionedThroughput: { readCapacityUnits: 1, writeCapacityUnits: 2 },
    globalSecondaryIndexes: [
      {
        indexName: 'Again',
        keySchema: [{ attributeName: 'Artist', keyType: 'HASH' }],
        projection: { projectionType: 'KEYS_ONLY' },
      },
    ],
  });
});

test.each([
  { tableName: 'music', name: 'music' },
  { tableName: 'my-music-2', name: 'my-music-2' },
  { tableName: 'Music', name: 'music-xxxxx' },
  { tableName: 'MUSIC', name: 'music-xxxxx' },
  { tableName: 'my.music_2', name: 'my-music-2-xxxxx' },
  { tableName: '2024.events', name: 't-2024-events-xxxxx' },
  { tableName: 'music-', name: 'music-xxxxx' },
  { tableName: 'music-1a2b3', name: 'music-1a2b3-xxxxx' },
  { tableName: '...', name: 't-xxxxx' },
  { tableName: 'a'.repeat(51), name: `${'a'.repeat(44)}-xxxxx` },
])('resource name of $tableName', ({ tableName, name }) => {
  const pattern = name.replaceAll('xxxxx', '[0-9a-f]{5}');
  expect(resourceNameOf(tableName)).toMatch(new RegExp(`^${pattern}$`));
});

test('resource names: a DNS label that begins with a letter, at most 50 characters', () => {
  const tableName = fc.stringMatching(/^[a-zA-Z0-9_.-]{3,255}$/);
  fc.assert(
    fc.property(tableName, (name) =>
      /^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/.test(resourceNameOf(name)),
    ),
  );
});

test('resource names: those of names that look alike differ', () => {
  const names = ['music', 'Music', 'MUSIC', 'music.', 'music_', 'music-'];
  const all = [...names, ...names.map(resourceNameOf)];
  expect(new Set(all.map(resourceNameOf)).size).toBe(new Set(all).size);
});
