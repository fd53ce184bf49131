import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ClientFault,
  inOlderWords,
  RequestValidationFault,
  withRequestValidationPrefix,
} from '../errors/client-fault.ts';
import { valueFaults } from '../errors/values.ts';
import { arbitraryItem, arbitraryNumberText } from './attribute-value.arbitrary.ts';
import { normaliseNumber } from './number.ts';
import { itemBytes } from './size.ts';
import { validateItem, validateValue } from './validate.ts';
import { checkAttributeMap } from './wire-shape.ts';

function faultOf(run: () => unknown): ClientFault {
  try {
    run();
  } catch (fault) {
    if (fault instanceof ClientFault) return fault;
    throw fault;
  }
  throw new Error('nothing was thrown');
}

const invalid = 'One or more parameter values were invalid: ';
const empty =
  'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const several =
  'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes';
const notNumeric = 'The parameter cannot be converted to a numeric value';

describe('validateValue', () => {
  // Texts and order: dynoxide 3.2.0 (captures of October 2026).
  it.each([
    [{}, empty],
    [null, empty],
    [{ S: null }, empty],
    [{ Unknown: 'a' }, empty],
    [{ L: [{}] }, empty],
    [{ L: [null] }, empty],
    [{ M: { a: { L: [{ M: { b: null } }] } } }, empty],
    [{ S: 'a', BOOL: true }, several],
    [{ S: '', N: '' }, notNumeric],
    [{ S: 'a', N: '' }, notNumeric],
    [{ S: 'a', N: 'b' }, `${notNumeric}: b`],
    [{ SS: [], N: 'b' }, `${invalid}An string set  may not be empty`],
    [{ SS: ['a', 'a'], S: 'b' }, several],
    [{ S: 'a', NULL: 'no' }, `${invalid}Null attribute value types must have the value of true`],
    [{ NULL: false }, `${invalid}Null attribute value types must have the value of true`],
    [{ NULL: 'no' }, `${invalid}Null attribute value types must have the value of true`],
    [{ SS: [] }, `${invalid}An string set  may not be empty`],
    [{ NS: [] }, `${invalid}An number set  may not be empty`],
    [{ BS: [] }, `${invalid}Binary sets should not be empty`],
    [{ SS: ['a', 'b', 'a'] }, `${invalid}Input collection ["a", "b", "a"] contains duplicates.`],
    [
      { SS: ['b', 'a', 'b', 'C'] },
      `${invalid}Input collection ["a", "b", "b", "C"] contains duplicates.`,
    ],
    [{ N: '' }, `${notNumeric}: `],
    [{ NS: ['1', ''] }, `${notNumeric}: `],
    [{ NS: ['1', 'b'] }, `${notNumeric}: b`],
    [{ NS: ['1', '1'] }, `${invalid}Input collection contains duplicates.`],
    [{ NS: ['1', '1.0e0'] }, `${invalid}Input collection contains duplicates.`],
    [{ NS: ['0', '-0.0'] }, `${invalid}Input collection contains duplicates.`],
    [
      { BS: ['Yg==', 'WQ==', 'Yg=='] },
      `${invalid}Input collection ["WQ==","Yg==","Yg=="]of type BS contains duplicates.`,
    ],
    [{ SS: ['a', null] }, `${invalid}An string set may not have a null string as a member`],
    [{ NS: ['1', null] }, `${invalid}An number set may not have a null string as a member`],
    [{ BS: ['AQ==', null] }, `${invalid}Binary sets may not contain null values`],
    [{ M: { '': { S: 'a' } } }, 'Empty attribute name'],
    [
      { M: { ['é'.repeat(32_768)]: { S: 'a' } } },
      'Attribute name is too large, must be less than 65536 bytes',
    ],
  ])('refuses %j', (wire, message) => {
    const fault = faultOf(() => validateValue(wire));
    expect(fault.type).toBe('ValidationException');
    expect(fault.message).toBe(message);
  });

  it.each([
    [{ S: 'a', N: null }, { S: 'a' }],
    [{ S: 'a', Unknown: 1 }, { S: 'a' }],
    [{ N: '1.50' }, { N: '1.5' }],
    [{ BOOL: 'YES' }, { BOOL: true }],
    [{ BOOL: 'false' }, { BOOL: false }],
    [{ NULL: '1' }, { NULL: true }],
    [{ NS: ['2', '1e1', '3'] }, { NS: ['2', '3', '10'] }],
    [{ S: 'a\ud800' }, { S: 'a\ufffd' }],
    [{ SS: ['\udc00', 'b'] }, { SS: ['b', '\ufffd'] }],
    [{ L: [{ S: 'a' }, { N: '01' }, { S: 'b' }] }, { L: [{ S: 'a' }, { N: '1' }, { S: 'b' }] }],
    [
      { M: { a: { S: 'a' }, b: { N: '01' }, c: { S: 'c' }, '\ud800': { S: 'd' } } },
      { M: { a: { S: 'a' }, b: { N: '1' }, c: { S: 'c' }, '\ufffd': { S: 'd' } } },
    ],
  ])('makes %j canonical', (wire, value) => {
    const before = structuredClone(wire);
    expect(validateValue(wire)).toEqual(value);
    expect(wire).toEqual(before);
  });

  it.each([
    [{ S: '' }],
    [{ B: '' }],
    [{ SS: [''] }],
    [{ BS: ['', 'AQ=='] }],
    [{ L: [] }],
    [{ M: {} }],
    [{ SS: Array.from({ length: 100 }, (_, index) => `${100 + index}`) }],
    [{ M: { ['n'.repeat(65_535)]: { NULL: true } } }],
    [{ S: '\u{1f600}\0' }],
  ])('returns %j itself', (wire) => {
    expect(validateValue(wire)).toBe(wire);
  });

  it('finds duplicates in large sets', () => {
    const members = Array.from({ length: 1000 }, (_, index) => `${index}`);
    expect(faultOf(() => validateValue({ NS: [...members, '7.0'] }))).toEqual(
      valueFaults.duplicateNumbers(),
    );
  });

  it('accepts 32 levels and refuses 33, whatever stands deeper', () => {
    const nested = (levels: number, leaf: string) =>
      JSON.parse(`${'{"L":['.repeat(levels - 1)}${leaf}${']}'.repeat(levels - 1)}`);
    const deepest = nested(32, '{"S":"a"}');
    expect(validateValue(deepest)).toBe(deepest);
    const tooDeep = valueFaults.nestingTooDeep();
    expect(tooDeep.message).toBe(
      'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
    );
    expect(faultOf(() => validateValue(nested(33, '{"S":"a"}')))).toEqual(tooDeep);
    expect(faultOf(() => validateValue(nested(100_000, '1')))).toEqual(tooDeep);
  });
});

