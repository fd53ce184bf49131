import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTables } from '../clients/matrix.fixture.ts';
import { hex, vectors } from '../protocol/vectors.fixture.ts';
import { type Door, openDoor } from './door.fixture.ts';
import { signedHandshake } from './handshake.fixture.ts';
import { authorizeConnection, getItem, PREAMBLE, RawClient } from './raw-client.fixture.ts';

/**
 * Whatever arrives, a connection gets replies, or is closed, and everybody else is served. A failure prints
 * fast-check's seed, which repeats it.
 */
const opened: { door?: Door } = {};
const authorised = authorizeConnection(signedHandshake({ nowMs: Date.now() }));
const requests: readonly Buffer[] = vectors.operations.map(({ request }) => hex(request));
const lookups: readonly Buffer[] = vectors.lookups.map(({ request }) => hex(request));

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

beforeAll(async () => {
  const door = await openDoor({
    // The captured requests name lists by the numbers that they had then.
    lists: (lists) => ({
      idOf: (names) => lists.idOf(names),
      namesOf: (id) => vectors.attributeLists[String(id)] ?? lists.namesOf(id),
    }),
  });
  opened.door = door;
  await createTables(door.tables);
});

afterAll(() => opened.door?.close());

function theDoor(): Door {
  if (opened.door === undefined) throw new Error('it is open');
  return opened.door;
}

/** Sends all of it in pieces, ends its side, and waits for the other. @returns how that ended */
async function converse(bytes: Buffer, piece: number): Promise<string> {
  const client = await RawClient.connect(theDoor().port);
  try {
    for (let at = 0; at < bytes.length; at += piece) client.send(bytes.subarray(at, at + piece));
    client.socket.end();
    return await client.end();
  } finally {
    client.destroy();
  }
}

async function expectService(): Promise<void> {
  const client = await RawClient.connect(theDoor().port);
  client.send(PREAMBLE, authorised, getItem('HashS', 'nobody at all'));
  expect((await client.take(2)).toString('hex')).toBe('80f6');
  client.destroy();
}

/** A byte string with one thing wrong about it. */
function damaged(bytes: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.nat(Math.max(bytes.length - 1, 0));
  return fc.oneof(
    fc.tuple(at, fc.nat(255)).map(([index, byte]) => Buffer.from(bytes.with(index, byte))),
    at.map((index) => bytes.subarray(0, index)),
    at.map((index) => Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + 1)])),
    fc
      .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 9 }))
      .map(([index, more]) =>
        Buffer.concat([bytes.subarray(0, index), more, bytes.subarray(index)]),
      ),
    fc
      .tuple(at, fc.constantFrom(...HUGE))
      .map(([index, head]) =>
        Buffer.concat([bytes.subarray(0, index), head, bytes.subarray(index)]),
      ),
  );
}

/** Heads of strings and containers that announce more than anybody has. */
const HUGE = [
  '5affffffff',
  '7affffffff',
  '9affffffff',
  'baffffffff',
  '5b7fffffffffffffff',
  '9b001fffffffffffff',
].map(hex);

const someRequest = fc.constantFrom(...requests, ...lookups, authorised);
const stream = fc
  .array(
    someRequest.chain((bytes) =>
      fc.oneof({ weight: 2, arbitrary: fc.constant(bytes) }, damaged(bytes)),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => Buffer.concat([PREAMBLE, authorised, ...parts]));

describe('any bytes', () => {
  it('captured requests, damaged and mixed, in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.integer({ min: 1, max: 4000 }), async (bytes, piece) => {
        expect(await converse(bytes, piece)).toBe('fin');
      }),
      { numRuns: 400 },
    );
    await expectService();
  });

  it('damaged beginnings', async () => {
    const beginning = fc.oneof(
      damaged(PREAMBLE),
      damaged(authorised).map((bytes) => Buffer.concat([PREAMBLE, bytes])),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .uint8Array({ maxLength: 300 })
        .map((bytes) => Buffer.concat([PREAMBLE, authorised, bytes])),
    );
    await fc.assert(
      fc.asyncProperty(beginning, fc.integer({ min: 1, max: 400 }), async (bytes, piece) => {
        const all = Buffer.concat([bytes, getItem('HashS', 'a')]);
        expect(await converse(all, piece)).toBe('fin');
      }),
      { numRuns: 200 },
    );
    await expectService();
  });

  it.each([
    ['nesting without end', Buffer.alloc(1_000_000, 0x81)],
    ['nesting of maps without end', Buffer.alloc(1_000_000, 0xbf)],
    ['a string of 4 GB', hex('5affffffff')],
    ['a list of 4 billion', hex('9affffffff')],
    ['a list of 2^53', hex('9b001fffffffffffff')],
    ['a string without end', hex('5f')],
    ['more than a request may have', Buffer.concat([hex('5a01000000'), Buffer.alloc(17_000_000)])],
  ])('%s is refused at once, with an error', async (_, bytes) => {
    const client = await RawClient.connect(theDoor().port);
    client.send(PREAMBLE, authorised, '013a495927bb', bytes);
    expect(await client.fault()).toMatchObject({ errorCode: 'ValidationException' });
    expect(await client.end()).toBe('fin');
    client.destroy();
  });

  it('tags upon tags are one value, which is wrong', async () => {
    const client = await RawClient.connect(theDoor().port);
    const tags = Buffer.concat([Buffer.alloc(1_000_000, 0xc4), hex('00')]);
    client.send(PREAMBLE, authorised, '013a495927bb', tags, getItem('HashS', 'nobody'));
    expect(await client.fault()).toMatchObject({ errorCode: 'ValidationException' });
    expect((await client.take(2)).toString('hex')).toBe('80f6');
    client.destroy();
  });

  it('leave nothing behind', { timeout: 120_000 }, async () => {
    const { server } = theDoor();
    const flood = Buffer.concat([
      PREAMBLE,
      authorised,
      hex('013a495927bb9a00100000'),
      Buffer.alloc(2_000_000, 0x61),
    ]);
    const measure = () => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    await converse(flood, 60_000);
    const before = measure();
    for (let round = 0; round < 15; round++) await converse(flood, 60_000);
    await expect.poll(() => server.counters.connectionsCount).toBe(0);
    expect(server.heldBytes).toBe(0);
    await expect.poll(() => measure() - before).toBeLessThan(15_000_000);
  });
});

describe('many connections', () => {
  it('keep nothing of the large requests that they once sent', async () => {
    const { port } = theDoor();
    const large = Buffer.concat([
      hex('013a2c43e27e5a00400000'),
      Buffer.alloc(4 * 1024 * 1024, 0x61),
    ]);
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
    const before = process.memoryUsage().arrayBuffers;
    for (const client of clients) {
      client.send(PREAMBLE, authorised, large);
      expect(await client.fault()).toMatchObject({ status: 400 });
    }
    await expect
      .poll(() => {
        collectGarbage();
        return process.memoryUsage().arrayBuffers - before;
      })
      .toBeLessThan(20_000_000);
    for (const client of clients) client.destroy();
  });

  it('are all served', async () => {
    const { server, port } = theDoor();
    const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(port)));
    for (const client of clients) client.send(PREAMBLE, authorised, getItem('HashS', 'nobody'));
    for (const client of clients) {
      expect((await client.take(2)).toString('hex')).toBe('80f6');
    }
    expect(server.counters.connectionsCount).toBe(500);
    for (const client of clients) client.destroy();
    await expect.poll(() => server.counters.connectionsCount).toBe(0);
  });
});
