import { deflate, gunzipSync, gzip, inflateRawSync, inflateSync } from 'node:zlib';
import { REQUEST_BODY_BYTES_MAX } from './limits.ts';

export type ContentCoding = 'gzip' | 'deflate';

export type DecodedBody =
  | { readonly kind: 'decoded'; readonly body: Buffer }
  /** More than REQUEST_BODY_BYTES_MAX; inflating stopped there. */
  | { readonly kind: 'tooLarge' }
  /** Not the coding it says, or a coding we do not know: the service answers 500. */
  | { readonly kind: 'broken' };

/**
 * Undoes the Content-Encoding of a request body.
 *
 * Several gzip members in a row are one body, an empty body is broken, as at the service (observed
 * by the authors of scylladb/scylladb, test_compressed_request.py).
 * Differs: the service ignores bytes behind the last member and bounds only what arrives; we refuse
 * the former as broken, and bound what comes out, or a few kilobytes would become a gigabyte here.
 */
export function decodeBody(body: Buffer, contentEncoding: string): DecodedBody {
  const coding = contentEncoding.trim().toLowerCase();
  if (coding === 'identity' || coding === '') return { kind: 'decoded', body };
  const inflate =
    coding === 'gzip' ? gunzipSync : coding === 'deflate' ? inflaterOf(body) : undefined;
  if (inflate === undefined || body.length === 0) return { kind: 'broken' };
  try {
    return { kind: 'decoded', body: inflate(body, { maxOutputLength: REQUEST_BODY_BYTES_MAX }) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'tooLarge' };
    if (String(error.code).startsWith('Z_')) return { kind: 'broken' };
    throw error;
  }
}

/** `deflate` means the zlib format (RFC 9110), yet some clients send the bare stream. */
function inflaterOf(body: Buffer): typeof inflateSync {
  const isZlib = body.length >= 2 && ((body[0] ?? 0) & 15) === 8 && body.readUInt16BE(0) % 31 === 0;
  return isZlib ? inflateSync : inflateRawSync;
}

/** The coding to answer in: gzip before deflate, none with `q=0` or unless named. */
export function acceptedCoding(acceptEncoding: string): ContentCoding | undefined {
  let accepted: ContentCoding | undefined;
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';');
    if (parameters.some((parameter) => /^\s*q\s*=\s*0(\.0*)?\s*$/.test(parameter))) continue;
    if (name.trim() === 'gzip') return 'gzip';
    if (name.trim() === 'deflate') accepted = 'deflate';
  }
  return accepted;
}

/** Level 1: answers are JSON, which shrinks well at any level, and the time is the server's. */
const LEVEL = { level: 1 };

/** Compresses off the main thread; calls back with undefined when zlib refuses. */
export function encodeBody(
  body: Uint8Array,
  coding: ContentCoding,
  done: (encoded: Buffer | undefined) => void,
): void {
  const encode = coding === 'gzip' ? gzip : deflate;
  encode(body, LEVEL, (error, encoded) => done(error === null ? encoded : undefined));
}
