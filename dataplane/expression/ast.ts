import type { AttributeType, AttributeValue } from '../item/attribute-value.ts';

/**
 * Expressions after parsing and substitution: names and values are resolved, so evaluation needs
 * only the item. Legacy parameters (Expected, QueryFilter, AttributeUpdates, ...) become the same
 * nodes. Plain data throughout, so that a plan can be sent to another process.
 */

/** A document path: attribute names and list indexes; the first element is always a name. */
export type Path = readonly [string, ...(string | number)[]];

export type Operand =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'size'; readonly of: Operand };

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Condition =
  | { readonly kind: 'and'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly condition: Condition }
  | {
      readonly kind: 'compare';
      readonly comparator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly kind: 'between';
      readonly operand: Operand;
      readonly lower: Operand;
      readonly upper: Operand;
    }
  | { readonly kind: 'in'; readonly operand: Operand; readonly candidates: readonly Operand[] }
  | { readonly kind: 'exists'; readonly path: Path; readonly negated: boolean }
  | { readonly kind: 'attributeType'; readonly path: Path; readonly type: AttributeType }
  | { readonly kind: 'beginsWith'; readonly operand: Operand; readonly prefix: Operand }
  | { readonly kind: 'contains'; readonly operand: Operand; readonly member: Operand };

export type UpdateTerm =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'ifNotExists'; readonly path: Path; readonly otherwise: UpdateTerm }
  | { readonly kind: 'listAppend'; readonly left: UpdateTerm; readonly right: UpdateTerm }
  | {
      readonly kind: 'arithmetic';
      readonly operator: '+' | '-';
      readonly left: UpdateTerm;
      readonly right: UpdateTerm;
    };

export type UpdateAction =
  | { readonly kind: 'set'; readonly path: Path; readonly term: UpdateTerm }
  | { readonly kind: 'remove'; readonly path: Path }
  | {
      readonly kind: 'add';
      readonly path: Path;
      readonly value: AttributeValue /** Legacy ADD also appends to lists. */;
      readonly legacy: boolean;
    }
  | {
      readonly kind: 'delete';
      readonly path: Path;
      readonly value: AttributeValue;
      readonly legacy: boolean;
    };

/** Actions in the order of the text; all read the item as it was before the update. */
export type Update = readonly UpdateAction[];

export type Projection = readonly Path[];

/** A condition on one key attribute; the value has a type S, N or B. */
export type KeyCondition =
  | {
      readonly attribute: string;
      readonly operator: '=' | '<' | '<=' | '>' | '>=' | 'beginsWith';
      readonly value: AttributeValue;
    }
  | {
      readonly attribute: string;
      readonly operator: 'between';
      readonly lower: AttributeValue;
      readonly upper: AttributeValue;
    };
