import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryItem } from '../../dataplane/item/attribute-value.arbitrary.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import { compareUtf8 } from '../../dataplane/item/equality.ts';
import { CborWriter } from './cbor-writer.ts';
import { messageOf } from './fault-of.fixture.ts';
import {
  attributeNames,
  decodeItemValues,
  EMPTY_LIST_ID,
  encodeItemValues,
  encodeUpdatedValues,
} from './items.ts';
import { projectedValues, writeProjectionMap } from './projection-map.ts';
import { hex, schemaOf } from './vectors.fixture.ts';

const schema = schemaOf('KeySN');

describe('item values', () => {
  it('are the list id and the values in the list’s order', () => {
    const item = { pk: { S: 'a' }, sk: { N: '1' }, w: { S: 'x' }, v: { N: '3' } };
    const names = attributeNames(schema, item);
    expect(names).toEqual(['v', 'w']);
    const bytes = encodeItemValues(13, names, item);
    expect(bytes).toEqual(hex('0d036178'));
    const values = decodeItemValues(bytes);
    expect(values.listId).toBe(13);
    expect(values.valuesAt(names)).toEqual({ v: { N: '3' }, w: { S: 'x' } });
    expect(values.valuesAt(['w', 'v'])).toEqual({ w: { N: '3' }, v: { S: 'x' } });
  });

  it('of a bare key are the empty list', () => {
    expect(attributeNames(schema, { sk: { N: '1' }, pk: { S: 'a' } })).toEqual([]);
    expect(encodeItemValues(EMPTY_LIST_ID, [], { pk: { S: 'a' } })).toEqual(hex('01'));
    expect(decodeItemValues(hex('01')).valuesAt([])).toEqual({});
  });

  it('names are sorted by their UTF-8 bytes', () => {
    const item: Item = {
      '\u{1f600}': { N: '1' },
      '\uffee': { N: '2' },
      b: { N: '3' },
      10: { N: '4' },
    };
    expect(attributeNames(schema, item)).toEqual(['10', 'b', '\uffee', '\u{1f600}']);
  });

  it('what is written is read again', () => {
    fc.assert(
      fc.property(arbitraryItem, fc.integer({ min: 1, max: 2 ** 53 - 1 }), (item, listId) => {
        const names = attributeNames(schema, item);
        expect(names).toEqual([...names].sort(compareUtf8));
        const values = decodeItemValues(encodeItemValues(listId, names, item));
        expect(values.listId).toBe(listId);
        const { pk: _, sk: __, ...others } = item;
        expect(values.valuesAt(names)).toEqual(others);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    [
      'fewer values than names',
      '0201',
      ['v', 'w'],
      'The request is malformed: an item has fewer values than its attribute list has names',
    ],
    [
      'more values than names',
      '02010203',
      ['v'],
      'The request is malformed: an item has more values than its attribute list has names',
    ],
    ['half a value', '026261', ['v'], 'The request is malformed: a longer value was expected'],
    ['no list id', '', [], 'The request is malformed: a further value was expected'],
    ['a text for a list id', '6161', [], 'The request is malformed: an integer was expected'],
  ])('%s are refused', (_, bytes, names, message) => {
    expect(messageOf(() => decodeItemValues(hex(bytes)).valuesAt(names))).toBe(message);
  });

  it('updated values are a map from the list’s ordinals, without those that did not change', () => {
    const names = ['a', 'b', 'c'];
    expect(encodeUpdatedValues(8, names, { c: { N: '3' }, a: { N: '6' } })).toEqual(
      hex('08bf00060203ff'),
    );
    expect(encodeUpdatedValues(8, names, {})).toEqual(hex('08bfff'));
  });
});

describe('projection maps', () => {
  const item: Item = {
    pk: { S: 'types' },
    l: { L: [{ N: '1' }, { S: 'two' }, { L: [] }] },
    m: { M: { k: { S: 'v' }, n2: { N: '-5' } } },
    'x.y': { NULL: true },
  };

  function encode(found: ReturnType<typeof projectedValues>): string {
    const writer = new CborWriter();
    writeProjectionMap(writer, found);
    return writer.finish().toString('hex');
  }

  it('give what each path leads to by its place in the projection', () => {
    const found = projectedValues(
      [['l', 2], ['nope'], ['l', 0], ['m', 'n2'], ['x.y'], ['pk']],
      item,
    );
    expect(found).toEqual([
      { L: [] },
      undefined,
      { N: '1' },
      { N: '-5' },
      { NULL: true },
      { S: 'types' },
    ]);
    expect(encode(found)).toBe('a5008002010324 04f6 05657479706573'.replaceAll(' ', ''));
  });

  it('leave out paths that lead nowhere: beyond a list, through another type, to an inherited name', () => {
    const found = projectedValues(
      [['l', 3], ['l', 'k'], ['m', 0], ['pk', 'a'], ['constructor'], ['m', 'toString']],
      item,
    );
    expect(found).toEqual(new Array(6).fill(undefined));
    expect(encode(found)).toBe('a0');
  });
});
