import { utf8Bytes, valueBytes } from '../item/size.ts';
import type { Path, Update, UpdateAction, UpdateTerm } from './ast.ts';

/**
 * Bytes that the text of an update counts, beside the item that it makes: what it writes with a cost
 * for each clause, whatever it finds in the item. UpdateItem alone is held to it, and before its
 * condition.
 * @returns compare with `ITEM_BYTES_MAX`
 * @see paritysuite/dynamodb-conformance, itemSizeBySurface (captures of October 2026; ten regions of 33
 *   measure the finished item only)
 */
export function updateBytes(update: Update): number {
  let bytes = UPDATE_BYTES;
  for (const action of update) bytes += actionBytes(action);
  return bytes;
}

const UPDATE_BYTES = 3;
const WRITING_BYTES = 19;
const CLEARING_BYTES = 1;
const TARGET_ELEMENT_BYTES = 4;
const OPERAND_BYTES = 1;
const OPERAND_ELEMENT_BYTES = 14;
const LIST_APPEND_BYTES = 37;
const IF_NOT_EXISTS_BYTES = 39;
const ARITHMETIC_BYTES = { '+': 34, '-': 37 } as const;

function actionBytes(action: UpdateAction): number {
  const target = targetBytes(action.path);
  switch (action.kind) {
    case 'set':
      return WRITING_BYTES + target + termBytes(action.term);
    case 'add':
      return WRITING_BYTES + target + valueBytes(action.value);
    case 'remove':
    case 'delete':
      return CLEARING_BYTES + target;
  }
}

/** The depth of terms is bounded by the text's length; see `operand-parser.ts`. */
function termBytes(term: UpdateTerm): number {
  switch (term.kind) {
    case 'value':
      return valueBytes(term.value);
    case 'path':
      return operandBytes(term.path);
    case 'ifNotExists':
      return IF_NOT_EXISTS_BYTES + operandBytes(term.path) + termBytes(term.otherwise);
    case 'listAppend':
      return LIST_APPEND_BYTES + termBytes(term.left) + termBytes(term.right);
    case 'arithmetic':
      return ARITHMETIC_BYTES[term.operator] + termBytes(term.left) + termBytes(term.right);
  }
}

/** A path that is written: its first name, and more for each element behind it. */
function targetBytes([name, ...elements]: Path): number {
  let bytes = utf8Bytes(name);
  for (const element of elements) bytes += TARGET_ELEMENT_BYTES + elementBytes(element);
  return bytes;
}

/** A path that is read: its elements, not the value behind it. */
function operandBytes(path: Path): number {
  let bytes = OPERAND_BYTES;
  for (const element of path) bytes += OPERAND_ELEMENT_BYTES + elementBytes(element);
  return bytes;
}

/** A name, or the digits of a list index. */
function elementBytes(element: string | number): number {
  return typeof element === 'number' ? String(element).length : utf8Bytes(element);
}
