import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ControlPlane, openControlPlane } from '../api/control-plane.fixture.ts';
import { until } from '../catalog/installation.fixture.ts';
import { musicTable, specDefaults } from './table.fixture.ts';
import { changesOf, isSettled } from './table-changes.ts';
import type { DescribedTable, TableDescription } from './table-description.ts';
import {
  createRequestOf,
  type JsonObject,
  specOfCreateRequest,
  type TableResource,
  timeToLiveRequestOf,
} from './table-resource.ts';
import type { GlobalSecondaryIndex, KeySchemaElement, TableSpec } from './table-types.ts';

/** Requests that are refused more often, or less often, than once in this time are to be found. */
const STEP_MS = 3_600_000;
const STEPS_MAX = 60;
const RUNS = 60;

/** More a second than a table or index has by itself. */
const warm = fc.integer({ min: 1, max: 40_000 });
const units = fc.record({
  readCapacityUnits: fc.integer({ min: 1, max: 9 }),
  writeCapacityUnits: fc.integer({ min: 1, max: 9 }),
});
const maximums = fc
  .record(
    { maxReadRequestUnits: fc.integer({ min: 1, max: 3 }), maxWriteRequestUnits: fc.constant(2) },
    { requiredKeys: [] },
  )
  .filter((value) => Object.keys(value).length > 0);
const warmThroughput = fc
  .record({ readUnitsPerSecond: warm, writeUnitsPerSecond: warm }, { requiredKeys: [] })
  .filter((value) => Object.keys(value).length > 0);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** What there is of keys, so that an index of one name can have several. */
const keySchemas: readonly (readonly KeySchemaElement[])[] = [
  [{ attributeName: 'a', keyType: 'HASH' }],
  [
    { attributeName: 'b', keyType: 'HASH' },
    { attributeName: 'a', keyType: 'RANGE' },
  ],
  [
    { attributeName: 'Artist', keyType: 'HASH' },
    { attributeName: 'c', keyType: 'HASH' },
    { attributeName: 'a', keyType: 'RANGE' },
  ],
];
const index = fc.record({
  indexName: fc.constantFrom('One', 'Two', 'Three'),
  keySchema: fc.constantFrom(...keySchemas),
  projection: fc.constantFrom(
    { projectionType: 'ALL' as const },
    { projectionType: 'INCLUDE' as const, nonKeyAttributes: ['z', 'y'] },
  ),
  provisionedThroughput: units,
  onDemandThroughput: optional(maximums),
  warmThroughput: optional(warmThroughput),
});

/** Specs that the API server would accept, all of the same table name and key. */
const spec: fc.Arbitrary<TableSpec> = fc
  .record({
    billingMode: fc.constantFrom('PROVISIONED' as const, 'PAY_PER_REQUEST' as const),
    provisionedThroughput: units,
    onDemandThroughput: optional(maximums),
    warmThroughput: optional(warmThroughput),
    indexes: fc.uniqueArray(index, { selector: ({ indexName }) => indexName, maxLength: 3 }),
    types: fc.record({ a: fc.constantFrom('S', 'N'), b: fc.constant('B'), c: fc.constant('S') }),
    ttl: fc.constantFrom(undefined, 'x', 'y'),
    stream: fc.constantFrom(undefined, 'off' as const, 'KEYS_ONLY' as const, 'OLD_IMAGE' as const),
    tableClass: fc.constantFrom('STANDARD' as const, 'STANDARD_INFREQUENT_ACCESS' as const),
    deletionProtectionEnabled: fc.boolean(),
    tags: fc.dictionary(fc.constantFrom('k', 'l', 'm'), fc.constantFrom('1', '2')),
  })
  .map((parts) => specOf(parts as Parts));

