import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoadWindow } from './load-messages.ts';

const ERRORS_MAX = 200;
const LOOP_RESOLUTION_MS = 20;

/** Counts what clients see, from its making on. */
export class WindowCounts {
  readonly #startMs: number;
  readonly #now: () => number;
  /** By writer: when its last write was acknowledged, or the window began. */
  readonly #lastMs: number[];
  readonly #latenciesMs: number[] = [];
  readonly #errors: string[] = [];
  readonly #wrongReads: string[] = [];
  readonly #loopDelays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  #longestGapMs = 0;
  #writesCount = 0;
  #readsCount = 0;

  constructor(writersCount: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startMs = now();
    this.#lastMs = new Array<number>(writersCount).fill(this.#startMs);
    this.#loopDelays.enable();
  }

  wrote(writer: number, latencyMs: number): void {
    this.#writesCount += 1;
    this.#latenciesMs.push(latencyMs);
    this.#noteGap(writer);
    this.#lastMs[writer] = this.#now();
  }

  read(latencyMs: number): void {
    this.#readsCount += 1;
    this.#latenciesMs.push(latencyMs);
  }

  failed(error: string): void {
    if (this.#errors.length < ERRORS_MAX) this.#errors.push(error);
  }

  readWrong(what: string): void {
    if (this.#wrongReads.length < ERRORS_MAX) this.#wrongReads.push(what);
  }

  /** To be called once, at the end. Silence up to now counts like any other. */
  summary(): LoadWindow {
    this.#loopDelays.disable();
    this.#lastMs.forEach((_, writer) => {
      this.#noteGap(writer);
    });
    const sorted = this.#latenciesMs.toSorted((one, other) => one - other);
    return {
      durationMs: this.#now() - this.#startMs,
      writesCount: this.#writesCount,
      readsCount: this.#readsCount,
      errors: this.#errors,
      wrongReads: this.#wrongReads,
      longestGapMs: this.#longestGapMs,
      slowestMs: sorted.at(-1) ?? 0,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
      stalledMs: Math.max(0, this.#loopDelays.max / 1e6 - LOOP_RESOLUTION_MS),
    };
  }

  #noteGap(writer: number): void {
    const gapMs = this.#now() - (this.#lastMs[writer] ?? this.#startMs);
    this.#longestGapMs = Math.max(this.#longestGapMs, gapMs);
  }
}
