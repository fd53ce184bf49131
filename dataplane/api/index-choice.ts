import { requestFaults } from '../errors/requests.ts';
import type { IndexSchema, TableSchema } from '../partition/schema.ts';

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
