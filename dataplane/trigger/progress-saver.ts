import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { TriggerProgress } from './progress-record.ts';
import type { TriggerSource } from './trigger-source.ts';

/** Progress is made durable at once after a rest, and then so often at most. */
const SAVE_INTERVAL_MS = 1_000;

export interface ProgressSaverParts {
  readonly source: Pick<TriggerSource, 'save'>;
  readonly scheduler: Scheduler;
}

/**
 * Makes the progress of the triggers of one partition durable, all that has changed in one commit.
 * What is not saved when it ends is delivered again.
 */
export class ProgressSaver {
  readonly #parts: ProgressSaverParts;
  readonly #latest = new Map<string, TriggerProgress>();
  readonly #changed = new Set<string>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: ProgressSaverParts) {
    this.#parts = parts;
  }

  /** As set last, saved or not. */
  latest(name: string): TriggerProgress | undefined {
    return this.#latest.get(name);
  }

  set(name: string, progress: TriggerProgress): void {
    this.#latest.set(name, progress);
    this.#change(name);
  }

  /** As `set`; saved with what else is committed in this turn of the event loop. */
  setAtOnce(name: string, progress: TriggerProgress): void {
    this.#latest.set(name, progress);
    this.#changed.add(name);
    void this.#save();
  }

  /** The trigger is no more. */
  remove(name: string): void {
    this.#latest.delete(name);
    this.#change(name);
  }

  /** Nothing is begun any more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Saves what is left, in one try, and stops. */
  async finish(): Promise<void> {
    await this.stop();
    await this.#save();
  }

  #change(name: string): void {
    this.#changed.add(name);
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    const { scheduler } = this.#parts;
    const { signal } = this.#stop;
    while (this.#changed.size > 0 && !signal.aborted) {
      await this.#save();
      await pause(scheduler, SAVE_INTERVAL_MS, signal);
    }
  }

  /** Never rejects: what cannot be saved now is tried again with the next. */
  async #save(): Promise<void> {
    if (this.#changed.size === 0) return;
    const names = [...this.#changed];
    this.#changed.clear();
    try {
      await this.#parts.source.save(new Map(names.map((name) => [name, this.#latest.get(name)])));
    } catch {
      // The store says so itself, and a leader that has lost its partition is told to stop.
      for (const name of names) this.#changed.add(name);
    }
  }
}
