import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import {
  arbitraryBase64,
  arbitraryItem,
  arbitraryNumber,
  arbitraryNumberText,
  arbitraryText,
} from '../../dataplane/item/attribute-value.arbitrary.ts';
import type {
  AttributeValue,
  Item,
  KeyAttributeType,
} from '../../dataplane/item/attribute-value.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import { messageOf } from './fault-of.fixture.ts';
import type { KeySchema } from './key-schema.ts';
import {
  canonicalKey,
  decodeIndexKey,
  decodeKey,
  encodeExactKey,
  encodeHashPart,
  encodeIndexKey,
  encodeKey,
  hashPartLength,
} from './keys.ts';
import { clientEncodes, clientSortKey } from './node-client.fixture.ts';
import { hex, schemaOf } from './vectors.fixture.ts';

const types: readonly KeyAttributeType[] = ['S', 'N', 'B'];
const schemas: readonly KeySchema[] = types.flatMap((hash) => [
  { hash: { name: 'pk', type: hash }, range: undefined },
  ...types.map((range) => ({
    hash: { name: 'pk', type: hash },
    range: { name: 'sk', type: range },
  })),
]);
const arbitrarySchema = fc.constantFrom(...schemas);

function arbitraryKeyValue(type: KeyAttributeType): fc.Arbitrary<AttributeValue> {
  switch (type) {
    case 'S':
      return arbitraryText.filter((text) => text !== '').map((S) => ({ S }));
    case 'N':
      return arbitraryNumber.map((N) => ({ N }));
    case 'B':
      return arbitraryBase64.filter((text) => text !== '').map((B) => ({ B }));
  }
}

function arbitraryKey({ hash, range }: KeySchema): fc.Arbitrary<Item> {
  const pk = arbitraryKeyValue(hash.type);
  if (range === undefined) return pk.map((value) => ({ pk: value }));
  return fc.record({ pk, sk: arbitraryKeyValue(range.type) });
}

const arbitrarySchemaAndKey = arbitrarySchema.chain((schema) =>
  arbitraryKey(schema).map((key) => ({ schema, key })),
);

/** Key bytes of a schema as the Node client makes them, numbers as they are spelled. */
function clientKey({ hash, range }: KeySchema, key: Item): Buffer {
  const { pk = { S: '' }, sk = { S: '' } } = key;
  if (range === undefined) return hash.type === 'N' ? clientEncodes(pk) : raw(pk);
  return Buffer.concat([clientEncodes(pk), 'N' in sk ? clientSortKey(sk.N) : raw(sk)]);
}

function raw(value: AttributeValue): Buffer {
  if ('S' in value) return Buffer.from(value.S);
  return 'B' in value ? Buffer.from(value.B, 'base64') : Buffer.alloc(0);
}

