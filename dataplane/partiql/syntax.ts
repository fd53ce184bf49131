import type { Path } from '../expression/ast.ts';

/**
 * A statement as it is written: parsed, with parameters still standing for themselves. Depends on the
 * text alone and is frozen, so that it can be kept for the next request.
 */
export type StatementNode = SelectNode | InsertNode | UpdateNode | DeleteNode | ExistsNode;

/** A part of the statement's text. UTF-16 code units. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

interface Spanned {
  readonly span: Span;
}

/** What stands in the place of a value, condition, column or table. */
export type ExpressionNode =
  | (Spanned & { readonly kind: 'string'; readonly text: string })
  /** With its sign; a sign before anything else is an operator. */
  | (Spanned & { readonly kind: 'number'; readonly text: string })
  | (Spanned & { readonly kind: 'boolean'; readonly value: boolean })
  | (Spanned & { readonly kind: 'null' })
  | (Spanned & { readonly kind: 'missing' })
  /** 0-based. */
  | (Spanned & { readonly kind: 'parameter'; readonly index: number })
  | PathExpressionNode
  | (Spanned & { readonly kind: 'list'; readonly elements: readonly ExpressionNode[] })
  | (Spanned & { readonly kind: 'set'; readonly elements: readonly ExpressionNode[] })
  | MapNode
  | CallNode
  | (Spanned & { readonly kind: 'not'; readonly operand: ExpressionNode })
  | (Spanned & {
      readonly kind: 'sign';
      readonly operator: '+' | '-';
      readonly operand: ExpressionNode;
    })
  | BinaryNode
  | (Spanned & {
      readonly kind: 'between';
      readonly operand: ExpressionNode;
      readonly lower: ExpressionNode;
      readonly upper: ExpressionNode;
    })
  /** `candidates` undefined: something else than a list of them. */
  | (Spanned & {
      readonly kind: 'in';
      readonly operand: ExpressionNode;
      readonly candidates: readonly ExpressionNode[] | undefined;
    })
  /** `type` in lower case. */
  | (Spanned & { readonly kind: 'is'; readonly operand: ExpressionNode; readonly type: string })
  /** `*` where a column or the argument of COUNT stands. */
  | (Spanned & { readonly kind: 'star' });

/** Names and list indexes, from an attribute into its documents. */
export interface PathExpressionNode extends Spanned {
  readonly kind: 'path';
  readonly path: Path;
}

export interface MapNode extends Spanned {
  readonly kind: 'map';
  readonly members: readonly {
    readonly key: ExpressionNode;
    readonly value: ExpressionNode;
  }[];
}

/** `name` in lower case; `span` is the name's. */
export interface CallNode extends Spanned {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly ExpressionNode[];
}

export interface BinaryNode extends Spanned {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: ExpressionNode;
  readonly right: ExpressionNode;
}

export type BinaryOperator =
  | 'and'
  | 'or'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '||'
  | 'like';

/** What stands behind FROM, INTO or UPDATE. */
export interface SourceNode {
  readonly source: ExpressionNode;
  readonly hasAlias: boolean;
}

export interface SelectNode {
  readonly kind: 'select';
  readonly columns: readonly ExpressionNode[];
  readonly isValueOrPivot: boolean;
  readonly hasColumnAlias: boolean;
  readonly from: SourceNode;
  readonly hasSeveralSources: boolean;
  readonly where: ExpressionNode | undefined;
  readonly orderBy: readonly OrderNode[];
  /** The first clause that the service's parser reads, but not the service. */
  readonly unsupported: { readonly clause: string; readonly span: Span } | undefined;
}

export interface OrderNode {
  readonly expression: ExpressionNode;
  readonly isDescending: boolean;
}

export interface InsertNode {
  readonly kind: 'insert';
  readonly into: SourceNode;
  /** Undefined: another form than VALUE. */
  readonly value: ExpressionNode | undefined;
  readonly hasPosition: boolean;
  readonly hasReturning: boolean;
}

export interface UpdateNode {
  readonly kind: 'update';
  readonly from: SourceNode;
  readonly actions: readonly ActionNode[];
  readonly where: ExpressionNode | undefined;
  readonly returning: ReturningNode | undefined;
}

export type ActionNode =
  | { readonly kind: 'set'; readonly target: ExpressionNode; readonly value: ExpressionNode }
  | { readonly kind: 'remove'; readonly target: ExpressionNode };

export interface DeleteNode {
  readonly kind: 'delete';
  readonly from: SourceNode;
  readonly where: ExpressionNode | undefined;
  readonly returning: ReturningNode | undefined;
}

export interface ReturningNode {
  readonly scope: 'ALL' | 'MODIFIED';
  readonly age: 'OLD' | 'NEW';
  readonly hasStar: boolean;
  readonly hasSeveral: boolean;
}

/** `EXISTS(SELECT ...)` as a statement. */
export interface ExistsNode {
  readonly kind: 'exists';
  readonly select: SelectNode;
}

/** Where a span is, as the service's texts show it: `<line>:<column>:<length>`, counted from 1. */
export function placeOf(statement: string, { offset, length }: Span): string {
  const before = statement.slice(0, offset);
  const lines = before.split('\n');
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}:${length}`;
}
