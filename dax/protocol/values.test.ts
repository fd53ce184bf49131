import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryValue } from '../../dataplane/item/attribute-value.arbitrary.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { NESTING_LEVELS_MAX } from '../../dataplane/item/limits.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import { validateValue } from '../../dataplane/item/validate.ts';
import { CborReader } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { faultOf } from './fault-of.fixture.ts';
import { clientDecodes, clientEncodes } from './node-client.fixture.ts';
import { decodeValue, encodeValue } from './values.ts';
import { hex } from './vectors.fixture.ts';

function encode(value: AttributeValue): Buffer {
  const writer = new CborWriter();
  encodeValue(writer, value);
  return writer.finish();
}

function decode(bytes: Buffer): AttributeValue {
  const reader = new CborReader(bytes);
  const value = decodeValue(reader);
  reader.expectEnd('a value');
  return value;
}

function messageOf(bytes: string): string | undefined {
  return faultOf(() => decode(hex(bytes.replaceAll(' ', ''))))?.message;
}

describe('attribute values', () => {
  it.each<[string, AttributeValue]>([
    ['60', { S: '' }],
    ['62 c3a9', { S: 'é' }],
    ['40', { B: '' }],
    ['43 010203', { B: 'AQID' }],
    ['18 2a', { N: '42' }],
    ['f4', { BOOL: false }],
    ['f5', { BOOL: true }],
    ['f6', { NULL: true }],
    ['80', { L: [] }],
    ['83 01 63 74776f 80', { L: [{ N: '1' }, { S: 'two' }, { L: [] }] }],
    ['a0', { M: {} }],
    ['a2 61 6b 61 76 62 6e32 24', { M: { k: { S: 'v' }, n2: { N: '-5' } } }],
    ['d90cf9 82 6161 6162', { SS: ['a', 'b'] }],
    ['d90cfa 82 22 c4 82 20 18 19', { NS: ['-3', '2.5'] }],
    ['d90cfb 82 41 01 42 0203', { BS: ['AQ==', 'AgM='] }],
  ])('%s is sent and read', (bytes, value) => {
    expect(encode(value).toString('hex')).toBe(bytes.replaceAll(' ', ''));
    expect(decode(encode(value))).toEqual(value);
  });

  it('what is written is read again', () => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        expect(decode(encode(value))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  it('what the Node client sends is read as the value it was given', () => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        expect(decode(clientEncodes(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('the Node client shows the value we send, numbers in its own spelling', () => {
    // Its maps are plain objects: it calls a name they inherit a duplicate, and loses `__proto__`.
    const isReadable = (value: AttributeValue) =>
      !/"(__proto__|constructor|toString|hasOwnProperty|valueOf)":/.test(JSON.stringify(value));
    fc.assert(
      fc.property(arbitraryValue.filter(isReadable), (value) => {
        expect(withNormalNumbers(clientDecodes(encode(value)))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('long texts and binaries have heads of every length', () => {
    for (const length of [23, 24, 255, 256, 1023, 1024, 1025, 65_535, 65_536]) {
      for (const unit of ['a', 'é', '😀']) {
        const text = unit.repeat(length);
        const bytes = encode({ S: text });
        expect(decode(bytes)).toEqual({ S: text });
        const size = Buffer.byteLength(text);
        const head = size < 24 ? 1 : size < 256 ? 2 : size < 65_536 ? 3 : 5;
        expect(bytes.length).toBe(head + size);
      }
      const value = { B: Buffer.alloc(length, 7).toString('base64') };
      expect(decode(encode(value))).toEqual(value);
    }
  });

  it('sets come sorted, as the service returns them', () => {
    expect(decode(hex('d90cf98261626161'))).toEqual({ SS: ['a', 'b'] });
    expect(decode(hex('d90cfa83fb400400000000000022fb3fe0000000000000'))).toEqual({
      NS: ['-3', '0.5', '2.5'],
    });
  });

  it('lists and maps of indefinite length are read', () => {
    expect(decode(hex('9f01bf616b9fffffff'))).toEqual({
      L: [{ N: '1' }, { M: { k: { L: [] } } }],
    });
  });

  it('of a name that comes twice the last value counts', () => {
    expect(decode(hex('a2616b01616b02'))).toEqual({ M: { k: { N: '2' } } });
  });

  it('names that objects inherit are names', () => {
    const value = decode(hex('a2695f5f70726f746f5f5f016b636f6e7374727563746f7202'));
    expect(JSON.stringify(value)).toBe('{"M":{"__proto__":{"N":"1"},"constructor":{"N":"2"}}}');
  });

  it('bytes that are no UTF-8 become U+FFFD', () => {
    expect(decode(hex('62c328'))).toEqual({ S: '\ufffd(' });
    expect(decode(hex('63eda080'))).toEqual({ S: '\ufffd\ufffd\ufffd' });
  });

  it(`${NESTING_LEVELS_MAX} levels are read, one more is refused`, () => {
    expect(decode(hex(`${'81'.repeat(NESTING_LEVELS_MAX - 1)}f6`))).toBeDefined();
    const message =
      'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit';
    expect(messageOf(`${'81'.repeat(NESTING_LEVELS_MAX)}f6`)).toBe(message);
    expect(messageOf('a1616b'.repeat(10_000))).toBe(message);
  });

  const INVALID = 'One or more parameter values were invalid: ';

  it.each([
    ['an empty set of strings', 'd90cf9 80', `${INVALID}An string set  may not be empty`],
    ['an empty set of numbers', 'd90cfa 80', `${INVALID}An number set  may not be empty`],
    ['an empty set of binaries', 'd90cfb 80', `${INVALID}Binary sets should not be empty`],
    [
      'the same string twice',
      'd90cf9 82 6161 6161',
      `${INVALID}Input collection ["a", "a"] contains duplicates.`,
    ],
    [
      'one number in two forms',
      'd90cfa 82 01 c4 82 20 0a',
      `${INVALID}Input collection contains duplicates.`,
    ],
    [
      'the same binary twice',
      'd90cfb 82 4101 4101',
      `${INVALID}Input collection ["AQ==","AQ=="]of type BS contains duplicates.`,
    ],
    ['an empty name', 'a1 60 01', 'Empty attribute name'],
    [
      'a name of 65536 bytes',
      `a1 7a00010000 ${'61'.repeat(65_536)} 01`,
      'Attribute name is too large, must be less than 65536 bytes',
    ],
    [
      'a text in a set of numbers',
      'd90cfa 81 6161',
      'The request is malformed: a number was expected',
    ],
    [
      'a number in a set of strings',
      'd90cf9 81 01',
      'The request is malformed: a text was expected',
    ],
    ['a set over no array', 'd90cf9 01', 'The request is malformed: an array was expected'],
    ['an unknown tag', 'd90cf8 80', 'The request is malformed: a number was expected'],
    ['a list index', 'd90cfc 01', 'The request is malformed: a number was expected'],
    ['undefined', 'f7', 'The request is malformed: an attribute value was expected'],
    [
      'a float of 32 bits',
      'fa 3fc00000',
      'The request is malformed: an attribute value was expected',
    ],
    ['a break', 'ff', 'The request is malformed: an attribute value was expected'],
    [
      'a text of indefinite length',
      '7f 6161 ff',
      'The request is malformed: a value of definite length was expected',
    ],
    ['half a text', '65 6161', 'The request is malformed: a longer value was expected'],
    ['half a list', '82 01', 'The request is malformed: a further value was expected'],
    [
      'a list that was only announced',
      '9affffffff 01',
      'The request is malformed: a further value was expected',
    ],
    [
      'a text that was only announced',
      '7b7fffffffffffffff',
      'The request is malformed: a smaller number was expected',
    ],
    ['nothing', '', 'The request is malformed: a further value was expected'],
  ])('%s is refused', (_, bytes, message) => {
    expect(messageOf(bytes)).toBe(message);
  });

  it('small values that would grow beyond all items in memory are refused', () => {
    const nulls = Buffer.alloc(2_000_000, 0xf6);
    expect(messageOf(`9a001e8480${nulls.toString('hex')}`)).toBe(
      'Item size has exceeded the maximum allowed size',
    );
    expect(messageOf(`d90cfa9a001e8480${nulls.fill(0x01).toString('hex')}`)).toBe(
      'Item size has exceeded the maximum allowed size',
    );
  });

  it('faults are those of the same value in JSON', () => {
    const wires: readonly [string, unknown][] = [
      ['d90cf9826161 6161', { SS: ['a', 'a'] }],
      ['d90cfa80', { NS: [] }],
      ['a16001', { M: { '': { N: '1' } } }],
      ['c482187e01', { N: '1E126' }],
    ];
    for (const [bytes, wire] of wires) {
      expect(faultOf(() => decode(hex(bytes.replaceAll(' ', ''))))).toEqual(
        faultOf(() => validateValue(wire)),
      );
    }
  });
});

function withNormalNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (member, part) => {
    if (member === 'N' && typeof part === 'string') return normaliseNumber(part);
    return member === 'NS' && Array.isArray(part) ? part.map(normaliseNumber) : part;
  });
}
