import fc from 'fast-check';
import { type AttributeValue, type Item, setAttribute } from './attribute-value.ts';
import { compareBase64, compareUtf8 } from './equality.ts';
import { compareNumbers, normaliseNumber } from './number.ts';

/** Random canonical values and their spellings, for property tests of this folder and its users. */

/** Names that a careless reader of plain objects would trip over, among ordinary ones. */
export const arbitraryName: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 8 }) },
  { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', 'S'),
  },
);

/** Well-formed text of all planes, with many of the boundary code points. */
export const arbitraryText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ maxLength: 20, unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '',
        '\0',
        '\u0001',
        '\u0002',
        'a',
        '\x7f',
        '\x80',
        '\u07ff',
        '\u0800',
        '\ud7ff',
      ),
      { maxLength: 6 },
    )
    .map((units) => units.join('')),
  fc
    .array(fc.constantFrom('a', '\ue000', '\uffff', '\u{10000}', '\u{1f600}', '\u{10ffff}'), {
      maxLength: 6,
    })
    .map((units) => units.join('')),
);

/** Canonical base64 of bytes of which many are 00, 01 and ff. */
export const arbitraryBase64: fc.Arbitrary<string> = fc
  .oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .array(fc.constantFrom(0, 1, 2, 0xfe, 0xff), { maxLength: 6 })
      .map((bytes) => Uint8Array.from(bytes)),
  )
  .map((bytes) => Buffer.from(bytes).toString('base64'));

/** Spellings of numbers in range, most of them not in normal form. */
export const arbitraryNumberText: fc.Arbitrary<string> = fc
  .record({
    sign: fc.constantFrom('', '', '-', '+'),
    digits: fc.oneof(
      fc.nat(99).map(String),
      fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }).map(String),
      fc.integer({ min: 1, max: 38 }).map((count) => '9'.repeat(count)),
    ),
    exponent: fc.oneof(
      fc.integer({ min: -5, max: 5 }),
      fc.integer({ min: -130, max: 125 }),
      fc.constantFrom(-130, -129, 124, 125),
    ),
    pointAt: fc.nat(40),
    leadingZeros: fc.nat(3),
    trailingZeros: fc.nat(3),
    mark: fc.constantFrom('e', 'E', 'e+', 'E+'),
    isPlain: fc.boolean(),
  })
  .map((parts) => {
    // The first significant digit is worth 10^exponent, wherever the point is written.
    const leading = parts.digits.length - parts.digits.replace(/^0+/, '').length;
    const zeros = '0'.repeat(parts.leadingZeros);
    if (parts.isPlain && parts.exponent >= 0 && parts.exponent < 20) {
      const padded = parts.digits.padEnd(leading + parts.exponent + 1, '0');
      const whole = padded.slice(0, leading + parts.exponent + 1);
      const fraction = padded.slice(whole.length) + '0'.repeat(parts.trailingZeros);
      return `${parts.sign}${zeros}${whole}${fraction === '' ? '' : `.${fraction}`}`;
    }
    const pointAt = Math.min(parts.pointAt, parts.digits.length);
    const whole = zeros + parts.digits.slice(0, pointAt);
    const fraction = parts.digits.slice(pointAt) + '0'.repeat(parts.trailingZeros);
    const isZero = leading === parts.digits.length; // a zero has a range of its own
    const exponent = isZero ? 0 : parts.exponent + leading + 1 - pointAt;
    const mark = exponent < 0 ? parts.mark.slice(0, 1) : parts.mark;
    return `${parts.sign}${whole === '' && fraction === '' ? '0' : whole}${
      fraction === '' ? '' : `.${fraction}`
    }${mark}${exponent}`;
  });

export const arbitraryNumber: fc.Arbitrary<string> = arbitraryNumberText.map(normaliseNumber);

export const arbitraryKeyValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  arbitraryText.map((S) => ({ S })),
  arbitraryNumber.map((N) => ({ N })),
  arbitraryBase64.map((B) => ({ B })),
);

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    arbitraryKeyValue,
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant<AttributeValue>({ NULL: true }),
    fc
      .uniqueArray(arbitraryText, { minLength: 1, maxLength: 12 })
      .map((members) => ({ SS: members.sort(compareUtf8) })),
    fc
      .uniqueArray(arbitraryNumber, { minLength: 1, maxLength: 12 })
      .map((members) => ({ NS: members.sort(compareNumbers) })),
    fc
      .uniqueArray(arbitraryBase64, { minLength: 1, maxLength: 12 })
      .map((members) => ({ BS: members.sort(compareBase64) })),
    fc.array(tie('value'), { maxLength: 4 }).map((L) => ({ L })),
    fc.array(fc.tuple(arbitraryName, tie('value')), { maxLength: 4 }).map((entries) => ({
      M: itemOf(entries),
    })),
  ),
}));

/** Canonical values of every type, nested a few levels. */
export const arbitraryValue: fc.Arbitrary<AttributeValue> = value;

/** Canonical items. */
export const arbitraryItem: fc.Arbitrary<Item> = fc
  .array(fc.tuple(arbitraryName, arbitraryValue), { maxLength: 6 })
  .map(itemOf);

function itemOf(entries: readonly (readonly [string, AttributeValue])[]): Item {
  const item: { [name: string]: AttributeValue } = {};
  for (const [name, entry] of entries) setAttribute(item, name, entry);
  return item;
}
