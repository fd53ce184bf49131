import { type ChildProcess, spawn } from 'node:child_process';

/** Of what a process printed, to find something in it. */
const OUTPUT_CHARS_MAX = 10_000;

/**
 * A process of ours that this one has started and that must not outlive it: it has a channel to this
 * process, and ends when that is cut. It is in a group of its own, so that Ctrl-C in a terminal reaches it by
 * this process only, and once.
 */
export class LaunchedProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  /** Exit status; 1 for a signal, or when it could not be started. */
  readonly ended: Promise<number>;
  #output = '';

  /** @param args of the runtime that runs this process */
  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.#child = spawn(process.execPath, [...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(1));
      this.#child.once('close', (status) => resolve(status ?? 1));
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-OUTPUT_CHARS_MAX);
      process.stdout.write(chunk);
    });
  }

  /** The first group of the pattern in what it prints; undefined if it ends before. */
  prints(pattern: RegExp): Promise<string | undefined> {
    return new Promise((resolve) => {
      const look = () => {
        const [, found] = pattern.exec(this.#output) ?? [];
        if (found !== undefined) resolve(found);
      };
      look();
      this.#child.stdout?.on('data', look);
      this.ended.then(() => resolve(undefined));
    });
  }

  /** Nothing where it has ended. */
  askToStop(): void {
    this.#child.kill('SIGTERM');
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.askToStop();
    await this.ended;
  }
}
