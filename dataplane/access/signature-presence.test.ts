import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Principal } from './principal.ts';
import { SignaturePresence } from './signature-presence.ts';

const presence = new SignaturePresence('123456789012');

function authenticate(headers: Record<string, string>, url = '/'): Principal {
  return presence.authenticate({ method: 'POST', url, headers, headersDistinct: {} });
}

describe('any credentials', () => {
  it('are accepted, whatever the signature, its scope and its date', () => {
    const caller = authenticate({
      authorization: 'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=c, Signature=d',
      'x-amz-date': 'e',
    });
    expect(caller).toEqual({ arn: 'arn:aws:iam::123456789012:root', isRoot: true });
    authenticate(
      {},
      '/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-SignedHeaders=d&X-Amz-Date=e',
    );
  });

  it('must be there all the same', () => {
    expect(() => authenticate({})).toThrow(ClientFault);
    expect(() => authenticate({ authorization: 'AWS4-HMAC-SHA256 Credential=a' })).toThrow(
      ClientFault,
    );
  });
});
