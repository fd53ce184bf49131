import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServer } from '../dataplane/clients/server-process.ts';

/** A node's process as pods and users start it: options, lines, signals, exit statuses. */

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trestle-dax-main-'));
const running = new Set<ChildProcess>();
let tables: ServerProcess;

beforeAll(async () => {
  tables = await startServer(['--in-memory']);
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([...running].map(exitOf));
});

afterAll(async () => {
  await tables.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Status or signal. */
  readonly exit: Promise<number | string | null>;
}

function start(nodeArgs: readonly string[], ...args: string[]): Started {
  const child = spawn(process.execPath, [...nodeArgs, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  return { child, output, exit: exitOf(child) };
}

function exitOf(child: ChildProcess): Promise<number | string | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve(child.exitCode ?? child.signalCode);
      return;
    }
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    });
  });
}

/** Runs to the end. */
async function run(...args: string[]) {
  const { exit, output } = start([], ...args);
  return { status: await exit, ...output };
}

const FREE = ['--port', '0', '--http-port', '0', '--health-port', '0', '--registry', 'memory'];

/** Starts a node before the tables, and waits until it says where it is. */
async function serve(...args: string[]) {
  const started = start([], '--tables', tables.endpoint, ...FREE, ...args);
  await expect
    .poll(() => started.output.stdout + started.output.stderr, { timeout: 30_000 })
    .toContain('status on');
  const { stdout } = started.output;
  const [, daxUrl = '', httpUrl = ''] = /serves (dax:\S+) and .* on (http:\S+);/.exec(stdout) ?? [];
  const [, healthUrl = ''] = /status on (http:\S+)\/status/.exec(stdout) ?? [];
  return { ...started, daxUrl, httpUrl, healthUrl };
}

