import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import type { PageResult, QueryRequest, ScanRequest } from '../partition/command.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import { FakeCluster, refusal } from './cluster.fixture.ts';
import {
  Installation,
  layoutOf,
  putAll,
  queryOf,
  scanOf,
  unlimited,
} from './local-table.fixture.ts';
import { serveReads } from './serving.fixture.ts';
import type { Table } from './table.ts';

const schema = schemaOf({
  localIndexes: [localIndex(1, 'l:S', { type: 'KEYS_ONLY' })],
  globalIndexes: [globalIndex(2, { hash: 'g:S', range: 's:N' })],
});
const PARTITIONS = 4;

const texts = ['a', 'b', 'c', 'd', 'é'].map((S): AttributeValue => ({ S }));
const arbitraryItem: fc.Arbitrary<Item> = fc.record(
  {
    p: fc.constantFrom(...texts, ...['e', 'f', 'g'].map((S) => ({ S }))),
    s: fc.integer({ min: 0, max: 9 }).map((n) => ({ N: String(n) })),
    l: fc.constantFrom(...texts),
    g: fc.constantFrom(...texts),
    x: fc.constantFrom({ S: 'x' }, { S: 'x'.repeat(5_000) }),
  },
  { requiredKeys: ['p', 's'] },
);

const arbitraryPage = fc.record({
  limit: fc.constantFrom(undefined, 1, 2, 3, 7),
  bytesMax: fc.constantFrom(undefined, 1, 6_000, 20_000),
  consistentRead: fc.boolean(),
  output: fc.constantFrom('items', 'count'),
  filter: fc.constantFrom(undefined, { kind: 'exists', path: ['x'], negated: true } as const),
});
const arbitraryScan = fc
  .record({
    page: arbitraryPage,
    index: fc.constantFrom(undefined, 'L1', 'G2'),
    fetchFromTable: fc.boolean(),
    totalSegments: fc.constantFrom(1, 2, 3, 7),
    segment: fc.nat(6),
  })
  .map(({ page, index, fetchFromTable, totalSegments, segment }) => {
    const { bytesMax, ...rest } = page;
    return scanOf({
      ...rest,
      ...(bytesMax === undefined ? {} : { bytesMax }),
      indexName: index,
      consistentRead: page.consistentRead && index !== 'G2',
      fetchFromTable: fetchFromTable && index === 'L1',
      totalSegments,
      segment: segment % totalSegments,
    });
  });
const arbitraryQuery = fc
  .record({
    page: arbitraryPage,
    index: fc.constantFrom(undefined, 'L1', 'G2'),
    hash: fc.constantFrom(...texts),
    scanIndexForward: fc.boolean(),
  })
  .map(({ page, index, hash, scanIndexForward }) => {
    const { bytesMax, ...rest } = page;
    return queryOf(index === 'G2' ? { g: hash } : { p: hash }, {
      ...rest,
      ...(bytesMax === undefined ? {} : { bytesMax }),
      indexName: index,
      consistentRead: page.consistentRead && index !== 'G2',
      scanIndexForward,
    });
  });

/** A table in this process, and a router's view of the same partitions at three nodes. */
async function bothTables(items: readonly Item[]) {
  const installation = await Installation.create();
  const local = await installation.open(schema, { partitions: PARTITIONS });
  await putAll(local, items);
  await local.indexesCaughtUp();
  const layout = layoutOf(schema, PARTITIONS);
  const cluster = new FakeCluster();
  cluster.addTable({ version: 1, createdAtMs: 1, layout, throughput: unlimited });
  for (const node of cluster.nodes.values()) {
    const compiled = new CompiledSchema(schema);
    serveReads(node, { store: installation.store, compiled, layout });
  }
  const router = await cluster.router();
  return { installation, local, remote: router.tables.openTable('T'), cluster };
}

function shown(page: PageResult) {
  return { ...page, items: page.items.map((json) => Buffer.from(json).toString()) };
}

async function pagesOf(
  table: Table,
  read: (startKey: Item | undefined) => ScanRequest | QueryRequest,
  kind: 'scan' | 'query',
) {
  const pages: ReturnType<typeof shown>[] = [];
  let startKey: Item | undefined;
  do {
    const request = read(startKey);
    // `kind` says which of the two it is.
    const page =
      kind === 'scan'
        ? await table.scan(request as ScanRequest)
        : await table.query(request as QueryRequest);
    pages.push(shown(page));
    startKey = page.lastEvaluatedKey;
  } while (startKey !== undefined);
  return pages;
}

describe('pages over several nodes', () => {
  it('are those of the same partitions in one process, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryItem, { maxLength: 40 }),
        fc.array(arbitraryScan, { minLength: 1, maxLength: 4 }),
        fc.array(arbitraryQuery, { minLength: 1, maxLength: 4 }),
        async (items, scans, queries) => {
          const { installation, local, remote } = await bothTables(items);
          try {
            for (const scan of scans) {
              const at = (exclusiveStartKey: Item | undefined) => ({ ...scan, exclusiveStartKey });
              expect(await pagesOf(remote, at, 'scan')).toEqual(await pagesOf(local, at, 'scan'));
            }
            for (const query of queries) {
              const at = (exclusiveStartKey: Item | undefined) => ({ ...query, exclusiveStartKey });
              expect(await pagesOf(remote, at, 'query')).toEqual(await pagesOf(local, at, 'query'));
            }
          } finally {
            await installation.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a start key of another segment is refused before any node is asked', async () => {
    const items = [...'abcdefgh'].map((p): Item => ({ p: { S: p }, s: { N: '1' } }));
    const { installation, local, remote, cluster } = await bothTables(items);
    for (const startKey of items) {
      const segments = [0, 1, 2].map((segment) =>
        scanOf({ segment, totalSegments: 3, exclusiveStartKey: startKey }),
      );
      const before = cluster.askedFor('page').length;
      const failures = await Promise.all(
        segments.map((scan) =>
          remote.scan(scan).then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
      expect(failures.filter((failure) => failure !== undefined).length).toBe(2);
      expect(cluster.askedFor('page').length).toBeLessThanOrEqual(before + PARTITIONS);
      for (const [index, scan] of segments.entries()) {
        const same = await Promise.resolve(local.scan(scan)).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failures[index]).toEqual(same);
      }
    }
    await installation.close();
  });

  it('a query asks one partition once', async () => {
    const { installation, remote, cluster } = await bothTables([]);
    await remote.query(queryOf({ p: { S: 'a' } }));
    expect(cluster.askedFor('page').length).toBe(1);
    await installation.close();
  });

  it('a scan whose partition cannot be read fails as a whole, at its deadline', async () => {
    const { installation, remote, cluster } = await bothTables([]);
    for (const node of cluster.nodes.values()) {
      node.on('page', () => {
        throw refusal('unavailable');
      });
    }
    const failed = remote.scan(scanOf()).then(
      () => undefined,
      (error: unknown) => error,
    );
    const { value, tookMs } = await cluster.scheduler.until(failed);
    expect(value).toMatchObject({ type: 'InternalServerError' });
    expect(tookMs).toBeGreaterThanOrEqual(10_000);
    expect(tookMs).toBeLessThan(10_100);
    await installation.close();
  });
});
