import { createHmac, hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalRequest, decodeQuery } from './canonical-request.ts';
import type { SignedMessage } from './signed-message.ts';
import { SigningKeys } from './signing-keys.ts';

const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function messageOf(
  url: string,
  headers: Record<string, string>,
  repeats: Record<string, string[]> = {},
): SignedMessage {
  return { method: 'GET', url, headers, headersDistinct: repeats };
}

function canonicalOf(message: SignedMessage, signedHeaders: readonly string[]): string {
  return canonicalRequest(message, {
    signedHeaders,
    query: decodeQuery(message.url ?? ''),
    payloadHash: EMPTY_HASH,
  });
}

function signatureOf(canonical: string, scope: string): string {
  const keys = new SigningKeys('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
  const stringToSign = `AWS4-HMAC-SHA256\n20150830T123600Z\n${scope}\n${hash('sha256', canonical)}`;
  return createHmac('sha256', keys.keyFor(scope)).update(stringToSign).digest('hex');
}

/** Examples that AWS published: the IAM walk-through and `get-vanilla` of the test suite. */
describe('published examples', () => {
  it('signs the ListUsers walk-through', () => {
    const canonical = canonicalOf(
      messageOf('/?Version=2010-05-08&Action=ListUsers', {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        host: 'iam.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
      }),
      ['content-type', 'host', 'x-amz-date'],
    );
    expect(hash('sha256', canonical)).toBe(
      'f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59',
    );
    expect(signatureOf(canonical, '20150830/us-east-1/iam/aws4_request')).toBe(
      '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    );
  });

  it('signs get-vanilla', () => {
    const canonical = canonicalOf(
      messageOf('/', { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' }),
      ['host', 'x-amz-date'],
    );
    expect(canonical).toBe(
      `GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n${EMPTY_HASH}`,
    );
    expect(signatureOf(canonical, '20150830/us-east-1/service/aws4_request')).toBe(
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
  });
});

describe('canonical headers', () => {
  const lineOf = (message: SignedMessage) => canonicalOf(message, ['my-header1']).split('\n')[3];

  it('trims values and folds runs of spaces', () => {
    expect(lineOf(messageOf('/', { 'my-header1': '  a   b  c ' }))).toBe('my-header1:a b c');
  });

  it('joins repeated headers by a comma alone', () => {
    const message = messageOf(
      '/',
      { 'my-header1': 'value2, value2, value1' },
      { 'my-header1': ['value2', 'value2', 'value1'] },
    );
    expect(lineOf(message)).toBe('my-header1:value2,value2,value1');
  });

  it('keeps a comma with its space when it came in one value', () => {
    const message = messageOf('/', { 'my-header1': 'a, b' }, { 'my-header1': ['a, b'] });
    expect(lineOf(message)).toBe('my-header1:a, b');
  });

  it('treats an absent signed header as empty', () => {
    expect(lineOf(messageOf('/', {}))).toBe('my-header1:');
  });
});

describe('canonical path and query', () => {
  const partOf = (url: string, line: number) =>
    canonicalOf(messageOf(url, { host: 'h' }), ['host']).split('\n')[line];

  it.each([
    ['/', '/'],
    ['//', '/'],
    ['/./', '/'],
    ['/a/../b', '/b'],
    ['/../..', '/'],
    ['/a//b/', '/a/b/'],
    ['/a%20b', '/a%2520b'],
    ["/a!'()*b", '/a%21%27%28%29%2Ab'],
    ['/a?x=/..', '/a'],
  ])('path %j is %j', (url, path) => {
    expect(partOf(url, 1)).toBe(path);
  });

  it.each([
    ['/', ''],
    ['/?', ''],
    ['/?b=2&a=1', 'a=1&b=2'],
    ['/?a=2&a=1', 'a=1&a=2'],
    ['/?a', 'a='],
    ['/?a=b=c', 'a=b%3Dc'],
    ['/?a=%20x/y', 'a=%20x%2Fy'],
    ['/?a=%zz', 'a=%25zz'],
    ['/?%E1%88%B4=bar', '%E1%88%B4=bar'],
    ['/?Z=1&a=1', 'Z=1&a=1'],
    ['/?X-Amz-Signature=abc&a=1', 'a=1'],
  ])('query of %j is %j', (url, query) => {
    expect(partOf(url, 2)).toBe(query);
  });
});
