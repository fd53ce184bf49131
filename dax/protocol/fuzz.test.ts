import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { decodeCondition, decodeProjection, decodeUpdate } from './expressions.ts';
import { decodeItemValues } from './items.ts';
import { canonicalKey, decodeIndexKey } from './keys.ts';
import { ProtocolError } from './protocol-error.ts';
import { RequestParser } from './request-parser.ts';
import type { DaxRequest, RequestOptions } from './requests.ts';
import { allRequests, preamble, schemaOf } from './vectors.fixture.ts';

/**
 * Whatever bytes come, they end in a value, a ProtocolError or a ClientFault. Failing runs print their
 * seed (fast-check).
 */

/** Of which the largest part is garbage that the runtime has not collected yet. */
const HEAP_GROWTH_BYTES_MAX = 200 * 1024 * 1024;

const tables = ['HashS', 'HashN', 'HashB', 'KeySS', 'KeySN', 'KeySB', 'KeyNS', 'KeyNN', 'KeyBB'];

/** Reads all that the bytes hold, and what their byte strings hold. */
function readAll(bytes: Buffer): 'closed' | 'whole' {
  const parser = new RequestParser({ requestBytesMax: 1 << 20 });
  parser.push(bytes);
  try {
    for (let next = parser.next(); next !== undefined; next = parser.next()) {
      if (next.kind === 'request') readContents(next.request);
      if (next.kind === 'invalid') expect(next.fault).toBeInstanceOf(ClientFault);
    }
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return 'closed';
    throw thrown;
  }
  return 'whole';
}

function readContents(request: DaxRequest): void {
  switch (request.method) {
    case 'getItem':
    case 'updateItem':
    case 'deleteItem':
      readKey(request.key);
      readOptions(request.options);
      break;
    case 'putItem':
      readKey(request.key);
      readValues(request.values);
      readOptions(request.options);
      break;
    case 'query':
    case 'scan':
      if ('keyCondition' in request) readExpression(request.keyCondition);
      readOptions(request.options);
      break;
    case 'batchGetItem':
      for (const { keys, projection } of request.tables) {
        for (const key of keys) readKey(key);
        readExpression(projection);
      }
      break;
    case 'batchWriteItem':
      for (const { writes } of request.tables) {
        for (const { key, values } of writes) {
          readKey(key);
          readValues(values);
        }
      }
      break;
    case 'transactWriteItems':
      for (const { key, values, condition, update } of request.writes) {
        readKey(key);
        readValues(values);
        readExpression(condition);
        readExpression(update);
      }
      break;
    case 'transactGetItems':
      for (const { key, projection } of request.gets) {
        readKey(key);
        readExpression(projection);
      }
      break;
    default:
  }
}

function readOptions(options: RequestOptions): void {
  const { condition, filter, update, projection, exclusiveStartKey } = options;
  for (const expression of [condition, filter, update, projection]) readExpression(expression);
  if (exclusiveStartKey !== undefined) {
    readKey(exclusiveStartKey);
    attempt(() => decodeIndexKey(exclusiveStartKey));
  }
}

function readKey(key: Buffer): void {
  for (const table of tables) attempt(() => canonicalKey(schemaOf(table), key));
}

function readValues(bytes: Buffer | undefined): void {
  if (bytes === undefined) return;
  for (let count = 0; count < 4; count++) {
    const names = Array.from({ length: count }, (_, index) => `n${index}`);
    attempt(() => decodeItemValues(bytes).valuesAt(names));
  }
}

function readExpression(bytes: Buffer | undefined): void {
  if (bytes === undefined) return;
  attempt(() => decodeCondition(bytes, 'FilterExpression'));
  attempt(() => decodeUpdate(bytes));
  attempt(() => decodeProjection(bytes));
}

function attempt(read: () => unknown): void {
  try {
    read();
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
  }
}

