/**
 * Syncs that are under way side by side, for all that was written before each began. They end in the
 * order in which they began; when one fails, those that began while it was under way fail with it.
 */
export class SyncLine {
  readonly #sync: () => Promise<void>;
  readonly #syncsMax: number;
  #last: Promise<void> | undefined;
  #count = 0;
  #waiting: (() => void)[] = [];

  /** @param syncsMax under way at once */
  constructor(sync: () => Promise<void>, syncsMax: number) {
    this.#sync = sync;
    this.#syncsMax = syncsMax;
  }

  /** Resolves when a further one may begin. */
  async room(): Promise<void> {
    while (this.#count >= this.#syncsMax) await this.#nextEnd();
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#nextEnd();
  }

  /** Begins one. Rejects as it does, or as one before it does. */
  begin(): Promise<void> {
    const before = this.#count > 0 ? this.#last : undefined;
    this.#count += 1;
    const ended = this.#run(before);
    this.#last = ended;
    return ended;
  }

  async #run(before: Promise<void> | undefined): Promise<void> {
    try {
      await Promise.all([this.#sync(), before]);
    } finally {
      this.#count -= 1;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
    }
  }

  #nextEnd(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
