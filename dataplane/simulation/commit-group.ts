import type { Effect } from '../storage/store.ts';

/** Writes one batch; the effects belong to it. */
export type WriteGroup = (effects: readonly Effect[]) => Promise<void>;

/**
 * Group commit as `storage/commit-queue.ts` has it, on virtual turns: a batch starts at the end of
 * the turn, one is under way at most, and when one fails everything behind it fails with it.
 */
export class CommitGroup {
  readonly #write: WriteGroup;
  readonly #soon: (fn: () => void) => void;
  #waiting: Waiter[] = [];
  #running: Promise<void> | undefined;

  constructor(write: WriteGroup, soon: (fn: () => void) => void) {
    this.#write = write;
    this.#soon = soon;
  }

  commit(effects: readonly Effect[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ effects, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async drained(): Promise<void> {
    while (this.#running !== undefined) {
      await this.#running;
    }
  }

  async #run(): Promise<void> {
    await this.#endOfTurn();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(batch.flatMap(({ effects }) => effects));
      } catch (error) {
        const behind = this.#waiting;
        this.#waiting = [];
        for (const { reject } of [...batch, ...behind]) {
          reject(error);
        }
        continue;
      }
      for (const { resolve } of batch) {
        resolve();
      }
      await this.#endOfTurn();
    }
    this.#running = undefined;
  }

  #endOfTurn(): Promise<void> {
    return new Promise((resolve) => this.#soon(resolve));
  }
}

interface Waiter {
  readonly effects: readonly Effect[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
