import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Item } from '../item/attribute-value.ts';
import { decodeWriteCommand } from '../partition/command-codec.ts';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import type { TableSchema } from '../partition/schema.ts';
import { RequestFailed } from '../replication/transport/transport.ts';
import { configurationOf, FakeCluster, refusal } from './cluster.fixture.ts';
import { indexed, plain, putOf, queryOf, unlimited } from './local-table.fixture.ts';
import type { GetAnswer, GetCall, WriteAnswer, WriteCall } from './protocol.ts';
import { UnknownTableFault } from './remote-table.ts';
import type { RouterOptions } from './router.ts';
import type { TableThroughput } from './table.ts';
import { encodeTableConfiguration } from './table-configuration.ts';

const key: Item = { p: { S: 'a' }, s: { N: '1' } };
const item: Item = { ...key, x: { S: 'x' } };
const put = putOf(item, plain);
const applied = (parts: { before?: Item; after?: Item; units?: number } = {}): WriteAnswer => [
  'applied',
  [parts.units ?? 1, [], []],
  null,
  parts.before === undefined ? null : Buffer.from(JSON.stringify(parts.before)),
  parts.after === undefined ? null : Buffer.from(JSON.stringify(parts.after)),
  5_000,
];
const strong = { consistentRead: true, projection: undefined };
const eventual = { consistentRead: false, projection: undefined };

async function oneTable({
  schema = plain,
  throughput = unlimited,
  partitions = 1,
  ...options
}: Partial<RouterOptions> & {
  readonly schema?: TableSchema;
  readonly throughput?: TableThroughput;
  readonly partitions?: number;
} = {}) {
  const cluster = new FakeCluster();
  cluster.addTable(configurationOf(schema, { throughput, partitions }), 'a1');
  const router = await cluster.router(options);
  const table = router.tables.openTable('T');
  const { scheduler } = cluster;
  return { cluster, router, table, scheduler };
}

async function faultOf(work: Promise<unknown>): Promise<ClientFault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ClientFault) return error;
    throw error;
  }
  throw new Error('the work succeeded');
}

function writeOf(cluster: FakeCluster, index: number): WriteCall {
  const seen = cluster.seenOf('write')[index];
  if (seen === undefined) throw new Error(`no write ${index}`);
  return seen.body as WriteCall;
}

