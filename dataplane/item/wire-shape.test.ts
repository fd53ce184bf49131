import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { checkAttributeMap, checkAttributeValue } from './wire-shape.ts';

/** The text of the SerializationException, or undefined if the value passes. */
function textOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    expect(fault.type).toBe('SerializationException');
    return fault.message;
  }
}

const structure = 'Start of structure or map found where not expected';
const field = 'Unexpected field type';
const value = 'Unexpected value type in payload';
const cast =
  'class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class ' +
  'java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class ' +
  "are in module java.base of loader 'bootstrap')";
const attributeValue = 'com.amazonaws.dynamodb.v20120810.AttributeValue';
const array = `Unrecognized collection type class ${attributeValue}`;
const arrayForMap = `Unrecognized collection type java.util.Map<java.lang.String, ${attributeValue}>`;

const scalars = [true, false, 23, -2147483648, 2147483648, 34.56, '23'];

const wrongStrings: readonly (readonly [unknown, string])[] = [
  [true, 'TRUE_VALUE cannot be converted to String'],
  [false, 'FALSE_VALUE cannot be converted to String'],
  [23, 'NUMBER_VALUE cannot be converted to String'],
  [-2147483648, 'NUMBER_VALUE cannot be converted to String'],
  [34.56, 'DECIMAL_VALUE cannot be converted to String'],
  [[], 'Unrecognized collection type class java.lang.String'],
  [{}, structure],
];
const wrongBooleans: readonly (readonly [unknown, string])[] = [
  ['23', 'Unexpected token received from parser'],
  ['', 'Unexpected token received from parser'],
  [23, 'NUMBER_VALUE cannot be converted to Boolean'],
  [34.56, 'DECIMAL_VALUE cannot be converted to Boolean'],
  [[], 'Unrecognized collection type class java.lang.Boolean'],
  [{}, structure],
];
const notBytes = 'only base-64-encoded strings are convertible to bytes';
const wrongBinaries: readonly (readonly [unknown, string])[] = [
  [true, notBytes],
  [23, notBytes],
  [34.56, notBytes],
  [[], 'Unrecognized collection type class java.nio.ByteBuffer'],
  [{}, structure],
  ['23456', 'Base64 encoded length is expected a multiple of 4 bytes but found: 5'],
  ['a', 'Base64 encoded length is expected a multiple of 4 bytes but found: 1'],
  ['=+/=', 'Invalid last non-pad Base64 character dectected'],
  ['+/+=', 'Invalid last non-pad Base64 character dectected'],
  ['AR==', 'Invalid last non-pad Base64 character dectected'],
  ['A===', 'Invalid last non-pad Base64 character dectected'],
  ['====', 'Invalid last non-pad Base64 character dectected'],
  ['AA-_', 'Invalid last non-pad Base64 character dectected'],
  ['AAA\n', 'Invalid last non-pad Base64 character dectected'],
  ['ÄÄÄÄ', 'Invalid last non-pad Base64 character dectected'],
];
const wrongLists: readonly (readonly [unknown, string])[] = [
  ...scalars.map((scalar) => [scalar, field] as const),
  [{}, structure],
];
const wrongMaps: readonly (readonly [unknown, string])[] = [
  ...scalars.map((scalar) => [scalar, field] as const),
  [[], arrayForMap],
];
const wrongElements: readonly (readonly [unknown, string])[] = [
  ...scalars.map((scalar) => [scalar, value] as const),
  [[], array],
];