/** Bytes that are heads more often than not. */
const headByte = fc.oneof(
  fc.nat(255),
  fc.constantFrom(
    0x01,
    0x40,
    0x41,
    0x60,
    0x61,
    0x80,
    0x81,
    0x9f,
    0xa1,
    0xbf,
    0xc2,
    0xc4,
    0xd9,
    0xf6,
    0xfb,
    0xff,
  ),
);

const arbitraryBytes = fc.array(headByte, { maxLength: 200 }).map((bytes) => Buffer.from(bytes));

/** A captured request, some of its bytes others, missing or twice. */
const mutated = fc
  .record({
    request: fc.constantFrom(...allRequests),
    changes: fc.array(
      fc.record({
        at: fc.nat(400),
        kind: fc.constantFrom('set', 'flip', 'remove', 'insert', 'repeat', 'cut'),
        byte: headByte,
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map(({ request, changes }) => {
    let bytes: number[] = [...request];
    for (const { at, kind, byte } of changes) {
      const index = at % Math.max(1, bytes.length);
      if (kind === 'set') bytes[index] = byte;
      else if (kind === 'flip') bytes[index] = (bytes[index] ?? 0) ^ (1 << (byte & 7));
      else if (kind === 'remove') bytes.splice(index, 1);
      else if (kind === 'insert') bytes.splice(index, 0, byte);
      else if (kind === 'repeat')
        bytes.splice(index, 0, ...bytes.slice(index, index + (byte % 30)));
      else bytes = bytes.slice(0, index);
    }
    return Buffer.from(bytes);
  });

describe('any bytes', () => {
  it('random ones behind a preamble', () => {
    fc.assert(
      fc.property(arbitraryBytes, (bytes) => {
        readAll(Buffer.concat([preamble, bytes]));
      }),
      { numRuns: 3000 },
    );
  });

  it('random ones for a preamble', () => {
    fc.assert(
      fc.property(arbitraryBytes, fc.nat(preamble.length), (bytes, length) => {
        readAll(Buffer.concat([preamble.subarray(0, length), bytes]));
      }),
      { numRuns: 3000 },
    );
  });

  it('random arguments of each method', () => {
    fc.assert(
      fc.property(fc.constantFrom(...allRequests), arbitraryBytes, (request, bytes) => {
        readAll(Buffer.concat([preamble, request.subarray(0, 6), bytes]));
      }),
      { numRuns: 5000 },
    );
  });

  it('captured requests with changed bytes', () => {
    const ends = { closed: 0, whole: 0 };
    fc.assert(
      fc.property(mutated, (bytes) => {
        ends[readAll(Buffer.concat([preamble, bytes]))]++;
      }),
      { numRuns: 10_000 },
    );
    // Both ends are reached, so that the mutations are neither too wild nor too tame.
    expect(ends.closed).toBeGreaterThan(500);
    expect(ends.whole).toBeGreaterThan(500);
  });

  it('as the content of keys, items and expressions', () => {
    fc.assert(
      fc.property(arbitraryBytes, (bytes) => {
        readKey(bytes);
        readValues(bytes);
        readExpression(bytes);
        readExpression(Buffer.concat([Buffer.from('8301', 'hex'), bytes]));
        attempt(() => decodeIndexKey(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  it('memory stays where it was, whatever many small values are announced', () => {
    const heads = new Set(allRequests.map((request) => request.toString('hex', 0, 6)));
    const before = process.memoryUsage().heapTotal;
    for (const unit of ['f6', '4161']) {
      const many = Buffer.alloc(1 << 19, unit, 'hex');
      for (const head of heads) {
        readAll(Buffer.concat([preamble, Buffer.from(`${head}9a00040000`, 'hex'), many]));
      }
      readValues(Buffer.concat([Buffer.from('019a00040000', 'hex'), many]));
      readExpression(Buffer.concat([Buffer.from('830182009a00040000', 'hex'), many]));
      readExpression(Buffer.concat([Buffer.from('8301009a00040000', 'hex'), many]));
    }
    expect(process.memoryUsage().heapTotal - before).toBeLessThan(HEAP_GROWTH_BYTES_MAX);
  });
});
