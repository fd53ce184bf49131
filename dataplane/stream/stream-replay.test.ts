import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { equalMaps } from '../item/equality.ts';
import { itemBytes } from '../item/size.ts';
import type { WriteCommand } from '../partition/command.ts';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import { SHARD_AGE_MS } from '../partition/stream.ts';
import { LocalRouter } from '../routing/local-router.ts';
import { layoutOf, scanAll, unlimited } from '../routing/local-table.fixture.ts';
import type { ManagedTable } from '../routing/table.ts';
import { openStore } from '../storage/open.ts';
import { type Effect, type Store, StoreError } from '../storage/store.ts';
import { readShard } from './read-shard.ts';
import { nameOf, Replay, type ReplayedRecord } from './replay.fixture.ts';
import { shardsOf } from './shard-list.ts';
import { openStream, streamsOf } from './streams.ts';
import { wireRecord } from './wire-record.ts';

/**
 * Random histories of a table with a stream: its records, replayed, give the table, and there are
 * as many as a naive model has seen changes. Seeds are printed by fast-check when a run fails.
 */

const START_MS = 1_800_000_000_000;
const stream = { id: START_MS, viewType: 'NEW_AND_OLD_IMAGES' } as const;
const schema = schemaOf({ stream, globalIndexes: [globalIndex(3, { hash: 'x:S', range: '' })] });

const texts = ['a', 'b', 'c', 'd', 'é'].map((S): AttributeValue => ({ S }));
const values: AttributeValue[] = [
  { S: 'x' },
  { S: 'y' },
  { N: '1' },
  { M: { a: { N: '1' }, b: { N: '2' } } },
  { M: { b: { N: '2' }, a: { N: '1' } } },
];
const arbitraryKey = fc.record({
  p: fc.constantFrom(...texts),
  s: fc.constantFrom<AttributeValue>({ N: '0' }, { N: '1' }),
});
const arbitraryRest = fc.record(
  { x: fc.constantFrom<AttributeValue>({ S: 'x' }, { S: 'y' }), y: fc.constantFrom(...values) },
  { requiredKeys: [] },
);
const arbitraryWrite: fc.Arbitrary<WriteCommand> = fc.oneof(
  fc.record({ key: arbitraryKey, rest: arbitraryRest }).map(({ key, rest }): WriteCommand => {
    const item: Item = { ...rest, ...key };
    return { kind: 'put', key, item, itemBytes: itemBytes(item), condition: undefined };
  }),
  fc.record({ key: arbitraryKey, value: fc.constantFrom(...values) }).map(
    ({ key, value }): WriteCommand => ({
      kind: 'update',
      key,
      condition: undefined,
      update: [{ kind: 'set', path: ['y'], term: { kind: 'value', value } }],
    }),
  ),
  arbitraryKey.map((key): WriteCommand => ({ kind: 'delete', key, condition: undefined })),
);
const arbitraryHistory = fc.array(
  fc.record({
    writes: fc.array(arbitraryWrite, { minLength: 1, maxLength: 12 }),
    next: fc.constantFrom('go on', 'go on', 'roll', 'reopen', 'crash', 'fail'),
  }),
  { minLength: 1, maxLength: 10 },
);
type History = readonly { readonly writes: readonly WriteCommand[]; readonly next: string }[];

/** Items, and how often one has changed. */
class Model {
  readonly items = new Map<string, Item>();
  changesCount = 0;

  write(command: WriteCommand): void {
    const name = nameOf(command.key);
    const before = this.items.get(name);
    const after = afterWrite(command, before);
    const isSame =
      before === undefined || after === undefined ? before === after : equalMaps(before, after);
    if (isSame) return;
    this.changesCount++;
    if (after === undefined) this.items.delete(name);
    else this.items.set(name, after);
  }
}

function afterWrite(command: WriteCommand, before: Item | undefined): Item | undefined {
  if (command.kind === 'delete') return undefined;
  if (command.kind === 'put') return command.item;
  const [action] = command.update;
  if (action?.kind !== 'set' || action.term.kind !== 'value') throw new Error('not generated');
  return { ...(before ?? command.key), y: action.term.value };
}