describe('checkAttributeValue', () => {
  it.each([
    ...wrongStrings.flatMap(([wire, text]) => [
      [{ S: wire }, text],
      [{ N: wire }, text],
      [{ SS: ['a', wire] }, text],
      [{ NS: [wire] }, text],
    ]),
    ...wrongBooleans.flatMap(([wire, text]) => [
      [{ BOOL: wire }, text],
      [{ NULL: wire }, text],
    ]),
    ...wrongBinaries.flatMap(([wire, text]) => [
      [{ B: wire }, text],
      [{ BS: ['', wire] }, text],
    ]),
    ...wrongLists.flatMap(([wire, text]) => [
      [{ SS: wire }, text],
      [{ NS: wire }, text],
      [{ BS: wire }, text],
      [{ L: wire }, text],
    ]),
    ...wrongMaps.map(([wire, text]) => [{ M: wire }, text]),
    ...wrongElements.flatMap(([wire, text]) => [
      [wire, text],
      [{ L: [wire] }, text],
      [{ M: { a: wire } }, text],
      [{ L: [{ M: { a: { L: [wire] } } }] }, text],
    ]),
  ])('of %j: %s', (wire, text) => {
    expect(textOf(() => checkAttributeValue(wire))).toBe(text);
  });

  it('of a scalar as the member of a structure has a text of its own', () => {
    for (const scalar of scalars) {
      expect(textOf(() => checkAttributeValue(scalar, 'member'))).toBe(field);
    }
    expect(textOf(() => checkAttributeValue([], 'member'))).toBe(array);
    expect(textOf(() => checkAttributeValue({ L: [1] }, 'member'))).toBe(value);
  });

  it.each([
    [null],
    [{}],
    [{ S: null, N: '1' }],
    [{ Unknown: [1, { deep: true }] }],
    [{ S: '' }],
    [{ B: '' }],
    [{ B: 'AAAA' }],
    [{ B: 'AQ==' }],
    [{ B: 'AAE=' }],
    [{ BOOL: 'true' }],
    [{ BOOL: 'No' }],
    [{ NULL: false }],
    [{ SS: [], NS: [null], BS: [null], L: [null], M: { a: null } }],
  ])('lets %j pass', (wire) => {
    expect(textOf(() => checkAttributeValue(wire))).toBeUndefined();
  });

  it('takes the rest of an over-deep value for granted', () => {
    const depth = 100_000;
    const wire: unknown = JSON.parse(`${'{"L":['.repeat(depth)}1${']}'.repeat(depth)}`);
    expect(textOf(() => checkAttributeValue(wire))).toBeUndefined();
  });

  it('is as strict with long base64 as with short', () => {
    for (const wrong of ['AB==', 'AAB=', 'A===', '====', 'AA-_', 'AA A', 'AA\nA', 'ÄAAA', 'AA=A']) {
      const long = 'AAAA'.repeat(100);
      for (const wire of [wrong, long + wrong, `${long}${wrong}${long}`]) {
        expect(textOf(() => checkAttributeValue({ B: wire }))).toBe(
          'Invalid last non-pad Base64 character dectected',
        );
      }
    }
  });

  it('checks megabytes of base64', () => {
    const long = 'AAAA'.repeat(4_000_000);
    expect(textOf(() => checkAttributeValue({ B: long }))).toBeUndefined();
    expect(textOf(() => checkAttributeValue({ B: `${long}AB==` }))).toBe(
      'Invalid last non-pad Base64 character dectected',
    );
  });
});

describe('checkAttributeMap', () => {
  it.each(wrongMaps)('of %j as a member: %s', (wire, text) => {
    expect(textOf(() => checkAttributeMap(wire))).toBe(text);
  });

  it('of a scalar in a list has a text of its own', () => {
    for (const scalar of scalars) {
      expect(textOf(() => checkAttributeMap(scalar, 'element'))).toBe(cast);
    }
    expect(textOf(() => checkAttributeMap([], 'element'))).toBe(arrayForMap);
  });

  it('checks attributes with the names of prototype members', () => {
    expect(textOf(() => checkAttributeMap(JSON.parse('{"__proto__":{"S":1}}')))).toBe(
      'NUMBER_VALUE cannot be converted to String',
    );
    expect(
      textOf(() => checkAttributeMap(JSON.parse('{"constructor":{"S":"a"}}'))),
    ).toBeUndefined();
  });
});
