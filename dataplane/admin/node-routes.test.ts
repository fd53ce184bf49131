import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  encodePartitionConfiguration,
  encodeTableConfiguration,
} from '../routing/table-configuration.ts';
import { configuration, type RunningAdmin, serveFakeNode } from './node-admin.fixture.ts';

let admin: RunningAdmin;
beforeEach(async () => {
  admin = await serveFakeNode();
});
afterEach(() => admin.close());

const tableJson: unknown = JSON.parse(encodeTableConfiguration(configuration).toString());
const partitionConfiguration = encodePartitionConfiguration({
  partitionId: 7n,
  indexId: 0,
  table: configuration,
});
const partitionJson: unknown = JSON.parse(partitionConfiguration.toString());

describe('health', () => {
  it('is live, and ready until there is a reason why not', async () => {
    expect(await admin.ask('GET', '/livez')).toEqual([200, { isLive: true }]);
    expect(await admin.ask('GET', '/readyz')).toEqual([200, { isReady: true, reasons: [] }]);
    admin.node.reasons = ['draining', 'no space left'];
    expect(await admin.ask('GET', '/readyz')).toEqual([
      503,
      { isReady: false, reasons: ['draining', 'no space left'] },
    ]);
    expect(await admin.ask('GET', '/livez')).toEqual([200, { isLive: true }]);
  });

  it('shows metrics as text', async () => {
    const response = await admin.send('/metrics', {});
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toBe('trestle_up 1\n');
  });
});

describe('what a node tells', () => {
  it('says who it is, and whom else its cluster has', async () => {
    expect(await admin.ask('GET', '/identity')).toEqual([
      200,
      {
        clusterId: 'cluster-1',
        nodeId: 'a-1',
        zone: 'a',
        storeId: 'store-1',
        tableName: 'Music',
        nodes: [{ id: 'a-1', zone: 'a', host: 'a-1.music.default.svc', port: 8002 }],
      },
    ]);
  });

  it('reports itself, its peers, tables and partitions; bigints are strings', async () => {
    const [status, body] = await admin.ask('GET', '/status');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      clusterId: 'cluster-1',
      node: 'a-1',
      zone: 'a',
      isDraining: false,
      partitions: [{ partitionId: '7', tableId: 'table-1' }],
      tables: [tableJson],
      volume: { usedBytes: 900, availableBytes: 100 },
      peers: [{ id: 'b-1', isConnected: false, failure: 'connect ECONNREFUSED' }],
    });
  });

  it('lists its replicas', async () => {
    expect(await admin.ask('GET', '/partitions')).toEqual([
      200,
      {
        node: 'a-1',
        partitions: [
          {
            partitionId: '7',
            replicaId: 1,
            table: 'Music',
            index: null,
            role: 'leader',
            term: 4,
            leader: 'a-1',
            isReady: true,
            appliedIndex: 90,
            lastIndex: 100,
            followers: [
              {
                replicaId: 2,
                node: 'b-1',
                matchIndex: 98,
                lagEntries: 2,
                isRecentlyActive: true,
                isInSnapshot: false,
              },
              {
                replicaId: 3,
                node: 'c-1',
                matchIndex: 0,
                lagEntries: 100,
                isRecentlyActive: true,
                isInSnapshot: true,
              },
            ],
            voters: ['a-1', 'b-1'],
            learners: ['c-1'],
            items: 12,
            bytes: 345,
            failure: null,
            backfills: [{ index: 'ByYear', walkedShare: 0.25 }],
          },
        ],
      },
    ]);
  });

  it('describes one replica, with its configuration', async () => {
    const [status, body] = await admin.ask('GET', '/partitions/7');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      storageId: '9223372036854775813',
      commitIndex: 95,
      stalenessMs: null,
      membership: { epoch: 2, isJoint: false, replicaIdNext: 4 },
      configuration: tableJson,
    });
  });

  it.each(['/partitions/8', '/partitions/18446744073709551615'])(
    'has no replica at %s',
    async (path) => {
      const id = path.split('/').at(-1);
      expect(await admin.ask('GET', path)).toEqual([
        404,
        { error: `a-1 has no replica of partition ${id}` },
      ]);
    },
  );

  it.each(['x', '-1', '1.5', '18446744073709551616', '%20'])('%s is no partition', async (id) => {
    const shown = decodeURIComponent(id);
    expect(await admin.ask('GET', `/partitions/${id}`)).toEqual([
      400,
      { error: `'${shown}' is no partition id` },
    ]);
  });
});

