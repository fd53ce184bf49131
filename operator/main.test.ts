import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../dataplane/free-port.fixture.ts';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';

const main = join(import.meta.dirname, 'main.ts');
const WAIT_MS_MAX = 60_000;
let api: KubeApi;
const children: ChildProcess[] = [];

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await api?.close();
});

function run(...args: readonly string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<readonly [number, string]>;
} {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  const read = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  const ended = once(child, 'close').then(([code]) => [code as number, output] as const);
  return { child, ended };
}

async function page(
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(2_000),
    });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('not so in time');
    await delay(50);
  }
}

const isLeader = async (port: number) =>
  (await page(port, '/metrics')).text.includes('\ntrestle_operator_is_leader 1\n');

/** Waits until all are ready and one leads. */
async function leaderOf(ports: readonly number[]): Promise<number> {
  let leading: readonly number[] = [];
  await until(async () => {
    const ready = await Promise.all(ports.map((port) => page(port, '/readyz')));
    const leads = await Promise.all(ports.map(isLeader));
    leading = ports.filter((_, n) => leads[n]);
    return ready.every(({ status }) => status === 200) && leading.length === 1;
  });
  return leading[0] ?? 0;
}

test('one of two leads and makes the Secrets of its namespaces; told to end, it gives the Lease to the other', async () => {
  const namespace = await api.newNamespace('operators');
  const ports = [await freePort(), await freePort()] as const;
  const common = [
    '--namespaces',
    namespace,
    '--release-namespace',
    namespace,
    '--data-image',
    'trestle:1',
    '--kubeconfig',
    api.kubeconfig,
  ];
  const [first, second] = ports.map((port) => run(...common, '--health-port', String(port)));
  const leaderPort = await leaderOf(ports);
  await until(
    async () =>
      (await api.client.get(resources.secrets, { namespace, name: 'trestle-credentials' })) !==
      undefined,
  );
  const [leader, other] = leaderPort === ports[0] ? [first, ports[1]] : [second, ports[0]];
  // The API server shows a Secret before its maker has the answer.
  for (const series of [
    'trestle_operator_kubernetes_requests_total{verb="create",resource="secrets",status="201"}',
    'trestle_operator_reconciles_total{controller="namespace",outcome="requeued"}',
  ]) {
    await expect.poll(async () => (await page(leaderPort, '/metrics')).text).toContain(series);
  }
  leader?.child.kill('SIGTERM');
  expect((await leader?.ended)?.[0]).toBe(0);
  await until(() => isLeader(other));
  await expect.poll(async () => (await page(other, '/livez')).status).toBe(200);
}, 180_000);

test.each([
  [
    ['--namespaces', 'a'],
    2,
    /^trestle-operator: --release-namespace needs a name \(see --help\)\n$/,
  ],
  [
    [
      '--namespaces',
      'a',
      '--release-namespace',
      'b',
      '--data-image',
      'c',
      '--kubeconfig',
      '/nowhere',
    ],
    1,
    /^trestle-operator: .*\/nowhere.*\n$/,
  ],
])('what cannot start says why in one line: %j', async (args, status, line) => {
  const [code, output] = await run(...args).ended;
  expect(code).toBe(status);
  expect(output).toMatch(line);
});
