import { describe, expect, it } from 'vitest';
import { transportFaults } from '../errors/transport.ts';
import type { Table } from '../routing/table.ts';
import { NamespaceTransactionTables } from './namespace-transactions.ts';
import type { TableCluster } from './table-cluster.ts';
import type { KnownTable } from './table-directory.ts';

const named = { tableId: 'id-1', tableName: 'Music' };
const known: KnownTable = {
  clusterId: 'uid-1',
  tableName: 'Music',
  nodes: [],
  resource: undefined,
};

/** A namespace of at most one table. */
function setUp(parts: {
  readonly table?: KnownTable | undefined;
  /** Found when the API server is asked. */
  readonly found?: KnownTable;
  readonly cluster?: { readonly tableId: string; readonly isLinked: boolean };
  readonly isApiDown?: boolean;
}) {
  let { table } = parts;
  const { cluster } = parts;
  const refreshed: string[] = [];
  const ofCluster = cluster && {
    tableById: (id: string) => (id === cluster.tableId ? ({} as Table) : undefined),
    isDeleted: async ({ tableId }: { tableId: string }) => tableId !== cluster.tableId,
    stalledTransactions: () => [{ tableId: cluster.tableId, partitionId: 7n }],
    refresh: async () => {
      refreshed.push(cluster.tableId);
    },
  };
  // Only what is asked of it.
  const asCluster = ofCluster as unknown as TableCluster | undefined;
  const tables = new NamespaceTransactionTables({
    directory: { table: () => table },
    clusters: {
      cluster: () => asCluster,
      linked: () => (asCluster !== undefined && cluster?.isLinked === true ? [asCluster] : []),
    },
    source: {
      look: async () => {
        if (parts.isApiDown === true) throw transportFaults.internal();
        table = parts.found;
      },
    },
  });
  return { tables, refreshed };
}

describe('tables of transactions in a namespace', () => {
  it('are known by id while they are connected, and report what is stalled there', () => {
    const { tables } = setUp({ table: known, cluster: { tableId: 'id-1', isLinked: true } });
    expect(tables.byId('id-1')).toBeDefined();
    expect(tables.byId('id-2')).toBeUndefined();
    expect([...tables.stalled()]).toEqual([{ tableId: 'id-1', partitionId: 7n }]);
  });

  it('that are idle are connected when somebody asks whether they are gone', async () => {
    const { tables, refreshed } = setUp({
      table: known,
      cluster: { tableId: 'id-1', isLinked: false },
    });
    expect(tables.byId('id-1')).toBeUndefined();
    expect(await tables.isDeleted(named)).toBe(false);
    expect(refreshed).toEqual(['id-1']);
  });

  it('are gone when there is no resource, or another table has the name', async () => {
    expect(await setUp({}).tables.isDeleted(named)).toBe(true);
    const other = { tableId: 'id-2', isLinked: true };
    expect(await setUp({ table: known, cluster: other }).tables.isDeleted(named)).toBe(true);
  });

  it('are not gone when they are only unknown, or have no nodes at present', async () => {
    const cluster = { tableId: 'id-1', isLinked: true };
    expect(await setUp({ found: known, cluster }).tables.isDeleted(named)).toBe(false);
    expect(await setUp({ table: known }).tables.isDeleted(named)).toBe(false);
  });

  it('are nothing that can be said while the API server is away', async () => {
    const { tables } = setUp({ isApiDown: true });
    await expect(tables.isDeleted(named)).rejects.toMatchObject({ type: 'InternalServerError' });
  });
});
