import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PREAMBLE_BYTES_MAX } from './limits.ts';
import { methods } from './methods.ts';
import { arrivalsOf } from './parsing.fixture.ts';
import { ProtocolError, type ProtocolErrorReason } from './protocol-error.ts';
import { type Arrival, RequestParser } from './request-parser.ts';
import { allRequests, hex, preamble, vectors } from './vectors.fixture.ts';

const everything = Buffer.concat([preamble, ...allRequests]);
const whole = arrivalsOf([everything]);

/** A getItem request with this key. */
function getItem(key: Buffer): Buffer {
  const head = Buffer.alloc(5, 0x5a);
  head.writeUInt32BE(key.length, 1);
  return Buffer.concat([hex('011a0fb0cc6a4174'), head, key, hex('bfff')]);
}

function reasonOf(
  pieces: readonly Buffer[],
  requestBytesMax?: number,
): ProtocolErrorReason | undefined {
  try {
    arrivalsOf(pieces, requestBytesMax);
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return thrown.reason;
    throw thrown;
  }
  return undefined;
}

/** Where the bytes come in two pieces, at each place. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  let start = 0;
  return ends.map((end) => {
    const piece = Buffer.from(bytes.subarray(start, end));
    start = end;
    return piece;
  });
}

describe('preambles', () => {
  it.each([
    [0, 'DaxJSV3Client-3.1.0', hex('2d2909aebc7f0ae0b90fefae569f4fd1')],
    [1, 'DaxJSClient-1.2.10', hex('a9ab69edb27c4e276b899971c494e06f')],
    [2, 'DaxPythonClient-2.1.0', hex('1df79b18f737d99d41cb8a14b1a23254')],
    [3, 'DaxGoV2Client-1.0.3', '0'],
  ])('of client %i: %s', (index, userAgent, sessionId) => {
    const bytes = hex(vectors.preambles[index]?.bytes ?? '');
    expect(arrivalsOf([bytes])).toEqual([
      { kind: 'preamble', isFramed: false, sessionId, userAgent, byteLength: bytes.length },
    ]);
  });

  it('of the client for Java: a layering of 1 asks for frames', () => {
    const bytes = Buffer.concat([
      hex('674a37796e65354701f6a1 69557365724167656e74 75'.replaceAll(' ', '')),
      Buffer.from('DaxJavaV2Client-2.0.5\0'),
    ]);
    expect(arrivalsOf([bytes])).toMatchObject([
      { isFramed: true, sessionId: undefined, userAgent: 'DaxJavaV2Client-2.0.5' },
    ]);
  });

  it('a session id may be null, and headers may be none or others', () => {
    expect(arrivalsOf([hex('674a37796e65354700f6a000')])).toMatchObject([
      { sessionId: undefined, userAgent: undefined },
    ]);
    expect(
      arrivalsOf([hex('674a37796e65354700f6bf6161616269557365724167656e746178ff00')]),
    ).toMatchObject([{ userAgent: 'x' }]);
  });

  it.each<[string, string | Buffer, ProtocolErrorReason]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'magic'],
    ['TLS', hex('1603010200010001fc0303'), 'magic'],
    ['one wrong byte, at once', '68', 'magic'],
    ['a wrong last letter', '674a37796e6536', 'magic'],
    ['another layering', '674a37796e65354760f6a000', 'preamble'],
    ['a session id of another kind', '674a37796e6535470001a000', 'preamble'],
    ['a long session id', `674a37796e65354700 5841 ${'00'.repeat(65)} a0 00`, 'preamble'],
    ['headers that are no map', '674a37796e65354700f68000', 'preamble'],
    ['a header that is no text', '674a37796e65354700f6a1616101 00', 'preamble'],
    ['17 headers', `674a37796e65354700f6b1${'61616162'.repeat(17)}00`, 'preamble'],
    ['a user agent that is too long', `674a37796e65354700f6a161 61 79 ffff`, 'size'],
    ['many headers', `674a37796e65354700f6b9ffff`, 'size'],
    ['headers without end', `674a37796e65354700f6bf${'60'.repeat(PREAMBLE_BYTES_MAX)}`, 'size'],
    ['a stray break', '674a37796e653547ff', 'head'],
  ])('%s: the connection is to be closed', (_, bytes, reason) => {
    const pieces = typeof bytes === 'string' ? hex(bytes.replaceAll(' ', '')) : bytes;
    expect(reasonOf([pieces])).toBe(reason);
  });
});

describe('RequestParser', () => {
  it('finds every request of all clients in one run of bytes, and nothing invalid', () => {
    expect(whole.length).toBe(allRequests.length + 1);
    expect(whole.filter(({ kind }) => kind === 'invalid')).toEqual([]);
    expect(whole.slice(1).map(({ byteLength }) => byteLength)).toEqual(
      allRequests.map(({ length }) => length),
    );
  });

  it('finds the same when they come byte by byte', () => {
    expect(arrivalsOf(Array.from(everything, (byte) => Buffer.from([byte])))).toEqual(whole);
  });

  it('finds the same when each request comes alone', () => {
    expect(arrivalsOf([preamble, ...allRequests])).toEqual(whole);
  });

  it('finds the same however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(everything.length), { maxLength: 40 }), (places) => {
        expect(arrivalsOf(cut(everything, places))).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  });

  it('finds the same when pieces pile up before it is asked', () => {
    const pieces = fc.array(fc.nat(everything.length), { minLength: 5, maxLength: 40 });
    fc.assert(
      fc.property(pieces, fc.nat(6), (places, askEvery) => {
        const parser = new RequestParser({ requestBytesMax: 1 << 24 });
        const arrivals: Arrival[] = [];
        const drain = () => {
          for (let next = parser.next(); next !== undefined; next = parser.next())
            arrivals.push(next);
        };
        for (const [index, piece] of cut(everything, places).entries()) {
          parser.push(piece);
          if (index % (askEvery + 1) === askEvery) {
            const one = parser.next();
            if (one !== undefined) arrivals.push(one);
          }
        }
        drain();
        expect(arrivals).toEqual(whole);
        expect(parser.bufferedBytes).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it('what was given out stays as it was when more bytes come', () => {
    const parser = new RequestParser({ requestBytesMax: 1000 });
    const requests = Array.from({ length: 50 }, (_, index) => getItem(Buffer.alloc(40, index)));
    const keys: Buffer[] = [];
    for (const piece of cut(
      Buffer.concat([preamble, ...requests]),
      [...Array(400).keys()].map((at) => at * 7),
    )) {
      parser.push(piece);
      for (let next = parser.next(); next !== undefined; next = parser.next()) {
        if (next.kind === 'request' && next.request.method === 'getItem')
          keys.push(next.request.key);
      }
    }
    expect(keys).toEqual(requests.map((_, index) => Buffer.alloc(40, index)));
  });

  it('takes requests of all methods, and knows how many arguments each has', () => {
    const found = new Set(
      whole.map((arrival) => (arrival.kind === 'request' ? arrival.request.method : undefined)),
    );
    expect([...methods].filter(({ name }) => !found.has(name))).toEqual([]);
  });

  it.each<[string, string, ProtocolErrorReason]>([
    ['another service', '02', 'service'],
    ['another service, of a whole request', '021a0fb0cc6a41614161f6', 'service'],
    ['a method that no client sends: describeTable', '013a30d61800', 'method'],
    ['an unknown method', '011a00000001', 'method'],
    ['a method id that is a text', '0161616161616161', 'method'],
    ['a method id in more bytes than it needs', '011b000000000fb0cc6a', 'method'],
    ['a byte string of indefinite length', '011a0fb0cc6a5f4161ff', 'head'],
    ['a text of indefinite length', '011a0fb0cc6a7f6161ff', 'head'],
    ['a stray break', '011a0fb0cc6aff', 'head'],
    ['a break inside a pair', '011a0fb0cc6a41614161bf00ff', 'head'],
    ['a break behind a tag', '011a0fb0cc6a41614161bfc2ff', 'head'],
    ['a break in an array of definite length', '011a0fb0cc6a4161416181ff', 'head'],
    ['an undefined argument', '011a0fb0cc6a1c', 'head'],
    ['a tag of indefinite length', '011a0fb0cc6adf', 'head'],
    ['undefined', '011a0fb0cc6af7', 'head'],
    ['a float of 16 bits', '011a0fb0cc6af93c00', 'head'],
    ['a simple value', '011a0fb0cc6af8ff', 'head'],
    ['a string longer than a request', '011a0fb0cc6a5a7fffffff', 'size'],
    ['a string of 2^63 bytes', '011a0fb0cc6a5b8000000000000000', 'size'],
    ['an array of more elements than a request has bytes', '011a6f3d49db9a7fffffff', 'size'],
    [
      'a map of 2^64 pairs',
      '011a29985cdbbbffffffffffffffff'.replace('011a29985cdb', '013a29985cdb'),
      'size',
    ],
    ['65 levels', `011a6f3d49db${'81'.repeat(65)}`, 'depth'],
    ['65 levels of indefinite length', `011a6f3d49db${'9f'.repeat(65)}`, 'depth'],
  ])('%s: the connection is to be closed', (_, bytes, reason) => {
    expect(reasonOf([preamble, hex(bytes)])).toBe(reason);
    // The same byte by byte.
    expect(reasonOf([preamble, ...Array.from(hex(bytes), (byte) => Buffer.from([byte]))])).toBe(
      reason,
    );
  });

  it('64 levels are counted, and refused as content', () => {
    const nested = hex(`011a6f3d49db${'81'.repeat(64)}01 80 80 f6`.replaceAll(' ', ''));
    expect(arrivalsOf([preamble, nested])).toMatchObject([
      { kind: 'preamble' },
      { kind: 'invalid', method: 'transactGetItems' },
    ]);
  });

  it('content that is wrong is a fault, and the next request is found behind it', () => {
    const wrong = hex('011a0fb0cc6a 6161 4161 bfff'.replaceAll(' ', ''));
    const good = getItem(Buffer.from('k'));
    expect(arrivalsOf([preamble, wrong, good])).toMatchObject([
      { kind: 'preamble' },
      {
        kind: 'invalid',
        method: 'getItem',
        byteLength: wrong.length,
        fault: {
          type: 'ValidationException',
          message: 'The request is malformed: a byte string was expected',
        },
      },
      { kind: 'request', request: { method: 'getItem' } },
    ]);
  });

  it('values of indefinite length, tags and floats are counted where they may be', () => {
    // Python sends the values of an expression along: sets, big integers, decimals, floats.
    const values =
      'a5 6161 d90cf98161 61 6162 c2410f 6163 c48220c2410f 6164 fb3ff8000000000000 6165 9fbf616bf6ffff';
    const request = hex(`011a3c696221 4161 4161 bf 05 ${values} 07 02 ff`.replaceAll(' ', ''));
    expect(arrivalsOf([preamble, request, request])).toMatchObject([
      { kind: 'preamble' },
      { kind: 'request', request: { options: { returnValues: 'ALL_OLD' } } },
      { kind: 'request', request: { options: { returnValues: 'ALL_OLD' } } },
    ]);
  });

  it('a request of the largest size is taken, one byte more is refused', () => {
    const request = getItem(Buffer.alloc(1000));
    const argumentBytes = request.length - 6;
    expect(arrivalsOf([preamble, request], argumentBytes).length).toBe(2);
    expect(reasonOf([preamble, request], argumentBytes - 1)).toBe('size');
    // As soon as it shows, not when all of it is there.
    expect(reasonOf([preamble, request.subarray(0, 20)], 900)).toBe('size');
  });

  it('many small values are refused as soon as they are too many', () => {
    const endless = hex(`011a0fb0cc6a41614161bf${'00'.repeat(2000)}`);
    expect(reasonOf([preamble, endless], 1000)).toBe('size');
  });

  it('more is allowed once the sender is known, also of the request that is under way', () => {
    const parser = new RequestParser({ requestBytesMax: 100 });
    const request = getItem(Buffer.alloc(60));
    parser.push(preamble);
    expect(parser.next()?.kind).toBe('preamble');
    parser.push(request.subarray(0, 30));
    expect(parser.next()).toBeUndefined();
    parser.allowRequestBytes(10_000);
    parser.allowRequestBytes(50);
    parser.push(request.subarray(30));
    expect(parser.next()?.kind).toBe('request');
    parser.push(getItem(Buffer.alloc(9000)));
    expect(parser.next()?.kind).toBe('request');
  });

  it('what is announced takes no memory', () => {
    const parser = new RequestParser({ requestBytesMax: 1 << 30 });
    parser.push(preamble);
    parser.next();
    parser.push(hex('011a0fb0cc6a41745a3fffff00'));
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 100; count++) {
      parser.push(Buffer.alloc(10));
      expect(parser.next()).toBeUndefined();
    }
    expect(parser.bufferedBytes).toBe(13 + 1000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  it('work is linear in the bytes, however small the pieces', () => {
    const request = getItem(Buffer.alloc(1_000_000, 1));
    // Looking at everything again with each piece would be 10^11 steps.
    const pieces = cut(
      request,
      Array.from({ length: 100_000 }, (_, index) => index * 10),
    );
    const arrivals = arrivalsOf([preamble, ...pieces]);
    expect(arrivals[1]).toMatchObject({ kind: 'request', byteLength: request.length });
  });
});
