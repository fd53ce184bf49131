import assert from 'node:assert/strict';
import type { Scheduler, Timer } from '../replication/scheduler.ts';
import type { SimEvent } from './event-queue.ts';
import type { SimRandom } from './random.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimWorld } from './sim-world.ts';

/** How a process ended. `power`: its machine lost power, too, and says goodbye to nobody. */
export type Death = 'kill' | 'power';

/**
 * One process in the simulation, from its start to its end: the Scheduler that its code is given.
 *
 * Everything that runs in it is an event of its own, made by its timers, the network or its disk.
 * Killing it takes all of them away, so its promises just never settle again.
 */
export class SimProcess implements Scheduler {
  readonly name: string;
  /** Above 0; counts the processes of a world. */
  readonly index: number;
  readonly world: SimWorld;
  readonly clock: SimClock;
  readonly #random: SimRandom;
  readonly #deathListeners: ((death: Death) => void)[] = [];
  #isAlive = true;
  #isPaused = false;
  /** What became due during a pause, in order. */
  #held: SimEvent[] = [];

  constructor(world: SimWorld, index: number, options: { name: string; clock: SimClock }) {
    this.world = world;
    this.index = index;
    this.name = options.name;
    this.clock = options.clock;
    this.#random = world.random.fork(`process ${index} ${options.name}`);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  nowMs(): number {
    return this.clock.wallMs(this.world.nowUs);
  }

  monotonicMs(): number {
    return this.clock.monotonicMs(this.world.nowUs);
  }

  /**
   * Fires up to 1 ms early or late and sometimes much later, as Node's timers do: they count whole
   * ms from the start of the turn that set them, and a busy event loop comes late.
   */
  after(delayMs: number, fn: () => void): Timer {
    const random = this.#random;
    const lateMs = random.chance(busyChance)
      ? random.logBetween(1, busyMsMax)
      : 2 * random.float() - 1;
    const delayUs = this.clock.virtualUs(Math.max(0.01, Math.max(1, delayMs) + lateMs));
    return this.#timer(delayUs, 'timer', { fn, isTimer: true });
  }

  /** At this very instant, after all events that this process has for it so far. */
  soon(fn: () => void): void {
    this.#timer(0, 'soon', { fn, isTimer: false });
  }

  /** Exactly `delayUs` from now: completions of disk and network. */
  afterUs(delayUs: number, label: string, fn: () => void): Timer {
    return this.#timer(delayUs, label, { fn, isTimer: false });
  }

  /** SIGSTOP: from now on nothing of it runs, and whatever comes for it waits. */
  pause(): void {
    assert(this.#isAlive, 'only a living process can be paused');
    this.#isPaused = true;
  }

  /** SIGCONT: what waited happens now; timers that were due may overtake what came over the network. */
  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    const areTimersFirst = this.#random.chance(0.5);
    const isFirst = (event: SimEvent) => areTimersFirst && event.isTimer;
    for (const event of [...held.filter(isFirst), ...held.filter((waiting) => !isFirst(waiting))]) {
      this.world.reschedule(event);
    }
  }

  /** SIGKILL, or the end of its machine. */
  kill(death: Death): void {
    if (!this.#isAlive) {
      return;
    }
    this.#isAlive = false;
    this.#isPaused = false;
    this.#held = [];
    for (const listener of this.#deathListeners) {
      listener(death);
    }
  }

  /** For the parts of the world that a process leaves traces in. */
  onDeath(listener: (death: Death) => void): void {
    this.#deathListeners.push(listener);
  }

  /** Whether an event that is due may run now; one that may not is kept or forgotten. */
  admit(event: SimEvent): boolean {
    if (this.#isPaused) {
      this.#held.push(event);
    }
    return this.#isAlive && !this.#isPaused;
  }

  #timer(
    delayUs: number,
    label: string,
    { fn, isTimer }: { readonly fn: () => void; readonly isTimer: boolean },
  ): Timer {
    if (!this.#isAlive) {
      return deadTimer;
    }
    const event = this.world.schedule(delayUs, label, { process: this, fn, isTimer });
    return { cancel: () => this.world.cancel(event) };
  }
}

/** Code of a dead process that is called from outside gets timers that never fire. */
const deadTimer: Timer = { cancel() {} };

/** How often a timer finds the event loop busy, and for how long at most. */
const busyChance = 0.01;
const busyMsMax = 50;
