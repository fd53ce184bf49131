import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { transportFaults } from '../errors/transport.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import type { TableLayout } from '../partition/schema.ts';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import { configurationOf } from '../routing/cluster.fixture.ts';
import type { KnownTable } from '../routing/cluster-map.ts';
import { type RemoteTable, UnknownTableFault } from '../routing/remote-table.ts';
import { RemoteStreams, type RemoteStreamsParts } from './remote-streams.ts';
import { streamArn } from './stream-arn.ts';

const NOW = 1_800_000_000_000;
const tableName = 'Music';
const tableArn = `arn:aws:dynamodb:us-east-1:000000000000:table/${tableName}`;
const arnOf = (id: number) => streamArn(tableArn, id);
const viewType = 'KEYS_ONLY' as const;
const live = (id: number, tableId = 'live') => known({ tableId, stream: { id, viewType } });
const retired = (id: number, tableId = 'retired') =>
  known(
    { tableId },
    { endedStreams: [{ id, viewType, endedAtMs: NOW - 1_000 }], retiredAtMs: NOW - 1_000 },
  );

function known(
  schema: Parameters<typeof schemaOf>[0],
  layout: Partial<TableLayout> = {},
): KnownTable {
  const configuration = configurationOf(schemaOf({ ...schema, tableName, tableArn }));
  const { tableId } = configuration.layout.schema;
  return {
    tableId,
    isReadable: true,
    configuration: { ...configuration, layout: { ...configuration.layout, ...layout } },
  };
}

/** A router that knows some tables, and others once it has asked the nodes. */
function setUp(
  tables: readonly KnownTable[],
  more: Partial<RemoteStreamsParts> & { readonly later?: readonly KnownTable[] } = {},
) {
  let all = tables;
  const asked: string[] = [];
  const found = (tableId: string) => all.find((table) => table.tableId === tableId);
  const streams = new RemoteStreams({
    map: {
      table: () => all.find((each) => each.configuration.layout.retiredAtMs === undefined),
      tables: () => all,
    },
    tables: {
      tableById: (tableId) => {
        const table = found(tableId);
        const { partitions } = table?.configuration.layout ?? { partitions: [] };
        const stream = () => Promise.resolve({ shards: [], lastSequence: 7 });
        // What is asked of it.
        return table?.isReadable === true
          ? ({ partitions, stream } as unknown as RemoteTable)
          : undefined;
      },
    },
    clock: { nowMs: () => NOW },
    tableNameOf: () => tableName,
    refresh: async () => {
      asked.push('nodes');
      all = more.later ?? all;
    },
    hasStream: async () => {
      asked.push('catalog');
      return false;
    },
    ...more,
  });
  return { streams, asked };
}

async function faultOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ClientFault) return error.type;
    throw error;
  }
  return 'none';
}

describe('a stream at a router', () => {
  it('is opened without a question where its table is known', () => {
    const { streams, asked } = setUp([live(5)]);
    expect(streams.open(arnOf(5))).toMatchObject({ id: 5, status: 'ENABLED', tableName });
    expect(asked).toEqual([]);
  });

  it('of a table that was deleted is found beside a table of the same name', async () => {
    const { streams } = setUp([retired(4), live(5)]);
    expect(streams.open(arnOf(4))).toMatchObject({ id: 4, status: 'DISABLED' });
    expect(streams.open(arnOf(5))).toMatchObject({ id: 5, status: 'ENABLED' });
    expect((await streams.list(tableName)).map(({ arn }) => arn)).toEqual([arnOf(4), arnOf(5)]);
    expect(await streams.list('Other')).toEqual([]);
  });

  it('that is not known is there once the nodes were asked', async () => {
    const { streams, asked } = setUp([live(5)], { later: [live(6)] });
    expect(await streams.open(arnOf(6))).toMatchObject({ id: 6 });
    expect(asked).toEqual(['nodes']);
  });

  it('is said not to be there by the catalog alone', async () => {
    const { streams, asked } = setUp([live(5)]);
    expect(await faultOf(() => streams.open(arnOf(6)))).toBe('ResourceNotFoundException');
    expect(asked).toEqual(['nodes', 'catalog']);
    const inCatalog = setUp([live(5)], { hasStream: async () => true });
    expect(await faultOf(() => inCatalog.streams.open(arnOf(6)))).toBe('InternalServerError');
    const away = setUp([], {
      hasStream: async () => {
        throw transportFaults.internal();
      },
    });
    expect(await faultOf(() => away.streams.open(arnOf(6)))).toBe('InternalServerError');
  });

  it('whose partitions have not all had a leader yet is not opened', async () => {
    const { streams } = setUp([{ ...live(5), isReadable: false }], {
      hasStream: async () => true,
    });
    expect(await faultOf(() => streams.open(arnOf(5)))).toBe('InternalServerError');
  });

  it('that ended a day ago is gone', async () => {
    const ended = [{ id: 4, viewType, endedAtMs: NOW - STREAM_RETENTION_MS }];
    const { streams } = setUp([known({ tableId: 'live' }, { endedStreams: ended })]);
    expect(await streams.list(undefined)).toEqual([]);
    expect(await faultOf(() => streams.open(arnOf(4)))).toBe('ResourceNotFoundException');
  });

  it.each([
    [false, 'ResourceNotFoundException'],
    [true, 'InternalServerError'],
  ])('whose partitions go while it is read: catalog has it %s', async (isThere, fault) => {
    const { streams } = setUp([live(5)], {
      hasStream: async () => isThere,
      tables: {
        tableById: () =>
          ({
            partitions: [],
            stream: () => Promise.reject(new UnknownTableFault(tableName)),
          }) as unknown as RemoteTable, // What is asked of it.
      },
    });
    const { table } = await streams.open(arnOf(5));
    expect(await faultOf(() => table.stream(1n, { kind: 'shards', streamId: 5 }))).toBe(fault);
  });

  it('has an ARN of this place', async () => {
    const denied = new ClientFault('AccessDeniedException', 'of another account');
    const { streams, asked } = setUp([live(5)], {
      tableNameOf: () => {
        throw denied;
      },
    });
    expect(await faultOf(() => streams.open(arnOf(5)))).toBe('AccessDeniedException');
    expect(await faultOf(() => streams.open(tableArn))).toBe('ValidationException');
    expect(asked).toEqual([]);
  });
});
