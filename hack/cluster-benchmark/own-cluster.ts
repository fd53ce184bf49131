import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ClusterFolder, type Process, ROUTER } from '../cluster-cli/cluster-folder.ts';
import { canBind, ownAddress, ownPorts } from '../cluster-cli/loopback.ts';
import { Processes } from '../cluster-cli/processes.ts';

const CLI = fileURLToPath(new URL('../cluster-cli/main.ts', import.meta.url));
const ZONES = 3;
/** Below the ports that systems give out by themselves. */
const PORT_MIN = 12_000;
const PORT_MAX = 30_000;
const PORT_TRIES_MAX = 50;

export interface OwnClusterOptions {
  /** Made here, and deleted in the end. */
  readonly folder: string;
  /** Bounds other than usual, as the topology file has them. */
  readonly limits?: object;
  /** What `hack/cluster up` makes. */
  readonly table: string;
  /** Further environment of the processes as they are started first. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A cluster of three nodes in three zones and a router, started through `hack/cluster`, on ports of its own. */
export class OwnCluster {
  readonly folder: ClusterFolder;
  readonly processes: Processes;

  /** @throws Error when it does not come up; then nothing is left of it */
  static async start({ folder, limits, table, env = {} }: OwnClusterOptions): Promise<OwnCluster> {
    const cluster = new OwnCluster(folder);
    const hostOf = (await canBind(ownAddress(ZONES - 1, 0).host)) ? ownAddress : ownPorts;
    cluster.folder.create({ zones: ZONES, nodesPerZone: 1, port: await freePort(hostOf), hostOf });
    if (limits !== undefined) cluster.#setLimits(limits);
    try {
      await runCli(['up', '--data', folder, '--table', table], env);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  private constructor(folder: string) {
    this.folder = new ClusterFolder(folder);
    this.processes = new Processes(this.folder);
  }

  get nodes(): readonly Process[] {
    return this.folder.processes().filter(({ role }) => role === 'node');
  }

  get router(): Process {
    return this.folder.process(ROUTER);
  }

  process(id: string): Process {
    return this.folder.process(id);
  }

  /** Those that run, nodes and router. */
  pids(): readonly number[] {
    return this.folder.processes().flatMap(({ id }) => this.processes.pid(id) ?? []);
  }

  pid(id: string): number {
    const pid = this.processes.pid(id);
    if (pid === undefined) throw new Error(`${id} does not run`);
    return pid;
  }

  start(id: string): void {
    this.processes.start(this.process(id));
  }

  kill(id: string): Promise<void> {
    return this.processes.kill(id);
  }

  /** Kills a node and deletes its data, as a lost volume does. */
  async wipe(id: string): Promise<void> {
    await this.kill(id);
    rmSync(this.folder.dataFolder(id), { recursive: true, force: true });
  }

  async killAll(): Promise<void> {
    await Promise.all(this.folder.processes().map(({ id }) => this.kill(id)));
  }

  /** Ends all processes at once, and deletes everything. */
  async close(): Promise<void> {
    if (this.folder.exists()) await this.killAll();
    rmSync(this.folder.path, { recursive: true, force: true });
  }

  #setLimits(limits: object): void {
    const path = this.folder.topologyFile;
    const topology = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...topology, limits }, undefined, 2));
  }
}

/** @throws Error with what it complained of */
async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000);
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`hack/cluster ${args[0]} failed: ${complaint.trim()}`);
}

/** A port at which, with those behind it, nobody listens at this moment. */
async function freePort(hostOf: typeof ownAddress): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const places = Array.from({ length: ZONES }, (_, zone) => hostOf(zone, 0)).flatMap(
      ({ host, portOffset }) => [2, 3].map((offset) => [host, port + portOffset + offset] as const),
    );
    const all = [['127.0.0.1', port] as const, ['127.0.0.1', port + 1] as const, ...places];
    const free = await Promise.all(all.map(([host, each]) => isFree(host, each)));
    if (free.every((each) => each)) return port;
  }
  throw new Error('no free ports');
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });
}
