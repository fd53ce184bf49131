import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { HEADER_BYTES } from '../replication/transport/frame.ts';
import { decodeBody, encodeBody } from '../replication/transport/message-pack.ts';

/**
 * How bodies cross the simulated network. `copied`: as MessagePack would bring them across, but
 * Buffers are passed as they are (nobody changes bytes that were sent or received). `checked`: the
 * same, and whoever changes such bytes before they arrive is found out. `encoded`: by the real codec.
 */
export type BodyMode = 'copied' | 'checked' | 'encoded';

/** Takes a body at its sending; the result gives what arrives, and may be called once. */
export function carryBody(body: unknown, mode: BodyMode): () => unknown {
  if (mode === 'encoded') {
    const frame = Buffer.from(encodeBody(body));
    return () => decodeBody(frame, HEADER_BYTES, frame.length);
  }
  const buffers: Buffer[] = [];
  const copy = copyBody(body, mode === 'checked' ? buffers : undefined);
  if (buffers.length === 0) {
    return () => copy;
  }
  const checksums = buffers.map((buffer) => crc32(buffer));
  return () => {
    for (const [index, buffer] of buffers.entries()) {
      assert(crc32(buffer) === checksums[index], 'bytes were changed after they had been sent');
    }
    return copy;
  };
}

/** What a receiver gets of a body. @throws TypeError for what MessagePack does not hold */
export function copyBody(body: unknown, buffers?: Buffer[]): unknown {
  switch (typeof body) {
    case 'undefined':
    case 'boolean':
    case 'number':
    case 'string':
      return body;
    case 'bigint':
      if (body < -(2n ** 63n) || body >= 2n ** 64n) {
        throw new TypeError(`${body} is beyond 64 bits.`);
      }
      return body;
    case 'object':
      return body === null ? null : copyObject(body, buffers);
    default:
      throw new TypeError(`A message cannot hold a ${typeof body}.`);
  }
}

function copyObject(body: object, buffers: Buffer[] | undefined): unknown {
  if (Array.isArray(body)) {
    return body.map((member) => copyBody(member, buffers));
  }
  if (body instanceof Uint8Array) {
    const buffer = Buffer.isBuffer(body)
      ? body
      : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    buffers?.push(buffer);
    return buffer;
  }
  const prototype = Object.getPrototypeOf(body);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`A message cannot hold a ${prototype.constructor.name}.`);
  }
  const copy: Record<string, unknown> = {};
  for (const key in body) {
    // An own enumerable member of a plain object, whatever its type.
    copy[key] = copyBody((body as Record<string, unknown>)[key], buffers);
  }
  return copy;
}
