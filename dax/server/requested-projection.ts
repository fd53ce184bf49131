import { itemFaults } from '../../dataplane/errors/items.ts';
import type { Path, Projection } from '../../dataplane/expression/ast.ts';
import { ParseCache } from '../../dataplane/expression/parse-cache.ts';
import { nestedAttributes } from '../../dataplane/expression/paths.ts';
import { decodeProjection } from '../protocol/expressions.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { PROJECTION_BYTES_MAX } from './limits.ts';

const decoded = new ParseCache<Projection>();

/**
 * The paths of a compiled projection, in the user's order: their indexes are the ordinals of projection maps.
 * @throws ClientFault
 */
export function projectionOf(bytes: Buffer): Projection {
  if (bytes.length > PROJECTION_BYTES_MAX) return decodeProjection(bytes);
  return decoded.get(bytes.toString('latin1'), () => decodeProjection(bytes));
}

/**
 * Of a read that the cache may answer: no path leads into a key attribute of the table or an index.
 * @throws ClientFault, the table's own text
 */
export function checkScalarKeys(projection: Projection, table: TableInfo): void {
  const nested = nestedAttributes(projection);
  if (nested.size === 0) return;
  for (const name of tableKeyNames(table)) {
    if (nested.has(name)) throw itemFaults.keyPathNotScalar(name, false);
  }
  for (const name of indexKeyNames(table)) {
    if (nested.has(name)) throw itemFaults.keyPathNotScalar(name, true);
  }
}

/**
 * The projection to ask the table for. The table closes lists up, so that of `l[2], l[0]` nobody
 * could tell which element an answer holds: paths are asked for as far as their first list index.
 * What leads into a key attribute stays as it is, for the table to refuse.
 */
export function tableProjection(projection: Projection, table: TableInfo): Projection {
  const nested = nestedAttributes(projection);
  if (nested.size === 0) return projection;
  const isRefused = [...tableKeyNames(table), ...indexKeyNames(table)].some((name) =>
    nested.has(name),
  );
  if (isRefused) return projection;
  const paths = new Map<string, Path>();
  for (const path of projection) {
    const whole = untilIndex(path);
    paths.set(JSON.stringify(whole), whole);
  }
  return [...paths.values()];
}

function untilIndex(path: Path): Path {
  const index = path.findIndex((part) => typeof part === 'number');
  if (index < 0) return path;
  const [name, ...rest] = path;
  return [name, ...rest.slice(0, index - 1)];
}

function tableKeyNames({ key: { hash, range } }: TableInfo): readonly string[] {
  return range === undefined ? [hash.name] : [hash.name, range.name];
}

/** Global indexes first: the table looks at them in this order. */
function indexKeyNames({ globalIndexes, localIndexes }: TableInfo): readonly string[] {
  const names: string[] = [];
  for (const { hash, range } of globalIndexes.values()) {
    for (const { name } of [...hash, ...range]) names.push(name);
  }
  for (const { hash, range } of localIndexes.values()) {
    names.push(hash.name);
    if (range !== undefined) names.push(range.name);
  }
  return names;
}
