import { ClientFault } from '../errors/client-fault.ts';
import { itemFaults } from '../errors/items.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import type { Condition, Update } from '../expression/ast.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { itemBytes } from '../item/size.ts';
import { TABLE_NAME } from '../item/table-name.ts';
import { Binding } from './binding.ts';
import { type Column, columnsOf } from './columns.ts';
import { conditionOfWhere } from './condition.ts';
import { attributesOfNode } from './literals.ts';
import { parseStatement } from './parser.ts';
import type {
  ExpressionNode,
  InsertNode,
  ReturningNode,
  SelectNode,
  SourceNode,
  StatementNode,
} from './syntax.ts';
import { treeName } from './tree-name.ts';
import { updateOfActions } from './update.ts';

/**
 * Statements with their parameters in place and everything checked that can be said without the
 * table: conditions, updates and items are those of the native operations.
 */
export type Statement =
  | SelectStatement
  | InsertStatement
  | UpdateStatement
  | DeleteStatement
  | ExistsStatement;

export type WriteStatement = InsertStatement | UpdateStatement | DeleteStatement;

export interface SelectStatement {
  readonly kind: 'select';
  /** A name or an ARN. */
  readonly table: string;
  readonly index: string | undefined;
  /** Undefined: all that the table or index has. */
  readonly columns: readonly Column[] | undefined;
  /** What is wrong with the columns, of which the service tells when it has looked at the index. */
  readonly columnsFault: ClientFault | undefined;
  readonly where: Condition | undefined;
  readonly orderBy: readonly { readonly attribute: string; readonly isDescending: boolean }[];
}

export interface InsertStatement {
  readonly kind: 'insert';
  readonly table: string;
  readonly item: Item;
  readonly itemBytes: number;
}

export interface UpdateStatement {
  readonly kind: 'update';
  readonly table: string;
  readonly update: Update;
  readonly where: Condition | undefined;
  readonly returning: Returning | undefined;
}

export interface DeleteStatement {
  readonly kind: 'delete';
  readonly table: string;
  readonly where: Condition | undefined;
  readonly returning: 'ALL_OLD' | undefined;
}

/** A condition on one item, for transactions. */
export interface ExistsStatement {
  readonly kind: 'exists';
  readonly table: string;
  readonly index: string | undefined;
  readonly where: Condition | undefined;
}

/** What RETURNING asks for, as ReturnValues has it. */
export type Returning = 'ALL_OLD' | 'ALL_NEW' | 'UPDATED_OLD' | 'UPDATED_NEW';

/**
 * The statement of a text.
 * @param parameters - canonical (`validParameters`); more than the text has are ignored
 * @throws ClientFault of the text; too few parameters; what it asks for
 */
export function bindStatement(text: string, parameters: readonly AttributeValue[]): Statement {
  const { node, parametersCount } = parseStatement(text);
  if (parameters.length < parametersCount) throw partiqlFaults.parameterCount();
  return bind(node, new Binding(text, parameters));
}

/** What a statement is about. */
export interface StatementTarget {
  readonly kind: Statement['kind'];
  /** A name or an ARN. */
  readonly table: string;
  readonly index: string | undefined;
}

/** The table, and perhaps index, that a statement names; undefined where it names none. Never fails. */
export function targetNamed(text: string): StatementTarget | undefined {
  try {
    const { node } = parseStatement(text);
    const { source } = sourceOf(node);
    if (source.kind !== 'path') return undefined;
    const [table, index] = source.path;
    return { kind: node.kind, table, index: typeof index === 'string' ? index : undefined };
  } catch (thrown) {
    // Whatever is wrong with the text is reported when it is bound.
    if (thrown instanceof ClientFault) return undefined;
    throw thrown;
  }
}

function sourceOf(node: StatementNode): SourceNode {
  switch (node.kind) {
    case 'insert':
      return node.into;
    case 'exists':
      return node.select.from;
    default:
      return node.from;
  }
}