/** A store as a process sees it that is killed, or whose disk fails for a while. */
class FragileStore {
  isDead = false;
  isFailing = false;
  readonly store: Store;

  constructor(inner: Store) {
    const commit = async (effects: readonly Effect[]) => {
      if (this.isDead || this.isFailing) throw new StoreError('io', 'The disk is gone.');
      await inner.commit(effects);
    };
    this.store = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'commit') return commit;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

/** All records, shard by shard, parents first. */
async function replayed(table: ManagedTable, partitions: number, nowMs: number): Promise<Replay> {
  const layout = layoutOf(schema, partitions);
  const [info] = streamsOf(layout, nowMs);
  const opened = info && openStream(layout, info.arn, { table, nowMs });
  if (opened === undefined) throw new Error('the table has a stream');
  const replay = new Replay();
  for (const { id: shardId, partitionId, first } of await shardsOf(opened)) {
    const records: ReplayedRecord[] = [];
    let next: Parameters<typeof readShard>[1] | undefined = {
      givenOutMs: nowMs,
      partitionId,
      shardId,
      sequence: first,
      isFromHorizon: true,
      writtenFromMs: 0,
    };
    while (next !== undefined) {
      const page = await readShard(opened, next, { limit: 3, bytesMax: 1_000, nowMs });
      for (const placed of page.records) {
        const json = wireRecord(placed, { stream: opened, region: 'eu-test-1' }).toString();
        records.push(JSON.parse(json));
      }
      next = page.records.length === 0 ? undefined : page.next;
    }
    replay.take(records);
  }
  return replay;
}

async function check(history: History, partitions: number, folder?: string): Promise<void> {
  let nowMs = START_MS;
  let store = await openStore({ folder, durability: 'relaxed' });
  const model = new Model();
  const open = async () => {
    const fragile = new FragileStore(store);
    const router = new LocalRouter(fragile.store, { nowMs: () => nowMs });
    return { fragile, table: await router.openTable(layoutOf(schema, partitions), unlimited) };
  };
  let current = await open();
  const writeAll = (writes: readonly WriteCommand[]) =>
    Promise.allSettled(writes.map((command) => current.table.write(command)));
  for (const { writes, next } of history) {
    for (const command of writes) model.write(command);
    for (const { status } of await writeAll(writes)) expect(status).toBe('fulfilled');
    if (next === 'roll') nowMs += SHARD_AGE_MS / 2;
    if (next === 'fail') {
      current.fragile.isFailing = true;
      await writeAll(writes);
      current.fragile.isFailing = false;
    }
    if (next !== 'reopen' && next !== 'crash') continue;
    if (next === 'crash') {
      current.fragile.isDead = true;
      await writeAll(writes);
    }
    await current.table.close();
    if (folder !== undefined) {
      await store.close();
      store = await openStore({ folder, durability: 'relaxed' });
    }
    current = await open();
  }
  const replay = await replayed(current.table, partitions, nowMs);
  const shown = (items: Iterable<Item>) => Array.from(items, nameOf).sort();
  expect(shown(replay.items.values())).toEqual(shown(model.items.values()));
  expect(shown(await scanAll(current.table))).toEqual(shown(model.items.values()));
  expect(replay.recordsCount).toBe(model.changesCount);
  await current.table.close();
  await store.close();
}

describe('the records of a stream', () => {
  it.each([1, 4])(
    'replayed give the table, also across restarts, kills and failures: %i partitions',
    async (partitions) => {
      await fc.assert(
        fc.asyncProperty(arbitraryHistory, (history) => check(history, partitions)),
        { numRuns: 60 },
      );
    },
  );

  it('replayed give the table on disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trestle-stream-'));
    let runs = 0;
    try {
      await fc.assert(
        fc.asyncProperty(arbitraryHistory, (history) =>
          check(history, 4, join(folder, String(runs++))),
        ),
        { numRuns: 5 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
