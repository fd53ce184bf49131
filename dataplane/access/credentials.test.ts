import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CredentialsError, CredentialsFile, parseCredentials } from './credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'trestle-credentials-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ENTRY = { accessKeyId: 'AKIDONE', secretAccessKey: 'secret-one' };

describe('credentials file', () => {
  it('lists keys, with a session token or without', () => {
    const credentials = parseCredentials(
      JSON.stringify([ENTRY, { ...ENTRY, accessKeyId: 'ASIATWO', sessionToken: 'token' }]),
      'f',
      '123456789012',
    );
    expect([...credentials.keys()]).toEqual(['AKIDONE', 'ASIATWO']);
    expect(credentials.get('AKIDONE')?.sessionToken).toBeUndefined();
    expect(credentials.get('ASIATWO')?.sessionToken).toBe('token');
  });

  it.each([
    ['{', 'the credentials file f is not JSON'],
    ['{}', 'the credentials file f must be a list of {"accessKeyId", "secretAccessKey"}'],
    ['[]', 'the credentials file f must be a list of {"accessKeyId", "secretAccessKey"}'],
    ['[1]', 'entry 1 of the credentials file f is no object'],
    ['[[]]', 'entry 1 of the credentials file f is no object'],
    [
      JSON.stringify([ENTRY, { secretAccessKey: 'x' }]),
      'entry 2 of the credentials file f needs an accessKeyId of 1 to 128 letters and digits',
    ],
    [
      JSON.stringify([{ ...ENTRY, accessKeyId: 'a/b' }]),
      'entry 1 of the credentials file f needs an accessKeyId of 1 to 128 letters and digits',
    ],
    ['[{"accessKeyId":"a"}]', 'entry 1 of the credentials file f needs a secretAccessKey'],
    [
      JSON.stringify([{ ...ENTRY, sessionToken: 1 }]),
      'entry 1 of the credentials file f has a sessionToken that is no text',
    ],
    [
      JSON.stringify([{ ...ENTRY, secret: 'x' }]),
      'entry 1 of the credentials file f has an unknown member "secret"',
    ],
    [
      JSON.stringify([{ ...ENTRY, principal: 'ann' }]),
      'entry 1 of the credentials file f has a principal that is no user/NAME, role/NAME or dax/NAME',
    ],
    [
      JSON.stringify([{ ...ENTRY, principal: 'user/an*' }]),
      'entry 1 of the credentials file f has a principal that is no user/NAME, role/NAME or dax/NAME',
    ],
    [JSON.stringify([ENTRY, ENTRY]), 'the credentials file f names AKIDONE twice'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCredentials(text, 'f', '123456789012')).toThrow(
      new CredentialsError(message),
    );
  });

  it.each([
    [undefined, { arn: 'arn:aws:iam::123456789012:root', isRoot: true }],
    ['user/ann', { arn: 'arn:aws:iam::123456789012:user/ann', isRoot: false }],
    ['role/reader', { arn: 'arn:aws:iam::123456789012:role/reader', isRoot: false }],
    ['dax/cache', { arn: 'arn:aws:iam::123456789012:dax/cache', isRoot: false }],
  ])('a key stands for the principal %s', (principal, expected) => {
    const text = JSON.stringify([{ ...ENTRY, principal }]);
    const credentials = parseCredentials(text, 'f', '123456789012');
    expect(credentials.get('AKIDONE')?.principal).toEqual(expected);
  });

  it('says which file cannot be read', () => {
    const path = join(folder, 'absent.json');
    expect(() => CredentialsFile.open(path, '123456789012', () => undefined)).toThrow(
      new CredentialsError(`cannot read the credentials file ${path}: ENOENT`),
    );
  });

  it('is read again when it changes; a broken change leaves the former credentials', async () => {
    const path = join(folder, 'credentials.json');
    writeFileSync(path, JSON.stringify([ENTRY]));
    let tell: (event: string) => void = () => undefined;
    const nextEvent = () =>
      new Promise<string>((resolve) => {
        tell = resolve;
      });
    const file = CredentialsFile.open(path, '123456789012', (event) => tell(event));
    try {
      expect(file.find('AKIDONE')).toBeDefined();

      const broken = nextEvent();
      writeFileSync(path, 'no longer JSON');
      expect(await broken).toBe('credentials not reloaded; the former ones stay');
      expect(file.find('AKIDONE')).toBeDefined();

      const replaced = nextEvent();
      writeFileSync(path, JSON.stringify([{ ...ENTRY, accessKeyId: 'AKIDNEW' }]));
      expect(await replaced).toBe('credentials reloaded');
      expect(file.find('AKIDONE')).toBeUndefined();
      expect(file.find('AKIDNEW')).toBeDefined();
    } finally {
      file.close();
    }
  });
});