describe('what a node is told', () => {
  const replica = {
    partitionId: '9',
    replicaId: 2,
    members: [{ replicaId: 2, node: 'a-1', kind: 'voter' }],
  };

  it('makes a replica', async () => {
    const body = { storeId: 'store-1', replica, configuration: partitionJson };
    expect(await admin.ask('POST', '/partitions', body)).toEqual([
      201,
      { partitionId: '9', replicaId: 2, node: 'a-1' },
    ]);
    expect(admin.node.calls).toEqual([
      [
        'createReplica',
        {
          storeId: 'store-1',
          replica: { ...replica, partitionId: 9n },
          configuration: partitionConfiguration,
        },
      ],
    ]);
  });

  it('makes a replica that joins', async () => {
    const { members, ...joining } = replica;
    expect(members).toHaveLength(1);
    await admin.ask('POST', '/partitions', { storeId: 's', replica: joining });
    expect(admin.node.calls[0]?.[1]).toEqual({
      storeId: 's',
      replica: { partitionId: 9n, replicaId: 2, members: [] },
      configuration: undefined,
    });
  });

  it('drops a replica, of its own folder or of the one that is named', async () => {
    expect(await admin.ask('DELETE', '/partitions/7')).toEqual([
      200,
      { partitionId: '7', isDropped: true },
    ]);
    await admin.ask('DELETE', '/partitions/7?storeId=other');
    expect(admin.node.calls).toEqual([
      ['dropReplica', { storeId: 'store-1', partitionId: 7n }],
      ['dropReplica', { storeId: 'other', partitionId: 7n }],
    ]);
  });

  it('changes members', async () => {
    admin.node.outcome = () => ({ epoch: 3 });
    const change = { addLearners: [{ node: 'd-1' }], promote: [3], remove: [2] };
    expect(await admin.ask('POST', '/partitions/7/members', change)).toEqual([
      200,
      { membership: { epoch: 3 } },
    ]);
    await admin.ask('POST', '/partitions/7/members', {});
    expect(admin.node.calls).toEqual([
      ['changeMembers', { partitionId: 7n, ...change }],
      ['changeMembers', { partitionId: 7n, addLearners: [], promote: [], remove: [] }],
    ]);
  });

  it('hands a leadership over', async () => {
    expect(await admin.ask('POST', '/partitions/7/leader', { toNode: 'b-1' })).toEqual([
      200,
      { partitionId: '7', leader: 'b-1' },
    ]);
    expect(admin.node.calls).toEqual([['transferLeadership', { partitionId: 7n, toNode: 'b-1' }]]);
  });

  it('takes another configuration of a table', async () => {
    expect(await admin.ask('PUT', '/partitions/7/configuration', tableJson)).toEqual([
      200,
      { partitionId: '7' },
    ]);
    expect(admin.node.calls).toEqual([
      ['configure', { partitionId: 7n, configuration: encodeTableConfiguration(configuration) }],
    ]);
  });

  it('drains, and takes part again', async () => {
    const answer = (isDraining: boolean) => ({ node: 'a-1', isDraining, leadershipsCount: 1 });
    expect(await admin.ask('POST', '/drain')).toEqual([200, answer(true)]);
    expect(admin.node.isDraining).toBe(true);
    expect(await admin.ask('DELETE', '/drain')).toEqual([200, answer(false)]);
    expect(admin.node.isDraining).toBe(false);
  });

  it('founds the catalog', async () => {
    expect(await admin.ask('POST', '/bootstrap')).toEqual([200, { isFounded: true }]);
    await admin.ask('POST', '/bootstrap', { nodes: ['a-1', 'b-1'] });
    expect(admin.node.bootstraps).toEqual([undefined, ['a-1', 'b-1']]);
  });

  it('has operations on tables done, and answers what they answer', async () => {
    const body = { TableName: 'Music', BillingMode: 'PAY_PER_REQUEST' };
    admin.node.outcome = () => ({ TableDescription: { TableName: 'Music' } });
    expect(await admin.ask('POST', '/operations/UpdateTable', body)).toEqual([
      200,
      { TableDescription: { TableName: 'Music' } },
    ]);
    await admin.ask('POST', '/operations/UpdateTable?dryRun=true', body);
    await admin.ask('POST', '/operations/ListTables?dryRun=false');
    const host = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    expect(admin.node.operations).toEqual([
      { operation: 'UpdateTable', body, host, isDryRun: false },
      { operation: 'UpdateTable', body, host, isDryRun: true },
      { operation: 'ListTables', body: {}, host, isDryRun: false },
    ]);
  });

  it('answers an operation that has nothing to tell with an empty object', async () => {
    admin.node.outcome = () => new Uint8Array(0);
    const body = { ResourceArn: 'arn', Tags: [] };
    expect(await admin.ask('POST', '/operations/TagResource', body)).toEqual([200, {}]);
  });

  it('breaks and heals links', async () => {
    const { linkFaults } = admin.node;
    expect(await admin.ask('POST', '/faults', { action: 'block', peers: ['b-1'] })).toEqual([
      200,
      { links: [{ peer: 'b-1', direction: 'both' }] },
    ]);
    expect([linkFaults.blocksAny('b-1'), linkFaults.blocksAny('c-1')]).toEqual([true, false]);
    await admin.ask('POST', '/faults', { action: 'delay', peers: ['c-1'], delayMs: 20 });
    expect(linkFaults.delayMs('c-1')).toBe(20);
    expect(await admin.ask('POST', '/faults', { action: 'heal' })).toEqual([200, { links: [] }]);
    expect([linkFaults.blocksAny('b-1'), linkFaults.delayMs('c-1')]).toEqual([false, 0]);
    await admin.ask('POST', '/faults', { action: 'block', direction: 'in' });
    expect(linkFaults.blocks('router-1', 'in')).toBe(true);
    expect(linkFaults.blocks('router-1', 'out')).toBe(false);
  });
});
