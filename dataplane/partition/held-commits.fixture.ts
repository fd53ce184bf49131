import type { Effect, Store } from '../storage/store.ts';

/** Commits that the test lets through, or fails, one by one. */
export class HeldCommits {
  readonly waiting: {
    readonly effects: readonly Effect[];
    readonly end: (error?: Error) => void;
  }[] = [];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  readonly commit = (effects: readonly Effect[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (error?: Error) =>
        error === undefined ? this.#store.commit(effects).then(resolve, reject) : reject(error);
      this.waiting.push({ effects, end });
    });

  next(error?: Error): void {
    const commit = this.waiting.shift();
    if (commit === undefined) throw new Error('no commit waits');
    commit.end(error);
  }
}
