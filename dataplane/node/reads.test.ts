import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { metaKey } from '../partition/key-space.ts';
import { StoredItem } from '../partition/record.ts';
import { globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import { ProposalError } from '../replication/replica.ts';
import { itemsOf, putOf, queryOf, scanOf } from '../routing/local-table.fixture.ts';
import { methods, VOUCHED_STALENESS_MS_MAX } from '../routing/protocol.ts';
import { encodePartitionConfiguration } from '../routing/table-configuration.ts';
import { turns } from './manual-scheduler.fixture.ts';
import { configurationOf, key, plainSchema, refusal, TestNode } from './node.fixture.ts';

const scanPage = (isConsistent: boolean) =>
  ({ kind: 'scan', request: scanOf({ consistentRead: isConsistent }) }) as const;

describe('a read', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema));
    await test.write(putOf(key(1), plainSchema));
  });
  afterEach(() => test.close());

  const strong = {
    get: () => test.get(key(1)),
    page: () => test.page(scanPage(true)),
  };
  const eventual = {
    get: () => test.get(key(1), { isConsistent: false }),
    page: () => test.page(scanPage(false)),
  };

  it('comes back without a promise under the lease', () => {
    const itemKey = new CompiledSchema(plainSchema).itemKey(key(1)).subarray(9);
    const answer = test.transport.serve(methods.get, [1n, 1, itemKey, true]);
    expect(answer).not.toBeInstanceOf(Promise);
  });

  for (const [kind, read] of Object.entries(strong)) {
    it(`waits for a quorum when it is strong and there is no lease: ${kind}`, async () => {
      const replica = test.replica();
      const confirmed = Promise.withResolvers<void>();
      replica.hasLease = false;
      replica.confirmation = () => confirmed.promise;
      let isAnswered = false;
      const reading = read().then(() => {
        isAnswered = true;
      });
      await turns();
      expect(isAnswered).toBe(false);
      confirmed.resolve();
      await reading;
    });

    it(`is refused when it is strong and leadership cannot be confirmed: ${kind}`, async () => {
      const replica = test.replica();
      replica.hasLease = false;
      replica.confirmation = async () => {
        throw new ProposalError('unknown', 'nobody answers');
      };
      await expect(read()).rejects.toMatchObject(refusal('notLeader'));
    });

    it(`is refused when it is strong, by a replica that does not lead: ${kind}`, async () => {
      test.replica().depose({ replicaId: 2, node: 'node-2', kind: 'voter' });
      await expect(read()).rejects.toMatchObject({
        ...refusal('notLeader'),
        data: { leader: 'node-2', term: 1 },
      });
    });

    it(`is confirmed when the lease ends under it: ${kind}`, async () => {
      const replica = test.replica();
      let looks = 0;
      replica.holdsLease = () => {
        looks += 1;
        return looks === 1;
      };
      await read();
      expect(replica.confirmations).toBe(1);
    });
  }

  it('that is strong is refused when another term began under it', async () => {
    const replica = test.replica();
    const reading = test.page(scanPage(true));
    const { iterate } = test.host.store;
    test.host.store.iterate = (range) => {
      test.host.store.iterate = iterate;
      const iterator = iterate.call(test.host.store, range);
      return {
        next: async (count) => {
          const pairs = await iterator.next(count);
          replica.depose();
          replica.elect();
          return pairs;
        },
        close: () => iterator.close(),
      };
    };
    await expect(reading).rejects.toMatchObject(refusal('notLeader'));
  });

  for (const [kind, read] of Object.entries(eventual)) {
    it(`is done by any replica that is not far behind: ${kind}`, async () => {
      const replica = test.replica();
      replica.depose();
      replica.staleMs = VOUCHED_STALENESS_MS_MAX;
      expect(await read()).toBeDefined();
      replica.staleMs += 1;
      await expect(read()).rejects.toMatchObject(refusal('stale'));
    });
  }

  it('at a replica that does not lead sees what others have written', async () => {
    const replica = test.replica();
    await eventual.get(); // into the cache
    replica.depose();
    await eventual.get();
    const itemKey = new CompiledSchema(plainSchema).itemKey(key(1));
    itemKey.writeBigUInt64BE(replica.storageId, 0);
    itemKey[8] = 1;
    const item = { ...key(1), x: { S: 'newer' } };
    const { record } = StoredItem.of(item, 10, { version: 7, writtenMicros: 1e15 });
    await replica.apply([{ key: itemKey, value: record }]);
    expect(await eventual.get()).toEqual(item);
    await replica.apply([{ key: itemKey, value: undefined }]);
    expect(await eventual.get()).toBeUndefined();
  });

  it('sees what a snapshot brought', async () => {
    const replica = test.replica();
    replica.depose();
    await eventual.get();
    const table = configurationOf(plainSchema, { version: 2 });
    const value = encodePartitionConfiguration({ partitionId: 1n, indexId: 0, table });
    await replica.install(test.host.newStorageId(), [
      { key: metaKey(0n, 'configuration').subarray(8), value },
    ]);
    expect(await eventual.get()).toBeUndefined();
    expect((await eventual.page()).count).toBe(0);
    expect((await test.report()).partitions[0]?.configurationVersion).toBe(2);
  });

  it('of a page is refused when a snapshot replaces the state under it', async () => {
    const replica = test.replica();
    replica.depose();
    const { iterate } = test.host.store;
    test.host.store.iterate = (range) => {
      replica.storageId = test.host.newStorageId();
      replica.listener?.onInstalled();
      return iterate.call(test.host.store, range);
    };
    await expect(eventual.page()).rejects.toMatchObject({ name: 'RemoteFailure' });
  });

  it('is refused where there is no replica, or none that takes part', async () => {
    await expect(test.get(key(1), { partitionId: 9n })).rejects.toMatchObject(refusal('noReplica'));
    test.replica().failure = new Error('damaged');
    await expect(strong.get()).rejects.toMatchObject(refusal('noReplica'));
    test.replica().failure = undefined;
    const drop = { storeId: 'store-1', partitionId: 1n };
    await test.call(methods.dropReplica, drop);
    await test.call(methods.dropReplica, drop);
    await expect(eventual.get()).rejects.toMatchObject(refusal('noReplica'));
    await expect(test.createReplica(configurationOf(plainSchema), 1n)).rejects.toMatchObject(
      refusal('replicaExists'),
    );
  });

  it('of damaged data says so, the log does once, and so does the report', async () => {
    const replica = test.replica();
    const itemKey = new CompiledSchema(plainSchema).itemKey(key(2));
    itemKey.writeBigUInt64BE(replica.storageId, 0);
    itemKey[8] = 1;
    await replica.apply([{ key: itemKey, value: Buffer.from('not a record at all, but long') }]);
    for (const reading of [() => test.get(key(2)), eventual.page]) {
      await expect(reading()).rejects.toMatchObject(refusal('damaged'));
    }
    expect((await test.report()).partitions[0]?.replica.failure).toMatch('unknown format');
    expect(test.events.filter(({ event }) => event === 'replicaDamaged')).toHaveLength(1);
  });

  it('is counted in units', async () => {
    await strong.get();
    await eventual.get();
    await strong.page();
    const [hosted] = test.node.metrics();
    expect(hosted?.metrics).toMatchObject({ readUnits: 2.5, gets: 2, pages: 1, writes: 1 });
  });
});