function clientOf(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

describe('a DAX node that cannot start says why in one line', () => {
  it('--help is on standard output and ends well', async () => {
    const { status, stdout, stderr } = await run('--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('--tables URL');
  });

  it('a wrong option ends with status 2', async () => {
    expect(await run('--tables', 'x')).toEqual({
      status: 2,
      stdout: '',
      stderr: "trestle: --tables needs a URL like http://127.0.0.1:8000, not 'x' (see --help)\n",
    });
  });

  it('a port in use ends with status 1, whichever it is', async () => {
    const { daxUrl, httpUrl, healthUrl } = await serve();
    for (const [option, url] of [
      ['--port', daxUrl],
      ['--http-port', httpUrl],
      ['--health-port', healthUrl],
    ] as const) {
      const port = new URL(url.replace('dax:', 'http:')).port;
      const result = await run('--tables', tables.endpoint, ...FREE, option, port);
      expect(result).toEqual({
        status: 1,
        stdout: '',
        stderr: `trestle: port ${port} of 127.0.0.1 is in use: is this node running already? If not, give another port (--help lists the options)\n`,
      });
    }
  });

  it.each([
    ['--parameters', 'parameters file'],
    ['--role', 'role file'],
    ['--credentials', 'credentials file'],
    ['--policies', 'policies file'],
    ['--redis-password-file', 'Redis password file'],
    ['--redis-ca', 'CA file of Redis'],
  ])('%s of a file that is absent ends with status 1', async (option, what) => {
    const absent = join(folder, 'absent.json');
    const keys = join(folder, 'keys.json');
    writeFileSync(keys, '[{"accessKeyId": "A", "secretAccessKey": "s"}]');
    const { status, stderr } = await run(
      ...['--tables', tables.endpoint, ...FREE, '--redis', 'rediss://127.0.0.1:9'],
      ...['--credentials', keys, option, absent],
    );
    expect(status).toBe(1);
    expect(stderr).toBe(`trestle: cannot read the ${what} ${absent}: ENOENT\n`);
  });

  it('a cache that does not fit the heap ends with status 1', async () => {
    const { exit, output } = start(
      ['--max-old-space-size=300'],
      ...['--tables', tables.endpoint, ...FREE, '--cache-bytes', '1073741824'],
    );
    expect(await exit).toBe(1);
    expect(output.stderr).toMatch(
      /^trestle: a cache of 1073741824 bytes needs a heap of 1472 MiB, .* --max-old-space-size=1472.*\n$/,
    );
  });
});

describe('a DAX node that runs', () => {
  it('prints where it is, and a line to try', async () => {
    const { output, daxUrl, httpUrl, healthUrl } = await serve();
    expect(output.stdout).toBe(
      `DAX node 1 of cluster 'local' serves ${daxUrl} and the DynamoDB API through the cache on ${httpUrl}; status on ${healthUrl}/status.\n` +
        'Try:\n' +
        `  new DaxDocument({ endpoint: '${daxUrl}', region: 'us-east-1' })  // of @amazon-dax-sdk/lib-dax\n`,
    );
  });

  it('tells its health, its metrics and its status', async () => {
    const { healthUrl } = await serve();
    const ask = async (path: string) => fetch(healthUrl + path);
    expect((await ask('/livez')).status).toBe(200);
    expect(await (await ask('/readyz')).json()).toEqual({ isReady: true, reasons: [] });
    const metrics = await (await ask('/metrics')).text();
    expect(metrics).toContain('trestle_dax_item_cache_hits_total{cluster="local",node="1"} 0');
    expect(await (await ask('/status')).json()).toMatchObject({
      clusterName: 'local',
      nodeId: 1,
      isActive: true,
      isDraining: false,
      redis: { state: 'none' },
      parameters: { recordTtlMillis: 300_000, queryTtlMillis: 300_000 },
      members: [{ nodeId: 1 }],
    });
  });

  it('takes new parameters while it runs', async () => {
    const parameters = join(folder, 'parameters.json');
    writeFileSync(parameters, '{"recordTtlMillis": 60000}');
    const { healthUrl, output } = await serve('--parameters', parameters);
    const inForce = async () => {
      const status: { parameters: unknown } = JSON.parse(
        await (await fetch(`${healthUrl}/status`)).text(),
      );
      return status.parameters;
    };
    expect(await inForce()).toEqual({ recordTtlMillis: 60_000, queryTtlMillis: 300_000 });
    writeFileSync(parameters, '{"recordTtlMillis": 1, "queryTtlMillis": 2}');
    await expect.poll(inForce).toEqual({ recordTtlMillis: 1, queryTtlMillis: 2 });
    writeFileSync(parameters, '{"recordTtlMillis": -1}');
    await expect.poll(() => output.stderr).toContain('fileRefused');
    expect(await inForce()).toEqual({ recordTtlMillis: 1, queryTtlMillis: 2 });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order on %s', async (signal) => {
    const { child, exit, output } = await serve('--log-level', 'error');
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(output.stderr).toBe('');
  });

  it('drains: it is not ready at once, serves on, and asks clients to leave', async () => {
    const { child, httpUrl, healthUrl } = await serve('--drain-seconds', '60');
    const client = clientOf(httpUrl);
    const get = () =>
      client
        .send(new GetItemCommand({ TableName: 'Absent', Key: { id: { S: 'x' } } }))
        .catch((error: Error) => error.name);
    expect(await get()).toBe('ResourceNotFoundException');
    child.kill('SIGTERM');
    await expect
      .poll(async () => (await fetch(`${healthUrl}/readyz`)).json())
      .toEqual({ isReady: false, reasons: ['stopping'] });
    const status = await (await fetch(`${healthUrl}/status`)).json();
    expect(status).toMatchObject({ isDraining: true, members: [] });
    expect(await get()).toBe('ResourceNotFoundException');
    expect((await fetch(httpUrl)).headers.get('connection')).toBe('close');
    client.destroy();
  });

  it('ends when it has drained, and not before', async () => {
    const { child, exit } = await serve('--drain-seconds', '2');
    const startMs = performance.now();
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    // Timers of two processes.
    expect(performance.now() - startMs).toBeGreaterThan(1_990);
  });

  it('ends at once on a second signal', async () => {
    const { child, exit, output } = await serve('--drain-seconds', '60');
    child.kill('SIGTERM');
    await expect.poll(() => output.stderr).toContain('stopping');
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
  });

  it('starts while the tables are away, and serves when they are there', async () => {
    const { output, httpUrl } = await serve('--tables', 'http://127.0.0.1:9');
    expect(output.stdout).toContain('serves dax://');
    const put = clientOf(httpUrl).send(
      new PutItemCommand({ TableName: 'Music', Item: { id: { S: 'x' } } }),
    );
    await expect(put).rejects.toThrow('gave no answer');
  });
});
