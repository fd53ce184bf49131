import { expect, test } from 'vitest';
import { FrameError, HEADER_BYTES } from './frame.ts';
import { decodeBody, encodeBody } from './message-pack.ts';
import { seeded } from './transports.fixture.ts';

function roundTrip(value: unknown): unknown {
  const frame = Buffer.from(encodeBody(value));
  return decodeBody(frame, HEADER_BYTES, frame.length);
}

test.each([
  ['null', null],
  ['undefined', undefined],
  ['true', true],
  ['a small integer', 5],
  ['a negative integer', -200],
  ['2^32 and more', 2 ** 32 + 1],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['a fraction', 0.1],
  ['an endless number', Number.POSITIVE_INFINITY],
  ['a small bigint', 5n],
  ['a bigint beyond 2^53', 2n ** 60n + 1n],
  ['a bigint beyond 2^63', 2n ** 64n - 1n],
  ['a negative bigint', -(2n ** 62n)],
  ['an empty string', ''],
  ['a string of other scripts', 'Grüße, 世界, 👋'.repeat(20)],
  ['bytes', Buffer.from([0, 1, 255])],
  ['no bytes', Buffer.alloc(0)],
  ['many bytes', Buffer.alloc(100_000, 7)],
  ['a list', [1, 'two', [3n], null, undefined]],
  ['an object', { a: { b: [Buffer.from('x'), undefined], 'with space': 1 }, '': null }],
  ['many keys', Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, at]))],
])('%s comes back as it was', (_name, value) => {
  const back = roundTrip(value);
  expect(back).toEqual(value);
  expect(typeof back).toBe(typeof value);
  expect(Buffer.isBuffer(back)).toBe(Buffer.isBuffer(value));
});

test('bytes come back as copies that keep nothing else alive', () => {
  const frame = Buffer.from(encodeBody([Buffer.from('abc')]));
  const [bytes] = decodeBody(frame, HEADER_BYTES, frame.length) as [Buffer];
  frame.fill(0);
  expect(bytes.toString()).toBe('abc');
  expect(bytes.buffer.byteLength).toBe(3);
});

test('a bigint beyond 64 bits is refused by the encoder, which goes on', () => {
  expect(() => encodeBody({ n: 2n ** 64n })).toThrow(RangeError);
  expect(roundTrip({ n: 1 })).toEqual({ n: 1 });
});

test('a bulky body does not leave the encoder with a bulky buffer', () => {
  encodeBody(Buffer.alloc(8 * 1024 * 1024));
  expect(encodeBody(1).buffer.byteLength).toBeLessThanOrEqual(1024 * 1024);
});

test.each([
  ['nothing', ''],
  ['a cut string', 'a5616263'],
  ['a cut map', '82a16101'],
  ['a byte too many', '0101'],
  ['a list of 2^32 members', 'ddffffffff'],
  ['bytes of 4 GiB', 'c6ffffffff00'],
  ['an unknown extension', 'd45501'],
  ['a token that is never used within a map key', '81c1'],
])('%s is undecodable', (_name, hex) => {
  const body = Buffer.from(hex, 'hex');
  expect(() => decodeBody(body, 0, body.length)).toThrow(FrameError);
});

test('nesting without end is undecodable and not the end of the process', () => {
  const body = Buffer.alloc(1_000_000, 0x91);
  expect(() => decodeBody(body, 0, body.length)).toThrow(FrameError);
});

test('a body does not reach beyond its end into the bytes of the next frame', () => {
  const bytes = Buffer.from('a36162636465', 'hex');
  expect(() => decodeBody(bytes, 0, 3)).toThrow(FrameError);
  expect(decodeBody(bytes, 0, 4)).toBe('abc');
});

test('garbage is decoded, or undecodable, and nothing else', () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seeded(seed);
  for (let round = 0; round < 20_000; round += 1) {
    const length = 1 + Math.floor(random() * 40);
    const body = Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    try {
      decodeBody(body, 0, length);
    } catch (error) {
      expect(error, `seed ${seed}: ${body.toString('hex')}`).toBeInstanceOf(FrameError);
    }
  }
  expect(roundTrip({ still: 'works' })).toEqual({ still: 'works' });
});
