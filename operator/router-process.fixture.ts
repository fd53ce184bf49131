import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { ROUTER_SECRET } from './certificates/namespace-secrets.ts';
import type { SecretObject } from './certificates/secret-data.ts';
import { wrapper } from './kubelet.fixture.ts';
import type { TableTrial } from './operator.fixture.ts';
import { writeTls } from './workload.fixture.ts';

const main = join(import.meta.dirname, '../dataplane/main.ts');
const READY_MS_MAX = 60_000;

/** What a router knows of those who call it: the members of the Secret `trestle-credentials`. */
export interface RouterAccess {
  readonly credentials: string;
  readonly policies: string;
}

/** A real router of one table's cluster, with the certificate that the operator made for routers. */
export class RouterProcess {
  readonly endpoint: string;
  /** The same by HTTPS, made out to `localhost` and the names of the Service. */
  readonly secureEndpoint: string;
  readonly #trial: TableTrial;
  readonly #child: ChildProcess;
  readonly #folder: string;

  /** @param access undefined: anyone may do everything */
  static async start(
    trial: TableTrial,
    table: string,
    access?: RouterAccess,
  ): Promise<RouterProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-router-'));
    const topology = await writeFiles(trial, table, folder);
    if (access !== undefined) writeAccess(folder, access);
    const args = [
      ...[main, 'router', '--topology', topology, '--id', 'router-1'],
      ...['--tls-port', '8443', '--tls-cert', join(folder, 'tls/tls.crt')],
      ...['--tls-key', join(folder, 'tls/tls.key')],
      ...(access === undefined
        ? ['--credentials', 'none']
        : ['--credentials', join(folder, 'credentials'), '--policies', join(folder, 'policies')]),
    ];
    const [command = '', ...rest] = [...wrapper, process.execPath, ...args];
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-5_000);
    });
    const host = trial.cluster.addressOf('router');
    const router = new RouterProcess(trial, { host, child, folder });
    const endMs = performance.now() + READY_MS_MAX;
    while (!(await isReady(`http://${host}:8003`))) {
      if (performance.now() > endMs) {
        await router.close();
        throw new Error(`the router is not ready: ${output}`);
      }
      await delay(50);
    }
    return router;
  }

  private constructor(
    trial: TableTrial,
    {
      host,
      child,
      folder,
    }: { readonly host: string; readonly child: ChildProcess; readonly folder: string },
  ) {
    this.endpoint = `http://${host}:8000`;
    this.secureEndpoint = `https://${host}:8443`;
    this.#trial = trial;
    this.#child = child;
    this.#folder = folder;
  }

  /** As a kubelet does when the Secret has changed. */
  give(access: RouterAccess): void {
    writeAccess(this.#folder, access);
  }

  /** As a kubelet does when the Secret of routers may have changed. */
  async refreshTls(): Promise<void> {
    const secret = await routerSecret(this.#trial);
    if (secret !== undefined) writeTls(join(this.#folder, 'tls'), 'tls', secret);
  }

  /**
   * Makes the pod known that it stands for, as the chart's Deployment would: whoever plays the cluster does
   * not start a process for it.
   */
  async registerPod(): Promise<void> {
    const { api, namespace, cluster } = this.#trial;
    cluster.held.add('router');
    const labels = { 'app.kubernetes.io/name': 'trestle', 'app.kubernetes.io/component': 'router' };
    const containers = [{ name: 'router', image: 'trestle:1' }];
    await api.client.create(resources.pods, {
      metadata: { namespace, name: 'router', labels },
      spec: { containers, nodeName: 'machine-1' },
    } as never);
  }

  /** Of the process, as long as it runs. */
  get pid(): number | undefined {
    return this.#hasEnded ? undefined : this.#child.pid;
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async close(): Promise<void> {
    if (!this.#hasEnded) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function writeAccess(folder: string, access: RouterAccess): void {
  for (const file of ['credentials', 'policies'] as const) {
    writeFileSync(join(folder, `${file}.new`), access[file]);
    renameSync(join(folder, `${file}.new`), join(folder, file));
  }
}

async function writeFiles(trial: TableTrial, name: string, folder: string): Promise<string> {
  const { namespace, api, cluster } = trial;
  const names = await trial.names(name);
  const secret = await routerSecret(trial);
  const configMap = await api.client.get<SecretObject>(resources.configMaps, {
    namespace,
    name: names.topology,
  });
  const topology = JSON.parse(configMap?.data?.['topology.json'] ?? '') as {
    readonly nodes: readonly { readonly id: string }[];
  };
  const nodes = topology.nodes.map((node) => ({ ...node, host: cluster.addressOf(node.id) }));
  const routers = [
    {
      id: 'router-1',
      zone: 'a',
      host: cluster.addressOf('router'),
      port: 8000,
      adminPort: 8003,
      healthPort: 8004,
    },
  ];
  if (secret === undefined) throw new Error(`there is no Secret ${ROUTER_SECRET}`);
  writeTls(join(folder, 'tls'), 'tls', secret);
  const tls = { ca: 'tls/ca.crt', cert: 'tls/tls.crt', key: 'tls/tls.key' };
  const path = join(folder, 'topology.json');
  writeFileSync(path, JSON.stringify({ ...topology, nodes, routers, tls }));
  return path;
}

function routerSecret({ api, namespace }: TableTrial): Promise<SecretObject | undefined> {
  return api.client.get<SecretObject>(resources.secrets, { namespace, name: ROUTER_SECRET });
}

async function isReady(admin: string): Promise<boolean> {
  try {
    const answer = await fetch(`${admin}/readyz`, { signal: AbortSignal.timeout(1_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}
