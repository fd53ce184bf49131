import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const launcher = join(import.meta.dirname, '../laptop.ts');
const START_MS_MAX = 60_000;
const OUTPUT_CHARS_MAX = 20_000;

/** `hack/run --dax` as a process of its own, as a user starts it: tables, and a node in front of them. */
export interface LaptopProcess {
  /** Of the tables. */
  readonly tablesUrl: string;
  /** The same API through the cache. */
  readonly cacheUrl: string;
  /** `dax://127.0.0.1:<port>`. */
  readonly daxUrl: string;
  /** Of `/status` and `/metrics`. */
  readonly healthUrl: string;
  readonly pid: number;
  /** What it has printed so far, on both of its outputs. */
  output(): string;
  /** A signal and the end of the process. @returns its exit status, or the signal that ended it */
  stop(signal?: NodeJS.Signals): Promise<number | string | null>;
  readonly ended: Promise<number | string | null>;
}

/**
 * Starts both on free ports and waits for what they print.
 * @param args further options of `hack/run --dax`; ports aside
 */
export async function startLaptop(args: readonly string[]): Promise<LaptopProcess> {
  const ports = ['port', 'dax-port', 'dax-http-port', 'dax-health-port'];
  const child = spawn(
    process.execPath,
    [launcher, '--dax', ...ports.flatMap((name) => [`--${name}`, '0']), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARS_MAX);
    });
  }
  const ended = exitOf(child);
  const printed = await linesOf(child, () => output);
  return {
    ...printed,
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

async function exitOf(child: ChildProcess): Promise<number | string | null> {
  const [code, signal] = await once(child, 'close');
  return code ?? signal;
}

/** What the two processes print when they serve. */
function linesOf(
  child: ChildProcess,
  output: () => string,
): Promise<Pick<LaptopProcess, 'tablesUrl' | 'cacheUrl' | 'daxUrl' | 'healthUrl'>> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`hack/run --dax ${reason}:\n${output()}`));
    const timer = setTimeout(() => {
      fail('prints no endpoints');
      child.kill('SIGKILL');
    }, START_MS_MAX);
    child.stdout?.on('data', () => {
      const [, tablesUrl] = /DynamoDB API on (http:\/\/\S+) \(tables/.exec(output()) ?? [];
      const [, daxUrl, cacheUrl] =
        /serves (dax:\/\/\S+) and .* on (http:\/\/\S+);/.exec(output()) ?? [];
      const [, healthUrl] = /status on (http:\/\/\S+)\/status/.exec(output()) ?? [];
      if (tablesUrl === undefined || daxUrl === undefined) return;
      if (cacheUrl === undefined || healthUrl === undefined) return;
      clearTimeout(timer);
      resolve({ tablesUrl, cacheUrl, daxUrl, healthUrl });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      fail(`ended at start (${code ?? signal})`);
    });
  });
}