describe('a page of an index', () => {
  const schema = schemaOf({
    localIndexes: [localIndex(1, 'l:S', { type: 'KEYS_ONLY' })],
    globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })],
  });
  const item = { ...key(1), l: { S: 'l' }, g: { S: 'g' }, x: { S: 'x' } };
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(schema));
    await test.write(putOf(item, schema));
    await test.scheduler.until(() => test.node.metrics()[1]?.metrics.fedChanges === 1);
  });
  afterEach(() => test.close());

  it('is read with the items that it lacks', async () => {
    const request = queryOf({ p: { S: 'a' } }, { indexName: 'L1', fetchFromTable: true });
    expect(itemsOf(await test.page({ kind: 'query', request }))).toEqual([item]);
  });

  it('is read where the index is', async () => {
    const request = queryOf({ g: { S: 'g' } }, { indexName: 'G2', consistentRead: false });
    expect(itemsOf(await test.page({ kind: 'query', request }, 2_000n))).toEqual([item]);
    await expect(test.page({ kind: 'query', request }, 1n)).rejects.toMatchObject(
      refusal('noReplica'),
    );
  });

  it('is absent for the leader once it was dropped, and unknown to others', async () => {
    const request = scanOf({ indexName: 'G7', consistentRead: false });
    await expect(test.page({ kind: 'scan', request })).rejects.toMatchObject({
      ...refusal('fault'),
      data: { message: 'The table does not have the specified index: G7' },
    });
    test.replica().depose();
    await expect(test.page({ kind: 'scan', request })).rejects.toMatchObject(refusal('stale'));
  });
});