interface Parts {
  readonly billingMode: TableSpec['billingMode'];
  readonly provisionedThroughput: NonNullable<TableSpec['provisionedThroughput']>;
  readonly onDemandThroughput: TableSpec['onDemandThroughput'];
  readonly warmThroughput: TableSpec['warmThroughput'];
  readonly indexes: readonly GlobalSecondaryIndex[];
  readonly types: Readonly<Record<string, 'S' | 'N' | 'B'>>;
  readonly ttl: string | undefined;
  readonly stream: 'off' | 'KEYS_ONLY' | 'OLD_IMAGE' | undefined;
  readonly tableClass: TableSpec['tableClass'];
  readonly deletionProtectionEnabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

function specOf(parts: Parts): TableSpec {
  const isProvisioned = parts.billingMode === 'PROVISIONED';
  const { indexes, ttl, stream, onDemandThroughput, warmThroughput, provisionedThroughput } = parts;
  const used = new Set(indexes.flatMap(({ keySchema }) => keySchema.map((k) => k.attributeName)));
  return clean<TableSpec>({
    ...musicTable({}).spec,
    billingMode: parts.billingMode,
    attributeDefinitions: [
      ...musicTable({}).spec.attributeDefinitions,
      ...Object.entries(parts.types)
        .filter(([name]) => used.has(name))
        .map(([attributeName, attributeType]) => ({ attributeName, attributeType })),
    ],
    provisionedThroughput: isProvisioned ? provisionedThroughput : undefined,
    onDemandThroughput: isProvisioned ? undefined : onDemandThroughput,
    warmThroughput,
    globalSecondaryIndexes: indexes.map((each) => ({
      ...each,
      provisionedThroughput: isProvisioned ? each.provisionedThroughput : undefined,
      onDemandThroughput: isProvisioned ? undefined : each.onDemandThroughput,
    })),
    timeToLive: ttl === undefined ? undefined : { enabled: true, attributeName: ttl },
    streamSpecification:
      stream &&
      (stream === 'off'
        ? { streamEnabled: false }
        : { streamEnabled: true, streamViewType: stream }),
    tableClass: parts.tableClass,
    deletionProtectionEnabled: parts.deletionProtectionEnabled,
    tags: Object.entries(parts.tags).map(([key, value]) => ({ key, value })),
  });
}

/** Without undefined members, as JSON has none. */
function clean<T>(value: unknown): T {
  return JSON.parse(JSON.stringify(value));
}

async function create(plane: ControlPlane, table: TableResource): Promise<void> {
  await plane.create(createRequestOf(table));
  const timeToLive = timeToLiveRequestOf(table);
  if (timeToLive !== undefined) await plane.call('UpdateTimeToLive', timeToLive);
}

async function describeTable(plane: ControlPlane): Promise<DescribedTable> {
  const name = { TableName: 'Music' };
  // Answers of the operations, whose shapes these are.
  const { Table: table } = (await plane.call('DescribeTable', name)) as unknown as {
    readonly Table: TableDescription;
  };
  const { TimeToLiveDescription: timeToLive } = await plane.call('DescribeTimeToLive', name);
  const { Tags: tags } = await plane.call('ListTagsOfResource', { ResourceArn: table.TableArn });
  return { table, timeToLive, tags } as DescribedTable;
}

async function settledTable(plane: ControlPlane): Promise<DescribedTable> {
  let described = await describeTable(plane);
  while (!isSettled(described)) {
    await until(() => plane.catalog.describeTable('Music').TableStatus === 'ACTIVE');
    await new Promise((resolve) => setImmediate(resolve));
    described = await describeTable(plane);
  }
  return described;
}

/** Sends one of the changes at a time, whichever `choose` says, until there is none. */
async function converge(
  plane: ControlPlane,
  table: TableResource,
  choose: (count: number) => { readonly position: number; readonly waits: boolean },
): Promise<DescribedTable> {
  for (let step = 0; step < STEPS_MAX; step++) {
    const described = await describeTable(plane);
    const changes = changesOf(described, table);
    if (changes.length === 0 && isSettled(described)) return described;
    const { position, waits } = choose(changes.length);
    const change = changes[position];
    plane.clock.advance(STEP_MS);
    if (change !== undefined) {
      const fault = await plane.fault(change.operation, change.body);
      expect({ change, fault }).toEqual({ change, fault: 'no fault' });
    }
    if (change === undefined || waits) await settledTable(plane);
  }
  throw new Error(`not what the spec says after ${STEPS_MAX} steps`);
}

/** What two tables of one spec have in common: not ids and times, nor warm throughput, which never falls. */
function essence({ table, timeToLive, tags }: DescribedTable): JsonObject {
  const shown = JSON.parse(JSON.stringify(table), (key, value: unknown) =>
    /DateTime$|^LatestStream|^TableId$|^WarmThroughput$|^NumberOfDecreasesToday$/.test(key)
      ? undefined
      : value,
  );
  const byName = (a: { IndexName: string }, b: { IndexName: string }) =>
    a.IndexName < b.IndexName ? -1 : 1;
  return {
    ...shown,
    BillingModeSummary: table.BillingModeSummary?.BillingMode ?? 'PROVISIONED',
    TableClassSummary: table.TableClassSummary?.TableClass ?? 'STANDARD',
    GlobalSecondaryIndexes: (shown.GlobalSecondaryIndexes ?? []).toSorted(byName),
    timeToLive,
    tags: (tags ?? []).toSorted((a, b) => (a.Key < b.Key ? -1 : 1)),
  };
}

test('any table becomes any spec of its key, whatever the order of the requests, and none is refused', async () => {
  const choices = fc.infiniteStream(fc.record({ pick: fc.nat(), waits: fc.boolean() }));
  const property = fc.asyncProperty(spec, spec, choices, async (before, after, stream) => {
    const [plane, fresh] = await Promise.all([openControlPlane(), openControlPlane()]);
    try {
      await create(plane, musicTable(before));
      await create(fresh, musicTable(after));
      const converged = await converge(plane, musicTable(after), (count) => {
        const { pick = 0, waits = true } = stream.next().value ?? {};
        return { position: count === 0 ? 0 : pick % count, waits };
      });
      expect(essence(converged)).toEqual(essence(await settledTable(fresh)));
    } finally {
      await Promise.all([plane.close(), fresh.close()]);
    }
  });
  await fc.assert(property, { numRuns: RUNS });
}, 120_000);

test('a new table needs nothing', async () => {
  const property = fc.asyncProperty(spec, async (wanted) => {
    const plane = await openControlPlane();
    try {
      await create(plane, musicTable(wanted));
      expect(changesOf(await settledTable(plane), musicTable(wanted))).toEqual([]);
    } finally {
      await plane.close();
    }
  });
  await fc.assert(property, { numRuns: RUNS });
}, 120_000);

test('the spec of a CreateTable request is the spec that the request was made from', () => {
  const property = fc.property(spec, ({ warmThroughput: _, ...wanted }) => {
    const { globalSecondaryIndexes: indexes = [], timeToLive, ...others } = wanted;
    const { streamSpecification: stream, ...withoutStream } = others;
    const rest = stream?.streamEnabled === true ? others : withoutStream;
    const withoutWarm = indexes.map(({ warmThroughput: _warm, ...each }) => each);
    const asked = clean<TableSpec>({ ...rest, globalSecondaryIndexes: withoutWarm });
    const back = specOfCreateRequest(createRequestOf(musicTable(asked)));
    expect({
      ...specDefaults,
      tags: [],
      globalSecondaryIndexes: [],
      ...back,
    }).toEqual({ ...asked, tags: asked.tags ?? [] });
  });
  fc.assert(property);
});
