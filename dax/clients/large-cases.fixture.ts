import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { MatrixCase } from './matrix.fixture.ts';

/** Calls that are too large to be written down: the limits of items, keys and batches. */
type Row = readonly [name: string, operation: string, parameters: JsonObject];

function put(TableName: string, Item: JsonObject): JsonObject {
  return { TableName, Item };
}

const longestKeys = { pk: { S: 'k'.repeat(2048) }, sk: { S: 'k'.repeat(1024) } };
const large = { pk: { S: 'large' } };

const rows: readonly Row[] = [
  ['put: 390 KB', 'PutItem', put('HashS', { ...large, v: { S: 'x'.repeat(390 * 1024) } })],
  ['get: 390 KB', 'GetItem', { TableName: 'HashS', Key: large }],
  ['put: 401 KB', 'PutItem', put('HashS', { ...large, v: { S: 'x'.repeat(401 * 1024) } })],
  ['put: a key too long', 'PutItem', put('HashS', { pk: { S: 'k'.repeat(2049) } })],
  ['put: the longest keys', 'PutItem', put('KeySS', { ...longestKeys, v: { N: '1' } })],
  ['get: the longest keys', 'GetItem', { TableName: 'KeySS', Key: longestKeys }],
  ['batch get: 101 keys', 'BatchGetItem', { RequestItems: { HashS: { Keys: keys(101) } } }],
  ['batch get: 100 keys', 'BatchGetItem', { RequestItems: { HashS: { Keys: keys(100) } } }],
];

function keys(count: number): readonly JsonObject[] {
  return Array.from({ length: count }, (_, at) => ({ pk: { S: `k${at}` } }));
}

export const largeCases: readonly MatrixCase[] = rows.map(([name, operation, parameters]) => ({
  name,
  operation,
  parameters,
}));
