import { expressionFaults } from '../errors/expressions.ts';
import { type AttributeType, typeOf } from '../item/attribute-value.ts';
import type { UpdateAction } from './ast.ts';

/** Names of the types that ADD and DELETE refuse. */
const refusedTypes: Readonly<Record<Exclude<AttributeType, 'SS' | 'NS' | 'BS'>, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  BOOL: 'BOOLEAN',
  NULL: 'NULL',
  L: 'LIST',
  M: 'MAP',
};

/** ADD takes numbers and sets, DELETE sets. @throws ClientFault */
export function checkActionOperand(action: UpdateAction): void {
  if (action.kind !== 'add' && action.kind !== 'delete') return;
  const type = typeOf(action.value);
  if (type === 'SS' || type === 'NS' || type === 'BS') return;
  if (type === 'N' && action.kind === 'add') return;
  const section = action.kind === 'add' ? 'ADD' : 'DELETE';
  throw expressionFaults.actionOperandType(section, refusedTypes[type]);
}
