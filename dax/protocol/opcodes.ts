import type { Comparator } from '../../dataplane/expression/ast.ts';

/** Opcodes of expression trees (reference/dax-protocol.md section 8). */
export const OPCODE = {
  and: 6,
  or: 7,
  not: 8,
  between: 9,
  in: 10,
  size: 16,
  value: 17,
  path: 18,
  set: 19,
  add: 20,
  delete: 21,
  remove: 22,
  ifNotExists: 23,
  listAppend: 24,
  plus: 25,
  minus: 26,
} as const;

export const comparatorsByCode: ReadonlyMap<number, Comparator> = new Map<number, Comparator>([
  [0, '='],
  [1, '<>'],
  [2, '<'],
  [3, '>='],
  [4, '>'],
  [5, '<='],
]);

/** Functions that are conditions. */
export const conditionFunctionsByCode: ReadonlyMap<number, string> = new Map([
  [11, 'attribute_exists'],
  [12, 'attribute_not_exists'],
  [13, 'attribute_type'],
  [14, 'begins_with'],
  [15, 'contains'],
]);

/** The name of a function, or undefined. */
export function functionName(code: number): string | undefined {
  return functionsOfConditions.get(code) ?? functionsOfUpdates.get(code);
}

/** Whether a function belongs into updates. */
export function isUpdateFunction(code: number): boolean {
  return functionsOfUpdates.has(code);
}

const functionsOfConditions: ReadonlyMap<number, string> = new Map([
  ...conditionFunctionsByCode,
  [OPCODE.size, 'size'],
]);

const functionsOfUpdates: ReadonlyMap<number, string> = new Map<number, string>([
  [OPCODE.ifNotExists, 'if_not_exists'],
  [OPCODE.listAppend, 'list_append'],
]);
