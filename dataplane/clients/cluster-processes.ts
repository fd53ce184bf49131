import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { freePorts } from '../free-port.fixture.ts';
import type { TlsMaterial } from '../replication/transport/options.ts';
import { ClusterCertificates } from './cluster-certificates.ts';
import { waitFor } from './wait-for.ts';

const main = join(import.meta.dirname, '../main.ts');
const HOST = '127.0.0.1';
const OUTPUT_CHARS_MAX = 200_000;
const READY_MS_MAX = 30_000;

interface Member {
  readonly id: string;
  readonly zone: string;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly healthPort?: number | undefined;
}

interface TopologyJson {
  readonly clusterId: string;
  readonly region: string;
  readonly accountId: string;
  readonly nodes: readonly Member[];
  readonly routers: readonly Member[];
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly limits?: { readonly transport: { readonly deadMs: number } };
}

export interface ClusterOptions {
  /** Whether processes speak TLS, with certificates that can be replaced, and have health ports. */
  readonly hasTls?: boolean;
  /** Of all processes, in the topology; it has to lead to this machine's loopback address. */
  readonly host?: string;
  /** After which silence a peer is dead, where a process that stands still for a while is to be none. */
  readonly deadMs?: number;
  /** Further options of all processes. */
  readonly memberOptions?: readonly string[];
  /** Of nodes alone. */
  readonly nodeOptions?: readonly string[];
  /** Of the router alone. */
  readonly routerOptions?: readonly string[];
}

export interface AdminAnswer {
  readonly status: number;
  /** Parsed JSON; tests look at what they expect in it. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test is about
  readonly body: any;
}

/** What tests read of a peer in `GET /status`. */
export interface PeerOf {
  readonly id: string;
  readonly isConnected: boolean;
}

/** One process of a cluster, which may be started again and again. */
export class MemberProcess {
  readonly member: Member;
  /** The operator's certificate, where the admin interface asks for it. */
  operator: (() => TlsMaterial) | undefined;
  readonly #arguments: readonly string[];
  #child: ChildProcess | undefined;
  /** Of the latest start. */
  output = '';

  constructor(member: Member, args: readonly string[]) {
    this.member = member;
    this.#arguments = args;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(...further: string[]): void {
    if (this.#child !== undefined) throw new Error(`${this.member.id} runs already`);
    this.output = '';
    const args = [main, ...this.#arguments, ...further];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const read = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
  }

  /** @returns exit code, or undefined when it did not run */
  async end(signal: NodeJS.Signals): Promise<number | null | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Starts it, for a process that is to end by itself. */
  async run(...further: string[]): Promise<{ status: number | null; output: string }> {
    this.start(...further);
    const child = this.#child;
    if (child === undefined) throw new Error('it has not started');
    const [status] = await once(child, 'close');
    return { status, output: this.output };
  }

  async admin(method: string, path: string, body?: object): Promise<AdminAnswer> {
    const { id, host, adminPort: port } = this.member;
    const { status, text } = await askAdmin({
      ...{ host, port, method, path },
      servername: id,
      body: body === undefined ? '' : JSON.stringify(body),
      tls: this.operator?.(),
    });
    return { status, body: path === '/metrics' ? text : JSON.parse(text) };
  }

  /** Waits until the admin interface says so at `path`. */
  async becomes(path: string, isWished: (answer: AdminAnswer) => boolean): Promise<AdminAnswer> {
    const ask = () =>
      this.admin('GET', path).catch((error: Error) => ({ status: 0, body: error.message }));
    return waitFor(ask, isWished, READY_MS_MAX).catch((error: Error) => {
      throw new Error(`${this.member.id} ${path}: ${error.message}\n${this.output.slice(-4_000)}`);
    });
  }

  async isReady(): Promise<void> {
    await this.becomes('/readyz', ({ status }) => status === 200);
  }
}

interface AdminRequest {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Whom the server's certificate has to name. */
  readonly servername: string;
  readonly body: string;
  readonly tls: TlsMaterial | undefined;
}

/** Rejects when there is no answer. */
export function askAdmin({
  tls,
  body,
  ...target
}: AdminRequest): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const receive = async (response: IncomingMessage) =>
    resolve({ status: response.statusCode ?? 0, text: await textOf(response) });
  const receiveOrFail = (response: IncomingMessage) => void receive(response).catch(reject);
  const options = { ...target, headers, agent: false };
  const request =
    tls === undefined
      ? httpRequest(options, receiveOrFail)
      : httpsRequest({ ...options, ...tls }, receiveOrFail);
  request.on('error', reject).end(body);
  return promise;
}

/** Real processes on free ports of this machine: three nodes in three zones, and a router. */
export class ClusterProcesses {
  readonly folder: string;
  readonly topology: TopologyJson;
  readonly nodes: readonly MemberProcess[];
  readonly router: MemberProcess;
  readonly topologyFile: string;
  /** Of all processes, with TLS. */
  readonly certificates: ClusterCertificates | undefined;
  readonly #options: ClusterOptions;
  readonly #others: MemberProcess[] = [];

