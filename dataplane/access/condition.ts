import type { ConditionValues } from './authorizer.ts';
import type { Comparison } from './condition-operators.ts';
import type { VariableLookup } from './policy-text.ts';

export type Effect = 'Allow' | 'Deny';

/** What a statement demands of one condition key. */
export type Condition = ComparedCondition | PresenceCondition;

export interface ComparedCondition {
  readonly kind: 'compared';
  /** In lower case. */
  readonly key: string;
  /** `ForAllValues:`, `ForAnyValue:`. */
  readonly quantifier: 'all' | 'any' | undefined;
  /** `...IfExists`: holds where the request has no such key. */
  readonly ifExists: boolean;
  /** `...Not...`: none of the comparisons may hold. */
  readonly isNegated: boolean;
  /** One of them has to hold. */
  readonly comparisons: readonly Comparison[];
}

/** `Null`. */
export interface PresenceCondition {
  readonly kind: 'presence';
  /** In lower case. */
  readonly key: string;
  readonly isWanted: boolean;
}

export interface ConditionContext {
  readonly effect: Effect;
  readonly values: ConditionValues;
  readonly lookup: VariableLookup;
}

/**
 * Whether a request meets a condition.
 *
 * A key without values counts as absent. Several values under an operator without a quantifier, which
 * IAM warns of and does not define, are decided against the caller: an Allow wants it of every value,
 * for a Deny one is enough.
 * @see IAM user guide, "Condition operators" (absent keys), "Multivalued context keys"
 */
export function conditionHolds(condition: Condition, context: ConditionContext): boolean {
  const actual = context.values.get(condition.key) ?? [];
  if (condition.kind === 'presence') return condition.isWanted === actual.length > 0;
  if (actual.length === 0) return holdsOfAbsentKey(condition);
  const holds = (value: string) => valueHolds(condition, value, context.lookup);
  switch (condition.quantifier) {
    case 'all':
      return actual.every(holds);
    case 'any':
      return actual.some(holds);
    case undefined:
      return context.effect === 'Allow' ? actual.every(holds) : actual.some(holds);
  }
}

function holdsOfAbsentKey({ quantifier, ifExists, isNegated }: ComparedCondition): boolean {
  if (ifExists || quantifier === 'all') return true;
  return quantifier === undefined && isNegated;
}

function valueHolds(
  { isNegated, comparisons }: ComparedCondition,
  value: string,
  lookup: VariableLookup,
): boolean {
  return isNegated !== comparisons.some((compare) => compare(value, lookup));
}
