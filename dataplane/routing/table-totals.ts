import type { Counters } from '../partition/counters.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { TableStatistics } from './table.ts';

interface Counted {
  readonly counters: Pick<Counters, 'items' | 'bytes' | 'localIndexes'>;
}

/**
 * Totals of a table and its indexes, from what their partitions count.
 * @param partitionsOf - of a global index, by its id
 */
export function totalsOf(
  schema: TableSchema,
  partitions: readonly Counted[],
  partitionsOf: (
    indexId: number,
  ) => readonly { readonly counters: { readonly items: number; readonly bytes: number } }[],
): TableStatistics {
  const indexes = new Map<string, { items: number; bytes: number }>();
  for (const { name, id } of schema.localIndexes) {
    indexes.set(name, sumOf(partitions.map(({ counters }) => counters.localIndexes.get(id))));
  }
  for (const { name, id } of schema.globalIndexes) {
    indexes.set(name, sumOf(partitionsOf(id).map(({ counters }) => counters)));
  }
  return { ...sumOf(partitions.map(({ counters }) => counters)), indexes };
}

function sumOf(
  counters: readonly ({ readonly items: number; readonly bytes: number } | undefined)[],
): { items: number; bytes: number } {
  let items = 0;
  let bytes = 0;
  for (const each of counters) {
    items += each?.items ?? 0;
    bytes += each?.bytes ?? 0;
  }
  return { items, bytes };
}
