import { afterEach, describe, expect, it } from 'vitest';
import { systemScheduler } from '../replication/scheduler.ts';
import { TestTransports, until } from '../replication/transport/transports.fixture.ts';
import { methods } from '../routing/protocol.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import { TableClusters } from './table-clusters.ts';
import { TableDirectory } from './table-directory.ts';
import { activeStatus, tableResource } from './table-resource.fixture.ts';

const place = { region: 'eu-test-1', accountId: '123456789012' };
const arn = 'arn:aws:dynamodb:eu-test-1:123456789012:table/Music';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A storage node of the table Music, which it does not have yet. */
async function startNode() {
  const transports = new TestTransports(['n-1']);
  const self = { id: 'n-1', clusterId: 'uid-1', storeId: 's', processId: 'p' } as const;
  const node = transports.make('n-1', { self: { ...self, role: 'node' } });
  open.push(node);
  node.onRequest(methods.report, () => ({
    ...{ node: 'n-1', zone: 'a', storeId: 's', processId: 'p', version: 1, isWhole: true },
    ...{ partitions: [], removedPartitions: [], tables: [], routersCount: 1 },
  }));
  await transports.start(node);
  const { host = '', port = 0 } = node.address ?? {};
  return { node, host, port };
}

function startClusters(idleMs?: number) {
  const directory = new TableDirectory();
  const clusters = new TableClusters({
    directory,
    place,
    routerId: 'router-1',
    zone: 'a',
    scheduler: systemScheduler,
    protocolMax: 2,
    tls: () => undefined,
    log: () => undefined,
    ...(idleMs === undefined ? {} : { idleMs }),
  });
  open.push(clusters);
  return { directory, clusters };
}

function musicAt({ host, port }: { readonly host: string; readonly port: number }) {
  const nodes = [{ name: 'n-1', zone: 'a', host, port }];
  return tableResource({ version: 2, status: { ...activeStatus(), nodes } });
}

describe('the clusters of a namespace', () => {
  it('are connected when they are asked for, and let go of when nobody does', async () => {
    const node = await startNode();
    const { directory, clusters } = startClusters(200);
    directory.setResource(musicAt(node));
    expect(clusters.linkedCount).toBe(0);
    expect(() => clusters.openTable('Music')).toThrow(UnknownTableFault);
    expect(clusters.linkedCount).toBe(0);
    await until('both are connected', () => {
      // Asked for again and again: before this is seen it may have been idle for too long.
      clusters
        .cluster('uid-1')
        ?.refresh()
        .catch(() => undefined);
      return clusters.metrics.nodesConnected === 1 && node.node.peers().length === 1;
    });
    expect(clusters.peers()).toMatchObject([{ id: 'n-1', isConnected: true }]);
    await until('it is let go of', () => node.node.peers().length === 0);
    expect([clusters.linkedCount, clusters.metrics.tablesCount]).toEqual([0, 1]);
  });

  it('follow a node to its new address', async () => {
    const node = await startNode();
    const { directory, clusters } = startClusters();
    directory.setResource(musicAt({ host: '127.0.0.1', port: 1 }));
    const cluster = clusters.cluster('uid-1');
    void cluster?.refresh();
    const { version: _, ...rest } = { version: 0, ...musicAt(node) };
    directory.setResource({ ...rest, metadata: { ...rest.metadata, resourceVersion: '3' } });
    await until('it is connected', () => clusters.metrics.nodesConnected === 1);
  });

  it('are known by name and by ARN until they are being deleted, and closed when gone', async () => {
    const node = await startNode();
    const { directory, clusters } = startClusters();
    directory.setResource(musicAt(node));
    void clusters.cluster('uid-1')?.refresh();
    const openIt = (name: string) => () => clusters.openTable(name);
    // Connected or not, the fault says under which name it was looked for.
    expect(openIt(arn)).toThrow(expect.objectContaining({ table: 'Music' }));
    directory.setResource(tableResource({ version: 3, isDeleting: true }));
    expect(openIt(arn)).toThrow(expect.objectContaining({ table: arn }));
    directory.removeResource(tableResource());
    expect(clusters.cluster('uid-1')).toBeUndefined();
    await until('the connection is closed', () => node.node.peers().length === 0);
  });

  it('of another account or region are refused', () => {
    const { clusters } = startClusters();
    expect(() => clusters.openTable(arn.replace('123456789012', '000000000001'))).toThrow(
      expect.objectContaining({ type: 'AccessDeniedException' }),
    );
    expect(() => clusters.openTable(arn.replace('eu-test-1', 'us-east-1'))).toThrow(
      expect.objectContaining({ type: 'ValidationException' }),
    );
  });
});
