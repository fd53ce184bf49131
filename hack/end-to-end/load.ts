import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadAnswer, LoadCommand, LoadSettings, LoadWindow } from './load-messages.ts';

/** What applies load: to the tables with the AWS SDK, or to a cache with Amazon's DAX client. */
export type LoadProgram = 'load-process.ts' | 'dax-load-process.ts';

/** The load's process, as the scenarios steer it. */
export class LoadHandle {
  readonly #child: ChildProcess;
  readonly #waiting: PromiseWithResolvers<LoadAnswer>[] = [];

  private constructor(program: LoadProgram, env: Readonly<Record<string, string>>) {
    this.#child = fork(fileURLToPath(new URL(program, import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
    this.#child.on('message', (answer: LoadAnswer) => this.#waiting.shift()?.resolve(answer));
    this.#child.once('exit', (code) => {
      const error = new Error(`the load's process ended with ${code}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** @param env - of the process, beside this one's */
  static async start(
    settings: LoadSettings,
    program: LoadProgram = 'load-process.ts',
    env: Readonly<Record<string, string>> = {},
  ): Promise<LoadHandle> {
    const load = new LoadHandle(program, env);
    await load.#ask({ kind: 'start', settings });
    return load;
  }

  /** What clients see while `action` is under way. */
  async during(action: () => Promise<void>): Promise<LoadWindow> {
    await this.#ask({ kind: 'begin' });
    await action();
    const answer = await this.#ask({ kind: 'end' });
    if (answer.kind !== 'window') throw new Error(`the load answered ${answer.kind}`);
    return answer.window;
  }

  async pause(): Promise<void> {
    await this.#ask({ kind: 'pause' });
  }

  async resume(): Promise<void> {
    await this.#ask({ kind: 'resume' });
  }

  /** Reads everything that was acknowledged since the start. */
  async verify(): Promise<{
    readonly acknowledgedCount: number;
    readonly missing: readonly string[];
  }> {
    const answer = await this.#ask({ kind: 'verify' });
    if (answer.kind !== 'verified') throw new Error(`the load answered ${JSON.stringify(answer)}`);
    return answer;
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #ask(command: LoadCommand): Promise<LoadAnswer> {
    const waiting = Promise.withResolvers<LoadAnswer>();
    this.#waiting.push(waiting);
    this.#child.send(command);
    const answer = await waiting.promise;
    if (answer.kind === 'failed') throw new Error(answer.message);
    return answer;
  }
}
