import { describe, expect, it } from 'vitest';
import { encodeKey, hashPartLength } from '../protocol/keys.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { hashPartOf, keyIn, putIn, valueIn } from './item-keys.ts';

const table: TableInfo = {
  name: 'Readings',
  id: 'id',
  arn: 'arn',
  key: { hash: { name: 'sensor', type: 'S' }, range: { name: 'at', type: 'N' } },
  localIndexes: new Map(),
  globalIndexes: new Map(),
};
const key = { sensor: { S: 'a' }, at: { N: '7' } };

describe('keys in bodies', () => {
  it('are those of the table and nothing else, numbers in normal form', () => {
    expect(keyIn(key, table)?.key).toEqual(encodeKey(table.key, key));
    expect(keyIn({ at: { N: '+0007.0' }, sensor: { S: 'a' } }, table)).toEqual(keyIn(key, table));
    expect(keyIn({ ...key, more: { S: 'x' } }, table)).toBeUndefined();
  });

  it('are part of the items that are put', () => {
    const item = { ...key, value: { L: [{ N: '1' }, { NS: ['2', '1'] }] } };
    const found = putIn(item, table);
    expect(found?.key).toEqual(encodeKey(table.key, key));
    expect(found?.item.value).toEqual({ L: [{ N: '1' }, { NS: ['1', '2'] }] });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'x'],
    ['a list', [key]],
    ['no attributes', {}],
    ['an attribute too few', { sensor: { S: 'a' } }],
    ['an attribute of another type', { ...key, at: { S: '7' } }],
    ['an empty text', { ...key, sensor: { S: '' } }],
    ['a text that is too long', { ...key, sensor: { S: 'x'.repeat(2049) } }],
    ['a number that is none', { ...key, at: { N: 'x' } }],
    ['a number that is no text', { ...key, at: { N: 7 } }],
    ['two types at once', { ...key, at: { N: '7', S: '7' } }],
    ['a value that is no object', { ...key, at: 7 }],
  ])('%s is left to the table', (_what, wire) => {
    expect(keyIn(wire, table)).toBeUndefined();
    expect(putIn(wire, table)).toBeUndefined();
  });

  it('an item that is wrong elsewhere is left to the table', () => {
    expect(putIn({ ...key, value: { SS: [] } }, table)).toBeUndefined();
    expect(putIn({ ...key, '': { S: 'x' } }, table)).toBeUndefined();
  });

  it('begin with what an item collection has in common', () => {
    const whole = encodeKey(table.key, key);
    const part = whole.subarray(0, hashPartLength(table.key, whole));
    expect(hashPartOf({ S: 'a' }, table)).toEqual(part);
    expect(hashPartOf({ S: 'b' }, table)).not.toEqual(part);
    expect(hashPartOf({ N: '1' }, table)).toBeUndefined();
    expect(hashPartOf({ S: '' }, table)).toBeUndefined();
  });

  it('values are read as the table reads them', () => {
    expect(valueIn({ N: '1e2' })).toEqual({ N: '100' });
    expect(valueIn({ N: 1 })).toBeUndefined();
    expect(valueIn(null)).toBeUndefined();
  });
});
