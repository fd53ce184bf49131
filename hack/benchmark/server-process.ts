import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from './endpoint.ts';
import { type Answer, Caller } from './load-connection.ts';
import { cpuMsOf, type Memory, memoryOf } from './process-usage.ts';
import { requestBytes } from './request.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const POLL_MS = 2;

/** What is measured: something that serves the API on a port of this machine. */
export interface MeasuredServer {
  readonly endpoint: Pick<Endpoint, 'mode' | 'accessKey'> & { readonly name: string };
  readonly port: number;
  /** One call of the API; throws when the answer is not 200. */
  call(target: string, body: object): Promise<Record<string, unknown>>;
  /** Sets what the bare server answers with; nothing for the others. */
  setAnswer(answer: object): Promise<void>;
  memory(): Memory;
  /** Milliseconds of processor time used so far, by all threads of all its processes. */
  cpuMs(): number;
}

/** A started endpoint. */
export interface RunningServer extends MeasuredServer {
  /** From starting the process to the first answer of ListTables. */
  readonly startMs: number;
  stop(): Promise<void>;
}

/**
 * Starts an endpoint and waits for its first answer.
 * @param folder its data, made here, removed when it stops
 * @param cores what taskset is given, when processes are pinned
 */
export async function startServer(
  endpoint: Endpoint,
  folder: string,
  cores: string | undefined,
): Promise<RunningServer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const command = [
    ...(cores === undefined ? [] : ['taskset', '-c', cores]),
    ...endpoint.command(port, folder),
  ];
  const [program = '', ...args] = command;
  const startedMs = performance.now();
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const log = createWriteStream(join(folder, 'log'));
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  try {
    await firstAnswer(child, endpoint, port);
  } catch (error) {
    child.kill('SIGKILL');
    const output = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').slice(0, 3);
    throw new Error([String(error), ...output].join(' | '));
  }
  const startMs = performance.now() - startedMs;
  return runningServer({ endpoint, child, port, startMs, folder });
}

interface Started {
  readonly endpoint: Endpoint;
  readonly child: ChildProcess;
  readonly port: number;
  readonly startMs: number;
  readonly folder: string;
}

function runningServer({ endpoint, child, port, startMs, folder }: Started): RunningServer {
  const { pid } = child;
  if (pid === undefined) throw new Error('a process without id');
  return {
    endpoint,
    port,
    startMs,
    call: (target, body) => callOnce(endpoint, port, target, body),
    setAnswer: async (answer) => {
      if (endpoint.mode !== 'ceiling') return;
      const isSet = once(child, 'message');
      child.send(JSON.stringify(answer));
      await isSet;
    },
    memory: () => memoryOf(pid),
    cpuMs: () => cpuMsOf(pid),
    stop: async () => {
      const exited = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await exited;
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function firstAnswer(child: ChildProcess, endpoint: Endpoint, port: number): Promise<void> {
  const deadlineMs = performance.now() + START_MS_MAX;
  let problem: unknown;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`${endpoint.name} ended at start`);
    try {
      const { status, body } = await callServer(endpoint, port, 'ListTables', {});
      if (status === 200) return;
      problem = `${status} ${body}`;
    } catch (error) {
      problem = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`${endpoint.name} does not answer: ${problem}`);
}

/** One call of the API, on a connection of its own. @throws Error when the answer is not 200 */
export async function callOnce(
  endpoint: MeasuredServer['endpoint'],
  port: number,
  target: string,
  body: object,
): Promise<Record<string, unknown>> {
  const answer = await callServer(endpoint, port, target, body);
  if (answer.status !== 200) {
    throw new Error(`${endpoint.name} answers ${target} with ${answer.status}: ${answer.body}`);
  }
  return JSON.parse(answer.body ?? '{}');
}

async function callServer(
  { accessKey }: Pick<Endpoint, 'accessKey'>,
  port: number,
  target: string,
  body: object,
): Promise<Answer> {
  const caller = new Caller(port);
  try {
    return await caller.call(requestBytes({ port, target, body, accessKey }));
  } finally {
    caller.close();
  }
}

/** A port that was free a moment ago: peers cannot be told to choose one and say which. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
