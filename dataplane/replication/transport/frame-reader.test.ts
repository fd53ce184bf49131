import { expect, test } from 'vitest';
import { CHECKSUM_BYTES, frameChecksum, frameKinds, HEADER_BYTES } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { rawFrame, seeded } from './transports.fixture.ts';

const BODY_BYTES_MAX = 1 << 25;

interface Seen {
  readonly frames: { kind: number; id: number; body: string }[];
  broken: string | undefined;
}

function reader(hasChecksum: boolean, bodyBytesMax = BODY_BYTES_MAX): [FrameReader, Seen] {
  const seen: Seen = { frames: [], broken: undefined };
  const made = new FrameReader(
    { bodyBytesMax, hasChecksum },
    (kind, id, source, start, end) =>
      seen.frames.push({ kind, id, body: source.toString('latin1', start, end) }),
    (error) => {
      seen.broken = error.message;
    },
  );
  return [made, seen];
}

function encode(kind: number, id: number, body: string, hasChecksum: boolean): Buffer {
  const frame = rawFrame(kind, id, Buffer.from(body, 'latin1'));
  if (!hasChecksum) return frame;
  const sum = Buffer.alloc(CHECKSUM_BYTES);
  sum.writeUInt32BE(frameChecksum(frame));
  return Buffer.concat([frame, sum]);
}

const frames = [
  { kind: frameKinds.ping, id: 7, body: '' },
  { kind: frameKinds.message, id: 0, body: 'hello, world' },
  { kind: frameKinds.request, id: 0xffff_ffff, body: 'x'.repeat(300) },
  { kind: frameKinds.cancel, id: 2, body: '' },
];

for (const hasChecksum of [true, false]) {
  const version = hasChecksum ? 'version 2' : 'version 1';
  const bytes = Buffer.concat(frames.map((f) => encode(f.kind, f.id, f.body, hasChecksum)));

  test(`${version}: frames are the same however the bytes are split in two`, () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      const [made, seen] = reader(hasChecksum);
      made.feed(bytes.subarray(0, at));
      made.feed(bytes.subarray(at));
      expect(seen).toEqual({ frames, broken: undefined });
      expect(made.heldBytes).toBe(0);
    }
  });

  test(`${version}: frames are the same when each byte comes alone`, () => {
    const [made, seen] = reader(hasChecksum);
    for (const byte of bytes) made.feed(Buffer.of(byte));
    expect(seen).toEqual({ frames, broken: undefined });
  });

  test(`${version}: a bulky body is put together from pieces of all sizes`, () => {
    const seed = 20_261_126;
    const random = seeded(seed);
    const body = Array.from({ length: 300_000 }, () =>
      String.fromCharCode(Math.floor(random() * 256)),
    ).join('');
    const whole = encode(frameKinds.response, 3, body, hasChecksum);
    for (let round = 0; round < 10; round += 1) {
      const [made, seen] = reader(hasChecksum);
      for (let at = 0; at < whole.length; ) {
        const size = 1 + Math.floor(random() ** 4 * 70_000);
        made.feed(whole.subarray(at, at + size));
        at += size;
      }
      expect(seen.broken, `seed ${seed}, round ${round}`).toBeUndefined();
      expect(seen.frames[0]?.body === body, `seed ${seed}, round ${round}`).toBe(true);
    }
  });
}

test('a damaged byte anywhere in a frame never lets it through', () => {
  const whole = encode(frameKinds.message, 9, 'a body of some bytes', true);
  for (let at = 0; at < whole.length; at += 1) {
    for (const bit of [1, 16, 128]) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ bit;
      for (const chunks of [[damaged], [damaged.subarray(0, 5), damaged.subarray(5)]]) {
        const [made, seen] = reader(true);
        for (const chunk of chunks) made.feed(chunk);
        expect(seen.frames, `byte ${at}, bit ${bit}`).toEqual([]);
      }
    }
  }
});

test('a damaged body is told from a good one by its sum', () => {
  const whole = encode(frameKinds.message, 9, 'a body', true);
  whole[HEADER_BYTES] = (whole[HEADER_BYTES] ?? 0) ^ 1;
  const [made, seen] = reader(true);
  made.feed(whole);
  expect(seen.broken).toBe('damaged frame: its CRC-32 does not match');
});

test.each([
  ['another magic', Buffer.from('GET / HTTP/1.1\r\n'), 'wrong magic: not a Trestle peer'],
  ['flags', Buffer.from('545203010000000000000000', 'hex'), 'unknown flags 1'],
  ['kind 0', Buffer.from('545200000000000000000000', 'hex'), 'unknown kind of frame 0'],
  ['kind 11', Buffer.from('54520b000000000000000000', 'hex'), 'unknown kind of frame 11'],
  [
    'an oversize body',
    Buffer.from('545203000200000100000000', 'hex'),
    'frame too large: 33554433 bytes announced, 33554432 allowed',
  ],
])('%s breaks the connection with a clear reason', (_what, bytes, reason) => {
  for (const size of [bytes.length, 1]) {
    const [made, seen] = reader(true);
    for (let at = 0; at < bytes.length; at += size) made.feed(bytes.subarray(at, at + size));
    expect(seen).toEqual({ frames: [], broken: reason });
  }
});

test('an announced body holds no memory before it has come', () => {
  const header = rawFrame(frameKinds.message, 0, Buffer.alloc(0));
  header.writeUInt32BE(BODY_BYTES_MAX, 4);
  const before = process.memoryUsage().arrayBuffers;
  const made = Array.from({ length: 20 }, () => reader(true)[0]);
  for (const one of made) {
    one.feed(header);
    for (let count = 0; count < 100; count += 1) one.feed(Buffer.of(1));
  }
  expect(made[0]?.heldBytes).toBe(HEADER_BYTES + 100);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
});

test('garbage breaks a reader and never throws through it', () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seeded(seed);
  for (let round = 0; round < 500; round += 1) {
    const [made, seen] = reader(round % 2 === 0, 10_000);
    const garbage = Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
    // Half of them begin like a frame.
    if (random() < 0.5) rawFrame(1 + Math.floor(random() * 10), 0, Buffer.alloc(8)).copy(garbage);
    made.feed(garbage);
    made.feed(garbage);
    const isHarmless = seen.broken !== undefined || made.heldBytes <= 10_000;
    expect(isHarmless, `seed ${seed}, round ${round}`).toBe(true);
  }
});

test('nothing is handed on after stop, not even of the same chunk', () => {
  const bytes = Buffer.concat(frames.map((f) => encode(f.kind, f.id, f.body, false)));
  let count = 0;
  const made: FrameReader = new FrameReader(
    { bodyBytesMax: 1000, hasChecksum: false },
    () => {
      count += 1;
      made.stop();
    },
    () => {},
  );
  made.feed(bytes);
  made.feed(bytes);
  expect(count).toBe(1);
});
