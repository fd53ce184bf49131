import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cpuMsOf } from '../benchmark/process-usage.ts';

const MAIN = fileURLToPath(new URL('../../operator/main.ts', import.meta.url));
const ANSWER_MS_MAX = 10_000;
/** What Node gives itself in a container of 512 MiB. */
const HEAP = ['--max-old-space-size=256', '--max-semi-space-size=4'];
/** Dies with the process that started it, however that ends, where the system can do that. */
const wrapper = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

export interface OperatorProcessOptions {
  readonly kubeconfig: string;
  /** Served, and where the Lease is. */
  readonly namespace: string;
  readonly healthPort: number;
  /** Its log is appended there. */
  readonly logFile: string;
}

/** One sample of the operator's metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** An operator as its pod runs it, but for how it reaches the API server. */
export class OperatorProcess {
  readonly pid: number;
  /** Status, or undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>;
  readonly #child: ChildProcess;
  readonly #healthPort: number;

  static start(options: OperatorProcessOptions): OperatorProcess {
    const { kubeconfig, namespace, healthPort, logFile } = options;
    const log = openSync(logFile, 'a');
    const args = [
      ...[
        process.execPath,
        ...HEAP,
        MAIN,
        '--namespaces',
        namespace,
        '--release-namespace',
        namespace,
      ],
      ...['--data-image', 'trestle:1', '--kubeconfig', kubeconfig],
      ...['--health-port', String(healthPort), '--log-level', 'info'],
    ];
    const [command = process.execPath, ...rest] = [...wrapper, ...args];
    const child = spawn(command, rest, { stdio: ['ignore', log, log] });
    closeSync(log);
    if (child.pid === undefined) throw new Error('the operator cannot be started');
    return new OperatorProcess(child, child.pid, healthPort);
  }

  private constructor(child: ChildProcess, pid: number, healthPort: number) {
    this.#child = child;
    this.pid = pid;
    this.#healthPort = healthPort;
    this.ended = once(child, 'exit').then(([status]) => (status as number | null) ?? undefined);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Undefined while it does not answer. */
  async metrics(): Promise<readonly Sample[] | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`, {
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      return samplesOf(await answer.text());
    } catch (error) {
      if (error instanceof Error) return undefined;
      throw error;
    }
  }

  /** Most resident memory ever, in MB (of 2^20 bytes). */
  peakMb(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+([0-9]+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  }

  cpuMs(): number {
    return cpuMsOf(this.pid);
  }

  /** As a crash does; the Lease is not given back. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.ended;
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGTERM');
    await this.ended;
  }
}

/** Lines of the Prometheus text format. */
export function samplesOf(text: string): readonly Sample[] {
  const line = /^trestle_([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$/gm;
  return Array.from(text.matchAll(line), ([, name = '', labels = '', value]) => ({
    name,
    labels,
    value: Number(value),
  }));
}

/** Of all samples of that name whose labels hold the text. */
export function sumOf(samples: readonly Sample[], name: string, label = ''): number {
  return samples
    .filter((sample) => sample.name === name && sample.labels.includes(label))
    .reduce((sum, { value }) => sum + value, 0);
}

export const REQUESTS = 'operator_kubernetes_requests_total';

/** What was asked of the API server between two readings, most often first: `patch tables/status 200`. */
export function requestsBetween(
  before: readonly Sample[],
  after: readonly Sample[],
): readonly { readonly what: string; readonly count: number }[] {
  const earlier = new Map(
    before.filter(({ name }) => name === REQUESTS).map(({ labels, value }) => [labels, value]),
  );
  return after
    .filter(({ name }) => name === REQUESTS)
    .map(({ labels, value }) => ({
      what: Array.from(labels.matchAll(/"([^"]*)"/g), ([, text]) => text).join(' '),
      count: value - (earlier.get(labels) ?? 0),
    }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}