describe('validateItem', () => {
  it('returns a canonical item itself, with its size', () => {
    fc.assert(
      fc.property(arbitraryItem, (generated) => {
        const item: unknown = JSON.parse(JSON.stringify(generated));
        checkAttributeMap(item);
        const validated = validateItem(item);
        expect(validated.item).toBe(item);
        expect(validated.bytes).toBe(itemBytes(generated));
      }),
    );
  });

  it('copies what it changes and counts the canonical size', () => {
    fc.assert(
      fc.property(arbitraryItem, arbitraryNumberText, (item, text) => {
        const wire: unknown = JSON.parse(
          JSON.stringify({ first: { M: item }, n: { N: text }, last: { L: [{ M: item }] } }),
        );
        const before = JSON.stringify(wire);
        const validated = validateItem(wire);
        expect(JSON.stringify(validated.item)).toBe(
          before.replace(JSON.stringify({ N: text }), JSON.stringify({ N: normaliseNumber(text) })),
        );
        expect(validated.bytes).toBe(itemBytes(validated.item));
        expect(JSON.stringify(wire)).toBe(before);
      }),
    );
  });

  it('keeps attributes called like members of prototypes when it copies', () => {
    const text =
      '{"__proto__":{"S":"a"},"n":{"N":"1"},"constructor":{"M":{"__proto__":{"S":"b"}}}}';
    const { item } = validateItem(JSON.parse(text.replace('"1"', '"1.0"')));
    expect(JSON.stringify(item)).toBe(text);
    expect(Object.getPrototypeOf(item)).toBe(Object.prototype);
  });

  it('counts an attribute once when two names become one', () => {
    const { item, bytes } = validateItem(JSON.parse('{"\\ud800":{"S":"a"},"\\ud801":{"S":"bc"}}'));
    expect(item).toEqual({ '\ufffd': { S: 'bc' } });
    expect(bytes).toBe(3 + 2);
  });

  it('reports the first fault in the order of the text', () => {
    const wire = JSON.parse('{"a":{"SS":[]},"b":{"N":"x"}}');
    expect(faultOf(() => validateItem(wire))).toEqual(valueFaults.emptyStringSet());
  });
});

