import { requestFaults } from '../errors/requests.ts';
import type { Condition, Projection } from '../expression/ast.ts';
import { topLevelAttributes } from '../expression/paths.ts';
import type { IndexSchema, TableSchema } from '../partition/schema.ts';
import { projectedNames } from './index-choice.ts';

export type Select =
  | 'ALL_ATTRIBUTES'
  | 'ALL_PROJECTED_ATTRIBUTES'
  | 'SPECIFIC_ATTRIBUTES'
  | 'COUNT';

/** Parameters of Query and Scan that Select has to agree with. */
export interface SelectParameters {
  readonly Select?: Select | undefined;
  readonly AttributesToGet?: readonly string[] | undefined;
  readonly ProjectionExpression?: string | undefined;
  readonly IndexName?: string | undefined;
}

/**
 * Select against the parameters that choose attributes and the index.
 * @throws ClientFault
 * @see dynoxide 3.2.0 (captures): texts
 */
export function checkSelect(parameters: SelectParameters): void {
  const { Select, AttributesToGet, ProjectionExpression, IndexName } = parameters;
  if (Select === undefined) return;
  const chosenBy =
    AttributesToGet !== undefined
      ? 'AttributesToGet'
      : ProjectionExpression !== undefined
        ? 'ProjectionExpression'
        : undefined;
  if (Select === 'SPECIFIC_ATTRIBUTES') {
    if (chosenBy === undefined) throw requestFaults.selectNeedsProjection();
    return;
  }
  if (chosenBy !== undefined) throw requestFaults.selectWithProjection(chosenBy, Select);
  if (Select === 'ALL_PROJECTED_ATTRIBUTES' && IndexName === undefined) {
    throw requestFaults.selectNeedsIndex();
  }
}

/** What a read of an index asks of each item. */
export interface AttributesRead {
  readonly select: Select | undefined;
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
  { select, projection }: AttributesRead,
): boolean {
  const held = index === undefined ? undefined : projectedNames(index, schema);
  if (index === undefined || held === undefined) return false;
  const missing = projection === undefined ? [] : missingNames(projection, held);
  if (index.kind === 'local') return select === 'ALL_ATTRIBUTES' || missing.length > 0;
  if (select === 'ALL_ATTRIBUTES') throw requestFaults.selectAllOnPartialIndex(index.name);
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
  const held = index === undefined ? undefined : projectedNames(index, schema);
  if (index === undefined || held === undefined || filter === undefined) return;
  const missing = missingNames(filter, held);
  if (missing.length > 0) throw requestFaults.filterNotProjected(index.name, missing);
}

function missingNames(
  reader: Projection | Condition,
  held: ReadonlySet<string>,
): readonly string[] {
  return [...topLevelAttributes(reader)].filter((name) => !held.has(name));
}
