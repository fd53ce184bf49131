import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { freePorts } from './free-port.fixture.ts';
import { Authority } from './replication/transport/authority.fixture.ts';

/** The process as users start it: options, lines, signals, exit statuses. */

const NODE = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'trestle main '));
const running = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([...running].map(exitOf));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Status and signal. */
  readonly exit: Promise<number | string | null>;
}

function start(...args: string[]): Started {
  const child = spawn(NODE, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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

/** Starts a server and waits for its endpoint. */
async function serve(...args: string[]): Promise<Started & { url: string; port: number }> {
  const started = start('--port', '0', ...args);
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /on (http:\/\/\S+) /.exec(started.output.stdout)?.[1];
      if (found !== undefined) resolve(found);
    };
    started.child.stdout?.on('data', look);
    started.exit.then(() => reject(new Error(started.output.stderr)));
  });
  return { ...started, url, port: Number(new URL(url).port) };
}

/** Runs to the end. */
async function run(...args: string[]) {
  const { exit, output } = start(...args);
  return { status: await exit, ...output };
}

function clientOf(url: string, accessKeyId = 'local', secretAccessKey = 'local') {
  return new DynamoDBClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
}

describe('main: what cannot start says why in one line', () => {
  it('--help is on standard output and ends well', async () => {
    const { status, stdout, stderr } = await run('--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('--credentials FILE');
  });

  it.each([
    ['node', '--fault-injection'],
    ['router', '--credentials FILE'],
  ])('%s --help tells of its options', async (role, option) => {
    const { status, stdout, stderr } = await run(role, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(option);
  });

  it.each(['node', 'router'])('a %s without a topology ends with status 1', async (role) => {
    const absent = join(folder, 'absent.json');
    const data = role === 'node' ? ['--data', join(folder, 'unused')] : [];
    expect(await run(role, '--topology', absent, '--id', 'a-1', ...data)).toEqual({
      status: 1,
      stdout: '',
      stderr: `trestle: cannot read the topology file ${absent}: ENOENT\n`,
    });
  });

  it('a router that others can reach ends with status 1 unless it is told whom to serve', async () => {
    const topology = join(folder, 'open.json');
    const member = (id: string) => ({ id, zone: 'a', host: '0.0.0.0', port: 1, adminPort: 2 });
    writeFileSync(
      topology,
      JSON.stringify({
        clusterId: '0b8f9d8e-53a1-4c5e-9c0e-6f2f6d1c7a10',
        region: 'us-east-1',
        accountId: '123456789012',
        nodes: [{ ...member('a-1'), host: '127.0.0.1' }],
        routers: [member('r-1')],
      }),
    );
    expect(await run('router', '--topology', topology, '--id', 'r-1')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        "trestle: the address 0.0.0.0 of 'r-1' can be reached from other machines: give --credentials FILE, or --credentials none to accept anyone\n",
    });
  });

  it('a wrong option ends with status 2', async () => {
    expect(await run('--port', 'x')).toEqual({
      status: 2,
      stdout: '',
      stderr: "trestle: --port needs a number from 0 to 65535, not 'x' (see --help)\n",
    });
  });

  it('a port in use ends with status 1', async () => {
    const first = await serve('--in-memory');
    expect(await run('--in-memory', '--port', String(first.port))).toEqual({
      status: 1,
      stdout: '',
      stderr: `trestle: port ${first.port} of 127.0.0.1 is in use: stop the other server, or give another port by --port, --tls-port or --health-port\n`,
    });
  });

  it('an address of another machine ends with status 1', async () => {
    const { status, stderr } = await run(
      ...['--in-memory', '--host', '192.0.2.1', '--credentials', 'none', '--port', '0'],
    );
    expect([status, stderr]).toEqual([
      1,
      'trestle: cannot listen on port 0 of 192.0.2.1: EADDRNOTAVAIL\n',
    ]);
  });

  it('a folder in use ends with status 1', async () => {
    const data = join(folder, 'in use');
    await serve('--data', data);
    const { status, stderr } = await run('--data', data, '--port', '0');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^trestle: [^\n]*in use[^\n]*\n$/);
  });

  it('a folder of something else ends with status 1 and is left alone', async () => {
    const { status, stderr } = await run('--data', fileURLToPath(new URL('.', import.meta.url)));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^trestle: [^\n]*not a data folder[^\n]*\n$/);
  });

  it('a credentials file that is absent or broken ends with status 1', async () => {
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{');
    expect(await run('--in-memory', '--credentials', join(folder, 'absent'))).toMatchObject({
      status: 1,
      stderr: `trestle: cannot read the credentials file ${join(folder, 'absent')}: ENOENT\n`,
    });
    expect(await run('--in-memory', '--credentials', broken)).toMatchObject({
      status: 1,
      stderr: `trestle: the credentials file ${broken} is not JSON\n`,
    });
  });

  it('a policies file that is absent or broken ends with status 1', async () => {
    const keys = join(folder, 'keys.json');
    writeFileSync(keys, JSON.stringify([{ accessKeyId: 'AKID', secretAccessKey: 'secret' }]));
    const policies = join(folder, 'policies.json');
    const document = { Statement: { Effect: 'Permit' } };
    writeFileSync(
      policies,
      JSON.stringify({ policies: [{ name: 'readers', subjects: [], document }] }),
    );
    const common = ['--in-memory', '--credentials', keys, '--policies'];
    expect(await run(...common, join(folder, 'absent'))).toMatchObject({
      status: 1,
      stderr: `trestle: cannot read the policies file ${join(folder, 'absent')}: ENOENT\n`,
    });
    expect(await run(...common, policies)).toMatchObject({
      status: 1,
      stderr: `trestle: policy "readers" of the policies file ${policies}: Statement.Effect must be "Allow" or "Deny", not "Permit"\n`,
    });
  });
});

