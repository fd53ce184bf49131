import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { Projection } from '../../dataplane/expression/ast.ts';
import { nestedAttributes } from '../../dataplane/expression/paths.ts';
import { parseProjection } from '../../dataplane/expression/projection-parser.ts';
import { Substitutions } from '../../dataplane/expression/substitutions.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { isRecord } from './members.ts';

/** The part of an item that a read asks for; without a projection it is all of it. */
export interface AttributeSelection {
  readonly projection: Projection | undefined;
}

const EVERYTHING: AttributeSelection = { projection: undefined };
const NAME_TOKEN = /^#[0-9a-zA-Z_]+$/;

/**
 * What `ProjectionExpression` and `ExpressionAttributeNames` ask for.
 * @returns undefined when anything is wrong with them: the table has the words for it
 */
export function attributeSelectionOf(
  expression: unknown,
  names: unknown,
): AttributeSelection | undefined {
  if (expression === undefined) return names === undefined ? EVERYTHING : undefined;
  if (typeof expression !== 'string' || !isNames(names)) return undefined;
  try {
    const substitutions = new Substitutions(names, undefined);
    const projection = parseProjection(expression, substitutions);
    substitutions.assertAllUsed();
    return { projection };
  } catch (error) {
    if (!(error instanceof ClientFault)) throw error;
    return undefined;
  }
}

/** Whether the selection stays out of the insides of key attributes, which are scalars. */
export function suits({ projection }: AttributeSelection, table: TableInfo): boolean {
  if (projection === undefined) return true;
  const nested = nestedAttributes(projection);
  return nested.size === 0 || !keyAttributeNames(table).some((name) => nested.has(name));
}

/** Of the table and of all its indexes. */
function keyAttributeNames({ key, localIndexes, globalIndexes }: TableInfo): readonly string[] {
  return [
    ...[key, ...localIndexes.values()].flatMap(({ hash, range }) => [hash, range]),
    ...[...globalIndexes.values()].flatMap(({ hash, range }) => [...hash, ...range]),
  ].flatMap((attribute) => (attribute === undefined ? [] : [attribute.name]));
}

/** Whether this is what `ExpressionAttributeNames` may be. */
export function isNames(names: unknown): names is Readonly<Record<string, string>> | undefined {
  if (names === undefined) return true;
  if (!isRecord(names)) return false;
  const entries = Object.entries(names);
  return (
    entries.length > 0 &&
    entries.every(
      ([token, name]) => NAME_TOKEN.test(token) && typeof name === 'string' && name !== '',
    )
  );
}
