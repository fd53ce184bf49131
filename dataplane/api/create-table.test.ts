import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ARN,
  type ControlPlane,
  invalid,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
});
afterAll(() => plane.close());

const definition = (AttributeName: string, AttributeType = 'S') => ({
  AttributeName,
  AttributeType,
});
const hash = (AttributeName: string) => ({ AttributeName, KeyType: 'HASH' });
const range = (AttributeName: string) => ({ AttributeName, KeyType: 'RANGE' });
const units = (ReadCapacityUnits: number, WriteCapacityUnits = ReadCapacityUnits) => ({
  ReadCapacityUnits,
  WriteCapacityUnits,
});
const all = { ProjectionType: 'ALL' };

/** A table with the key `pk` (and `sk`), provisioned; more members replace its own. */
const table = (more: object = {}) => ({
  TableName: 'abc',
  AttributeDefinitions: [definition('pk')],
  KeySchema: [hash('pk')],
  ProvisionedThroughput: units(5),
  ...more,
});
const composite = (names: readonly string[], more: object = {}) =>
  table({
    AttributeDefinitions: ['pk', 'sk', ...names].map((name) => definition(name)),
    KeySchema: [hash('pk'), range('sk')],
    BillingMode: 'PAY_PER_REQUEST',
    ProvisionedThroughput: undefined,
    ...more,
  });
const index = (IndexName: string, KeySchema: readonly object[], more: object = {}) => ({
  IndexName,
  KeySchema,
  Projection: all,
  ...more,
});
const notNull = 'failed to satisfy constraint: Member must not be null';
const atLeast1 = 'failed to satisfy constraint: Member must have value greater than or equal to 1';

describe('the answer', () => {
  it('shows what the service shows of a new table', async () => {
    const { TableDescription } = await plane.call('CreateTable', {
      ...musicTable,
      TableName: 'answer',
      AttributeDefinitions: [...musicTable.AttributeDefinitions.toReversed(), definition('Genre')],
      GlobalSecondaryIndexes: [
        index('by-genre', [hash('Genre')], {
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['z', 'a'] },
        }),
      ],
      LocalSecondaryIndexes: [index('local', [hash('Artist'), range('Genre')])],
      StreamSpecification: { StreamEnabled: false },
      SSESpecification: { Enabled: false },
    });
    expect(TableDescription).toEqual({
      AttributeDefinitions: [definition('Artist'), definition('Genre'), definition('SongTitle')],
      TableName: 'answer',
      TableStatus: 'CREATING',
      CreationDateTime: plane.clock.nowMs() / 1000,
      ProvisionedThroughput: { NumberOfDecreasesToday: 0, ...units(0) },
      TableSizeBytes: 0,
      ItemCount: 0,
      TableArn: `${ARN}/answer`,
      TableId: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      DeletionProtectionEnabled: false,
      KeySchema: musicTable.KeySchema,
      LocalSecondaryIndexes: [
        {
          ...index('local', [hash('Artist'), range('Genre')]),
          IndexSizeBytes: 0,
          ItemCount: 0,
          IndexArn: `${ARN}/answer/index/local`,
        },
      ],
      GlobalSecondaryIndexes: [
        {
          ...index('by-genre', [hash('Genre')]),
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['a', 'z'] },
          IndexStatus: 'CREATING',
          ProvisionedThroughput: { NumberOfDecreasesToday: 0, ...units(0) },
          IndexSizeBytes: 0,
          ItemCount: 0,
          IndexArn: `${ARN}/answer/index/by-genre`,
        },
      ],
    });
  });

  it('takes keys of 4 + 4 attributes for a global index', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const KeySchema = [...names.slice(0, 4).map(hash), ...names.slice(4).map(range)];
    const body = composite(names, {
      TableName: 'eight',
      GlobalSecondaryIndexes: [index('g-8', KeySchema)],
    });
    const { TableDescription } = await plane.call('CreateTable', body);
    expect(TableDescription).toMatchObject({ GlobalSecondaryIndexes: [{ KeySchema }] });
  });

  it('takes the ARN of the table as its name', async () => {
    const { TableDescription } = await plane.call(
      'CreateTable',
      table({ TableName: `${ARN}/by-arn` }),
    );
    expect(TableDescription).toMatchObject({ TableName: 'by-arn' });
  });
});

