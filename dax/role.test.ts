import { describe, expect, it } from 'vitest';
import { signedHeaders } from '../dataplane/access/request-signer.ts';
import { UsageError } from '../dataplane/option-values.ts';
import { anyKey, parseRole } from './role.ts';

const owner = { clusterName: 'cache', accountId: '123456789012' };
const parse = (list: unknown) => parseRole(JSON.stringify(list), '/role', owner);
const key = (accessKeyId: string, principal?: string) => ({
  accessKeyId,
  secretAccessKey: 'secret',
  ...(principal && { principal }),
});

describe('role of a cluster', () => {
  it('is the key of the cluster, wherever it stands', () => {
    const list = [key('A'), key('B', 'dax/other'), key('C', 'dax/cache')];
    expect(parse(list).accessKeyId).toBe('C');
  });

  it('is the first key where none is the cluster’s', () => {
    expect(parse([key('A', 'role/x'), key('B', 'dax/other')]).accessKeyId).toBe('A');
  });

  it.each(['{', '[]', '[{"accessKeyId": "A", "secretAccessKey": "hidden", "more": 1}]'])(
    '%s is refused without showing a secret',
    (text) => {
      expect(() => parseRole(text, '/role', owner)).toThrow(UsageError);
      expect(() => parseRole(text, '/role', owner)).toThrow(/^(?!.*hidden).*\/role/);
    },
  );

  it('signs with any key where nobody verifies', () => {
    const message = { headers: { host: 'h' }, body: '{}' };
    const headers = signedHeaders(message, anyKey('123456789012'), { region: 'r', nowMs: 0 });
    expect(headers.authorization).toContain('Credential=local/19700101/r/dynamodb/');
  });
});
