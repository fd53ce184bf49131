import { describe, expect, it } from 'vitest';
import { parseCredentials } from './credentials.ts';
import type { Principal } from './principal.ts';
import { signedHeaders } from './request-signer.ts';
import { SignatureVerifier } from './signature-verifier.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 6, 0, 0);
const REGION = 'eu-test-1';

const credentials = parseCredentials(
  JSON.stringify([
    { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/with+signs' },
    {
      accessKeyId: 'ASIATEMPORARY',
      secretAccessKey: 'other',
      sessionToken: 'the-token',
      principal: 'user/ann',
    },
  ]),
  'test',
  '123456789012',
);
const verifier = new SignatureVerifier({
  credentials: { find: (id) => credentials.get(id) },
  region: REGION,
});

function signed(accessKeyId: string, body: string) {
  const credential = credentials.get(accessKeyId);
  if (credential === undefined) throw new Error(`no credential ${accessKeyId}`);
  const request = { headers: { host: 'localhost:8000', 'x-amz-target': 'X.ListTables' }, body };
  return signedHeaders(request, credential, { region: REGION, nowMs: NOW_MS });
}

function verify(headers: Record<string, string>, body: string): Principal {
  const message = { method: 'POST', url: '/', headers, headersDistinct: {} };
  return verifier.authenticate(message, Buffer.from(body), NOW_MS);
}

describe('signedHeaders', () => {
  it.each([
    ['AKIDEXAMPLE', 'arn:aws:iam::123456789012:root'],
    ['ASIATEMPORARY', 'arn:aws:iam::123456789012:user/ann'],
  ])('signs as the verifier wants it, with %s, and is %s to it', (id, arn) => {
    expect(verify(signed(id, '{"Limit":1}'), '{"Limit":1}').arn).toBe(arn);
  });

  it('binds the body', () => {
    expect(() => verify(signed('AKIDEXAMPLE', '{"Limit":1}'), '{"Limit":2}')).toThrow(
      /signature we calculated does not match/,
    );
  });
});
