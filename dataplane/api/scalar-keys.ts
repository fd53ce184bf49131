import type { Condition, Path, Projection } from '../expression/ast.ts';
import { nestedAttributes } from '../expression/paths.ts';
import { checkKeyPaths } from '../partition/key-check.ts';
import type { TableSchema } from '../partition/schema.ts';

/**
 * No expression may go into a key attribute of the table or an index (`key.a`, `key[0]`).
 * @throws ClientFault
 */
export function checkScalarKeys(
  expression: Condition | Projection | undefined,
  schema: TableSchema,
): void {
  if (expression === undefined) return;
  const nested = nestedAttributes(expression);
  if (nested.size === 0) return;
  checkKeyPaths(
    Array.from(nested, (name): Path => [name, 0]),
    schema,
  );
}