describe('get', () => {
  const json = Buffer.from(JSON.stringify(item));

  it('strong: asks the leader once and gives the bytes as they came', async () => {
    const { cluster, table, scheduler } = await oneTable({ zone: 'b' });
    cluster.node('a1').on('get', (): GetAnswer => [json, 5_000]);
    const { value } = await scheduler.until(table.get(key, strong));
    expect(value.json).toEqual(json);
    expect(value.capacity.table).toBe(2);
    const [{ node, body } = { node: '', body: undefined }, ...others] = cluster.seenOf('get');
    const [id, epoch, itemKey, isConsistent] = body as GetCall;
    expect([node, id, epoch, itemKey.length > 16, isConsistent, others.length]).toEqual([
      'a1',
      1n,
      1,
      true,
      true,
      0,
    ]);
  });

  it('eventual: asks the nearest replica and costs half', async () => {
    const { cluster, table, scheduler } = await oneTable({ zone: 'b' });
    cluster.node('b1').on('get', (): GetAnswer => [json, 5_000]);
    const { value } = await scheduler.until(table.get(key, eventual));
    expect(value.capacity.table).toBe(1);
    expect(cluster.askedFor('get')).toEqual(['b1']);
  });

  it('projects, and costs the minimum where there is nothing', async () => {
    const { cluster, table, scheduler } = await oneTable();
    cluster.node('a1').on('get', (): GetAnswer => [json, 30]);
    const projected = table.get(key, { ...strong, projection: [['x']] });
    expect(Buffer.from((await projected).json ?? []).toString()).toBe('{"x":{"S":"x"}}');
    cluster.node('a1').on('get', () => null);
    const { value } = await scheduler.until(table.get(key, strong));
    expect([value.json, value.capacity.table]).toEqual([undefined, 1]);
  });

  it('each item is asked of the partition that has its hash', async () => {
    const { cluster, table } = await oneTable({ partitions: 4 });
    cluster.node('a1').on('get', () => null);
    for (let index = 0; index < 64; index += 1) {
      await table.get({ p: { S: `${index}` }, s: { N: '1' } }, strong);
    }
    const bounds = [0, 64, 128, 192];
    for (const { body } of cluster.seenOf('get')) {
      const [id, , itemKey] = body as GetCall;
      expect(id).toBe(BigInt(bounds.filter((bound) => (itemKey[0] ?? 0) >= bound).length));
    }
  });

  it('a partition that cannot be reached is a 500 that says so', async () => {
    const { cluster, table, scheduler } = await oneTable();
    for (const id of cluster.nodes.keys()) cluster.setUp(id, false);
    const { value, tookMs } = await scheduler.until(faultOf(table.get(key, strong)));
    expect(value.type).toBe('InternalServerError');
    expect(value.message).toContain('cannot be reached');
    expect(tookMs).toBeGreaterThanOrEqual(10_000);
  });

  it('a table that has gone meanwhile is not found', async () => {
    const { cluster, table, scheduler } = await oneTable();
    for (const node of cluster.nodes.values()) {
      node.remove(1n);
      node.on('get', () => {
        throw refusal('noReplica');
      });
    }
    const { value, tookMs } = await scheduler.until(faultOf(table.get(key, strong)));
    expect(value).toBeInstanceOf(UnknownTableFault);
    expect(value).toMatchObject({
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
    expect(tookMs).toBeLessThan(400);
  });
});

describe('write', () => {
  it('is sent with its command, the node’s clock and what is wanted back', async () => {
    const { cluster, table, scheduler } = await oneTable();
    const reported = scheduler.monotonicMs();
    cluster.node('a1').on('write', () => applied({ before: item }));
    const { value } = await scheduler.until(table.write(put, { before: true, after: false }));
    expect(value).toMatchObject({ kind: 'applied', before: item, after: undefined });
    const [id, epoch, requestId, time, command, returns, exhausted] = writeOf(cluster, 0);
    expect([id, epoch, requestId.length, returns, exhausted]).toEqual([1n, 1, 16, 1, []]);
    expect(time).toEqual(['process-a1-1', reported]);
    expect(decodeWriteCommand(command)).toMatchObject({ kind: 'put', key, item });
    await table.write(put);
    const second = writeOf(cluster, 1);
    expect([second[3], second[5]]).toEqual([['process-a1-1', 5_000], 3]);
  });

  it('has one id for all its tries, and another one than every other write', async () => {
    const { cluster, table, scheduler } = await oneTable();
    const failures = [
      new RequestFailed('unknown', 'lost'),
      refusal('unknownOutcome'),
      refusal('notLeader', { leader: undefined, term: 9 }),
    ];
    for (const node of cluster.nodes.values()) {
      node.on('write', () => {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        return applied();
      });
    }
    await scheduler.until(table.write(put));
    const ids = cluster.seenOf('write').map(({ body }) => Buffer.from((body as WriteCall)[2]));
    expect(ids.length).toBe(4);
    expect(new Set(ids.map((id) => id.toString('hex'))).size).toBe(1);
    await scheduler.until(table.write(put));
    expect(Buffer.from(writeOf(cluster, 4)[2])).not.toEqual(ids[0]);
  });

  it('a node that was started anew is asked for its clock before the write is tried again', async () => {
    const { cluster, table, scheduler } = await oneTable();
    const node = cluster.node('a1');
    node.processId = 'process-a1-2';
    node.version = 1;
    node.on('write', (body) => {
      const [processId] = (body as WriteCall)[3];
      if (processId !== 'process-a1-2') throw refusal('expired');
      return applied();
    });
    const { value, tookMs } = await scheduler.until(table.write(put));
    expect([value.kind, tookMs]).toEqual(['applied', 0]);
    expect(cluster.askedFor('write')).toEqual(['a1', 'a1']);
  });

  it('a failed condition has the item only if it was asked for', async () => {
    const { cluster, table } = await oneTable();
    const answer = (before: Uint8Array | null): WriteAnswer => [
      'conditionFailed',
      [1, [], []],
      null,
      before,
      null,
      5_000,
    ];
    cluster.node('a1').on('write', () => answer(null));
    expect(await table.write(put)).toMatchObject({ kind: 'conditionFailed', before: undefined });
    cluster.node('a1').on('write', () => answer(Buffer.from(JSON.stringify(item))));
    expect(await table.write(put)).toMatchObject({ kind: 'conditionFailed', before: item });
  });

  it('an update of the key is refused without a call', async () => {
    const { cluster, table } = await oneTable();
    const fault = await faultOf(
      table.write({
        kind: 'update',
        key,
        condition: undefined,
        update: [{ kind: 'remove', path: ['p'] }],
      }),
    );
    expect(fault.message).toContain('Cannot update attribute p');
    expect(cluster.seenOf('write')).toEqual([]);
  });

  it('whose table is gone is not found, by a fault that nobody takes for a stale map', async () => {
    const { cluster, table, scheduler } = await oneTable();
    for (const node of cluster.nodes.values()) {
      node.remove(1n);
      node.on('write', () => {
        throw refusal('noReplica');
      });
    }
    const { value } = await scheduler.until(faultOf(table.write(put)));
    expect(value.type).toBe('ResourceNotFoundException');
    expect(value).not.toBeInstanceOf(UnknownTableFault);
  });

  it('too many waiting writes are throttled', async () => {
    const bounds = { perNodeMax: 1, totalMax: 1, waitingPerPartitionMax: 0 };
    const { cluster, table, scheduler } = await oneTable({ bounds });
    cluster.node('a1').on('write', () => new Promise(() => {}));
    void faultOf(table.write(put));
    await scheduler.settle();
    const { value } = await scheduler.until(faultOf(table.write(put)));
    expect(value.type).toBe('ThrottlingException');
  });
});

describe('admission', () => {
  const provisioned = (readUnits: number, writeUnits: number): TableThroughput => ({
    mode: 'provisioned',
    table: { readUnits, writeUnits },
    globalIndexes: new Map([['G2', { readUnits: 1, writeUnits: 1 }]]),
  });

  it('two routers admit together what the table has', async () => {
    const cluster = new FakeCluster();
    for (const node of cluster.nodes.values()) node.routersCount = 2;
    cluster.addTable(configurationOf(plain, { throughput: provisioned(1, 1) }), 'a1');
    cluster.node('a1').on('get', () => null);
    let admitted = 0;
    for (const routerId of ['router1', 'router2']) {
      const { tables } = await cluster.router({ routerId });
      const table = tables.openTable('T');
      for (;;) {
        const read = await table.get(key, strong).catch((fault: unknown) => fault);
        if (read instanceof ClientFault) {
          expect(read.type).toBe('ProvisionedThroughputExceededException');
          break;
        }
        admitted += 1;
      }
    }
    // What 300 seconds bring.
    expect(admitted).toBe(300);
  });

  it('a router that comes halves what the first one admits, and nothing saved is added when it goes', async () => {
    const { cluster, table, scheduler } = await oneTable({ throughput: provisioned(2, 2) });
    const drain = async () => {
      let units = 0;
      for (;;) {
        if ((await table.get(key, strong).catch(() => undefined)) === undefined) return units;
        units += 1;
      }
    };
    cluster.node('a1').on('get', () => null);
    expect(await drain()).toBe(600);
    const routers = async (count: number) => {
      for (const node of cluster.nodes.values()) node.routersCount = count;
      cluster.tell();
      await scheduler.settle();
    };
    await routers(2);
    await scheduler.advance(10_000);
    expect(await drain()).toBe(10);
    await routers(1);
    expect(await drain()).toBe(0);
    await scheduler.advance(10_000);
    expect(await drain()).toBe(20);
  });

  it('writes are charged what they cost; indexes without units are named', async () => {
    const { cluster, table, scheduler } = await oneTable({
      schema: indexed,
      throughput: provisioned(1_000, 1_000),
    });
    cluster
      .node('a1')
      .on(
        'write',
        (): WriteAnswer => ['applied', [1, [['L1', 1]], [['G2', 300]]], 17, null, null, 5_000],
      );
    const first = await table.write(put);
    expect(first.capacity).toEqual({
      table: 1,
      localIndexes: new Map([['L1', 1]]),
      globalIndexes: new Map([['G2', 300]]),
    });
    expect(first).toMatchObject({ collectionBytes: 17 });
    await table.write(put);
    await scheduler.advance(400_000);
    await table.write(put);
    const exhausted = cluster.seenOf('write').map(({ body }) => (body as WriteCall)[6]);
    expect(exhausted).toEqual([[], ['G2'], []]);
  });
});

describe('a changed configuration', () => {
  it('is taken over, and the units stay as they are', async () => {
    const index = globalIndex(2, { hash: 'g:S', range: '' });
    const { cluster, router, table, scheduler } = await oneTable();
    const request = queryOf({ g: { S: 'a' } }, { indexName: 'G2', consistentRead: false });
    expect((await faultOf(table.query(request))).message).toContain('G2');
    const changed = configurationOf(schemaOf({ globalIndexes: [index] }), { version: 2 });
    for (const node of cluster.nodes.values()) {
      node.tables = [encodeTableConfiguration(changed)];
      node.on('page', () => [[], 0, 0, null, [0, [], [['G2', 0.5]]], 0]);
    }
    cluster.addPartition({ id: 2_000n }, { tableId: plain.tableId, indexId: 2, leader: 'b1' });
    cluster.tell();
    await scheduler.settle();
    expect(router.tables.openTable('T')).toBe(table);
    expect(table.schema.globalIndexes).toEqual([index]);
    expect((await table.query(request)).capacity.globalIndexes.get('G2')).toBe(0.5);
  });

  it('that takes an index away makes it unknown', async () => {
    const { cluster, table, scheduler } = await oneTable({ schema: indexed });
    for (const node of cluster.nodes.values()) {
      node.remove(2_000n);
      node.on('page', () => {
        throw refusal('noReplica');
      });
    }
    const request = queryOf({ g: { S: 'a' } }, { indexName: 'G2', consistentRead: false });
    const { value } = await scheduler.until(faultOf(table.query(request)));
    expect(value.message).toBe('The table does not have the specified index: G2');
  });
});

describe('stream', () => {
  const call = { kind: 'shards', streamId: 7 } as const;
  const answer = { shards: [], lastSequence: 3 };

  it('asks the leader of the partition, and the next one when it has gone', async () => {
    const { cluster, table, scheduler } = await oneTable({ partitions: 2 });
    expect(table.partitions).toHaveLength(2);
    cluster.node('a1').on('stream', () => answer);
    const { value } = await scheduler.until(table.stream(2n, call));
    expect(value).toEqual(answer);
    expect(cluster.seenOf('stream').map(({ node, body }) => [node, body])).toEqual([
      ['a1', [2n, 1, call]],
    ]);
    cluster.node('a1').on('stream', () => {
      throw new RequestFailed('unknown', 'no answer');
    });
    cluster.node('b1').on('stream', () => answer);
    expect((await scheduler.until(table.stream(1n, call))).value).toEqual(answer);
  });
});

describe('a table that was deleted and has streams left', () => {
  it('is as good as gone for reads and writes of items', async () => {
    const { cluster, table } = await oneTable();
    for (const method of ['get', 'write', 'page']) {
      cluster.node('a1').on(method, () => {
        throw refusal('retired');
      });
    }
    await expect(table.get(key, strong)).rejects.toBeInstanceOf(UnknownTableFault);
    await expect(table.query(queryOf({ p: { S: 'a' } }))).rejects.toBeInstanceOf(UnknownTableFault);
    expect((await faultOf(table.write(put))).type).toBe('ResourceNotFoundException');
    expect(cluster.seenOf('write')).toHaveLength(1);
  });
});
