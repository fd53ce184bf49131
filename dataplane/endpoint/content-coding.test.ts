import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { acceptedCoding, type ContentCoding, decodeBody, encodeBody } from './content-coding.ts';
import { REQUEST_BODY_BYTES_MAX } from './limits.ts';

const BODY = Buffer.from('{"TableName":"T"}'.repeat(100));

function decoded(body: Buffer, coding: string): Buffer | string {
  const result = decodeBody(body, coding);
  return result.kind === 'decoded' ? result.body : result.kind;
}

describe('request bodies', () => {
  it.each([
    ['gzip', gzipSync(BODY)],
    [' GZIP ', gzipSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['deflate', deflateRawSync(BODY)],
    ['identity', BODY],
    ['gzip', Buffer.concat([gzipSync(BODY.subarray(0, 9)), gzipSync(BODY.subarray(9))])],
  ])('are decoded from %s (case %#)', (coding, body) => {
    expect(decoded(body, coding)).toEqual(BODY);
  });

  it.each([
    ['gzip', Buffer.alloc(0)],
    ['gzip', BODY],
    ['gzip', gzipSync(BODY).subarray(0, -1)],
    ['gzip', deflateSync(BODY)],
    ['gzip', Buffer.concat([gzipSync(BODY), Buffer.from('junk')])],
    ['deflate', BODY],
    ['deflate', deflateSync(BODY).subarray(0, -9)],
    ['gzip, gzip', gzipSync(gzipSync(BODY))],
    ['br', BODY],
    ['garbage', BODY],
  ])('are broken when they are not %s (case %#)', (coding, body) => {
    expect(decoded(body, coding)).toBe('broken');
  });

  it('are inflated up to 16 MB and not a byte further', () => {
    const largest = gzipSync(Buffer.alloc(REQUEST_BODY_BYTES_MAX));
    expect(decoded(largest, 'gzip')).toHaveLength(REQUEST_BODY_BYTES_MAX);
    const larger = gzipSync(Buffer.alloc(REQUEST_BODY_BYTES_MAX + 1));
    expect(decoded(larger, 'gzip')).toBe('tooLarge');
    expect(decoded(deflateSync(Buffer.alloc(REQUEST_BODY_BYTES_MAX + 1)), 'deflate')).toBe(
      'tooLarge',
    );
  });
});

describe('answers', () => {
  it.each([
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['deflate', 'deflate'],
    ['deflate, gzip;q=0.5', 'deflate'],
    ['br, identity, deflate, gzip', 'deflate'],
    ['gzip;q=0.8, deflate;q=0.5', 'gzip'],
    ['GZIP;q=1.0', 'gzip'],
    ['dog, gzip ,, cat', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip ;q=0', undefined],
    ['gzip; q=0.000, deflate', 'deflate'],
    ['br, gzip;q=0, deflate; q = 0.5 , identity;q=0', 'deflate'],
    ['gzip;q=0.5,identity;q=0.8', 'gzip'],
    ['br,identity;q=0.5,gzip;q=0.0001', 'gzip'],
    ['identity', undefined],
    ['identity;q=0', undefined],
    ['br', undefined],
    ['x-gzip', undefined],
    ['', undefined],
    ['gzipped', undefined],
    // Whatever is not named.
    ['*', 'gzip'],
    ['*, identity', 'gzip'],
    ['*, deflate;q=0.5', 'gzip'],
    ['*, deflate', 'deflate'],
    ['*, gzip;q=0.5', 'deflate'],
    ['*;q=0', undefined],
    ['*;q=0.5,identity', 'gzip'],
    ['br;q=0.8,identity;q=0.5,*;q=0', undefined],
    // Malformed.
    ['"gzip"', undefined],
    ['gzip br', undefined],
    ['gzip:q=1', undefined],
    ['deflate;q=0.5, gzip;q=31', 'gzip'],
    ['gzip;q=31,deflate;q=51', 'gzip'],
    ['deflate;q=0.5, gzip;q=1;q=0.2', 'gzip'],
    ['deflate;q=0.5,gzip;q=0.', 'deflate'],
    ['deflate;q=0.5,gzip;q=0.x', 'gzip'],
    ['deflate;q=0.5,gzip;q=0. x', 'gzip'],
    ['deflate;q=-0.5,gzip;q=0.2', 'gzip'],
    ['gzip;q= 0;q=1', undefined],
    ['gzip;q =0;q=1', 'gzip'],
    ['gzip;nq=0;q=1', undefined],
    ['gzip;q=0, gzip;q=1, gzip;q=0', 'gzip'],
  ])('to Accept-Encoding %j come in %s', (header, coding) => {
    expect(acceptedCoding(header)).toBe(coding);
  });

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ] as const)('are encoded as %s', async (coding: ContentCoding, decode) => {
    const encoded = await new Promise<Buffer | undefined>((resolve) =>
      encodeBody(BODY, coding, resolve),
    );
    expect(decode(encoded ?? Buffer.alloc(0))).toEqual(BODY);
  });
});
