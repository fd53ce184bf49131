import { partiqlFaults } from '../errors/partiql.ts';
import type { Path, Projection } from '../expression/ast.ts';
import { valueAt } from '../expression/paths.ts';
import { type Item, type MutableAttributeMap, setAttribute } from '../item/attribute-value.ts';
import type { Binding } from './binding.ts';
import type { SelectNode } from './syntax.ts';

/** One element of a SELECT list. */
export interface Column {
  /** Under which the value is shown: the path's last name with the list indexes behind it. */
  readonly name: string;
  readonly path: Path;
}

/**
 * The columns of a SELECT; undefined for `*`.
 * @throws ClientFault: what is neither a path nor `*` alone; a name twice
 */
export function columnsOf(select: SelectNode, binding: Binding): readonly Column[] | undefined {
  const { columns } = select;
  if (select.isValueOrPivot) throw partiqlFaults.valueOrPivot();
  if (columns.some(({ kind }) => kind === 'star')) {
    if (columns.length > 1) throw partiqlFaults.starWithOthers();
    return undefined;
  }
  if (select.hasColumnAlias) throw partiqlFaults.aliasing();
  const names = new Set<string>();
  return columns.map((column) => {
    if (column.kind !== 'path') {
      throw partiqlFaults.unexpectedPathComponent(binding.place(column.span));
    }
    const name = columnName(column.path);
    if (names.has(name)) throw partiqlFaults.duplicateColumns(name);
    names.add(name);
    return { name, path: column.path };
  });
}

/** `k[1]` of `m.k[1]`. */
function columnName(path: Path): string {
  let last = path.length - 1;
  while (typeof path[last] === 'number') last--;
  const indexes = path.slice(last + 1).map((index) => `[${index}]`);
  return `${path[last]}${indexes.join('')}`;
}

/** The attributes that columns are found in, whole: paths into one document may overlap. */
export function projectionOf(columns: readonly Column[]): Projection {
  const names = new Set(columns.map(({ path }) => path[0]));
  return Array.from(names, (name): Path => [name]);
}

/** Whether the projected item is the row already. */
export function areTopLevel(columns: readonly Column[]): boolean {
  return columns.every(({ path }) => path.length === 1);
}

/** The row that a SELECT shows of an item; what is missing is left out. */
export function rowOf(columns: readonly Column[], item: Item): Item {
  const row: MutableAttributeMap = {};
  for (const { name, path } of columns) {
    const value = valueAt(path, item);
    if (value !== undefined) setAttribute(row, name, value);
  }
  return row;
}
