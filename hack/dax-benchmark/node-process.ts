import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMsOf, type Memory, memoryOf } from '../benchmark/process-usage.ts';

const MAIN = join(import.meta.dirname, '../../dax/main.ts');
const START_MS_MAX = 30_000;
const STOP_MS_MAX = 20_000;
const POLL_MS = 20;

/** A DAX node as a process of its own, before the tables of some endpoint. */
export interface DaxNode {
  readonly port: number;
  readonly httpPort: number;
  memory(): Memory;
  /** Milliseconds of processor time used so far, by all its threads. */
  cpuMs(): number;
  stop(): Promise<void>;
}

export interface DaxNodeOptions {
  /** For its log; made here. */
  readonly folder: string;
  /** URL of the tables. */
  readonly tables: string;
  readonly cacheBytes: number;
}

/** Resolves once it is ready. @throws Error when it does not start; nothing is left of it then */
export async function startDaxNode({
  folder,
  tables,
  cacheBytes,
}: DaxNodeOptions): Promise<DaxNode> {
  mkdirSync(folder, { recursive: true });
  const [port = 0, httpPort = 0, healthPort = 0] = await freePorts(3);
  const heapMb = Math.ceil(cacheBytes / 2 ** 20 / 0.7) + 256;
  const args = [
    `--max-old-space-size=${heapMb}`,
    MAIN,
    ...['--tables', tables, '--registry', 'memory', '--cache-bytes', String(cacheBytes)],
    ...['--port', String(port), '--http-port', String(httpPort)],
    ...['--health-port', String(healthPort), '--log-level', 'warn'],
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(folder, 'log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  try {
    await ready(child, healthPort);
  } catch (error) {
    child.kill('SIGKILL');
    const said = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').slice(-3);
    throw new Error([String(error), ...said].join(' | '));
  }
  const { pid } = child;
  if (pid === undefined) throw new Error('a process without id');
  return {
    port,
    httpPort,
    memory: () => memoryOf(pid),
    cpuMs: () => cpuMsOf(pid),
    stop: () => stopped(child),
  };
}

async function ready(child: ChildProcess, healthPort: number): Promise<void> {
  const deadlineMs = performance.now() + START_MS_MAX;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error('the DAX node ended at start');
    const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await delay(POLL_MS);
  }
  throw new Error('the DAX node does not become ready');
}

/** Ends a process in order, or at once after a while. */
export async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    ports.push(address.port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}
