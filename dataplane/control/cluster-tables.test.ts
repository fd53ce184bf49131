import { describe, expect, it } from 'vitest';
import { methods } from '../routing/protocol.ts';
import { ControlPlane, newIndex, table, tableWithIndex } from './control.fixture.ts';

describe('tables of a cluster', () => {
  it('CreateTable: every partition of table and index has a replica on each node, and a leader', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', tableWithIndex);
    await plane.untilActive();
    expect(plane.partitions()).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
    for (const id of plane.partitions()) {
      for (const node of ['n1', 'n2', 'n3'])
        expect(plane.cluster.replicaAt(node, id)).toBeDefined();
    }
    expect(plane.cluster.violations).toEqual([]);
  });

  it('CreateTable: the answer comes soon, and a table that is there is ACTIVE at once', async () => {
    const plane = await ControlPlane.open();
    const startMs = plane.time.monotonicMs();
    await plane.call('CreateTable', table());
    expect(plane.time.monotonicMs() - startMs).toBeLessThan(1_000);
    expect((await plane.describe()).TableStatus).toBe('ACTIVE');
  });

  it('CreateTable: goes on with a quorum; the node that was away gets its replicas when it is back', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n3');
    await plane.call('CreateTable', table());
    await plane.untilActive();
    expect(plane.cluster.at('n3').replicas.size).toBe(0);
    plane.cluster.start('n3');
    await plane.time.until(() => plane.cluster.at('n3').replicas.size === 4);
    expect(plane.cluster.violations).toEqual([]);
  });

  it('CreateTable: the missing founder gets its replica from the next leader of the catalog, too', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n3');
    await plane.call('CreateTable', table());
    await plane.untilActive();
    await plane.failOver();
    await plane.call('UpdateTimeToLive', {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    plane.cluster.start('n3');
    await plane.time.until(() => plane.cluster.at('n3').replicas.size === 4);
    // All founders begin with the same configuration, though there is a newer one by now.
    expect(plane.cluster.violations).toEqual([]);
  });

  it('CreateTable: waits while no quorum of nodes is there', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n2');
    plane.cluster.stop('n3');
    await plane.call('CreateTable', table());
    await plane.time.pass(30_000);
    expect((await plane.describe()).TableStatus).toBe('CREATING');
    plane.cluster.start('n2');
    await plane.untilActive();
  });

  it('UpdateTable: a new index has its partitions, and is filled, before it is ACTIVE', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.workCalls = 3;
    await plane.call('UpdateTable', newIndex);
    await plane.untilActive();
    expect(plane.partitions()).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
    const backfills = plane.cluster.calls.filter(({ method }) => method === methods.backfillIndex);
    expect(backfills).toHaveLength(12);
  });

  it('every partition gets every configuration, those of indexes included, each once', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', tableWithIndex);
    await plane.untilActive();
    await plane.call('UpdateTimeToLive', {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    const versions = () =>
      plane.cluster.groups.map(({ configurationVersion }) => configurationVersion);
    await plane.time.until(() => versions().every((version) => version === 2));
    const count = plane.cluster.calls.filter(({ method }) => method === methods.configure).length;
    expect(count).toBe(8);
    await plane.time.pass(2_000); // Until all have reported it.
    await plane.failOver();
    await plane.time.pass(10_000);
    expect(plane.cluster.calls.filter(({ method }) => method === methods.configure)).toHaveLength(
      8,
    );
  });

  it('a configuration that could not be sent everywhere is sent by the next leader of the catalog', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.beforeCall = ({ method }) =>
      method === methods.configure ? new Promise(() => {}) : undefined;
    const update = plane.call('UpdateTimeToLive', {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    await update; // Patience ends, the change holds.
    plane.cluster.beforeCall = () => {};
    await plane.failOver();
    await plane.time.until(() =>
      plane.cluster.groups.every(({ configurationVersion }) => configurationVersion === 2),
    );
    await plane.time.pass(5_000);
    const described = await plane.call('DescribeTimeToLive', { TableName: 'Music' });
    expect(described).toMatchObject({ TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED' } });
  });

  it('DeleteTable: no node has a replica any more, and nothing is left in the records', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', tableWithIndex);
    await plane.untilActive();
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.time.pass(1_000);
    expect(await plane.refusalOf('DescribeTable', { TableName: 'Music' })).toBe(
      'fault ResourceNotFoundException',
    );
    for (const { replicas } of plane.cluster.all.values()) expect(replicas.size).toBe(0);
  });

  it('DeleteTable: a node that is away drops its replicas when it is back, whoever leads the catalog then', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.stop('n2');
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.time.pass(60_000);
    expect(plane.cluster.at('n1').replicas.size).toBe(0);
    await plane.failOver();
    plane.cluster.start('n2');
    await plane.time.until(() => plane.cluster.at('n2').replicas.size === 0);
  });

  it('DeleteTable: the name is free at once, and partition ids are never used again', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.stop('n2');
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.call('CreateTable', table());
    await plane.untilActive();
    expect(plane.partitions()).toEqual(expect.arrayContaining([5n, 6n, 7n, 8n]));
    expect(plane.cluster.violations).toEqual([]);
  });
});
