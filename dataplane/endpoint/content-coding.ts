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

/**
 * The coding to answer in: the one of the highest quality, of equals the first; undefined for none.
 * `*` stands for what is not named, after all that is, and first for gzip. That no coding at all might
 * be liked better is not looked at. Also of malformed headers the service's reading.
 * Differs: of several such headers the service reads the first alone.
 * @see scylladb/scylladb test_compressed_response.py (assertions that hold on the service)
 */
export function acceptedCoding(acceptEncoding: string): ContentCoding | undefined {
  const qualities = new Map<string, number>();
  for (const element of acceptEncoding.toLowerCase().split(',')) {
    const end = element.indexOf(';');
    const name = (end < 0 ? element : element.slice(0, end)).trim();
    const quality = end < 0 ? 1 : qualityOf(element.slice(end));
    qualities.set(name, Math.max(quality, qualities.get(name) ?? 0));
  }
  const others = qualities.get('*') ?? 0;
  for (const coding of CODINGS) if (!qualities.has(coding)) qualities.set(coding, others);
  let accepted: ContentCoding | undefined;
  let highest = 0;
  for (const [name, quality] of qualities) {
    if (quality <= highest || !isCoding(name)) continue;
    accepted = name;
    highest = quality;
  }
  return accepted;
}

const CODINGS = ['gzip', 'deflate'] as const satisfies ContentCoding[];

function isCoding(name: string): name is ContentCoding {
  return name === 'gzip' || name === 'deflate';
}

/** 0 to 1: what follows the first `q=`, wherever that is; 1 if it is no number. */
function qualityOf(parameters: string): number {
  const text = /q=([^;]*)/.exec(parameters)?.[1]?.trim() ?? '';
  return /^-?\d+(\.\d*)?$/.test(text) ? Math.min(Math.max(Number(text), 0), 1) : 1;
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
