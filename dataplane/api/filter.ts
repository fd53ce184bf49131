import type { Condition } from '../expression/ast.ts';
import { parseCondition } from '../expression/condition-parser.ts';
import type { Substitutions } from '../expression/substitutions.ts';

/** The condition of `FilterExpression`. */
export function expressionFilter(
  expression: string | undefined,
  substitutions: Substitutions,
): Condition | undefined {
  return expression === undefined
    ? undefined
    : parseCondition(expression, 'FilterExpression', substitutions);
}
