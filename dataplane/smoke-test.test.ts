import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
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

const UNKNOWN = '{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}';

/** On the way to the server: the first answer of CreateTable is lost, and the first DescribeTable knows no table yet. */
async function badRoad(): Promise<Server> {
  const seen = new Set<string>();
  const road = createServer(async (request, response) => {
    const [, operation = ''] = String(request.headers['x-amz-target']).split('.');
    const isFirst = !seen.has(operation);
    seen.add(operation);
    const body = await buffer(request);
    if (isFirst && operation === 'DescribeTable') {
      response.writeHead(400).end(UNKNOWN);
      return;
    }
    const onward = httpRequest(server.endpoint, { method: 'POST', headers: request.headers });
    const answered = once(onward, 'response');
    onward.end(body);
    const [answer]: IncomingMessage[] = await answered;
    const text = answer === undefined ? '' : await buffer(answer);
    if (isFirst && operation === 'CreateTable') request.socket.destroy();
    else response.writeHead(answer?.statusCode ?? 500).end(text);
  });
  await once(road.listen(0, '127.0.0.1'), 'listening');
  return road;
}

describe('smoke test', () => {
  it('passes where all is well, and leaves no table', async () => {
    const { stdout } = await smokeTest('--credentials', keys);
    expect(stdout).toMatch(/is active\nan item was written.*\nthe table is deleted\n$/);
    const { TableNames } = await sdkClient(server.endpoint).send(new ListTablesCommand());
    expect(TableNames).toEqual([]);
  });

  it('passes where an answer is lost and a router hears of the table late', async () => {
    const road = await badRoad();
    onTestFinished(() => {
      road.close();
    });
    const address = road.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { stdout } = await smokeTest(
      '--credentials',
      keys,
      '--endpoint',
      `http://127.0.0.1:${port}`,
    );
    expect(stdout).toMatch(/the table is deleted\n$/);
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