describe('refused, by constraints', () => {
  const cases: readonly (readonly [string, object, string])[] = [
    [
      'no table name',
      table({ TableName: undefined }),
      "ValidationException: The parameter 'TableName' is required but was not present in the request",
    ],
    [
      'an empty table name, alone',
      table({ TableName: '', KeySchema: [] }),
      violated(
        "Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    [
      'a short table name',
      table({ TableName: 'ab' }),
      violated(
        "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
      ),
    ],
    [
      'a bad character, alone',
      table({ TableName: 'abc;', KeySchema: [] }),
      violated(
        "Value 'abc;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
      ),
    ],
    [
      'no key schema',
      table({ KeySchema: undefined }),
      violated(`Value null at 'keySchema' ${notNull}`),
    ],
    [
      'an empty key schema',
      table({ KeySchema: [] }),
      violated(
        "Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    [
      'three key attributes',
      table({ KeySchema: [hash('a'), range('b'), range('c')] }),
      violated(
        "Value '[KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2",
      ),
    ],
    [
      'an unknown key type',
      table({ KeySchema: [{ AttributeName: 'pk', KeyType: 'INVALID' }] }),
      violated(
        "Value 'INVALID' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]",
      ),
    ],
    [
      'an unknown attribute type',
      table({ AttributeDefinitions: [definition('pk', 'INVALID')] }),
      violated(
        "Value 'INVALID' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
      ),
    ],
    [
      'no attribute definitions',
      table({ AttributeDefinitions: undefined }),
      violated(`Value null at 'attributeDefinitions' ${notNull}`),
    ],
    [
      'zero units',
      table({ ProvisionedThroughput: units(0) }),
      violated(
        `Value '0' at 'provisionedThroughput.writeCapacityUnits' ${atLeast1}`,
        `Value '0' at 'provisionedThroughput.readCapacityUnits' ${atLeast1}`,
      ),
    ],
    [
      'no units in the struct',
      table({ ProvisionedThroughput: {} }),
      violated(
        `Value null at 'provisionedThroughput.writeCapacityUnits' ${notNull}`,
        `Value null at 'provisionedThroughput.readCapacityUnits' ${notNull}`,
      ),
    ],
    [
      'an index without projection',
      composite(['g'], {
        GlobalSecondaryIndexes: [index('g-1', [hash('g')], { Projection: undefined })],
      }),
      violated(`Value null at 'globalSecondaryIndexes.1.member.projection' ${notNull}`),
    ],
    [
      'an unknown billing mode',
      table({ BillingMode: 'FREE' }),
      violated(
        "Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
      ),
    ],
  ];
  it.each(cases)('%s', async (_name, body, expected) => {
    expect(await plane.fault('CreateTable', { ...body })).toBe(expected);
  });
});

describe('refused, by the rules of tables', () => {
  const onDemand = { BillingMode: 'PAY_PER_REQUEST', ProvisionedThroughput: undefined };
  const cases: readonly (readonly [string, object, string])[] = [
    [
      'neither billing mode nor units',
      table({ ProvisionedThroughput: undefined }),
      invalid(
        'ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
      ),
    ],
    [
      'units in on-demand mode',
      table({ BillingMode: 'PAY_PER_REQUEST' }),
      invalid(
        'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
      ),
    ],
    [
      'units out of bounds',
      table({ ProvisionedThroughput: units(1_000_000_000_001) }),
      'ValidationException: Given value 1000000000001 for ReadCapacityUnits is out of bounds',
    ],
    [
      'a repeated key attribute',
      table({ KeySchema: [hash('pk'), range('pk')] }),
      'ValidationException: Invalid KeySchema: Some index key attribute have no definition',
    ],
    [
      'a repeated key attribute among two definitions',
      table({
        AttributeDefinitions: [definition('pk'), definition('b')],
        KeySchema: [hash('pk'), hash('pk')],
      }),
      'ValidationException: Both the Hash Key and the Range Key element in the KeySchema have the same name',
    ],
    [
      'a key attribute without definition',
      table({ KeySchema: [hash('a')] }),
      invalid(
        'Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: [pk]',
      ),
    ],
    [
      'no HASH first',
      table({
        AttributeDefinitions: [definition('a'), definition('b')],
        KeySchema: [range('a'), hash('b')],
      }),
      'ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type',
    ],
    [
      'no RANGE second',
      table({
        AttributeDefinitions: [definition('a'), definition('b')],
        KeySchema: [hash('a'), hash('b')],
      }),
      'ValidationException: Invalid KeySchema: The second KeySchemaElement is not a RANGE key type',
    ],
    [
      'an unused definition',
      table({ AttributeDefinitions: [definition('pk'), definition('x')] }),
      invalid(
        'Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions',
      ),
    ],
    [
      'an unused definition beside indexes',
      composite(['g', 'x'], {
        GlobalSecondaryIndexes: [index('g-1', [hash('g')], { Projection: {} })],
      }),
      invalid(
        'Some AttributeDefinitions are not used. AttributeDefinitions: [pk, sk, g, x], keys used: [pk, sk, g]',
      ),
    ],
    [
      'a definition twice',
      table({ AttributeDefinitions: [definition('pk'), definition('pk', 'N')] }),
      'ValidationException: Attribute Name is duplicated: pk',
    ],
    [
      'a local index without range key of the table',
      table({
        AttributeDefinitions: [definition('pk'), definition('l')],
        LocalSecondaryIndexes: [index('l-1', [hash('pk'), range('l')])],
      }),
      invalid(
        'Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex',
      ),
    ],
    [
      'a local index with another hash key',
      composite(['l'], { LocalSecondaryIndexes: [index('l-1', [hash('l'), range('sk')])] }),
      invalid(
        'Index KeySchema does not have the same leading hash key as table KeySchema for index: l-1. index hash key: l, table hash key: pk',
      ),
    ],
    [
      'a local index without range key',
      composite([], { LocalSecondaryIndexes: [index('l-1', [hash('pk')])] }),
      invalid('Index KeySchema does not have a range key for index: l-1'),
    ],
    [
      'an empty list of local indexes',
      composite([], { LocalSecondaryIndexes: [] }),
      invalid('List of LocalSecondaryIndexes is empty'),
    ],
    [
      'an empty list of global indexes',
      composite([], { GlobalSecondaryIndexes: [] }),
      invalid('List of GlobalSecondaryIndexes is empty'),
    ],
    [
      'six local indexes',
      composite([], {
        LocalSecondaryIndexes: Array.from({ length: 6 }, (_, i) =>
          index(`l-${i}`, [hash('pk'), range('sk')]),
        ),
      }),
      invalid('Number of LocalSecondaryIndexes exceeds per-table limit of 5'),
    ],
    [
      '21 global indexes',
      composite([], {
        GlobalSecondaryIndexes: Array.from({ length: 21 }, (_, i) => index(`g-${i}`, [hash('sk')])),
      }),
      invalid('GlobalSecondaryIndex count exceeds the per-table limit of 20'),
    ],
    [
      'a name for a local and a global index',
      composite([], {
        LocalSecondaryIndexes: [index('same', [hash('pk'), range('sk')])],
        GlobalSecondaryIndexes: [index('same', [hash('sk')])],
      }),
      invalid('Duplicate index name: same'),
    ],
    [
      'no projection type',
      composite([], { GlobalSecondaryIndexes: [index('g-1', [hash('sk')], { Projection: {} })] }),
      invalid('Unknown ProjectionType: null'),
    ],
    [
      'names for a projection of all',
      composite([], {
        GlobalSecondaryIndexes: [
          index('g-1', [hash('sk')], { Projection: { ...all, NonKeyAttributes: ['a'] } }),
        ],
      }),
      invalid('ProjectionType is ALL, but NonKeyAttributes is specified'),
    ],
    [
      'INCLUDE without names',
      composite([], {
        GlobalSecondaryIndexes: [
          index('g-1', [hash('sk')], { Projection: { ProjectionType: 'INCLUDE' } }),
        ],
      }),
      invalid('ProjectionType is INCLUDE, but NonKeyAttributes is not specified'),
    ],
    [
      'more than 100 projected names together',
      composite([], {
        GlobalSecondaryIndexes: Array.from({ length: 6 }, (_, i) =>
          index(`g-${i}`, [hash('sk')], {
            Projection: {
              ProjectionType: 'INCLUDE',
              NonKeyAttributes: Array.from({ length: 17 }, (_unused, n) => `name${n}`),
            },
          }),
        ),
      }),
      invalid('Number of NonKeyAttributes over all indexes exceeds per-table limit of 100'),
    ],
    [
      'a RANGE attribute before a HASH one',
      composite(['g'], {
        GlobalSecondaryIndexes: [index('g-1', [hash('pk'), range('sk'), hash('g')])],
      }),
      invalid('All HASH key attributes must precede RANGE key attributes in the KeySchema'),
    ],
    [
      'five HASH attributes',
      composite(['a', 'b', 'c'], {
        GlobalSecondaryIndexes: [index('g-1', ['pk', 'sk', 'a', 'b', 'c'].map(hash))],
      }),
      invalid('The KeySchema exceeds the maximum allowed number of HASH key attributes'),
    ],
    [
      'an attribute twice in a long key',
      composite(['g'], {
        GlobalSecondaryIndexes: [index('g-1', [hash('g'), hash('g'), range('sk')])],
      }),
      'ValidationException: The KeySchema contains multiple key attributes with the same name',
    ],
    [
      'an attribute twice in a key beside an unused definition',
      composite(['g', 'x'], {
        GlobalSecondaryIndexes: [index('g-1', [hash('g'), hash('g')])],
      }),
      'ValidationException: Both the Hash Key and the Range Key element in the KeySchema have the same name',
    ],
    [
      'an index without units',
      table({ GlobalSecondaryIndexes: [index('g-1', [hash('pk')])] }),
      invalid('ProvisionedThroughput is not specified for index: g-1'),
    ],
    [
      'an index with units in on-demand mode',
      table({
        ...onDemand,
        GlobalSecondaryIndexes: [index('g-1', [hash('pk')], { ProvisionedThroughput: units(1) })],
      }),
      invalid(
        'ProvisionedThroughput should not be specified for index: g-1 when BillingMode is PAY_PER_REQUEST',
      ),
    ],
    [
      'on-demand maximums in provisioned mode',
      table({ OnDemandThroughput: { MaxReadRequestUnits: 1 } }),
      invalid(
        'MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED.',
      ),
    ],
    [
      'an on-demand maximum of -1',
      table({ ...onDemand, OnDemandThroughput: { MaxReadRequestUnits: -1 } }),
      invalid(
        'Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range',
      ),
    ],
    [
      'warm throughput below what there is',
      table({ ...onDemand, WarmThroughput: { ReadUnitsPerSecond: 1 } }),
      invalid(
        'Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial',
      ),
    ],
    [
      'an unknown table class',
      table({ TableClass: 'GLACIER' }),
      'ValidationException: Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].',
    ],
    [
      'a bad tag',
      table({ Tags: [{ Key: 'a#b', Value: '' }] }),
      'ValidationException: The Tag Key provided is invalid, Key: a#b',
    ],
    [
      'a stream without view type',
      table({ StreamSpecification: { StreamEnabled: true } }),
      invalid('Table is being created with a stream enabled, UpdateViewType is required'),
    ],
    [
      'no stream with a view type',
      table({ StreamSpecification: { StreamEnabled: false, StreamViewType: 'KEYS_ONLY' } }),
      invalid(
        'Table is being created with a stream disabled, UpdateViewType should not be specified',
      ),
    ],
  ];
  it.each(cases)('%s', async (_name, body, expected) => {
    expect(await plane.fault('CreateTable', { ...body })).toBe(expected);
  });
});

describe('refused, since nothing would act on it', () => {
  it.each([
    [{ SSESpecification: { Enabled: true } }, 'SSESpecification with Enabled true'],
    [{ ResourcePolicy: '{}' }, 'ResourcePolicy'],
    [{ VectorIndexes: [{}] }, 'VectorIndexes'],
    [{ GlobalTableSourceArn: 'arn:aws:dynamodb:a:1:table/t' }, 'GlobalTableSourceArn'],
    [{ GlobalTableSettingsReplicationMode: 'ENABLED' }, 'GlobalTableSettingsReplicationMode'],
  ])('%j', async (members, what) => {
    expect(await plane.fault('CreateTable', table(members))).toBe(
      invalid(`${what} is not supported yet`),
    );
  });
});
