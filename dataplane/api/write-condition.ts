import { ClientFault, requestValidationFault } from '../errors/client-fault.ts';
import type { Condition } from '../expression/ast.ts';
import { parseCondition } from '../expression/condition-parser.ts';
import { conditionFromExpected } from '../expression/legacy.ts';
import type { Substitutions } from '../expression/substitutions.ts';
import { checkConditionalOperator } from './expression-parameters.ts';
import type { expected } from './item-shapes.ts';
import { validEntries } from './legacy-conditions.ts';
import type { ValueOf } from './shape/shape.ts';

/** Parameters of a write that make it conditional. */
export interface ConditionParameters {
  readonly ConditionExpression?: string | undefined;
  readonly Expected?: ValueOf<typeof expected> | undefined;
  readonly ConditionalOperator?: string | undefined;
}

/**
 * The condition of `Expected`. Before expressions are read.
 * @throws ClientFault of the family that single-item writes prefix
 */
export function expectedCondition(parameters: ConditionParameters): Condition | undefined {
  const { Expected, ConditionalOperator } = parameters;
  const operator = checkConditionalOperator(ConditionalOperator, Expected);
  if (Expected === undefined) return undefined;
  const conditions = validEntries(Expected);
  try {
    return conditionFromExpected(conditions, operator);
  } catch (thrown) {
    // Filters of reads, which fail with the same texts, have them without a prefix.
    const isInvalid = thrown instanceof ClientFault && thrown.type === 'ValidationException';
    throw isInvalid ? requestValidationFault(thrown.message ?? '') : thrown;
  }
}

/** The condition of `ConditionExpression`. */
export function expressionCondition(
  { ConditionExpression }: ConditionParameters,
  substitutions: Substitutions,
): Condition | undefined {
  if (ConditionExpression === undefined) return undefined;
  return parseCondition(ConditionExpression, 'ConditionExpression', substitutions);
}