function bind(node: StatementNode, binding: Binding): Statement {
  switch (node.kind) {
    case 'select':
      return bindSelect(node, binding);
    case 'exists': {
      const { table, index, where } = bindSelect(node.select, binding);
      return { kind: 'exists', table, index, where };
    }
    case 'insert':
      return bindInsert(node, binding);
    case 'update': {
      const table = writtenTable(node.from, binding);
      const returning = node.returning && returningOf(node.returning);
      const update = updateOfActions(node.actions, binding);
      return { kind: 'update', table, update, where: whereOf(node.where, binding), returning };
    }
    case 'delete': {
      const table = writtenTable(node.from, binding);
      const returning = node.returning && returningOf(node.returning);
      if (node.returning !== undefined && returning !== 'ALL_OLD') {
        throw partiqlFaults.deleteReturning(`${node.returning.scope} ${node.returning.age}`);
      }
      const where = whereOf(node.where, binding);
      return { kind: 'delete', table, where, returning: returning && 'ALL_OLD' };
    }
  }
}

function bindSelect(node: SelectNode, binding: Binding): SelectStatement {
  const { unsupported } = node;
  if (unsupported !== undefined) {
    throw partiqlFaults.unsupportedClause(unsupported.clause, binding.place(unsupported.span));
  }
  if (node.hasSeveralSources) throw partiqlFaults.severalSources();
  const { table, index } = targetOf(node.from, binding);
  const columns = columnsOrFault(node, binding);
  const columnsFault = columns instanceof ClientFault ? columns : undefined;
  if (columnsFault !== undefined && index === undefined) throw columnsFault;
  const where = whereOf(node.where, binding);
  const orderBy = node.orderBy.map(({ expression, isDescending }) => {
    if (expression.kind !== 'path') throw partiqlFaults.orderByExpression(treeName(expression));
    const [attribute, ...inner] = expression.path;
    if (inner.length > 0) throw partiqlFaults.orderByExpression('Path');
    return { attribute, isDescending };
  });
  if (orderBy.length > 0 && where === undefined) throw partiqlFaults.orderWithoutWhere();
  return {
    kind: 'select',
    table,
    index,
    columns: columns instanceof ClientFault ? undefined : columns,
    columnsFault,
    where,
    orderBy,
  };
}

function columnsOrFault(
  node: SelectNode,
  binding: Binding,
): readonly Column[] | ClientFault | undefined {
  try {
    return columnsOf(node, binding);
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown;
    throw thrown;
  }
}

function bindInsert(node: InsertNode, binding: Binding): InsertStatement {
  const { source } = node.into;
  if (source.kind === 'path' && source.path.length > 1) throw partiqlFaults.insertSource();
  const { table } = targetOf(node.into, binding);
  if (node.value === undefined) throw partiqlFaults.severalItems();
  if (node.hasPosition) throw partiqlFaults.insertAt();
  if (node.hasReturning) throw partiqlFaults.insertReturning();
  if (node.value.kind !== 'map') throw partiqlFaults.itemNotMap();
  const item = attributesOfNode(node.value, binding);
  const bytes = itemBytes(item);
  if (bytes > ITEM_BYTES_MAX) throw itemFaults.itemTooLarge();
  return { kind: 'insert', table, item, itemBytes: bytes };
}

function writtenTable(from: SourceNode, binding: Binding): string {
  const { table, index } = targetOf(from, binding);
  if (index !== undefined) throw partiqlFaults.writeOnIndex();
  return table;
}

const ARN_PREFIX = 'arn:';

function targetOf(
  { source, hasAlias }: SourceNode,
  binding: Binding,
): { readonly table: string; readonly index: string | undefined } {
  if (source.kind !== 'path') throw partiqlFaults.unexpectedSource();
  const [table, index, ...others] = source.path;
  if (typeof index === 'number') {
    throw partiqlFaults.unexpectedPathComponent(binding.place(source.span));
  }
  if (table === '' || index === '') throw partiqlFaults.emptyPathComponent();
  if (others.length > 0) throw partiqlFaults.sourceTooLong();
  if (hasAlias) throw partiqlFaults.aliasing();
  if (!table.startsWith(ARN_PREFIX) && !TABLE_NAME.test(table)) throw partiqlFaults.tableName();
  return { table, index };
}

function whereOf(node: ExpressionNode | undefined, binding: Binding): Condition | undefined {
  return node === undefined ? undefined : conditionOfWhere(node, binding);
}

function returningOf({ scope, age, hasStar, hasSeveral }: ReturningNode): Returning {
  if (hasSeveral) throw partiqlFaults.severalReturning();
  if (!hasStar) throw partiqlFaults.returningStar();
  return `${scope === 'ALL' ? 'ALL' : 'UPDATED'}_${age}`;
}
