import { beforeEach, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Condition } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { openStore } from '../storage/open.ts';
import { type Store, StoreError } from '../storage/store.ts';
import type { WriteCommand } from './command.ts';
import { CompiledSchema } from './compiled-schema.ts';
import { HeldCommits } from './held-commits.fixture.ts';
import { ItemCache } from './item-cache.ts';
import { Partition } from './partition.ts';
import { evenPartitions, localIndex, schemaOf } from './schema.fixture.ts';
import type { TableSchema } from './schema.ts';

const key: Item = { p: { S: 'a' }, s: { N: '1' } };
const noLimit = (): void => {};
const put = (item: Item, condition?: Condition): WriteCommand => ({
  kind: 'put',
  key,
  item,
  itemBytes: itemBytes(item),
  condition,
});
const add: WriteCommand = {
  kind: 'update',
  key,
  condition: undefined,
  update: [{ kind: 'add', path: ['n'], value: { N: '1' }, legacy: false }],
};

function countOf(item: Item | undefined): string | undefined {
  const { n } = item ?? {};
  return n !== undefined && 'N' in n ? n.N : undefined;
}
const absent: Condition = { kind: 'exists', path: ['p'], negated: true };

describe('Partition', () => {
  let store: Store;
  let commits: HeldCommits;
  let flushes: (() => void)[];
  let compiled: CompiledSchema;

  function openPartition(
    schema: TableSchema = schemaOf(),
    parts: Partial<ConstructorParameters<typeof Partition>[0]> = {},
  ): Partition {
    compiled = new CompiledSchema(schema);
    const [range] = evenPartitions(1);
    if (range === undefined) throw new Error('one partition');
    return new Partition({
      range,
      compiled,
      store,
      cache: new ItemCache(1_000_000),
      commit: commits.commit,
      nowMs: () => 1_000,
      monotonicMs: () => 1_000,
      schedule: (flush) => flushes.push(flush),
      collectionBytesMax: 1_000_000,
      onIndexChanges: () => {},
      ...parts,
    });
  }

  const write = (partition: Partition, command: WriteCommand) =>
    partition.write(command, placeOf(partition, command.key), noLimit);
  const placeOf = (partition: Partition, of: Item) => partition.place(compiled.itemKey(of));
  const flush = () => {
    for (const each of flushes.splice(0)) each();
  };
  const counter = (partition: Partition) => countOf(partition.get(placeOf(partition, key))?.item);

  beforeEach(async () => {
    store = await openStore({ folder: undefined, durability: 'relaxed' });
    commits = new HeldCommits(store);
    flushes = [];
    return () => store.close();
  });

  it('commits writes that arrive together as one, with one put of the counters', async () => {
    const partition = openPartition();
    const writes = [put(key), put({ ...key, s: { N: '2' } })].map((command, index) =>
      write(partition, { ...command, key: { ...key, s: { N: String(index) } } }),
    );
    flush();
    expect(commits.waiting.map(({ effects }) => effects.length)).toEqual([3]);
    commits.next();
    await Promise.all(writes);
    expect(partition.counters).toMatchObject({ items: 2, version: 2 });
  });

  it('evaluates on writes in flight, which reads do not see', async () => {
    const partition = openPartition();
    const writes = [];
    for (let round = 0; round < 3; round++) {
      writes.push(write(partition, add), write(partition, add));
      flush();
    }
    expect(commits.waiting).toHaveLength(3);
    expect(counter(partition)).toBeUndefined();
    commits.next();
    await Promise.all(writes.slice(0, 2));
    expect(counter(partition)).toBe('2');
    commits.next();
    commits.next();
    const results = await Promise.all(writes);
    expect(results.map(({ before }) => countOf(before))).toEqual([
      undefined,
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
    expect(counter(partition)).toBe('6');
    expect(partition.counters.items).toBe(1);
  });

  it('answers a condition that failed on a write in flight only when that write is durable', async () => {
    const partition = openPartition();
    const first = write(partition, put(key, absent));
    const second = write(partition, put(key, absent));
    let isAnswered = false;
    second.then(() => {
      isAnswered = true;
    });
    flush();
    await Promise.resolve();
    expect(isAnswered).toBe(false);
    commits.next();
    expect((await first).kind).toBe('applied');
    expect((await second).kind).toBe('conditionFailed');
  });

  it('fails what was computed on a failed commit, and forgets it', async () => {
    const partition = openPartition();
    const durable = write(partition, add);
    flush();
    const failed = write(partition, add);
    flush();
    const behind = write(partition, add);
    const judgedBehind = write(partition, put(key, absent));
    commits.next();
    await durable;
    commits.next(new StoreError('full', 'The disk is full.'));
    for (const each of [failed, behind, judgedBehind]) {
      await expect(each).rejects.toMatchObject({ code: 'full' });
    }
    const after = write(partition, add);
    flush();
    commits.next();
    await after;
    expect(counter(partition)).toBe('2');
    expect(partition.counters.items).toBe(1);
  });

  it('forgets the counts of a failed commit', async () => {
    const partition = openPartition(schemaOf({ localIndexes: [localIndex(1, 'l:S')] }));
    const putNumber = (s: string) => {
      const item = { ...key, s: { N: s } };
      return write(partition, { ...put(item), key: item });
    };
    const failed = putNumber('1');
    flush();
    commits.next(new StoreError('full', 'The disk is full.'));
    await expect(failed).rejects.toMatchObject({ code: 'full' });
    const next = putNumber('2');
    flush();
    commits.next();
    expect(await next).toMatchObject({ collectionBytes: itemBytes(key) });
    expect(partition.counters).toMatchObject({ items: 1, bytes: itemBytes(key) });
  });

  it('keeps groups ahead of a refused commit', async () => {
    const partition = openPartition();
    const ahead = write(partition, add);
    flush();
    const refused = write(partition, add);
    flush();
    const [, second] = commits.waiting;
    second?.end(new StoreError('io', 'Too many writes wait.'));
    await expect(refused).rejects.toMatchObject({ code: 'io' });
    const next = write(partition, add);
    flush();
    commits.waiting.splice(1, 1);
    commits.next();
    commits.next();
    await Promise.all([ahead, next]);
    expect(counter(partition)).toBe('2');
  });

  it('goes on with its counters and versions when opened again', async () => {
    const partition = openPartition();
    const writing = write(partition, put({ ...key, x: { S: 'abc' } }));
    flush();
    commits.next();
    await writing;
    const reopened = openPartition();
    expect(reopened.counters).toEqual(partition.counters);
    const next = write(reopened, add);
    flush();
    commits.next();
    await next;
    expect(reopened.get(placeOf(reopened, key))?.version).toBe(2);
  });

  it('refuses a write that is not admitted, without a trace', async () => {
    const partition = openPartition();
    const refusal = new ClientFault('ThrottlingException', 'no');
    const refuse = () => {
      throw refusal;
    };
    await expect(partition.write(add, placeOf(partition, key), refuse)).rejects.toBe(refusal);
    expect(flushes).toEqual([]);
  });

  it('counts collections on writes in flight', async () => {
    const partition = openPartition(schemaOf({ localIndexes: [localIndex(1, 'l:S')] }));
    const sizes = ['1', '2', '3'].map(async (s) => {
      const item = { ...key, s: { N: s } };
      const command = { ...put(item), key: item };
      const result = await write(partition, command);
      return result.kind === 'applied' ? result.collectionBytes : undefined;
    });
    flush();
    commits.next();
    const bytes = itemBytes(key);
    expect(await Promise.all(sizes)).toEqual([bytes, 2 * bytes, 3 * bytes]);
  });

  it('has what was told of its writes added before a group is committed', async () => {
    const told: string[] = [];
    const partition = openPartition(schemaOf(), {
      beforeCommit: (effects, version) => {
        told.push(`group ${version}`);
        effects.push({ key: Buffer.from('more'), value: Buffer.from('of it') });
      },
    });
    const toldOf = (bytes: number) => () => {
      told.push('write');
      return bytes;
    };
    const place = placeOf(partition, key);
    const writes = [
      partition.write(add, place, noLimit, toldOf(0)),
      // As large as a group gets: it is sent off at once.
      partition.write(add, place, noLimit, toldOf(1024 * 1024)),
      partition.write(add, place, noLimit, toldOf(0)),
    ];
    expect(told).toEqual(['write', 'write', 'group 2', 'write']);
    flush();
    expect(told.at(-1)).toBe('group 3');
    expect(commits.waiting.map(({ effects }) => effects.length)).toEqual([4, 3]);
    commits.next();
    commits.next();
    await Promise.all(writes);
  });

  it('makes a put of the bytes that its command has', async () => {
    const partition = openPartition();
    const item = { ...key, x: { S: 'text' } };
    const json = Buffer.from(JSON.stringify(item));
    const command = { ...put(item), json } as const;
    const parsed = Object.defineProperty({ ...command }, 'item', {
      get: () => {
        throw new Error('the item is not to be looked at');
      },
    });
    const writing = write(partition, parsed);
    flush();
    commits.next();
    const result = await writing;
    expect(result.kind === 'applied' && result.afterJson).toEqual(json);
    expect(partition.get(placeOf(partition, key))?.item).toEqual(item);
  });

  it('refuses a damaged item', async () => {
    const partition = openPartition();
    const writing = write(partition, put(key));
    flush();
    commits.next();
    await writing;
    const place = placeOf(partition, key);
    const record = Buffer.from(partition.get(place)?.record ?? []);
    record[record.length - 2] = 0;
    await store.commit([{ key: place.itemKey, value: record }]);
    const reopened = openPartition();
    expect(() => reopened.get(placeOf(reopened, key))).toThrow(StoreError);
    await expect(write(reopened, add)).rejects.toMatchObject({ code: 'damaged' });
  });
});
