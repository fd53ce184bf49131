import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Item } from '../item/attribute-value.ts';
import {
  checkKey,
  checkKeyPaths,
  checkStartKey,
  checkUpdatedPaths,
  keyOfItem,
} from './key-check.ts';
import { globalIndex, keys, localIndex, schemaOf } from './schema.fixture.ts';

const INVALID = 'One or more parameter values were invalid: ';
const EMPTY =
  'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty';

const schema = schemaOf({
  localIndexes: [localIndex(1, 'l:S')],
  globalIndexes: [globalIndex(2, { hash: 'g:S', range: 'r:B' })],
});
const [local] = schema.localIndexes;
const [global] = schema.globalIndexes;

function messageOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (fault) {
    if (fault instanceof ClientFault) return fault.message;
    throw fault;
  }
  return undefined;
}

describe('checkKey', () => {
  const mismatch = 'The provided key element does not match the schema';
  const binary = { hash: keys('p:B'), range: keys('s:S') };

  it.each<[string, Item, string | undefined]>([
    ['the key', { p: { S: 'a' }, s: { N: '1' } }, undefined],
    ['the key in another order', { s: { N: '1' }, p: { S: 'a' } }, undefined],
    ['a missing member', { p: { S: 'a' } }, mismatch],
    ['a further member', { p: { S: 'a' }, s: { N: '1' }, x: { S: 'a' } }, mismatch],
    ['another name', { p: { S: 'a' }, x: { N: '1' } }, mismatch],
    ['another type', { p: { N: '1' }, s: { N: '1' } }, mismatch],
    ['an empty string', { p: { S: '' }, s: { N: '1' } }, `${EMPTY} string value. Key: p`],
    [
      'a long partition key',
      { p: { S: 'é'.repeat(1_025) }, s: { N: '1' } },
      `${INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes`,
    ],
    ['the longest partition key', { p: { S: 'é'.repeat(1_024) }, s: { N: '1' } }, undefined],
  ])('%s', (_, key, message) => {
    expect(messageOf(() => checkKey(key, schema.key))).toBe(message);
  });

  it.each<[string, Item, string | undefined]>([
    ['empty binary', { p: { B: '' }, s: { S: 'a' } }, `${EMPTY} binary value. Key: p`],
    [
      'a long sort key',
      { p: { B: 'AQ==' }, s: { S: 'x'.repeat(1_025) } },
      `${INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes`,
    ],
    ['the longest sort key', { p: { B: 'AQ==' }, s: { S: 'x'.repeat(1_024) } }, undefined],
  ])('%s', (_, key, message) => {
    expect(messageOf(() => checkKey(key, binary))).toBe(message);
  });

  it('does not take inherited names for members', () => {
    const odd = { hash: keys('constructor:S'), range: [] };
    expect(messageOf(() => checkKey({ x: { S: 'a' } }, odd))).toBe(mismatch);
  });
});

describe('keyOfItem', () => {
  const key = { p: { S: 'a' }, s: { N: '1' } };

  it('returns the key attributes alone', () => {
    expect(keyOfItem({ x: { S: 'y' }, ...key }, schema)).toEqual(key);
  });

  it.each<[string, Item, string | undefined]>([
    ['a missing key', { p: { S: 'a' } }, `${INVALID}Missing the key s in the item`],
    [
      'a key of another type',
      { p: { N: '1' }, s: { N: '1' } },
      `${INVALID}Type mismatch for key p expected: S actual: N`,
    ],
    ['an empty key', { ...key, p: { S: '' } }, `${EMPTY} string value. Key: p`],
    [
      'a local index key of another type',
      { ...key, l: { M: {} } },
      `${INVALID}Type mismatch for Index Key l Expected: S Actual: M IndexName: L1`,
    ],
    [
      'a global index key of another type',
      { ...key, r: { S: 'a' } },
      `${INVALID}Type mismatch for Index Key r Expected: B Actual: S IndexName: G2`,
    ],
    [
      'an empty index key',
      { ...key, g: { S: '' } },
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: G2, IndexKey: g',
    ],
    [
      'a long index key',
      { ...key, g: { S: 'x'.repeat(2_049) } },
      `${INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes`,
    ],
    [
      'several wrong index keys: the first index by name',
      { ...key, g: { N: '1' }, l: { N: '1' } },
      `${INVALID}Type mismatch for Index Key g Expected: S Actual: N IndexName: G2`,
    ],
  ])('%s', (_, item, message) => {
    expect(messageOf(() => keyOfItem(item, schema))).toBe(message);
  });

  it('answers batches with the general text for a wrong type', () => {
    const act = () => keyOfItem({ ...key, p: { N: '1' } }, schema, { isBatch: true });
    expect(messageOf(act)).toBe('The provided key element does not match the schema');
  });
});

