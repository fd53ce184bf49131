import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ControlPlane,
  invalid,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
const units = (n: number) => ({ ReadCapacityUnits: n, WriteCapacityUnits: n });
const definition = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
const index = (IndexName: string, more: object = {}) => ({
  IndexName,
  KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
  Projection: { ProjectionType: 'ALL' },
  ...more,
});

beforeAll(async () => {
  plane = await openControlPlane();
  const indexed = {
    ...musicTable,
    AttributeDefinitions: [...musicTable.AttributeDefinitions, definition('g')],
    LocalSecondaryIndexes: [
      {
        ...index('local'),
        KeySchema: [
          { AttributeName: 'Artist', KeyType: 'HASH' },
          { AttributeName: 'g', KeyType: 'RANGE' },
        ],
      },
    ],
  };
  await plane.create({ ...indexed, GlobalSecondaryIndexes: [index('gsi')] });
  await plane.create({
    ...indexed,
    TableName: 'fixed',
    BillingMode: 'PROVISIONED',
    ProvisionedThroughput: units(5),
    GlobalSecondaryIndexes: [index('gsi', { ProvisionedThroughput: units(5) })],
  });
});
afterAll(() => plane.close());

const create = (more: object = {}) => ({
  GlobalSecondaryIndexUpdates: [{ Create: index('new', more) }],
});
const remove = { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'gsi' } }] };
const only = (what: string) => invalid(`${what} must be the only operation in the request`);
const nothing =
  'ValidationException: At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required';

describe('what goes together', () => {
  it.each<[string, object, string]>([
    ['nothing', {}, nothing],
    ['an empty list of index updates', { GlobalSecondaryIndexUpdates: [] }, nothing],
    ['definitions alone', { AttributeDefinitions: [definition('g')] }, nothing],
    ['an empty struct alone', { WarmThroughput: {} }, nothing],
    [
      'an empty list beside a change',
      { GlobalSecondaryIndexUpdates: [], DeletionProtectionEnabled: true },
      invalid('List of GlobalSecondaryIndexUpdates is empty'),
    ],
    [
      'encryption and class',
      { SSESpecification: { Enabled: true }, TableClass: 'STANDARD' },
      only('Server-Side Encryption modification'),
    ],
    [
      'class and protection',
      { TableClass: 'STANDARD', DeletionProtectionEnabled: true },
      only('TableClass modification'),
    ],
    [
      'protection and billing mode',
      { DeletionProtectionEnabled: true, BillingMode: 'PAY_PER_REQUEST' },
      only('DeletionProtection modification'),
    ],
    [
      'warm throughput and billing mode',
      { WarmThroughput: { ReadUnitsPerSecond: 1 }, BillingMode: 'PAY_PER_REQUEST' },
      only('WarmThroughput'),
    ],
    [
      'warm throughput and a new index',
      { WarmThroughput: { ReadUnitsPerSecond: 1 }, ...create() },
      invalid('Create global secondary index cannot be specified when updating WarmThroughput'),
    ],
    [
      'on-demand maximums and an index change',
      { OnDemandThroughput: { MaxReadRequestUnits: 1 }, ...remove },
      invalid('OnDemandThroughput can only be combined with BillingMode in an UpdateTable request'),
    ],
    [
      'units and an index',
      { ProvisionedThroughput: units(9), ...remove },
      invalid('You cannot create or delete index while updating table IOPS'),
    ],
    [
      'units and a stream',
      {
        ProvisionedThroughput: units(9),
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      },
      invalid('You cannot modify stream status while updating table IOPS'),
    ],
    [
      'a stream and an index',
      { StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' }, ...remove },
      invalid('You cannot create or delete index while changing stream status'),
    ],
  ])('refuses %s', async (_name, members, expected) => {
    expect(await plane.fault('UpdateTable', { TableName: 'Music', ...members })).toBe(expected);
  });
});

describe('refused before the table is looked at', () => {
  it.each<[object, string]>([
    [
      { ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 5 } },
      violated(
        "Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ),
    ],
    [
      { BillingMode: 'PROVISIONED' },
      invalid('ProvisionedThroughput must be specified when BillingMode is PROVISIONED'),
    ],
    [
      { BillingMode: 'PAY_PER_REQUEST', ProvisionedThroughput: units(5) },
      invalid(
        'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
      ),
    ],
    [
      { GlobalSecondaryIndexUpdates: [{}] },
      invalid(
        'One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null',
      ),
    ],
    [
      {
        GlobalSecondaryIndexUpdates: [
          { Delete: { IndexName: 'gsi' }, Update: { IndexName: 'gsi' } },
        ],
      },
      invalid(
        'Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object',
      ),
    ],
    [
      {
        GlobalSecondaryIndexUpdates: [
          { Delete: { IndexName: 'gsi' } },
          { Delete: { IndexName: 'gsi' } },
        ],
      },
      invalid(
        'Only one global secondary index update per index is allowed simultaneously. Index: gsi',
      ),
    ],
    [
      { GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'gsi', WarmThroughput: {} } }] },
      invalid(
        'WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: gsi',
      ),
    ],
    [
      { StreamSpecification: { StreamEnabled: true } },
      invalid('If stream is being enabled then UpdateViewType is required'),
    ],
    [
      { StreamSpecification: { StreamEnabled: false, StreamViewType: 'KEYS_ONLY' } },
      invalid('If stream is being disabled, then UpdateViewType must not be specified'),
    ],
    [
      { SSESpecification: { Enabled: true } },
      invalid('SSESpecification with Enabled true is not supported yet'),
    ],
    [
      { ReplicaUpdates: [{ Create: { RegionName: 'b' } }] },
      invalid('ReplicaUpdates is not supported yet'),
    ],
    [{ MultiRegionConsistency: 'STRONG' }, invalid('MultiRegionConsistency is not supported yet')],
    [{ VectorIndexUpdates: [{}] }, invalid('VectorIndexUpdates is not supported yet')],
    [
      { DisassociationProtectionEnabled: true },
      invalid('DisassociationProtectionEnabled is not supported yet'),
    ],
  ])('%j', async (members, expected) => {
    expect(await plane.fault('UpdateTable', { TableName: 'absent', ...members })).toBe(expected);
  });
});

