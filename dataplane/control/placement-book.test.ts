import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../storage/memory-store.ts';
import { type Store, StoreError } from '../storage/store.ts';
import { PlacementBook } from './placement-book.ts';
import { type Placement, placementKey } from './placement-records.ts';

const configuration = Buffer.from('{"version":1}');

function placement(partitionId: bigint, more: Partial<Placement> = {}): Placement {
  return {
    partitionId,
    tableId: 't1',
    indexId: 0,
    founders: [{ replicaId: 1, node: 'n1', storeId: 's1', state: 'open' }],
    foundingVersion: 1,
    isFounded: false,
    others: [],
    ...more,
  };
}

const newTable = {
  table: { tableId: 't1', configuration, isOpen: false },
  founding: { tableId: 't1', version: 1, configuration },
  createdAtMs: 1_000,
  placements: [placement(1n), placement(2n)],
};

async function opened(store?: Store) {
  const used = store ?? (await MemoryStore.open());
  return { store: used, book: await PlacementBook.open(used) };
}

describe('the book of placements', () => {
  it('has after a restart what it had before', async () => {
    const { store, book } = await opened();
    await book.save(newTable);
    await book.update(1n, (before) => ({ ...before, isFounded: true }));
    await book.drop([2n], 5_000);
    const again = (await opened(store)).book;
    expect([...again.placements()]).toEqual([placement(1n, { isFounded: true })]);
    expect(again.table('t1')).toEqual(newTable.table);
    expect(again.founding(placement(1n))).toEqual(newTable.founding);
    expect([...again.dropped()]).toEqual([{ partitionId: 2n, droppedAtMs: 5_000 }]);
    expect(again.nextCreatedAtMs(10)).toBe(1_001);
  });

  it('times of creation rise though clocks go back', async () => {
    const { book } = await opened();
    expect(book.nextCreatedAtMs(500)).toBe(500);
    await book.save(newTable);
    expect(book.nextCreatedAtMs(500)).toBe(1_001);
    expect(book.nextCreatedAtMs(2_000)).toBe(2_000);
  });

  it('changes of placements see each other and share commits', async () => {
    const memory = await MemoryStore.open();
    let commits = 0;
    const store: Store = Object.assign(Object.create(memory), {
      commit: (effects: Parameters<Store['commit']>[0]) => {
        commits += 1;
        return memory.commit(effects);
      },
      iterate: (range: Parameters<Store['iterate']>[0]) => memory.iterate(range),
      get: (key: Uint8Array) => memory.get(key),
    });
    const { book } = await opened(store);
    await book.save(newTable);
    commits = 0;
    const other = (node: string) => (before: Placement) => ({
      ...before,
      others: [...before.others, { replicaId: 2, node, storeId: 's' }],
    });
    await Promise.all([
      book.update(1n, other('n2')),
      book.update(1n, other('n3')),
      book.update(2n, other('n4')),
    ]);
    expect(commits).toBe(1);
    expect(book.placement(1n)?.others.map(({ node }) => node)).toEqual(['n2', 'n3']);
  });

  it('a change of what was dropped meanwhile does nothing', async () => {
    const { store, book } = await opened();
    await book.save(newTable);
    const dropped = book.drop([1n], 0);
    const updated = book.update(1n, (before) => ({ ...before, isFounded: true }));
    await dropped;
    expect(await updated).toBeUndefined();
    expect(store.get(placementKey(1n))).toBeUndefined();
  });

  it('a table goes with its last partition, and what its founders begin with too', async () => {
    const { store, book } = await opened();
    await book.save(newTable);
    await book.drop([1n], 0);
    expect(book.table('t1')).toBeDefined();
    await book.drop([2n], 0);
    const again = (await opened(store)).book;
    expect(again.table('t1')).toBeUndefined();
    expect(again.founding(placement(1n))).toBeUndefined();
  });

  it('what founders begin with is forgotten once no founder is open', async () => {
    const { book } = await opened();
    await book.save(newTable);
    const created = (before: Placement): Placement => ({
      ...before,
      founders: before.founders.map((founder) => ({ ...founder, state: 'created' })),
    });
    await book.update(1n, created);
    await book.forgetFoundings('t1');
    expect(book.founding(placement(1n))).toBeDefined();
    await book.update(2n, created);
    await book.forgetFoundings('t1');
    expect(book.founding(placement(1n))).toBeUndefined();
  });

  it('memory follows the store: what was not written is not there', async () => {
    const memory = await MemoryStore.open();
    const { book } = await opened(memory);
    await book.save(newTable);
    await memory.close();
    const failed = book.update(1n, (before) => ({ ...before, isFounded: true }));
    await expect(failed).rejects.toThrow(StoreError);
    expect(book.placement(1n)?.isFounded).toBe(false);
  });

  it('a table of very many partitions is written in commits of bounded size', async () => {
    const { store, book } = await opened();
    const founders = Array.from({ length: 3 }, (_, i) => ({
      replicaId: i + 1,
      node: 'n'.repeat(20_000),
      storeId: 's',
      state: 'open' as const,
    }));
    const placements = Array.from({ length: 100 }, (_, i) => placement(BigInt(i), { founders }));
    await book.save({ placements });
    expect([...(await opened(store)).book.placements()]).toHaveLength(100);
  });

  it('drops that are long ago are forgotten', async () => {
    const { store, book } = await opened();
    await book.save(newTable);
    await book.drop([1n], 1_000);
    await book.drop([2n], 2_000);
    await book.forgetDropped(1_500);
    expect([...(await opened(store)).book.dropped()].map(({ partitionId }) => partitionId)).toEqual(
      [2n],
    );
  });
});
