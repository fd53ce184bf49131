import type { Scheduler, Timer } from '../scheduler.ts';
import { frameKinds } from './frame.ts';
import type { TransportLimits } from './options.ts';
import type { Outbox } from './outbox.ts';

/** Beats per idle interval: a ping is late by at most one of them. */
const BEATS_PER_IDLE = 4;

export interface KeepAliveOptions {
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  readonly outbox: Outbox;
  readonly onDead: (reason: string) => void;
}

/**
 * Sees to it that silence means death: pings a peer that was sent nothing for a while, which
 * answers, and reports one that was not heard of for long, or that does not read what it is sent.
 *
 * Time is counted in beats, not read off a clock: while this process stands still or is busy it
 * does not beat, and its peers are not to blame for what it did not hear.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  readonly #beatMs: number;
  /** Beats since the peer was heard of, and since the socket has finished a write it is at. */
  #silentBeats = 0;
  #stuckBeats = 0;
  #writtenCount = 0;
  #isReading = true;
  #timer: Timer;
  #isClosed = false;
  #lastPing = 0;
  /** Probes that wait for the pong of their ping. */
  readonly #probes = new Map<number, (isAlive: boolean) => void>();

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#beatMs = options.limits.pingIdleMs / BEATS_PER_IDLE;
    this.#timer = this.#beatLater();
  }

  /** Bytes have come from the peer. */
  heard(): void {
    this.#silentBeats = 0;
  }

  onPong(id: number): void {
    this.#probes.get(id)?.(true);
  }

  onReading(isReading: boolean): void {
    this.#isReading = isReading;
    this.heard();
  }

  /** Whether the peer answers a ping sent now. */
  probe(withinMs: number): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    const id = this.#ping();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const { scheduler } = this.#options;
    // A pong that has come during the turn is only read after its timers.
    const giveUp = () => scheduler.soon(() => this.#probes.get(id)?.(false));
    const timer = scheduler.after(withinMs, giveUp);
    this.#probes.set(id, (isAlive) => {
      this.#probes.delete(id);
      timer.cancel();
      resolve(isAlive);
    });
    return promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.cancel();
    for (const settle of [...this.#probes.values()]) settle(false);
  }

  #beatLater(): Timer {
    return this.#options.scheduler.after(this.#beatMs, () => this.#beat());
  }

  #beat(): void {
    const { scheduler, limits, outbox } = this.#options;
    const idleMs = scheduler.monotonicMs() - outbox.handedMs;
    // What is queued says as much as a ping, once it gets through.
    if (idleMs >= limits.pingIdleMs && outbox.queuedFrames === 0) this.#ping();
    // While we do not read, the peer cannot be heard.
    if (this.#isReading) this.#silentBeats += 1;
    const isStuck = outbox.isWriting && outbox.writtenCount === this.#writtenCount;
    this.#stuckBeats = isStuck ? this.#stuckBeats + 1 : 0;
    this.#writtenCount = outbox.writtenCount;
    // What has come during this turn is only read after its timers.
    if (this.#deathCause() !== undefined) scheduler.soon(() => this.#bury());
    this.#timer = this.#beatLater();
  }

  #bury(): void {
    const cause = this.#deathCause();
    if (cause !== undefined && !this.#isClosed) this.#options.onDead(cause);
  }

  #deathCause(): string | undefined {
    const { deadMs } = this.#options.limits;
    const silentMs = this.#silentBeats * this.#beatMs;
    if (silentMs >= deadMs) return `not heard of for ${silentMs} ms`;
    const stuckMs = this.#stuckBeats * this.#beatMs;
    return stuckMs >= deadMs ? `has taken nothing for ${stuckMs} ms` : undefined;
  }

  #ping(): number {
    this.#lastPing = (this.#lastPing + 1) >>> 0;
    this.#options.outbox.addBare(frameKinds.ping, this.#lastPing);
    return this.#lastPing;
  }
}