describe('main: a server that runs', () => {
  it('prints its endpoint and a line to try, and serves', async () => {
    const { url, output } = await serve('--in-memory');
    expect(output.stdout).toBe(
      `Trestle serves the DynamoDB API on ${url} (tables in memory: all is gone when this process ends).\n` +
        'Try:\n' +
        `  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws dynamodb list-tables --endpoint-url ${url} --region us-east-1\n`,
    );
    const answer = await clientOf(url).send(new ListTablesCommand({}));
    expect(answer.TableNames).toEqual([]);
  });

  it('keeps tables in its folder over a stop and a start', async () => {
    const data = join(folder, 'kept');
    const first = await serve('--data', data);
    const client = clientOf(first.url);
    await client.send(
      new CreateTableCommand({
        TableName: 'Music',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
      }),
    );
    await expect
      .poll(() =>
        client
          .send(new PutItemCommand({ TableName: 'Music', Item: { Artist: { S: 'a' } } }))
          .then(() => 'put')
          .catch((error: Error) => error.name),
      )
      .toBe('put');
    first.child.kill('SIGTERM');
    expect(await first.exit).toBe(0);

    const second = await serve('--data', data);
    const answer = await clientOf(second.url).send(
      new GetItemCommand({ TableName: 'Music', Key: { Artist: { S: 'a' } } }),
    );
    expect(answer.Item).toEqual({ Artist: { S: 'a' } });
  });

  it('verifies signatures when it has credentials, and learns new ones', async () => {
    const file = join(folder, 'credentials.json');
    const write = (secretAccessKey: string) =>
      writeFileSync(file, JSON.stringify([{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey }]));
    write('first');
    const { url } = await serve('--in-memory', '--credentials', file);
    const outcome = (id: string, secret: string) =>
      clientOf(url, id, secret)
        .send(new ListTablesCommand({}))
        .then(() => 'accepted')
        .catch((error: Error) => error.name);
    expect(await outcome('AKIDEXAMPLE', 'first')).toBe('accepted');
    expect(await outcome('AKIDEXAMPLE', 'second')).toBe('InvalidSignatureException');
    expect(await outcome('AKIDOTHER', 'first')).toBe('UnrecognizedClientException');
    write('second');
    await expect.poll(() => outcome('AKIDEXAMPLE', 'second'), { timeout: 10_000 }).toBe('accepted');
    expect(await outcome('AKIDEXAMPLE', 'first')).toBe('InvalidSignatureException');
  });

  it('tells its health, what it is asked, and whom it refuses, on a port of its own', async () => {
    const file = join(folder, 'health-credentials.json');
    const credential = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'known' };
    writeFileSync(file, JSON.stringify([credential]));
    const { url, output } = await serve(
      ...['--in-memory', '--credentials', file, '--health-port', '0'],
    );
    const health = `http://127.0.0.1:${/health on port (\d+)/.exec(output.stdout)?.[1]}`;
    expect((await fetch(`${health}/readyz`)).status).toBe(200);
    const list = (id: string, secret: string) =>
      clientOf(url, id, secret).send(new ListTablesCommand({}));
    await list('AKIDEXAMPLE', 'known');
    await expect(list('AKIDEXAMPLE', 'guessed')).rejects.toThrow();
    await expect(list('AKIDOTHER', 'known')).rejects.toThrow();
    await expect(list('AKIDOTHER', 'known')).rejects.toThrow();
    const lines = (await (await fetch(`${health}/metrics`)).text()).split('\n');
    for (const line of [
      'trestle_successful_request_latency_seconds_count{operation="ListTables"} 1',
      'trestle_access_denials_total{operation="ListTables",reason="signature"} 1',
      'trestle_access_denials_total{operation="ListTables",reason="token"} 2',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order on %s', async (signal) => {
    const { child, exit, output } = await serve('--in-memory', '--log-level', 'error');
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(output.stderr).toBe('');
  });

  it('finishes a request under way before it ends', async () => {
    const { child, exit, port, output } = await serve('--in-memory');
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await expect.poll(() => text).toContain('100 Continue');
    child.kill('SIGTERM');
    await expect.poll(() => output.stderr).toContain('stopping');
    socket.write('{}');
    expect(await exit).toBe(0);
    expect(text).toMatch(/HTTP\/1\.1 404 [\s\S]*UnknownOperationException/);
  });

  it('serves HTTPS beside, when it has a certificate', async () => {
    const authority = new Authority();
    const { ca, cert, key } = authority.sign('localhost');
    authority.remove();
    const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const tls = ['--tls-port', '0', '--tls-cert', certFile, '--tls-key', keyFile];
    const { output } = await serve('--in-memory', ...tls);
    const port = / and https:\/\/127\.0\.0\.1:(\d+) \(tables/.exec(output.stdout)?.[1];
    const client = new DynamoDBClient({
      endpoint: `https://localhost:${port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: { httpsAgent: new Agent({ ca }) },
    });
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([]);
    client.destroy();
  });

  it('a router that drains says so at once, and serves until it is forgotten', async () => {
    const [port = 0, adminPort = 0, healthPort = 0] = await freePorts(3);
    const member = { id: 'r-1', zone: 'a', host: 'router.example', port, adminPort, healthPort };
    const topology = join(folder, 'drain.json');
    writeFileSync(
      topology,
      JSON.stringify({
        clusterId: '0b8f9d8e-53a1-4c5e-9c0e-6f2f6d1c7a10',
        region: 'us-east-1',
        accountId: '123456789012',
        nodes: [{ ...member, id: 'a-1', host: '127.0.0.1', port: 1, adminPort: 2, healthPort: 3 }],
        routers: [member],
      }),
    );
    const { child, exit, output } = start(
      ...['router', '--topology', topology, '--id', 'r-1', '--bind', '127.0.0.1'],
      // Longer than the test: nobody has to be quick to see that it drains.
      ...['--drain-seconds', '300'],
    );
    await expect.poll(() => output.stdout).toContain('serves the DynamoDB');
    const ask = (at: number, path: string) => fetch(`http://127.0.0.1:${at}${path}`);
    expect((await ask(port, '/')).headers.get('connection')).toBe('keep-alive');
    child.kill('SIGTERM');
    await expect
      .poll(async () => (await ask(healthPort, '/readyz')).json())
      .toEqual({ isReady: false, reasons: ['stopping'] });
    const response = await ask(port, '/');
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
    child.kill('SIGTERM');
    expect(await exit, 'a second signal is not waited for').toBe(1);

    const brief = start(
      ...['router', '--topology', topology, '--id', 'r-1', '--bind', '127.0.0.1'],
      ...['--drain-seconds', '1'],
    );
    await expect.poll(() => brief.output.stdout).toContain('serves the DynamoDB');
    brief.child.kill('SIGTERM');
    expect(await brief.exit).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const { child, exit, port, output } = await serve('--in-memory');
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // cut when the process ends
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{');
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    await expect.poll(() => output.stderr).toContain('stopping');
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
  });
});