describe('refused for what the table is', () => {
  const update = (throughput: object) => ({
    GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'gsi', ...throughput } }],
  });
  const defined = { AttributeDefinitions: [definition('g')] };
  const notFound = 'ResourceNotFoundException: Requested resource not found: ';
  const oneAtATime =
    'LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table';
  const guide =
    'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.';
  const same = (place: string) =>
    `The requested value equals the current value. Current ReadCapacityUnits provisioned for ${place}: 5. Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for ${place}: 5. Requested WriteCapacityUnits: 5. ${guide}`;
  it.each<[string, object, string]>([
    ['absent', { DeletionProtectionEnabled: true }, `${notFound}Table: absent not found`],
    [
      'fixed',
      { ProvisionedThroughput: units(5) },
      `ValidationException: The provisioned throughput for the table will not change. ${same('the table')}`,
    ],
    [
      'fixed',
      { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(5) },
      `ValidationException: The provisioned throughput for the table will not change. ${same('the table')}`,
    ],
    [
      'fixed',
      update({ ProvisionedThroughput: units(5) }),
      `ValidationException: The provisioned throughput for the index gsi will not change. ${same('index gsi')}`,
    ],
    ['fixed', update({}), invalid('ProvisionedThroughput must be specified for index: gsi')],
    [
      'fixed',
      { OnDemandThroughput: { MaxWriteRequestUnits: 9 } },
      invalid(
        'MaxWriteRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED',
      ),
    ],
    [
      'fixed',
      { ...defined, ...create() },
      invalid('Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: new'),
    ],
    [
      'Music',
      { ProvisionedThroughput: units(5) },
      invalid(
        'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
      ),
    ],
    [
      'Music',
      update({ ProvisionedThroughput: units(5) }),
      invalid(
        'The only Updates for index: gsi when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput',
      ),
    ],
    [
      'Music',
      { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(5) },
      invalid('ProvisionedThroughput must be specified for index: gsi'),
    ],
    [
      'Music',
      { OnDemandThroughput: { MaxReadRequestUnits: 0 } },
      invalid(
        'Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range',
      ),
    ],
    [
      'Music',
      { ...defined, ...create({ ProvisionedThroughput: units(1) }) },
      invalid(
        'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new when BillingMode is PAY_PER_REQUEST',
      ),
    ],
    [
      'Music',
      { ...defined, ...create({ IndexName: 'gsi' }) },
      'ValidationException: Attempting to create an index which already exists',
    ],
    ['Music', create(), invalid('AttributeDefinitions is not specified for index: new')],
    [
      'Music',
      { AttributeDefinitions: [definition('other')], ...create() },
      invalid(
        'Some index key attributes are not defined in AttributeDefinitions. Keys: [g], AttributeDefinitions: [other]',
      ),
    ],
    [
      'Music',
      { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'none' } }] },
      `${notFound}Index none for table Music`,
    ],
    [
      'fixed',
      {
        GlobalSecondaryIndexUpdates: [
          { Update: { IndexName: 'none', ProvisionedThroughput: units(1_000_000_000_000) } },
        ],
      },
      `${notFound}Index none for table fixed`,
    ],
    [
      'fixed',
      {
        GlobalSecondaryIndexUpdates: [
          { Update: { IndexName: 'none', ProvisionedThroughput: units(1_000_000_000_001) } },
        ],
      },
      'ValidationException: This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate',
    ],
    [
      'Music',
      { AttributeDefinitions: [{ ...definition('g'), AttributeType: 'N' }], ...create() },
      invalid(
        'Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: Schema:[SchemaElement: key{Artist:S:HASH}, SchemaElement: key{g:S:RANGE}] New schema: Schema:[SchemaElement: key{g:N:HASH}]',
      ),
    ],
    [
      'Music',
      { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'local' } }] },
      'ValidationException: Cannot delete an index that is not a GlobalSecondaryIndex: local',
    ],
    [
      'Music',
      { GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'local' } }] },
      'ValidationException: Cannot update an index that is not a GlobalSecondaryIndex: local',
    ],
    [
      'Music',
      {
        GlobalSecondaryIndexUpdates: [
          { Delete: { IndexName: 'gsi' } },
          ...create().GlobalSecondaryIndexUpdates,
        ],
        ...defined,
      },
      oneAtATime,
    ],
    [
      'Music',
      {
        GlobalSecondaryIndexUpdates: [
          { Delete: { IndexName: 'none' } },
          { Delete: { IndexName: 'nor' } },
        ],
      },
      oneAtATime,
    ],
    [
      'Music',
      {
        GlobalSecondaryIndexUpdates: [
          { Delete: { IndexName: 'none' } },
          ...create({ IndexName: 'gsi' }).GlobalSecondaryIndexUpdates,
        ],
        ...defined,
      },
      oneAtATime,
    ],
    [
      'Music',
      { SSESpecification: { Enabled: false } },
      invalid('Table is already encrypted by default'),
    ],
    [
      'Music',
      { StreamSpecification: { StreamEnabled: false } },
      'ValidationException: Table has no stream to disable: TableName: Music',
    ],
    [
      'Music',
      { WarmThroughput: { WriteUnitsPerSecond: 50_000 } },
      'LimitExceededException: Subscriber limit exceeded: Requested WriteUnitsPerSecond for WarmThroughput for table exceeds TableMaxWriteCapacityUnits of the account in region eu-test-1',
    ],
  ])('%s %j', async (TableName, members, expected) => {
    expect(await plane.fault('UpdateTable', { TableName, ...members })).toBe(expected);
  });
});
