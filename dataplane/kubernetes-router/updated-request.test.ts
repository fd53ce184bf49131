import { describe, expect, it } from 'vitest';
import type { TableDescriptor } from '../catalog/descriptor.ts';
import type { CreateTableRequest, UpdateTableRequest } from '../catalog/table-request.ts';
import { finishCreation, finishSettings, removeIndex } from '../catalog/transitions.ts';
import { planUpdateTable } from '../catalog/update-plan.ts';
import { declaredTable } from './resource-description.ts';
import { updatedRequest } from './updated-request.ts';

const place = { region: 'us-east-1', accountId: '123456789012' };
const units = (ReadCapacityUnits: number) => ({ ReadCapacityUnits, WriteCapacityUnits: 5 });

function index(IndexName: string, key: string) {
  return {
    IndexName,
    KeySchema: [{ AttributeName: key, KeyType: 'HASH' as const }],
    Projection: { ProjectionType: 'ALL' as const },
  };
}

const definition = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });

const onDemand: CreateTableRequest = {
  TableName: 'Music',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: ['a', 'pk'].map(definition),
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  OnDemandThroughput: { MaxReadRequestUnits: 100, MaxWriteRequestUnits: 200 },
  GlobalSecondaryIndexes: [
    { ...index('ByA', 'a'), OnDemandThroughput: { MaxReadRequestUnits: 9 } },
  ],
};
const provisioned: CreateTableRequest = {
  ...onDemand,
  BillingMode: 'PROVISIONED',
  OnDemandThroughput: undefined,
  ProvisionedThroughput: units(5),
  GlobalSecondaryIndexes: [{ ...index('ByA', 'a'), ProvisionedThroughput: units(5) }],
};

interface Case {
  readonly name: string;
  readonly table: CreateTableRequest;
  readonly update: Omit<UpdateTableRequest, 'TableName'>;
}

const cases: readonly Case[] = [
  {
    name: 'a maximum is changed, another lifted',
    table: onDemand,
    update: { OnDemandThroughput: { MaxReadRequestUnits: -1, MaxWriteRequestUnits: 7 } },
  },
  {
    name: 'all maximums are lifted',
    table: onDemand,
    update: { OnDemandThroughput: { MaxReadRequestUnits: -1, MaxWriteRequestUnits: -1 } },
  },
  {
    name: 'an index gets maximums',
    table: onDemand,
    update: {
      GlobalSecondaryIndexUpdates: [
        { Update: { IndexName: 'ByA', OnDemandThroughput: { MaxWriteRequestUnits: 3 } } },
      ],
    },
  },
  {
    name: 'an index comes with a definition',
    table: onDemand,
    update: {
      AttributeDefinitions: ['b', 'pk'].map(definition),
      GlobalSecondaryIndexUpdates: [{ Create: index('ByB', 'b') }],
    },
  },
  {
    name: 'an index goes, and its definition with it',
    table: onDemand,
    update: { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'ByA' } }] },
  },
  {
    name: 'units of table and index change',
    table: provisioned,
    update: {
      ProvisionedThroughput: units(6),
      GlobalSecondaryIndexUpdates: [
        { Update: { IndexName: 'ByA', ProvisionedThroughput: units(7) } },
      ],
    },
  },
  {
    name: 'to on-demand mode: no units any more',
    table: provisioned,
    update: { BillingMode: 'PAY_PER_REQUEST' },
  },
  {
    name: 'to provisioned mode: no maximums any more',
    table: onDemand,
    update: {
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: units(6),
      GlobalSecondaryIndexUpdates: [
        { Update: { IndexName: 'ByA', ProvisionedThroughput: units(7) } },
      ],
    },
  },
  { name: 'table class', table: onDemand, update: { TableClass: 'STANDARD_INFREQUENT_ACCESS' } },
  { name: 'the class it has', table: onDemand, update: { TableClass: 'STANDARD' } },
  {
    name: 'a stream is enabled',
    table: onDemand,
    update: { StreamSpecification: { StreamEnabled: true, StreamViewType: 'OLD_IMAGE' } },
  },
  {
    name: 'a stream is disabled',
    table: {
      ...onDemand,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'OLD_IMAGE' },
    },
    update: { StreamSpecification: { StreamEnabled: false } },
  },
  { name: 'protection', table: onDemand, update: { DeletionProtectionEnabled: true } },
  {
    name: 'warm throughput',
    table: onDemand,
    update: { WarmThroughput: { ReadUnitsPerSecond: 13_000 } },
  },
];

/** What of a descriptor a request declares: nothing of its history. */
function declaration(table: TableDescriptor) {
  const { keySchema, attributeDefinitions, billingMode, throughput, deletionProtection } = table;
  const settings = ({
    provisioned: { readUnits, writeUnits },
    onDemand: maximums,
  }: typeof throughput) => ({
    units: { readUnits, writeUnits },
    maximums,
  });
  return {
    keySchema,
    attributeDefinitions,
    billingMode,
    ...settings(throughput),
    warm: throughput.warm.readUnits > 12_000 ? throughput.warm : undefined,
    tableClass: table.tableClass?.tableClass,
    isProtected: deletionProtection.enabled,
    stream: table.stream?.viewType,
    indexes: table.globalIndexes.map((each) => ({
      name: each.name,
      keySchema: each.keySchema,
      projection: each.projection,
      ...settings(each.throughput),
    })),
  };
}

function carriedOut(table: CreateTableRequest, update: UpdateTableRequest): TableDescriptor {
  const before = finishCreation(declare(table));
  const context = { region: place.region, nowMs: 1, streamIdMin: 0, nextPartitionId: () => 0n };
  const settled = finishSettings(planUpdateTable(before, update, context).table, 1);
  const gone = settled.globalIndexes.filter(({ status }) => status === 'DELETING');
  return gone.reduce((after, { name }) => removeIndex(after, name), settled);
}

function declare(request: CreateTableRequest): TableDescriptor {
  return declaredTable(request, { place, tableName: 'Music', createdAtMs: 0 });
}

describe('the table that an update is to make', () => {
  it.each(cases)('is what the catalog makes of it: $name', ({ table, update }) => {
    const request = { TableName: 'Music', ...update };
    const declared = declare(updatedRequest(table, request));
    expect(declaration(declared)).toEqual(declaration(carriedOut(table, request)));
  });
});
