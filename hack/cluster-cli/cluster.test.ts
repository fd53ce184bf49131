import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { waitFor } from '../../dataplane/clients/wait-for.ts';
import { freePorts } from '../../dataplane/free-port.fixture.ts';
import { isAlive } from './processes.ts';

/** `hack/cluster` as people call it: one line for each command, and processes that do what it says. */

const command = fileURLToPath(new URL('../cluster', import.meta.url));
const data = join(mkdtempSync(join(tmpdir(), 'trestle hack ')), 'a cluster');

afterAll(async () => {
  await run('down', '--delete');
  rmSync(join(data, '..'), { recursive: true, force: true });
});

async function run(...args: string[]) {
  const child = spawn(command, [...args, '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const [status] = await once(child, 'close');
  return { status, ...output };
}

function pidOf(id: string): number {
  return Number(readFileSync(join(data, 'run', `${id}.pid`), 'utf8'));
}

/** The line of the status that begins with this word. */
async function lineOf(id: string): Promise<string> {
  const { stdout } = await run('status');
  return stdout.split('\n').find((line) => line.startsWith(`${id} `)) ?? '';
}

it('says that there is no cluster yet', async () => {
  const message = `hack/cluster: there is no cluster in ${data}: start one with hack/cluster up\n`;
  expect(await run('status')).toEqual({ status: 1, stdout: '', stderr: message });
  expect(await run('down')).toMatchObject({ status: 0 });
});

it('starts, breaks, mends and ends a cluster', { timeout: 240_000 }, async () => {
  const [port = 0] = await freePorts(1);
  const up = await run('up', '--port', String(port), '--table', 'Shop');
  expect(up).toMatchObject({ status: 0, stderr: '' });
  expect(up.stdout).toContain(`http://127.0.0.1:${port}, with the table Shop (keys pk and sk).`);
  const ids = ['a-1', 'b-1', 'c-1', 'router-1'];
  const pids = ids.map(pidOf);
  expect(pids.every(isAlive)).toBe(true);
  const status = await run('status');
  expect(status.stdout).toMatch(/^a-1 +a +\d+ .* ready +\d+ +\d+$/m);
  expect(status.stdout).toMatch(/^0 +\(catalog\) .* a-1, b-1, c-1 /m);
  expect(status.stdout).toMatch(/^\d+ +Shop +[abc]-1 /m);

  expect(await run('kill', 'b-1')).toEqual({ status: 0, stdout: 'b-1 is killed\n', stderr: '' });
  expect(isAlive(pids[1] ?? 0)).toBe(false);
  expect(await run('kill', 'b-1')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'hack/cluster: b-1 does not run\n',
  });
  expect(await lineOf('b-1')).toContain('stopped');
  const load = await run('load', '--seconds', '4', '--writers', '4', '--table', 'Shop');
  expect(load.stdout).toMatch(/[1-9]\d* writes acknowledged, 0 failed, /);
  expect(load).toMatchObject({ status: 0, stderr: '' });

  expect(await run('up', '--table', 'Shop')).toMatchObject({ status: 0, stderr: '' });
  expect(pidOf('a-1')).toBe(pids[0]);
  expect(pidOf('b-1')).not.toBe(pids[1]);

  expect(await run('pause', 'c-1')).toMatchObject({ status: 0, stdout: 'c-1 is paused\n' });
  expect(await lineOf('c-1')).toContain('paused');
  expect(await run('resume', 'c-1')).toMatchObject({ status: 0, stdout: 'c-1 goes on\n' });
  await waitFor(
    () => lineOf('c-1'),
    (line) => / ready /.test(line),
    30_000,
  );

  expect(await run('partition', 'a-1', '--from', 'b-1')).toMatchObject({ status: 0 });
  expect(await lineOf('a-1')).toContain('cut off from b-1');
  expect(await run('heal', '--all')).toMatchObject({
    status: 0,
    stdout: 'links are mended: a-1, b-1, c-1\n',
  });

  expect(await run('wipe', 'c-1')).toMatchObject({ status: 0 });
  expect(existsSync(join(data, 'nodes/c-1'))).toBe(false);
  expect(await run('restart', 'c-1')).toMatchObject({ status: 0, stdout: 'c-1 is started\n' });
  const list = await run('status');
  const replicas = / ready +(\d+) /.exec(list.stdout)?.[1];
  await waitFor(
    () => lineOf('c-1'),
    (line) => line.includes(` ready  ${replicas} `),
    60_000,
  );

  const last = ids.map(pidOf);
  const down = await run('down', '--delete');
  expect(down).toEqual({
    status: 0,
    stdout: 'the cluster is down (4 processes ended); its data is deleted\n',
    stderr: '',
  });
  expect(last.some(isAlive)).toBe(false);
  expect(existsSync(data)).toBe(false);
});

it('refuses names that are not there, and what a router cannot do', {
  timeout: 240_000,
}, async () => {
  const [port = 0] = await freePorts(1);
  expect(await run('up', '--zones', '1', '--port', String(port))).toMatchObject({ status: 0 });
  expect(await run('kill', 'z-9')).toMatchObject({
    status: 1,
    stderr: "hack/cluster: there is no node 'z-9'; there is: a-1, router-1\n",
  });
  expect(await run('wipe', 'router-1')).toMatchObject({
    status: 1,
    stderr: "hack/cluster: 'router-1' is a router, not a node\n",
  });
  expect(await run('up', '--zones', '3')).toMatchObject({
    status: 1,
    stderr: `hack/cluster: the cluster in ${data} has 1 zones, 1 nodes in each, and port ${port}: delete it (hack/cluster down --delete) or use another --data\n`,
  });
  expect(await run('load', '--table', 'Absent')).toMatchObject({
    status: 1,
    stderr: 'hack/cluster: there is no table Absent: hack/cluster up --table Absent\n',
  });
  expect(await run('down', '--delete')).toMatchObject({ status: 0 });
});