  static async start(options: ClusterOptions = {}): Promise<ClusterProcesses> {
    const cluster = new ClusterProcesses(await freePorts(12), options);
    try {
      for (const member of cluster.all) member.start();
      for (const node of cluster.nodes) await node.isReady();
      const founded = await cluster.node('a-1').admin('POST', '/bootstrap', {});
      if (founded.status !== 200) throw new Error(JSON.stringify(founded.body));
      await cluster.router.isReady();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  private constructor(ports: readonly number[], options: ClusterOptions) {
    this.folder = mkdtempSync(join(tmpdir(), 'trestle cluster '));
    this.#options = options;
    const member = (id: string, zone: string, index: number): Member => ({
      id,
      zone,
      host: options.host ?? HOST,
      port: ports[3 * index] ?? 0,
      adminPort: ports[3 * index + 1] ?? 0,
      ...(options.hasTls === true ? { healthPort: ports[3 * index + 2] ?? 0 } : {}),
    });
    this.topology = {
      clusterId: randomUUID(),
      region: 'us-east-1',
      accountId: '123456789012',
      nodes: ['a', 'b', 'c'].map((zone, index) => member(`${zone}-1`, zone, index)),
      routers: [member('router-1', 'a', 3)],
      ...(options.hasTls === true ? { tls: ClusterCertificates.files } : {}),
      ...(options.deadMs === undefined
        ? {}
        : { limits: { transport: { deadMs: options.deadMs } } }),
    };
    const ids = [...this.topology.nodes, ...this.topology.routers].map(({ id }) => id);
    this.certificates =
      options.hasTls === true ? new ClusterCertificates(this.folder, ids) : undefined;
    this.topologyFile = this.writeTopology('topology.json', this.topology);
    const file = this.topologyFile;
    const { nodes, routers } = this.topology;
    this.nodes = nodes.map((node) => this.#nodeProcess(node, file, node.id));
    const [router] = routers.map(
      (one) =>
        new MemberProcess(one, [
          ...['router', '--topology', file, '--id', one.id],
          ...(options.memberOptions ?? []),
          ...(options.routerOptions ?? []),
        ]),
    );
    if (router === undefined) throw new Error('a cluster has a router');
    this.router = router;
  }

  get all(): readonly MemberProcess[] {
    return [...this.nodes, this.router, ...this.#others];
  }

  get endpoint(): string {
    const { host, port } = this.router.member;
    return `http://${host}:${port}`;
  }

  node(id: string): MemberProcess {
    const found = this.nodes.find(({ member }) => member.id === id);
    if (found === undefined) throw new Error(`there is no node ${id}`);
    return found;
  }

  /** A further process that is ended with the others. `data` names its folder. */
  stranger(member: Member, topologyFile: string, data: string): MemberProcess {
    const process = this.#nodeProcess(member, topologyFile, data);
    this.#others.push(process);
    return process;
  }

  /** @returns its path */
  writeTopology(name: string, topology: object | string): string {
    const path = join(this.folder, name);
    writeFileSync(path, JSON.stringify(topology));
    return path;
  }

  dataFolder(name: string): string {
    return join(this.folder, 'data', name);
  }

  /** Its volume is lost. It must not run. */
  wipe(id: string): void {
    rmSync(this.dataFolder(id), { recursive: true });
  }

  /** The node that leads the partition. */
  async leaderOf(partitionId: string): Promise<MemberProcess> {
    const found = await waitFor(
      async () => {
        for (const node of this.nodes) {
          if (node.pid === undefined) continue;
          const answer = await node
            .admin('GET', `/partitions/${partitionId}`)
            .catch(() => undefined);
          if (answer?.status === 200 && answer.body.isReady === true) return node;
        }
        return undefined;
      },
      (node) => node !== undefined,
      READY_MS_MAX,
    );
    if (found === undefined) throw new Error('nobody leads');
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((member) => member.end('SIGKILL')));
    this.certificates?.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #nodeProcess(member: Member, topologyFile: string, data: string): MemberProcess {
    const folder = this.dataFolder(data);
    mkdirSync(join(this.folder, 'data'), { recursive: true });
    const process = new MemberProcess(member, [
      ...['node', '--topology', topologyFile, '--id', member.id, '--data', folder],
      '--fault-injection',
      ...(this.#options.memberOptions ?? []),
      ...(this.#options.nodeOptions ?? []),
    ]);
    const { certificates } = this;
    if (certificates !== undefined) process.operator = () => certificates.operator;
    return process;
  }
}
