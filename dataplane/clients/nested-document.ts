import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** A value of this many levels, maps and lists in turn, with a string in the innermost. */
export function nestedDocument(levels: number): AttributeValue {
  let value: AttributeValue = { S: 'innermost' };
  for (let level = 1; level < levels; level += 1) {
    value = level % 2 === 1 ? { M: { inner: value } } : { L: [value] };
  }
  return value;
}
