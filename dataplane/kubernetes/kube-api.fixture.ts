import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { freePort } from '../free-port.fixture.ts';
import { type ApiAccess, fixedAccess } from './api-access.ts';
import { KubeClient, type KubeClientOptions } from './api-client.ts';
import type { KubeObject } from './object.ts';
import { type ResourceType, resources } from './resources.ts';

const root = join(import.meta.dirname, '../..');
const START_MS_MAX = 60_000;
const ATTEMPTS_MAX = 3;
const POLL_MS = 25;
const TOKEN = 'administrator-of-tests';
/** Tests ask in bursts that no operator would. */
const RATE = { perSecond: 1000, burst: 1000 };

/** A real kube-apiserver on an etcd of its own, without kubelets and controllers: nothing acts on objects by itself. */
export interface KubeApi {
  /** As an administrator (system:masters). */
  readonly client: KubeClient;
  readonly access: ApiAccess;
  readonly url: string;
  /** Of etcd's JSON gateway. */
  readonly etcdUrl: string;
  /** A configuration file for processes and kubectl. */
  readonly kubeconfig: string;
  /** Another administrator, with a token bucket, deadlines and counts of its own. */
  newClient(options?: KubeClientOptions): KubeClient;
  /** As somebody else, who may do what RBAC says. A service account is `system:serviceaccount:NAMESPACE:NAME`. */
  clientAs(user: string, groups?: readonly string[]): KubeClient;
  /** Makes a namespace that no other test has. */
  newNamespace(prefix?: string): Promise<string>;
  /** Applies all documents of `crds/*.yaml` and waits until the kinds are served. */
  applyCrds(): Promise<void>;
  /** Applies the documents of a text in YAML, each as it says. */
  applyYaml(text: string): Promise<void>;
  /** An outage: the API server is gone, its data stays. */
  stop(): Promise<void>;
  /** Ends the API server if it runs, and starts it at the same address with the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts both processes on free ports and waits until the API server is ready: some seconds, so the
 * tests of a file share one. Call `close` in `afterAll`.
 */
export async function startKubeApi(): Promise<KubeApi> {
  const binaries = execFileSync(join(root, 'hack/kube-api'), ['--check'], { encoding: 'utf8' });
  for (let attempt = 1; ; attempt++) {
    const api = await RunningKubeApi.prepare(binaries.trim());
    try {
      await api.start();
      return api;
    } catch (error) {
      await api.close();
      // A port that was free may have been taken since.
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

class RunningKubeApi implements KubeApi {
  readonly client: KubeClient;
  readonly access: ApiAccess;
  readonly url: string;
  readonly etcdUrl: string;
  readonly kubeconfig: string;
  readonly #binaries: string;
  readonly #folder: string;
  readonly #ports: readonly [api: number, etcd: number, etcdPeer: number];
  readonly #clients: KubeClient[] = [];
  #etcd: ServerProcess | undefined;
  #server: ServerProcess | undefined;
  #namespacesCount = 0;

  static async prepare(binaries: string): Promise<RunningKubeApi> {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-kube-api-'));
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await Promise.all([
      writeFile(join(folder, 'tokens.csv'), `${TOKEN},administrator,1,system:masters\n`),
      writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'sec1', format: 'pem' })),
      writeFile(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' })),
    ]);
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    return new RunningKubeApi(binaries, folder, ports);
  }

  private constructor(
    binaries: string,
    folder: string,
    ports: readonly [api: number, etcd: number, etcdPeer: number],
  ) {
    this.#binaries = binaries;
    this.#folder = folder;
    this.#ports = ports;
    this.url = `https://127.0.0.1:${ports[0]}`;
    this.etcdUrl = `http://127.0.0.1:${ports[1]}`;
    this.kubeconfig = join(folder, 'kubeconfig');
    this.access = this.#accessWith({});
    this.client = this.newClient();
  }

  async start(): Promise<void> {
    this.#etcd ??= ServerProcess.start(join(this.#binaries, 'etcd'), this.#etcdArguments(), {
      log: join(this.#folder, 'etcd.log'),
    });
    this.#server = ServerProcess.start(
      join(this.#binaries, 'kube-apiserver'),
      this.#serverArguments(),
      { log: join(this.#folder, 'kube-apiserver.log') },
    );
    await this.#untilReady(this.#etcd, this.#server);
    await writeFile(this.kubeconfig, JSON.stringify(this.#kubeconfigDocument()));
  }

  newClient(options: KubeClientOptions = {}): KubeClient {
    return this.#keep(new KubeClient(this.access, { rate: RATE, ...options }));
  }

  clientAs(user: string, groups: readonly string[] = []): KubeClient {
    const serviceAccount = /^system:serviceaccount:([^:]+):/.exec(user);
    const implied = serviceAccount
      ? ['system:serviceaccounts', `system:serviceaccounts:${serviceAccount[1]}`]
      : [];
    const access = this.#accessWith({
      'Impersonate-User': user,
      'Impersonate-Group': [...groups, ...implied, 'system:authenticated'],
    });
    return this.#keep(new KubeClient(access, { rate: RATE }));
  }

  async newNamespace(prefix = 'test'): Promise<string> {
    this.#namespacesCount += 1;
    const name = `${prefix}-${this.#namespacesCount}`;
    await this.client.create(resources.namespaces, { metadata: { name } });
    return name;
  }

  async applyCrds(): Promise<void> {
    const folder = join(root, 'crds');
    const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
    for (const file of files) await this.applyYaml(await readFile(join(folder, file), 'utf8'));
    const { items } = await this.client.listAll<Crd>(resources.customResourceDefinitions);
    for (const crd of items) await this.#untilServed(crd);
  }

  async applyYaml(text: string): Promise<void> {
    for (const document of parseAllDocuments(text)) {
      if (document.errors[0] !== undefined) throw document.errors[0];
      const object: KubeObject | null = document.toJS();
      if (object === null) continue;
      await this.client.apply(typeOf(object), object, { fieldManager: 'tests', force: true });
    }
  }

  async stop(): Promise<void> {
    await this.#server?.kill();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all([this.#server?.kill(), this.#etcd?.kill()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #keep(client: KubeClient): KubeClient {
    this.#clients.push(client);
    return client;
  }

  /** The server makes its certificate at its first start and keeps it. */
  #accessWith(more: Readonly<Record<string, string | readonly string[]>>): ApiAccess {
    const headers = { Authorization: `Bearer ${TOKEN}`, ...more };
    const certificate = join(this.#folder, 'apiserver.crt');
    const tls = {
      get ca() {
        return readFileSync(certificate, 'utf8');
      },
    };
    return fixedAccess({ url: this.url, headers, tls });
  }

  async #untilReady(...processes: readonly ServerProcess[]): Promise<void> {
    const endMs = performance.now() + START_MS_MAX;
    for (;;) {
      for (const process of processes) process.failIfEnded();
      if (await this.#isReady()) return;
      if (performance.now() > endMs) {
        throw new Error(`the API server is not ready within ${START_MS_MAX} ms`);
      }
      await delay(POLL_MS);
    }
  }

  async #isReady(): Promise<boolean> {
    const certificate = join(this.#folder, 'apiserver.crt');
    if (!existsSync(certificate)) return false;
    const options = {
      ca: readFileSync(certificate),
      headers: { Authorization: `Bearer ${TOKEN}` },
      timeout: 1000,
    };
    return new Promise((resolve) => {
      const request = get(`${this.url}/readyz`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
    });
  }

  async #untilServed({ metadata: { name }, spec }: Crd): Promise<void> {
    const type: ResourceType = {
      apiVersion: `${spec.group}/${spec.versions[0]?.name}`,
      kind: spec.names.kind,
      plural: spec.names.plural,
      isNamespaced: spec.scope === 'Namespaced',
    };
    const endMs = performance.now() + START_MS_MAX;
    for (;;) {
      const failure = await this.client.list(type, { limit: 1 }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (performance.now() > endMs) throw new Error(`${name} is not served`, { cause: failure });
      await delay(POLL_MS);
    }
  }

  #etcdArguments(): readonly string[] {
    const [, port, peerPort] = this.#ports;
    const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
    return [
      `--data-dir=${join(this.#folder, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      // As kubeadm sets it: bookmarks then come also to kinds that do not change.
      '--watch-progress-notify-interval=5s',
      '--log-level=warn',
    ];
  }

  #serverArguments(): readonly string[] {
    const file = (name: string) => join(this.#folder, name);
    return [
      `--etcd-servers=${this.etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${this.#ports[0]}`,
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      `--cert-dir=${this.#folder}`,
      `--token-auth-file=${file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('sa.pub')}`,
      `--service-account-signing-key-file=${file('sa.key')}`,
      '--service-cluster-ip-range=10.0.0.0/16',
      // Nothing makes the service accounts that pods would need.
      '--disable-admission-plugins=ServiceAccount',
      '--shutdown-delay-duration=0',
    ];
  }

  #kubeconfigDocument(): object {
    const certificate = readFileSync(join(this.#folder, 'apiserver.crt')).toString('base64');
    return {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'test', cluster: { server: this.url, 'certificate-authority-data': certificate } },
      ],
      users: [{ name: 'administrator', user: { token: TOKEN } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'administrator' } }],
      'current-context': 'test',
    };
  }
}

interface Crd extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly { readonly name: string }[];
  };
}

/** Of kinds whose plural is a regular one. */
function typeOf({ apiVersion, kind, metadata }: KubeObject): ResourceType {
  const known = Object.values(resources).find((type) => type.kind === kind);
  if (known !== undefined) return known;
  const lower = kind.toLowerCase();
  const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
  return { apiVersion, kind, plural, isNamespaced: metadata.namespace !== undefined };
}

/** Dies with the process that started it, however that ends, where the system can do that. */
const wrapper = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

class ServerProcess {
  readonly #child: ChildProcess;
  readonly #log: string;

  static start(
    program: string,
    args: readonly string[],
    { log }: { readonly log: string },
  ): ServerProcess {
    const [command = program, ...rest] = [...wrapper, program, ...args];
    const output = openSync(log, 'a');
    const child = spawn(command, rest, { stdio: ['ignore', output, output] });
    closeSync(output);
    return new ServerProcess(child, log);
  }

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
  }

  failIfEnded(): void {
    if (!this.#hasEnded()) return;
    const output = readFileSync(this.#log, 'utf8').slice(-2000);
    throw new Error(`${this.#child.spawnargs[0]} has ended:\n${output}`);
  }

  async kill(): Promise<void> {
    if (this.#hasEnded()) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
