import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { spacePrefix } from '../partition/key-space.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import type { TableLayout, TableSchema } from '../partition/schema.ts';
import {
  type RecordsAnswer,
  type RecordsCall,
  SHARD_AGE_MS,
  type ShardsAnswer,
  STREAM_RETENTION_MS,
} from '../partition/stream.ts';
import { decodeStreamRecord } from '../partition/stream-record.ts';
import { putOf, scanOf } from '../routing/local-table.fixture.ts';
import { methods } from '../routing/protocol.ts';
import { walkSpace } from '../routing/space-walk.ts';
import { encodeTableConfiguration } from '../routing/table-configuration.ts';
import { turns } from './manual-scheduler.fixture.ts';
import {
  configurationOf,
  indexedSchema,
  key,
  plainSchema,
  refusal,
  TestNode,
} from './node.fixture.ts';

const STREAM = 1_700_000_000_000;
const streaming = (id = STREAM): TableSchema =>
  schemaOf({ stream: { id, viewType: 'NEW_AND_OLD_IMAGES' } });
const item = (index: number, value: string): Item => ({ ...key(index), v: { S: value } });

let test: TestNode;
beforeEach(async () => {
  test = await TestNode.start();
});
afterEach(() => test.close());

const put = (index: number, value: string) => test.write(putOf(item(index, value), plainSchema));

function configure(schema: TableSchema, version: number, layout: Partial<TableLayout> = {}) {
  const table = configurationOf(schema, { version });
  const configuration = encodeTableConfiguration({
    ...table,
    layout: { ...table.layout, ...layout },
  });
  return test.call(methods.configure, { partitionId: 1n, configuration });
}

const retire = () => configure(plainSchema, 9, { retiredAtMs: test.scheduler.nowMs() });

async function shards(streamId = STREAM): Promise<ShardsAnswer> {
  const call = [1n, 1, { kind: 'shards', streamId }];
  return (await test.call(methods.stream, call)) as ShardsAnswer;
}

async function read(call: Partial<RecordsCall> = {}): Promise<RecordsAnswer> {
  const whole: RecordsCall = {
    kind: 'records',
    streamId: STREAM,
    from: 0,
    to: undefined,
    limit: 1_000,
    bytesMax: 1_000_000,
    writtenFromMs: 0,
    ...call,
  };
  return (await test.call(methods.stream, [1n, 1, whole])) as RecordsAnswer;
}

/** Event, and value before and after, of all records. */
async function changes(call: Partial<RecordsCall> = {}) {
  const shown = (image: Uint8Array | undefined) =>
    image && JSON.parse(Buffer.from(image).toString()).v.S;
  return (await read(call)).records.map(({ record }) => {
    const { event, oldImage, newImage } = decodeStreamRecord(record);
    return [event, shown(oldImage), shown(newImage)];
  });
}

async function countOf(space: 'item' | 'stream' | 'localIndex'): Promise<number> {
  const prefix = spacePrefix(test.replica().storageId, space);
  let count = 0;
  for await (const pairs of walkSpace(test.host.store, prefix, 100)) count += pairs.length;
  return count;
}

describe('a stream', () => {
  beforeEach(() => test.create(configurationOf(streaming())));

  it('has a shard from when its table was created, also without writes', async () => {
    await turns();
    const { shards: all, lastSequence } = await shards();
    expect(all).toMatchObject([{ parentId: undefined, last: undefined }]);
    expect(all[0]?.id).toMatch(/^shardId-[0-9]{20}-[0-9a-f]{8}$/);
    expect(lastSequence).toBeGreaterThan(0);
    expect((await shards(7)).shards).toEqual([]);
  });

  it('shows each change once, in order, and a new leader goes on with the same shard', async () => {
    await put(1, 'a');
    await put(1, 'a');
    await put(1, 'b');
    const { shards: before } = await shards();
    test.replica().depose();
    await expect(read()).rejects.toMatchObject(refusal('notLeader'));
    test.replica().elect();
    await put(2, 'c');
    expect(await changes()).toEqual([
      ['INSERT', undefined, 'a'],
      ['MODIFY', 'a', 'b'],
      ['INSERT', undefined, 'c'],
    ]);
    expect((await shards()).shards).toEqual(before);
    const { metrics } = test.node.metrics()[0] ?? {};
    expect(metrics).toMatchObject({ streamReads: 4, streamRecords: 3 });
    expect(metrics?.streamBytes).toBeGreaterThan(100);
  });

  it('has a write once for however many calls', async () => {
    const id = Buffer.alloc(16, 7);
    await test.write(putOf(item(1, 'a'), plainSchema), { id });
    await test.write(putOf(item(1, 'a'), plainSchema), { id });
    test.replica().depose();
    test.replica().elect();
    await test.write(putOf(item(1, 'a'), plainSchema), { id });
    expect(await changes()).toEqual([['INSERT', undefined, 'a']]);
  });

  it('shows what is committed, and no more', async () => {
    await turns();
    const replica = test.replica();
    replica.isHolding = true;
    const { lastSequence } = await shards();
    const written = put(1, 'a');
    await turns();
    expect(await read({ from: lastSequence + 1 })).toMatchObject({
      records: [],
      next: lastSequence + 1,
    });
    await replica.release();
    await written;
    expect(await changes({ from: lastSequence + 1 })).toEqual([['INSERT', undefined, 'a']]);
  });

  it('is read without the lease once leadership is confirmed', async () => {
    await put(1, 'a');
    const replica = test.replica();
    const { confirmations } = replica;
    replica.hasLease = false;
    expect(await changes()).toHaveLength(1);
    expect(replica.confirmations).toBe(confirmations + 1);
    const reading = read();
    replica.depose();
    await expect(reading).rejects.toMatchObject(refusal('notLeader'));
  });

  it('gets another shard with age, without a write, the first one its parent', async () => {
    await put(1, 'a');
    const { shards: before } = await shards();
    test.scheduler.jump(SHARD_AGE_MS);
    await test.scheduler.advance(61_000);
    const { shards: after } = await shards();
    expect(after).toMatchObject([
      { id: before[0]?.id, last: expect.any(Number) },
      { parentId: before[0]?.id, last: undefined },
    ]);
    expect(after[1]?.first).toBe((after[0]?.last ?? 0) + 1);
    await put(1, 'b');
    const { first = 0 } = after[1] ?? {};
    expect(await changes({ from: first })).toEqual([['MODIFY', 'a', 'b']]);
    expect(await changes({ to: after[0]?.last })).toEqual([['INSERT', undefined, 'a']]);
  });

  it('loses records that are past their time, and its shards with them', async () => {
    await Promise.all(Array.from({ length: 700 }, (_, index) => put(index, 'a')));
    test.scheduler.jump(STREAM_RETENTION_MS);
    expect(await read()).toMatchObject({ records: [] });
    expect((await read()).trimmedBelow).toBeGreaterThan(700);
    await put(1, 'b');
    await test.scheduler.advance(61_000);
    expect(await countOf('stream')).toBe(1);
    expect(await changes()).toEqual([['MODIFY', 'a', 'b']]);
    expect((await shards()).shards.length).toBeLessThanOrEqual(2);
  });
});

