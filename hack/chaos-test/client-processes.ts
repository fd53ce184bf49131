import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClientReport, ClientSettings } from './client-settings.ts';

const SCRIPT = join(import.meta.dirname, 'client-process.ts');
/** Longer than a client waits for its last answer. */
const STOP_MS_MAX = 30_000;

/** Processes of clients, each with a history file of its own. */
export class ClientProcesses {
  readonly #children: readonly ChildProcess[];
  readonly #reports: ClientReport[];
  readonly historyFiles: readonly string[];

  constructor(settings: readonly ClientSettings[]) {
    this.historyFiles = settings.map(({ historyFile }) => historyFile);
    this.#reports = settings.map(() => ({ counts: [], surprises: [] }));
    this.#children = settings.map((each, index) => {
      const child = fork(SCRIPT);
      child.on('message', (report: ClientReport) => {
        this.#reports[index] = report;
      });
      child.send(each);
      return child;
    });
  }

  /** Operations and outcomes of all, so far. */
  counts(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const [name, count] of this.#reports.flatMap(({ counts }) => counts)) {
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
    return sums;
  }

  surprises(): readonly string[] {
    return this.#reports.flatMap(({ surprises }) => surprises);
  }

  /** Lets every client have its last answer. @throws Error when a process has failed */
  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode === null && child.signalCode === null) {
          const exited = once(child, 'exit', { signal: AbortSignal.timeout(STOP_MS_MAX) });
          child.send('stop');
          await exited;
        }
        if (child.exitCode !== 0) {
          throw new Error(`a process of clients ended with ${child.exitCode ?? child.signalCode}`);
        }
      }),
    );
  }

  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
