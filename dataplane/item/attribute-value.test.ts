import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryItem } from './attribute-value.arbitrary.ts';
import {
  type AttributeMap,
  attributeOf,
  type MutableAttributeMap,
  setAttribute,
  typeOf,
} from './attribute-value.ts';
import { equalValues } from './equality.ts';

describe('an item as JSON text', () => {
  it('parses to an equal item, whatever its names', () => {
    fc.assert(
      fc.property(arbitraryItem, (item) => {
        const parsed: AttributeMap = JSON.parse(Buffer.from(JSON.stringify(item)).toString('utf8'));
        expect(equalValues({ M: parsed }, { M: item })).toBe(true);
      }),
    );
  });
});

describe('attributeOf', () => {
  it('sees own attributes only', () => {
    expect(attributeOf({}, 'constructor')).toBeUndefined();
    expect(attributeOf({}, '__proto__')).toBeUndefined();
    expect(attributeOf(JSON.parse('{"__proto__":{"S":"a"}}'), '__proto__')).toEqual({ S: 'a' });
  });
});

describe('setAttribute', () => {
  it.each(['a', '__proto__', 'constructor', 'toString'])('sets an own attribute %s', (name) => {
    const map: MutableAttributeMap = {};
    setAttribute(map, name, { S: 'a' });
    setAttribute(map, name, { S: 'b' });
    expect(attributeOf(map, name)).toEqual({ S: 'b' });
    expect(JSON.stringify(map)).toBe(`{"${name}":{"S":"b"}}`);
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
  });
});

describe('typeOf', () => {
  it('is the name of the one member', () => {
    expect(typeOf({ BOOL: false })).toBe('BOOL');
    expect(typeOf({ NS: ['1'] })).toBe('NS');
  });
});
