import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { PolicyError } from './policy-error.ts';
import { PolicyFile } from './policy-file.ts';
import { principalOf, rootOf } from './principal.ts';

const folder = mkdtempSync(join(tmpdir(), 'trestle-policies-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ACCOUNT = '123456789012';
const WAIT = { timeout: 30_000 };
const ann = principalOf('user/ann', ACCOUNT);
const request = {
  action: 'dynamodb:GetItem',
  resource: `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/T`,
  conditions: new Map(),
};

function policies(Effect: string): string {
  const document = { Statement: { Effect, Action: 'dynamodb:GetItem', Resource: '*' } };
  return JSON.stringify({ policies: [{ name: 'readers', subjects: ['user/ann'], document }] });
}

function outcome(file: PolicyFile, caller = ann): unknown {
  try {
    file.authorize(caller, request);
    return 'allowed';
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    return { type: thrown.type, message: thrown.message };
  }
}

const denied = (caller: string) => ({
  type: 'AccessDeniedException',
  message: `User: arn:aws:iam::${ACCOUNT}:${caller} is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/T`,
});

describe('a policies file', () => {
  it('restrains all but the account itself; whoever it does not name may do nothing', () => {
    const path = join(folder, 'decides.json');
    writeFileSync(path, policies('Allow'));
    const file = PolicyFile.open(path, () => undefined);
    try {
      expect(outcome(file)).toBe('allowed');
      expect(outcome(file, principalOf('user/bob', ACCOUNT))).toEqual(denied('user/bob'));
      expect(outcome(file, principalOf('role/ann', ACCOUNT))).toEqual(denied('role/ann'));
      expect(outcome(file, rootOf(ACCOUNT))).toBe('allowed');
    } finally {
      file.close();
    }
  });

  it('says which file cannot be read', () => {
    const path = join(folder, 'absent.json');
    expect(() => PolicyFile.open(path, () => undefined)).toThrow(
      new PolicyError(`cannot read the policies file ${path}: ENOENT`),
    );
  });

  it('is read again when it changes; a broken change leaves the former policies', async () => {
    const path = join(folder, 'changes.json');
    writeFileSync(path, policies('Allow'));
    const events: [string, unknown][] = [];
    const file = PolicyFile.open(path, (event, fields) => events.push([event, fields]));
    try {
      writeFileSync(path, policies('Maybe'));
      const message = `policy "readers" of the policies file ${path}: Statement.Effect must be "Allow" or "Deny", not "Maybe"`;
      const kept = ['policies not reloaded; the former ones stay', { error: message }];
      await vi.waitFor(() => expect(events).toEqual([kept]), WAIT);
      expect(outcome(file)).toBe('allowed');

      writeFileSync(path, policies('Deny'));
      await vi.waitFor(() => expect(outcome(file)).toEqual(denied('user/ann')), WAIT);
      expect(events.at(-1)).toEqual(['policies reloaded', { count: 1 }]);
    } finally {
      file.close();
    }
  });
});