describe('validateItem: sets', () => {
  it('come back sorted: text and bytes by bytes, numbers by value', () => {
    const { item } = validateItem({
      s: { SS: ['b', 'a\u{10000}', 'a\uffff', 'B'] },
      n: { NS: ['10', '9', '-1', '1e15'] },
      b: { BS: ['/w==', 'AA==', 'AAE='] },
    });
    expect(item).toEqual({
      s: { SS: ['B', 'a\uffff', 'a\u{10000}', 'b'] },
      n: { NS: ['-1', '9', '10', '1000000000000000'] },
      b: { BS: ['AA==', 'AAE=', '/w=='] },
    });
  });
});

describe('faults that single-item writes prefix', () => {
  const prefix = '1 validation error detected: ';

  it.each([
    [{ SS: [] }],
    [{ NS: [] }],
    [{ BS: [] }],
    [{ SS: ['a', 'a'] }],
    [{ NS: ['1', '1'] }],
    [{ BS: ['', ''] }],
    [{ NULL: false }],
    [{ N: 'x' }],
    [{ NS: ['x'] }],
    [{ N: '1e126' }],
    [{ M: { '': { S: 'a' } } }],
  ])('%j is one', (wire) => {
    const fault = faultOf(() => validateValue(wire));
    expect(withRequestValidationPrefix(fault).message).toBe(prefix + fault.message);
  });

  it.each([
    [{}],
    [{ S: 'a', N: '1' }],
    [{ S: 'a', N: 'x' }],
    [{ S: 'a', SS: [] }],
    [{ S: 'a', NULL: false }],
  ])('%j is none', (wire) => {
    const fault = faultOf(() => validateValue(wire));
    expect(withRequestValidationPrefix(fault)).toBe(fault);
  });
});

describe('inOlderWords', () => {
  it.each([
    [{ SS: ['b', 'a', 'b'] }, `${invalid}Input collection [b, a, b] contains duplicates.`],
    [{ NS: ['1', '1.0'] }, 'Input collection contains duplicates'],
    [
      { BS: ['Yg==', 'WQ==', 'Yg=='] },
      `${invalid}Input collection [Yg==, WQ==, Yg==]of type BS contains duplicates.`,
    ],
    [{ N: '' }, notNumeric],
    [{ N: 'x' }, `${notNumeric}: x`],
    [{}, empty],
  ])('%j has the text of before, and no prefix', (wire, message) => {
    const older = inOlderWords(faultOf(() => validateValue(wire)));
    expect(older.message).toBe(message);
    expect(withRequestValidationPrefix(older)).toBe(older);
  });
});

describe('valueFaults.inExpressionValue', () => {
  it('sets the text into a longer one and keeps the family', () => {
    const bare = valueFaults.inExpressionValue(valueFaults.emptyValue(), ':v');
    expect(bare.message).toBe(
      `ExpressionAttributeValues contains invalid value: ${empty} for key :v`,
    );
    expect(bare).not.toBeInstanceOf(RequestValidationFault);
    const prefixed = valueFaults.inExpressionValue(valueFaults.emptyBinarySet(), ':v');
    expect(prefixed.message).toBe(
      `ExpressionAttributeValues contains invalid value: ${invalid}Binary sets should not be empty for key :v`,
    );
    expect(prefixed).toBeInstanceOf(RequestValidationFault);
  });
});
