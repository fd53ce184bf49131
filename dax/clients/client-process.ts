import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** What came of a call, as the client shows it; binary values are base64. */
export type Outcome =
  | { readonly result: unknown }
  | {
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly status?: number | null;
        readonly reasons?: unknown;
      };
    };

const CALL_MS_MAX = 60_000;
const OUTPUT_CHARS_MAX = 4000;

export interface ClientCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** One of the official clients in a process of its own, which is given calls line by line. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];
  #errors = '';

  constructor({ program, args, env }: ClientCommand) {
    this.#child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('they are pipes');
    this.#lines = createInterface({ input: stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    });
  }

  /** What it wrote to standard error, the end of it. */
  get errors(): string {
    return this.#errors;
  }

  call(operation: string, parameters: unknown): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        reject(new Error(`the client ${what} at ${operation}:\n${this.#errors}`));
      };
      const onExit = (): void => fail('ended');
      const timer = setTimeout(() => fail('did not answer'), CALL_MS_MAX);
      this.#child.once('exit', onExit);
      this.#waiting.push((line) => {
        clearTimeout(timer);
        this.#child.off('exit', onExit);
        resolve(JSON.parse(line));
      });
      this.#child.stdin?.write(`${JSON.stringify({ operation, parameters })}\n`);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CALL_MS_MAX);
    await exited;
    clearTimeout(timer);
  }
}
