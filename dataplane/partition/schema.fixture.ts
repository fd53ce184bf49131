import type { KeyAttributeType } from '../item/attribute-value.ts';
import type { IndexSchema, KeyAttribute, PartitionRange, TableSchema } from './schema.ts';

/** Schemas and partitions for the tests of this folder and its users. */

const hashSecret = new Uint8Array(32).map((_, index) => index);

/** A table `T` with hash attribute `p` (S) and range attribute `s` (N), without indexes. */
export function schemaOf(parts: Partial<TableSchema> = {}): TableSchema {
  return {
    tableName: 'T',
    tableId: '5a0b9f3e-8f1c-4d0e-9d6e-2f6b1f0c7a11',
    tableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/T',
    key: { hash: keys('p:S'), range: keys('s:N') },
    localIndexes: [],
    globalIndexes: [],
    timeToLiveAttribute: undefined,
    stream: undefined,
    hashSecret,
    ...parts,
  };
}

/** Key attributes from text such as `a:S b:N`. */
export function keys(text: string): KeyAttribute[] {
  return text
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => {
      const [name = '', type = 'S'] = each.split(':');
      return { name, type: type as KeyAttributeType }; // test text
    });
}

export function localIndex(
  id: number,
  range: string,
  projection: IndexSchema['projection'] = { type: 'ALL' },
): IndexSchema {
  const key = { hash: keys('p:S'), range: keys(range) };
  return { name: `L${id}`, kind: 'local', id, key, projection, state: 'active' };
}

export function globalIndex(
  id: number,
  key: { readonly hash: string; readonly range: string },
  projection: IndexSchema['projection'] = { type: 'ALL' },
): IndexSchema {
  const schema = { hash: keys(key.hash), range: keys(key.range) };
  return { name: `G${id}`, kind: 'global', id, key: schema, projection, state: 'active' };
}

/** Partitions of equal size, with ids from `firstId` on. */
export function evenPartitions(count: number, firstId = 1n): PartitionRange[] {
  const bound = (index: number) => {
    const hash = ((1n << 128n) * BigInt(index)) / BigInt(count);
    return Buffer.from(hash.toString(16).padStart(32, '0'), 'hex');
  };
  return Array.from({ length: count }, (_, index) => ({
    id: firstId + BigInt(index),
    start: bound(index),
    end: index + 1 === count ? undefined : bound(index + 1),
  }));
}
