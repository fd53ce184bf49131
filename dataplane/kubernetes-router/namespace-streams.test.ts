import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { tableFaults } from '../errors/tables.ts';
import type { OpenStream, StreamInfo } from '../stream/streams.ts';
import { NamespaceStreams } from './namespace-streams.ts';
import type { TableCluster } from './table-cluster.ts';
import { TableDirectory } from './table-directory.ts';
import { activeStatus, tableResource } from './table-resource.fixture.ts';

const place = { region: 'eu-test-1', accountId: '123456789012' };
const tableArn = (name: string) => `arn:aws:dynamodb:eu-test-1:123456789012:table/${name}`;
const label = '2026-11-21T02:45:00.123';
const arn = (name: string) => `${tableArn(name)}/stream/${label}`;
const streamSpecification = { streamEnabled: true, streamViewType: 'NEW_IMAGE' as const };

const streaming = (uid: string, tableName: string, spec: object = { streamSpecification }) =>
  tableResource({
    uid,
    spec: { tableName, ...spec },
    status: {
      ...activeStatus(),
      latestStreamARN: arn(tableName),
      latestStreamLabel: label,
    },
  });

function setUp(isComplete = true) {
  const directory = new TableDirectory();
  const asked: string[] = [];
  const cluster = {
    streams: async () => [{ arn: 'of the cluster' } as StreamInfo],
    openStream: async (each: string) => {
      asked.push(each);
      return { arn: each } as OpenStream;
    },
  };
  const streams = new NamespaceStreams({
    directory,
    // What is asked of it.
    clusters: { cluster: (id) => (id === '' ? undefined : (cluster as unknown as TableCluster)) },
    views: {
      find: async (name) => {
        const table = directory.table(name);
        if (table === undefined) throw tableFaults.notFound(name);
        return table;
      },
    },
    place,
  });
  directory.setResource(streaming('2', 'Shop'));
  directory.setResource(streaming('1', 'Music'));
  directory.setResource(streaming('3', 'Off', { streamSpecification: { streamEnabled: false } }));
  directory.setResource(tableResource({ uid: '4', spec: { tableName: 'None' } }));
  if (isComplete) directory.complete();
  return { streams, asked };
}

describe('streams of a namespace', () => {
  it('are listed as the resources have them, those that are enabled', async () => {
    const { streams } = setUp();
    expect(await streams.list(undefined)).toEqual(
      ['Music', 'Shop'].map((tableName) => ({
        arn: arn(tableName),
        label,
        id: Date.UTC(2026, 10, 21, 2, 45, 0, 123),
        status: 'ENABLED',
        viewType: 'NEW_IMAGE',
        tableName,
        key: { hash: [{ name: 'pk', type: 'S' }], range: [] },
      })),
    );
  });

  it('of one table are listed as its own cluster knows them', async () => {
    const { streams } = setUp();
    expect(await streams.list('Off')).toEqual([{ arn: 'of the cluster' }]);
    expect(await streams.list('Nowhere')).toEqual([]);
  });

  it('are not listed before it is known what tables there are', async () => {
    const { streams } = setUp(false);
    await expect(streams.list(undefined)).rejects.toMatchObject({ type: 'InternalServerError' });
  });

  it('are opened in the cluster of their table', async () => {
    const { streams, asked } = setUp();
    expect(await streams.open(arn('Shop'))).toEqual({ arn: arn('Shop') });
    expect(asked).toEqual([arn('Shop')]);
  });

  it.each([
    ['of no table', arn('Nowhere'), 'ResourceNotFoundException'],
    ['that is no ARN of a stream', tableArn('Music'), 'ValidationException'],
    ['of another region', arn('Music').replace('eu-', 'us-'), 'ValidationException'],
    ['of another account', arn('Music').replace('9012', '9013'), 'AccessDeniedException'],
  ])('%s: refused', async (_, each, type) => {
    const { streams } = setUp();
    const opened = streams.open(each);
    await expect(opened).rejects.toBeInstanceOf(ClientFault);
    await expect(opened).rejects.toMatchObject({ type });
  });
});