describe('a stream that is switched', () => {
  beforeEach(() => test.create(configurationOf(plainSchema)));

  it('on: has its shard, and every write from then on, when the leader answers', async () => {
    await put(1, 'a');
    await configure(streaming(), 2);
    const { shards: all } = await shards();
    expect(all).toHaveLength(1);
    await put(1, 'b');
    expect(await changes()).toEqual([['MODIFY', 'a', 'b']]);
  });

  it('on: its shard is proposed together with the configuration', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const configured = configure(streaming(), 2);
    await turns();
    expect(replica.held).toHaveLength(1);
    expect((await shards()).shards).toEqual([]);
    await replica.release();
    await configured;
    expect((await shards()).shards).toHaveLength(1);
  });

  it('off: is closed behind the last write, and stays readable', async () => {
    await configure(streaming(), 2);
    await put(1, 'a');
    await configure(plainSchema, 3);
    await put(1, 'b');
    const { shards: all } = await shards();
    expect(all).toMatchObject([{ last: expect.any(Number) }]);
    expect(await changes()).toEqual([['INSERT', undefined, 'a']]);
    await configure(streaming(STREAM + 1), 4);
    await put(1, 'c');
    expect(await changes()).toEqual([['INSERT', undefined, 'a']]);
    expect(await changes({ streamId: STREAM + 1 })).toEqual([['MODIFY', 'b', 'c']]);
    expect((await shards(STREAM + 1)).shards).toMatchObject([{ parentId: undefined }]);
  });

  it('is as the newest configuration says when a leader fails in between', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const configured = configure(streaming(), 2);
    configured.catch(() => {});
    await turns();
    const [lost] = replica.depose();
    await replica.apply(lost ?? []);
    replica.isHolding = false;
    replica.elect();
    await put(1, 'a');
    expect((await shards()).shards).toHaveLength(1);
    expect(await changes()).toEqual([['INSERT', undefined, 'a']]);
  });
});

describe('a table that was deleted', () => {
  beforeEach(async () => {
    await test.create(configurationOf(streaming()));
    await Promise.all(Array.from({ length: 1_200 }, (_, index) => put(index, 'a')));
    await retire();
  });

  it('has its streams, closed, and loses its items bit by bit', async () => {
    await test.scheduler.advance(10_000);
    await turns(60);
    expect(await countOf('item')).toBe(0);
    expect(await countOf('stream')).toBe(1_200);
    expect((await shards()).shards).toMatchObject([{ last: expect.any(Number) }]);
    expect(await changes()).toHaveLength(1_000);
  });

  it('takes no writes, and no reads of items', async () => {
    const gone = refusal('retired');
    await expect(put(1, 'b')).rejects.toMatchObject(gone);
    await expect(test.get(key(1))).rejects.toMatchObject(gone);
    await expect(test.get(key(1), { isConsistent: false })).rejects.toMatchObject(gone);
    for (const consistentRead of [true, false]) {
      const request = scanOf({ consistentRead });
      await expect(test.page({ kind: 'scan', request })).rejects.toMatchObject(gone);
    }
  });

  it('is cleared by whoever leads next', async () => {
    test.replica().depose();
    await test.scheduler.advance(10_000);
    test.replica().elect();
    await test.scheduler.advance(10_000);
    await turns(60);
    expect(await countOf('item')).toBe(0);
    expect(await changes()).toHaveLength(1_000);
  });
});

it('a partition of an index has no streams', async () => {
  await test.create(configurationOf(indexedSchema));
  const call = [2_000n, 1, { kind: 'shards', streamId: STREAM }];
  await expect(test.call(methods.stream, call)).rejects.toMatchObject(refusal('noReplica'));
});