describe('checkStartKey', () => {
  const invalid = 'The provided starting key is invalid';
  const wrongType = (name: string, types: string, index: string) =>
    `One or more parameter values were invalid: Type mismatch for Index Key ${name} ${types} IndexName: ${index}`;

  it.each([
    ['query', 'the key', { p: { S: 'a' }, s: { N: '1' } }, undefined, undefined],
    ['query', 'a member too few', { p: { S: 'a' } }, undefined, invalid],
    ['query', 'another member', { p: { S: 'a' }, x: { N: '1' } }, undefined, invalid],
    ['query', 'another type', { p: { S: 'a' }, s: { S: '1' } }, undefined, invalid],
    ['scan', 'a member too few', { p: { S: 'a' } }, undefined, invalid],
    [
      'scan',
      'another type',
      { p: { S: 'a' }, s: { S: '1' } },
      undefined,
      wrongType('s', 'Expected: N Actual: S', 'G2'),
    ],
    ['query', 'a local key', { p: { S: 'a' }, s: { N: '1' }, l: { S: 'x' } }, local, undefined],
    ['query', 'a local key alone', { p: { S: 'a' }, l: { S: 'x' } }, local, invalid],
    [
      'query',
      'a local key with another base key',
      { p: { S: 'a' }, s: { S: '1' }, l: { S: 'x' } },
      local,
      invalid,
    ],
    [
      'scan',
      'a global key',
      { p: { S: 'a' }, s: { N: '1' }, g: { S: 'x' }, r: { B: 'AQ==' } },
      global,
      undefined,
    ],
    [
      'scan',
      'a global key too few',
      { p: { S: 'a' }, s: { N: '1' }, g: { S: 'x' } },
      global,
      invalid,
    ],
    [
      'query',
      'a global key of another type',
      { p: { S: 'a' }, s: { N: '1' }, g: { S: 'x' }, r: { N: '1' } },
      global,
      invalid,
    ],
    [
      'scan',
      'a global key of another type',
      { p: { S: 'a' }, s: { N: '1' }, g: { S: 'x' }, r: { N: '1' } },
      global,
      wrongType('r', 'Expected: B Actual: N', 'G2'),
    ],
    [
      'scan',
      'an empty key',
      { p: { S: '' }, s: { N: '1' } },
      undefined,
      `${invalid}: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p`,
    ],
  ] as const)('%s: %s', (operation, _, key, index, message) => {
    expect(messageOf(() => checkStartKey(key, schema, index, operation))).toBe(message);
  });

  it('a scan of a table without indexes says nothing of types', () => {
    const bare = { ...schema, localIndexes: [], globalIndexes: [] };
    const act = () => checkStartKey({ p: { S: 'a' }, s: { S: '1' } }, bare, undefined, 'scan');
    expect(messageOf(act)).toBe(invalid);
  });
});

describe('checkUpdatedPaths', () => {
  const value = { kind: 'value', value: { N: '1' } } as const;

  it.each([
    ['of another attribute', [{ kind: 'set', path: ['x'], term: value }], undefined],
    [
      'of the key',
      [{ kind: 'remove', path: ['s'] }],
      `${INVALID}Cannot update attribute s. This attribute is part of the key`,
    ],
    [
      'of an index key by a literal of another type',
      [{ kind: 'set', path: ['l'], term: value }],
      `${INVALID}Type mismatch for Index Key l Expected: S Actual: N IndexName: L1`,
    ],
    [
      'inside an index key',
      [{ kind: 'set', path: ['l', 'x'], term: value }],
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: l",
    ],
    [
      'from inside an index key',
      [{ kind: 'set', path: ['x'], term: { kind: 'path', path: ['l', 1] } }],
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: l",
    ],
  ] as const)('update %s', (_, update, message) => {
    expect(messageOf(() => checkUpdatedPaths(update, schema))).toBe(message);
  });

  it('names the kind of key that a path leads into', () => {
    expect(messageOf(() => checkKeyPaths([['p', 0]], schema))).toBe(
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p",
    );
  });
});
