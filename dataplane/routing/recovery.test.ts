import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { openStore } from '../storage/open.ts';
import { type Effect, type Store, StoreError } from '../storage/store.ts';
import { LocalRouter } from './local-router.ts';
import {
  indexed,
  item,
  layoutOf,
  putOf,
  queryAll,
  scanAll,
  unlimited,
} from './local-table.fixture.ts';
import type { ManagedTable } from './table.ts';

/** A store whose writes can fail, with the effects on disk all the same or not, until it is reopened. */
class FailingStore implements Store {
  readonly #inner: Store;
  #recover: () => Promise<void> = async () => {};
  #failure: 'landed' | 'lost' | undefined;
  #of: 'table' | 'index' = 'table';
  #hasFailed = false;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** Lets the next batch fail that writes to partitions of an index, or the next one of the table. */
  failNext(failure: 'landed' | 'lost', of: 'table' | 'index'): void {
    this.#failure = failure;
    this.#of = of;
  }

  async reopen(): Promise<void> {
    await this.#recover();
    this.#hasFailed = false;
  }

  async commit(effects: readonly Effect[]): Promise<void> {
    const fails = this.#failure !== undefined && this.#of === targetOf(effects);
    if (!this.#hasFailed && !fails) return this.#inner.commit(effects);
    if (this.#failure === 'landed') await this.#inner.commit(effects);
    this.#failure = undefined;
    this.#hasFailed = true;
    throw new StoreError('io', 'The disk failed.');
  }

  get writesRefused(): StoreError | undefined {
    return this.#hasFailed ? new StoreError('io', 'The disk failed.') : undefined;
  }

  onReopened(recover: () => Promise<void>): void {
    this.#recover = recover;
  }

  get: Store['get'] = (key) => this.#inner.get(key);
  iterate: Store['iterate'] = (range) => this.#inner.iterate(range);
  snapshot: Store['snapshot'] = () => this.#inner.snapshot();
  clear: Store['clear'] = (start, end) => this.#inner.clear(start, end);
  approximateBytes: Store['approximateBytes'] = (start, end) =>
    this.#inner.approximateBytes(start, end);
  close: Store['close'] = () => this.#inner.close();
}

/** Of which kind of partition the effects are: `layoutOf` numbers those of indexes from 1,000 on. */
function targetOf(effects: readonly Effect[]): 'table' | 'index' {
  const isIndex = effects.some(({ key }) => Buffer.from(key).readBigUInt64BE() >= 1_000n);
  return isIndex ? 'index' : 'table';
}

describe('after a failed write, once the store is opened anew', () => {
  let store: FailingStore;
  let table: ManagedTable;

  beforeEach(async () => {
    store = new FailingStore(await openStore({ folder: undefined, durability: 'relaxed' }));
    const router = new LocalRouter(store, { nowMs: () => 1_000 });
    table = await router.openTable(layoutOf(indexed), unlimited);
  });

  afterEach(async () => {
    await table.close();
    await store.close();
  });

  const put = (of: Item) => table.write(putOf(of, indexed));
  const entry = (index: number, text: string) =>
    item(index, { g: { S: 'all' }, l: { S: text }, x: { S: text } });
  const index = indexed.globalIndexes[0]?.name;

  async function expectConsistent(items: readonly Item[]): Promise<void> {
    await table.indexesCaughtUp();
    expect(await scanAll(table)).toEqual(items);
    expect(
      await queryAll(table, { g: { S: 'all' } }, { indexName: index, consistentRead: false }),
    ).toEqual(items);
    const { items: count, indexes } = table.statistics();
    expect(count).toBe(items.length);
    for (const [, counters] of indexes) expect(counters.items).toBe(items.length);
  }

  it.each(['landed', 'lost'] as const)(
    'table, indexes and totals agree: the write %s',
    async (failure) => {
      await put(entry(1, 'before'));
      await table.indexesCaughtUp();
      const key = { consistentRead: true, projection: undefined };
      await table.get(item(1), key);
      store.failNext(failure, 'table');
      const writes = await Promise.allSettled([put(entry(1, 'changed')), put(entry(2, 'new'))]);
      expect(writes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await expect(put(entry(3, 'refused'))).rejects.toMatchObject({ code: 'io' });
      await store.reopen();
      await expectConsistent(
        failure === 'landed' ? [entry(1, 'changed'), entry(2, 'new')] : [entry(1, 'before')],
      );
      await put(entry(4, 'after'));
      const { json } = await table.get(item(1), key);
      expect(Buffer.from(json ?? []).toString()).toContain(
        failure === 'landed' ? 'changed' : 'before',
      );
    },
  );

  it.each(['landed', 'lost'] as const)('the index goes on: its own batch %s', async (failure) => {
    store.failNext(failure, 'index');
    await put(entry(1, 'a'));
    await vi.waitUntil(() => store.writesRefused !== undefined, { timeout: 30_000 });
    await expect(put(entry(2, 'b'))).rejects.toMatchObject({ code: 'io' });
    await store.reopen();
    await put(entry(3, 'c'));
    await expectConsistent([entry(1, 'a'), entry(3, 'c')]);
  });
});
