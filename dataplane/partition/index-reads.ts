import { requestFaults } from '../errors/requests.ts';
import type { Condition, Projection } from '../expression/ast.ts';
import { topLevelAttributes } from '../expression/paths.ts';
import type { IndexSchema, KeySchema, TableSchema } from './schema.ts';

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

/** What a read of an index asks of each item. */
export interface AttributesRead {
  /** All of the item's attributes, not only those that the index holds. */
  readonly isWhole: boolean;
  readonly projection: Projection | undefined;
}

/**
 * Whether a read needs attributes that the index does not hold: then a local index is read through
 * to the table. A global one cannot be.
 * @throws ClientFault for global indexes
 */
export function needsTable(
  index: IndexSchema | undefined,
  schema: TableSchema,
  { isWhole, projection }: AttributesRead,
): boolean {
  const held = index === undefined ? undefined : projectedNames(index, schema);
  if (index === undefined || held === undefined) return false;
  const missing = projection === undefined ? [] : missingNames(projection, held);
  if (index.kind === 'local') return isWhole || missing.length > 0;
  if (isWhole) throw requestFaults.selectAllOnPartialIndex(index.name);
  if (missing.length > 0) throw requestFaults.attributesNotProjected(index.name, missing);
  return false;
}

/**
 * A Query's filter sees what the index holds; a Scan's may name other attributes, which it does
 * not see.
 * @throws ClientFault
 * @see dynoxide 3.2.0 (capture of August 2026); sensedeep/dynamodb-onetable issue 93
 */
export function checkFilterProjected(
  index: IndexSchema | undefined,
  schema: TableSchema,
  filter: Condition | undefined,
): void {
  if (index === undefined || filter === undefined) return;
  const missing = filterNamesNotHeld(index, schema, filter);
  if (missing.length > 0) throw requestFaults.filterNotProjected(index.name, missing);
}

/** Attributes that a filter names and entries of the index do not hold. */
export function filterNamesNotHeld(
  index: IndexSchema,
  schema: TableSchema,
  filter: Condition,
): readonly string[] {
  const held = projectedNames(index, schema);
  return held === undefined ? [] : missingNames(filter, held);
}

function missingNames(
  reader: Projection | Condition,
  held: ReadonlySet<string>,
): readonly string[] {
  return [...topLevelAttributes(reader)].filter((name) => !held.has(name));
}
