import { requestFaults } from '../errors/requests.ts';
import type { Projection } from '../expression/ast.ts';
import { projectionFromAttributesToGet } from '../expression/legacy.ts';
import { parseProjection } from '../expression/projection-parser.ts';
import type { Substitutions } from '../expression/substitutions.ts';

/**
 * The attributes of `AttributesToGet`; undefined where it is absent.
 * @throws ClientFault: an empty name, a name twice
 */
export function legacyProjection(names: readonly string[] | undefined): Projection | undefined {
  if (names === undefined) return undefined;
  if (names.includes('')) throw requestFaults.attributeNameEmpty();
  return projectionFromAttributesToGet(names);
}

/** The attributes of `ProjectionExpression`; undefined where it is absent. */
export function expressionProjection(
  expression: string | undefined,
  substitutions: Substitutions,
): Projection | undefined {
  return expression === undefined ? undefined : parseProjection(expression, substitutions);
}
