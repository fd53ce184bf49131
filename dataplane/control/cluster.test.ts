import { describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { newIndex, table, threeZones } from './control.fixture.ts';
import { NodeCluster } from './node-cluster.fixture.ts';

interface Shown {
  readonly TableStatus: string;
  readonly ItemCount: number;
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexStatus: string }[];
}

async function describeTable(cluster: NodeCluster): Promise<Shown> {
  const { Table } = await cluster.call('DescribeTable', { TableName: 'Music' });
  return Table as Shown; // What the operation answers.
}

async function untilActive(cluster: NodeCluster): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { TableStatus, GlobalSecondaryIndexes = [] } = await describeTable(cluster);
    const all = [TableStatus, ...GlobalSecondaryIndexes.map((index) => index.IndexStatus)];
    if (all.every((status) => status === 'ACTIVE')) return;
    await cluster.time.pass(100);
  }
  throw new Error('not ACTIVE within a minute');
}

async function put(cluster: NodeCluster, item: Item): Promise<void> {
  const { pk } = item;
  if (pk === undefined) throw new Error('no pk');
  const written = cluster.router.tables
    .openTable('Music')
    .write(
      { kind: 'put', item, itemBytes: itemBytes(item), key: { pk }, condition: undefined },
      { before: false, after: false },
    );
  await cluster.time.during(Promise.resolve(written));
}

async function itemsOf(cluster: NodeCluster, indexName?: string): Promise<number> {
  const page = cluster.router.tables.openTable('Music').scan({
    indexName,
    consistentRead: indexName === undefined,
    filter: undefined,
    projection: undefined,
    output: 'count',
    fetchFromTable: false,
    limit: undefined,
    exclusiveStartKey: undefined,
    segment: 0,
    totalSegments: 1,
  });
  return (await cluster.time.during(Promise.resolve(page))).count;
}

describe('a cluster of real nodes', () => {
  it('has its tables created, changed and deleted, also when the leader of the catalog dies', async () => {
    const cluster = await NodeCluster.open(threeZones);
    await cluster.call('CreateTable', table());
    await untilActive(cluster);
    for (let i = 0; i < 20; i++) await put(cluster, { pk: { S: `${i}` }, genre: { S: 'x' } });
    expect(await itemsOf(cluster)).toBe(20);

    await cluster.call('UpdateTable', newIndex);
    await untilActive(cluster);
    await cluster.time.pass(3_000);
    expect(await itemsOf(cluster, 'by-genre')).toBe(20);

    const killed = await cluster.kill(cluster.catalogNode()?.id ?? '');
    await cluster.call('UpdateTimeToLive', {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    await untilActive(cluster);
    await put(cluster, { pk: { S: 'late' }, genre: { S: 'x' } });
    await cluster.start(killed.id, killed);
    await cluster.time.pass(10_000);
    expect(await cluster.call('DescribeTimeToLive', { TableName: 'Music' })).toMatchObject({
      TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED' },
    });
    await cluster.time.pass(15_000);
    expect((await describeTable(cluster)).ItemCount).toBe(21);

    await cluster.call('DeleteTable', { TableName: 'Music' });
    await cluster.time.pass(5_000);
    expect(await cluster.call('ListTables', {})).toEqual({ TableNames: [] });
    for (const { host } of cluster.nodes.values()) {
      expect([...host.all()].map(({ partitionId }) => partitionId)).toEqual([0n]);
    }
  }, 120_000);

  it('gives a node that lost its data new replicas of everything, the catalog included', async () => {
    const cluster = await NodeCluster.open(threeZones);
    await cluster.call('CreateTable', table());
    await untilActive(cluster);
    for (let i = 0; i < 20; i++) await put(cluster, { pk: { S: `${i}` } });
    for (const id of ['n2', 'n1', 'n3']) {
      await cluster.kill(id);
      await cluster.time.pass(3_000);
      await cluster.start(id);
      await cluster.time.until(() => isWhole(cluster), { limitMs: 120_000 });
    }
    expect(await itemsOf(cluster)).toBe(20);
    expect(await cluster.call('ListTables', {})).toEqual({ TableNames: ['Music'] });
    for (const { host } of cluster.nodes.values()) {
      for (const { replicaId } of host.all()) expect(replicaId).toBeGreaterThan(3);
    }
  }, 120_000);
});

/** Every group has a voter on each node, and no other members. */
function isWhole(cluster: NodeCluster): boolean {
  const nodes = [...cluster.nodes.values()];
  return [0n, 1n, 2n, 3n, 4n].every((id) =>
    nodes.every(({ id: nodeId, host }) => {
      const replica = host.get(id);
      const members = replica?.membership.members ?? [];
      const own = members.find(({ replicaId }) => replicaId === replica?.replicaId);
      return own?.node === nodeId && own.kind === 'voter' && members.length === nodes.length;
    }),
  );
}
