import type { Comparator, Path } from './ast.ts';

/**
 * Expressions as they were written: parsed, but with `#name` and `:value` still standing for
 * themselves. Depends on the text alone, so that it can be kept for the next request.
 */

/** Names that begin with `#` are still to be resolved; no written name begins so. */
export interface PathNode {
  readonly kind: 'path';
  readonly path: Path;
  readonly hasPlaceholders: boolean;
}

export interface ValueNode {
  readonly kind: 'value';
  /** With its colon. */
  readonly name: string;
}

export interface CallNode {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly OperandNode[];
}

export type OperandNode = PathNode | ValueNode | CallNode;

/** A condition without AND, OR and NOT; its operands are checked together. */
export type PrimaryNode =
  | {
      readonly kind: 'compare';
      readonly comparator: Comparator;
      readonly left: OperandNode;
      readonly right: OperandNode;
    }
  | {
      readonly kind: 'between';
      readonly operand: OperandNode;
      readonly lower: OperandNode;
      readonly upper: OperandNode;
    }
  | {
      readonly kind: 'in';
      readonly operand: OperandNode;
      readonly candidates: readonly OperandNode[];
    }
  | CallNode;

export type ConditionNode =
  | { readonly kind: 'and'; readonly left: ConditionNode; readonly right: ConditionNode }
  | { readonly kind: 'or'; readonly left: ConditionNode; readonly right: ConditionNode }
  | { readonly kind: 'not'; readonly condition: ConditionNode }
  | PrimaryNode;

export interface ArithmeticNode {
  readonly kind: 'arithmetic';
  readonly operator: '+' | '-';
  readonly left: OperandNode;
  readonly right: OperandNode;
}

export type UpdateActionNode =
  | { readonly kind: 'set'; readonly path: PathNode; readonly term: OperandNode | ArithmeticNode }
  | { readonly kind: 'remove'; readonly path: PathNode }
  | { readonly kind: 'add'; readonly path: PathNode; readonly value: ValueNode }
  | { readonly kind: 'delete'; readonly path: PathNode; readonly value: ValueNode };