describe('keys', () => {
  it.each<[string, string, Item]>([
    ['HashS', '61', { pk: { S: 'a' } }],
    ['HashN', '19012c', { pk: { N: '300' } }],
    ['HashB', '0001ff', { pk: { B: 'AAH/' } }],
    ['KeySS', '62 c3a9 736f7274', { pk: { S: 'é' }, sk: { S: 'sort' } }],
    ['KeySN', '61 70 3bde231ff8', { pk: { S: 'p' }, sk: { N: '-1234.5' } }],
    ['KeySB', '61 70 0908', { pk: { S: 'p' }, sk: { B: 'CQg=' } }],
    ['KeyNS', '07 73', { pk: { N: '7' }, sk: { S: 's' } }],
    ['KeyBB', '42 0102 03', { pk: { B: 'AQI=' }, sk: { B: 'Aw==' } }],
  ])('%s: %s is the key, and canonical', (table, text, key) => {
    const bytes = hex(text.replaceAll(' ', ''));
    const schema = schemaOf(table);
    expect(decodeKey(schema, bytes)).toEqual(key);
    expect(encodeKey(schema, key)).toEqual(bytes);
    expect(canonicalKey(schema, bytes)).toBe(bytes);
  });

  it.each([
    ['KeyNN', 'c248ab54a98ceb1f0ad2be1c0000', '1bab54a98ceb1f0ad2be1c0000'],
    ['KeySN', '6170c11c0010', '6170c11c0000'],
    ['KeySN', '6170c31c0000', '6170c31c0020'],
    ['HashN', 'fb3ff8000000000000', 'c482200f'],
    ['HashN', 'c482210a', 'c4822001'],
    ['HashN', '1a0000012c', '19012c'],
    ['KeyBB', '5801 01 02', '41 01 02'],
    ['KeyBB', '590001 01 02', '41 01 02'],
    ['KeyBB', '5a00000001 01 02', '41 01 02'],
    ['KeySS', '61 c3 c3', '63 efbfbd efbfbd'],
  ])('%s: %s and %s are one key', (table, one, other) => {
    const canonical = (text: string) =>
      canonicalKey(schemaOf(table), hex(text.replaceAll(' ', ''))).toString('hex');
    expect(canonical(one)).toBe(canonical(other));
  });

  it('what is written is read again, and is canonical, for all schemas', () => {
    fc.assert(
      fc.property(arbitrarySchemaAndKey, ({ schema, key }) => {
        const bytes = encodeKey(schema, key);
        expect(decodeKey(schema, bytes)).toEqual(key);
        expect(canonicalKey(schema, bytes)).toBe(bytes);
        expect(encodeExactKey(schema, key)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('equal keys have equal bytes, different ones different bytes', () => {
    const pair = arbitrarySchema.chain((schema) =>
      fc.tuple(fc.constant(schema), arbitraryKey(schema), arbitraryKey(schema)),
    );
    fc.assert(
      fc.property(pair, ([schema, one, other]) => {
        const isEqual = JSON.stringify(one) === JSON.stringify(other);
        expect(encodeKey(schema, one).equals(encodeKey(schema, other))).toBe(isEqual);
      }),
      { numRuns: 1000 },
    );
  });

  it("the Node client's bytes of any spelling are the key in canonical form", () => {
    const spelled = fc.tuple(
      fc.constantFrom(
        ...schemas.filter(({ hash, range }) => [hash.type, range?.type].includes('N')),
      ),
      // The client cannot take a plus sign before the digits of a sort key.
      arbitraryNumberText.filter((text) => !text.startsWith('+')),
      arbitraryText.filter((text) => text !== ''),
    );
    fc.assert(
      fc.property(spelled, ([schema, number, text]) => {
        const valueIn = (type: KeyAttributeType | undefined, N: string): AttributeValue => {
          if (type === 'N') return { N };
          return type === 'S' ? { S: text } : { B: Buffer.from(text).toString('base64') };
        };
        const keyOf = (N: string): Item => ({
          pk: valueIn(schema.hash.type, N),
          ...(schema.range && { sk: valueIn(schema.range.type, N) }),
        });
        const bytes = clientKey(schema, keyOf(number));
        const normal = keyOf(normaliseNumber(number));
        expect(decodeKey(schema, bytes)).toEqual(normal);
        expect(canonicalKey(schema, bytes)).toEqual(encodeKey(schema, normal));
      }),
      { numRuns: 1000 },
    );
  });

  it('any bytes are a key in one canonical form, or a fault', () => {
    fc.assert(
      fc.property(arbitrarySchema, fc.uint8Array({ maxLength: 30 }), (schema, bytes) => {
        const buffer = Buffer.from(bytes);
        let canonical: Buffer;
        try {
          canonical = canonicalKey(schema, buffer);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ClientFault);
          expect(messageOf(() => decodeKey(schema, buffer))).toBeDefined();
          return;
        }
        expect(decodeKey(schema, canonical)).toEqual(decodeKey(schema, buffer));
        expect(canonical.equals(buffer)).toBe(canonical === buffer);
        expect(encodeKey(schema, decodeKey(schema, buffer))).toEqual(canonical);
      }),
      { numRuns: 5000 },
    );
  });

  it('the hash part is what all keys of an item collection begin with', () => {
    fc.assert(
      fc.property(arbitrarySchemaAndKey, ({ schema, key }) => {
        const bytes = encodeKey(schema, key);
        const part = bytes.subarray(0, hashPartLength(schema, bytes));
        expect(encodeHashPart(schema, key.pk ?? { NULL: true })).toEqual(part);
        if (schema.range === undefined) expect(part).toEqual(bytes);
        else expect(part.length).toBeLessThan(bytes.length);
      }),
      { numRuns: 500 },
    );
  });

  it('other attributes of an item are not looked at', () => {
    const schema = schemaOf('KeySN');
    const key = { pk: { S: 'a' }, sk: { N: '1' } };
    expect(encodeKey(schema, { x: { NULL: true }, ...key })).toEqual(encodeKey(schema, key));
  });

  const MISMATCH = 'The provided key element does not match the schema';
  const INVALID = 'One or more parameter values were invalid: ';
  const emptyKey = (kind: string, name: string) =>
    `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${kind} value. Key: ${name}`;
  const HASH_TOO_LONG = `${INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes`;
  const RANGE_TOO_LONG = `${INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes`;

  it.each([
    ['HashS', '', emptyKey('string', 'pk')],
    ['HashB', '', emptyKey('binary', 'pk')],
    ['HashN', '', MISMATCH],
    ['HashN', '6131', MISMATCH],
    ['HashN', '0101', MISMATCH],
    ['HashN', 'f6', MISMATCH],
    ['HashN', '80', MISMATCH],
    ['HashN', 'd90cf980', 'The request is malformed: a number was expected'],
    ['KeySS', '4161 62', MISMATCH],
    ['KeySS', '', MISMATCH],
    ['KeySS', '60 62', emptyKey('string', 'pk')],
    ['KeySS', '6161', emptyKey('string', 'sk')],
    ['KeySB', '6161', emptyKey('binary', 'sk')],
    ['KeySN', '6161', MISMATCH],
    ['KeySN', '6161 00', MISMATCH],
    ['KeyBB', '6161 62', MISMATCH],
    ['KeySS', '6361 62', 'The request is malformed: a longer value was expected'],
    ['HashS', '61'.repeat(2049), HASH_TOO_LONG],
    ['HashB', '61'.repeat(2049), HASH_TOO_LONG],
    ['KeySS', `790801${'61'.repeat(2049)}62`, HASH_TOO_LONG],
    ['KeySS', `6161${'62'.repeat(1025)}`, RANGE_TOO_LONG],
    ['KeySN', `6161${'62'.repeat(1025)}`, RANGE_TOO_LONG],
    [
      'HashN',
      'c482187e01',
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ],
  ])('%s: %.20s is no key', (table, text, message) => {
    const bytes = hex(text.replaceAll(' ', ''));
    expect(messageOf(() => canonicalKey(schemaOf(table), bytes))).toBe(message);
    expect(messageOf(() => decodeKey(schemaOf(table), bytes))).toBe(message);
  });

  it('the longest keys are keys', () => {
    const key = { pk: { S: 'a'.repeat(2048) }, sk: { S: 'é'.repeat(512) } };
    const bytes = encodeKey(schemaOf('KeySS'), key);
    expect(canonicalKey(schemaOf('KeySS'), bytes)).toBe(bytes);
    expect(decodeKey(schemaOf('KeySS'), bytes)).toEqual(key);
  });

  it.each<[string, Item, string]>([
    ['a missing attribute', { pk: { S: 'a' } }, `${INVALID}Missing the key sk in the item`],
    [
      'one of another type',
      { pk: { N: '1' }, sk: { N: '1' } },
      `${INVALID}Type mismatch for key pk expected: S actual: N`,
    ],
    ['an empty one', { pk: { S: '' }, sk: { N: '1' } }, emptyKey('string', 'pk')],
    ['a long one', { pk: { S: 'x'.repeat(2049) }, sk: { N: '1' } }, HASH_TOO_LONG],
    [
      'an inherited name',
      Object.create({ pk: { S: 'a' } }),
      `${INVALID}Missing the key pk in the item`,
    ],
  ])('of an item with %s there is no key', (_, item, message) => {
    expect(messageOf(() => encodeKey(schemaOf('KeySN'), item))).toBe(message);
  });

  it.each<[string, Item]>([
    ['an attribute too few', { pk: { S: 'a' } }],
    ['one of another type', { pk: { N: '1' }, sk: { N: '1' } }],
    ['one too many', { pk: { S: 'a' }, sk: { N: '1' }, x: { N: '1' } }],
    ['another name', { pk: { S: 'a' }, x: { N: '1' } }],
  ])('a key with %s does not match the schema', (_, key) => {
    expect(messageOf(() => encodeExactKey(schemaOf('KeySN'), key))).toBe(MISMATCH);
  });

  it('start keys of indexes are maps of indefinite length, read again', () => {
    const key = { pk: { S: 'p' }, sk: { N: '3' }, g: { S: 'odd' }, gr: { N: '30' } };
    const bytes = hex('bf62706b617062736b036167636f6464626772181eff');
    expect(encodeIndexKey(key)).toEqual(bytes);
    expect(decodeIndexKey(bytes)).toEqual(key);
    fc.assert(
      fc.property(arbitraryItem, (item) => {
        expect(decodeIndexKey(encodeIndexKey(item))).toEqual(item);
      }),
      { numRuns: 200 },
    );
    expect(messageOf(() => decodeIndexKey(hex('a000')))).toBe(
      'The request is malformed: there is more behind the end of a start key',
    );
    expect(messageOf(() => decodeIndexKey(hex('61')))).toBe(
      'The request is malformed: a map was expected',
    );
  });
});
