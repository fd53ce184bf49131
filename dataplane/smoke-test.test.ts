import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, sdkClient, startServer } from './clients/server-process.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'smoke-test.ts');

let folder: string;
let keys: string;
let server: ServerProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trestle-smoke-'));
  keys = join(folder, 'credentials');
  await writeFile(keys, '[{"accessKeyId": "local", "secretAccessKey": "local"}]');
  server = await startServer(['--in-memory', '--credentials', keys]);
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const smokeTest = (...args: string[]) =>
  run(process.execPath, [program, '--endpoint', server.endpoint, ...args]);

describe('smoke test', () => {
  it('passes where all is well, and leaves no table', async () => {
    const { stdout } = await smokeTest('--credentials', keys);
    expect(stdout).toMatch(/is active\nan item was written.*\nthe table is deleted\n$/);
    const { TableNames } = await sdkClient(server.endpoint).send(new ListTablesCommand());
    expect(TableNames).toEqual([]);
  });

  it('says in one line what is wrong, and fails', async () => {
    const wrong = join(folder, 'wrong');
    await writeFile(wrong, '[{"accessKeyId": "local", "secretAccessKey": "other"}]');
    await expect(smokeTest('--credentials', wrong)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^smoke test: InvalidSignatureException: .*\n/),
    });
  });

  it('gives up when nobody answers', async () => {
    const args = ['--credentials', keys, '--endpoint', 'http://127.0.0.1:9', '--timeout-seconds'];
    await expect(smokeTest(...args, '0')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(after 0 s)'),
    });
  });
});
