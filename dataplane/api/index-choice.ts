import { requestFaults } from '../errors/requests.ts';
import type { IndexSchema, KeySchema, TableSchema } from '../partition/schema.ts';

/**
 * The index that a Query or Scan reads; undefined for the table itself.
 * @throws ClientFault: no such index, not ready yet, strongly consistent read of a global one
 */
export function indexToRead(
  schema: TableSchema,
  indexName: string | undefined,
  { consistentRead }: { readonly consistentRead: boolean },
): IndexSchema | undefined {
  if (indexName === undefined) return undefined;
  const isNamed = (index: IndexSchema): boolean => index.name === indexName;
  const index = schema.localIndexes.find(isNamed) ?? schema.globalIndexes.find(isNamed);
  if (index === undefined) throw requestFaults.indexAbsent(indexName);
  if (consistentRead && index.kind === 'global') throw requestFaults.consistentReadOnGlobalIndex();
  if (index.state === 'backfilling') throw requestFaults.indexBackfilling(indexName);
  return index;
}

/** Names of a key's attributes, hash before range. */
export function keyNames({ hash, range }: KeySchema): readonly string[] {
  return [...hash, ...range].map(({ name }) => name);
}

/** Names of the attributes that an index's entries hold; undefined: all of the item's. */
export function projectedNames(
  index: IndexSchema,
  schema: TableSchema,
): ReadonlySet<string> | undefined {
  const { projection } = index;
  if (projection.type === 'ALL') return undefined;
  const included = projection.type === 'INCLUDE' ? projection.attributes : [];
  return new Set([...keyNames(schema.key), ...keyNames(index.key), ...included]);
}
