import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../../dataplane/access/credentials.ts';
import { principalOf, rootOf } from '../../dataplane/access/principal.ts';
import { parseSignatureDate } from '../../dataplane/access/signature-date.ts';
import { SigningKeys } from '../../dataplane/access/signing-keys.ts';
import {
  ACCESS_KEY_ID,
  type HandshakeParts,
  SECRET,
  signedHandshake,
} from './handshake.fixture.ts';
import {
  AnyHandshakes,
  type Handshake,
  type HandshakeFault,
  SignedHandshakes,
} from './handshake.ts';

const nowMs = Date.UTC(2026, 10, 21, 3, 27);
const ann = principalOf('user/ann', '123456789012');
const known = new Map<string, Credential>(
  [
    { accessKeyId: ACCESS_KEY_ID, sessionToken: undefined },
    { accessKeyId: 'ASIATEMPORARY', sessionToken: 'the token' },
  ].map((part) => [
    part.accessKeyId,
    { ...part, principal: ann, signingKeys: new SigningKeys(SECRET) },
  ]),
);
const credentials = { find: (id: string) => known.get(id) };
const handshakes = new SignedHandshakes({ credentials, region: 'us-east-1' });

/** Signatures of the official clients. */
const vectors: readonly (Omit<Handshake, 'sessionToken'> & { client: string })[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../protocol/testdata/dax-vectors.json'), 'utf8'),
).authorizeConnection;

describe('handshakes of known keys', () => {
  it.each(vectors)('$client is let in', ({ accessKeyId, signature, stringToSign }) => {
    const signedMs = parseSignatureDate(stringToSign.split('\n')[1] ?? '')?.timeMs ?? 0;
    const handshake = { accessKeyId, signature, stringToSign, sessionToken: undefined };
    expect(handshakes.admit(handshake, signedMs)).toEqual({ kind: 'granted', principal: ann });
  });

  it.each<[string, HandshakeParts]>([
    ['a signature of now', { nowMs }],
    [
      'one that signs the host with its scheme, as Go does',
      { nowMs, host: 'https://dax.amazonaws.com' },
    ],
    ['one almost 15 minutes old', { nowMs: nowMs - 15 * 60_000 + 1000 }],
    ['one almost 15 minutes ahead', { nowMs: nowMs + 15 * 60_000 - 1000 }],
    [
      'a temporary key with its token',
      { nowMs, accessKeyId: 'ASIATEMPORARY', sessionToken: 'the token' },
    ],
    ['a token that nobody asked for', { nowMs, sessionToken: 'x' }],
  ])('%s is let in', (_, parts) => {
    expect(handshakes.admit(signedHandshake(parts), nowMs).kind).toBe('granted');
  });

  const invalidToken = 'The security token included in the request is invalid.';
  const mismatch =
    'The request signature we calculated does not match the signature you provided. Check your ' +
    'AWS Secret Access Key and signing method. Consult the service documentation for details.';
  it.each<[string, HandshakeParts, string, HandshakeFault?]>([
    ['an unknown key', { nowMs, accessKeyId: 'AKIAOTHER' }, invalidToken, 'token'],
    [
      'a temporary key without its token',
      { nowMs, accessKeyId: 'ASIATEMPORARY' },
      invalidToken,
      'token',
    ],
    [
      'another token',
      { nowMs, accessKeyId: 'ASIATEMPORARY', sessionToken: 'the t' },
      invalidToken,
      'token',
    ],
    ['a wrong secret', { nowMs, secret: 'other' }, mismatch],
    ['another host', { nowMs, host: 'dynamodb.amazonaws.com' }, mismatch],
    [
      'another algorithm',
      { nowMs, algorithm: 'AWS4-HMAC-SHA512' },
      'The signature of the connection is not well-formed.',
    ],
    [
      'another region',
      { nowMs, region: 'eu-west-1' },
      "Credential should be scoped to a valid region, not 'eu-west-1'.",
    ],
    [
      'another service',
      { nowMs, service: 'dynamodb' },
      "Credential should be scoped to correct service: 'dax'.",
    ],
    [
      'another end of the scope',
      { nowMs, terminator: 'aws3' },
      "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3'.",
    ],
    [
      'the date of another day',
      { nowMs, date: '20261120' },
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261120' != '20261121', from '20261121T032700Z'.",
    ],
  ])('%s is refused for good', (_, parts, message, reason = 'signature') => {
    const admission = handshakes.admit(signedHandshake(parts), nowMs);
    expect(admission).toEqual({ kind: 'refused', reason, message });
  });

  it.each([
    [
      'old',
      -1,
      'Signature expired: 20261121T031159Z is now earlier than 20261121T031200Z (20261121T032700Z - 15 min.)',
    ],
    [
      'early',
      1,
      'Signature not yet current: 20261121T034201Z is still later than 20261121T034200Z (20261121T032700Z + 15 min.)',
    ],
  ])('a signature too %s is to be made again', (_, sign, message) => {
    const handshake = signedHandshake({ nowMs: nowMs + sign * (15 * 60_000 + 1000) });
    expect(handshakes.admit(handshake, nowMs)).toEqual({
      kind: 'refused',
      reason: 'expired',
      message,
    });
  });

  it.each<[string, Partial<Handshake>]>([
    ['an empty string to sign', { stringToSign: '' }],
    [
      'three lines',
      { stringToSign: 'AWS4-HMAC-SHA256\n20261121T032700Z\n20261121/us-east-1/dax/aws4_request' },
    ],
    ['a fifth line', { stringToSign: `${signedHandshake({ nowMs }).stringToSign}\n` }],
    [
      'no day of the calendar',
      {
        stringToSign: signedHandshake({ nowMs }).stringToSign.replace('\n20261121T', '\n20260231T'),
      },
    ],
    ['a signature that is no digest', { signature: 'F'.repeat(64) }],
    ['a longer signature', { signature: `${signedHandshake({ nowMs }).signature}0` }],
  ])('%s is refused', (_, parts) => {
    const admission = handshakes.admit({ ...signedHandshake({ nowMs }), ...parts }, nowMs);
    expect(admission).toMatchObject({
      reason: 'signature',
      message: 'The signature of the connection is not well-formed.',
    });
  });

  it('a key that was withdrawn is not let in any more', () => {
    const left = new Map(known);
    const changing = new SignedHandshakes({
      credentials: { find: (id) => left.get(id) },
      region: 'us-east-1',
    });
    expect(changing.admit(signedHandshake({ nowMs }), nowMs).kind).toBe('granted');
    left.delete(ACCESS_KEY_ID);
    expect(changing.admit(signedHandshake({ nowMs }), nowMs)).toMatchObject({
      message: invalidToken,
    });
  });
});

describe('handshakes where no keys are known', () => {
  const root = rootOf('123456789012');
  const any = new AnyHandshakes(root);

  it('whatever is well-formed is let in, as the account itself', () => {
    const handshake = signedHandshake({ nowMs: 0, region: 'eu-west-1', accessKeyId: 'local' });
    expect(any.admit(handshake)).toEqual({ kind: 'granted', principal: root });
  });

  it('what is not well-formed is refused', () => {
    const handshake = { ...signedHandshake({ nowMs }), stringToSign: 'hello' };
    expect(any.admit(handshake)).toMatchObject({ kind: 'refused', reason: 'signature' });
  });
});
