import assert from 'node:assert/strict';
// By import: `RealTimeWatch` replaces the global one, and this is the loop it must not slow down.
import { setImmediate } from 'node:timers';
import { EventQueue, type SimEvent } from './event-queue.ts';
import { mixU32, SimRandom } from './random.ts';
import { type ClockOptions, SimClock } from './sim-clock.ts';
import { SimProcess } from './sim-scheduler.ts';
import { Trace } from './trace.ts';

/** What an event needs besides its time. */
export interface EventOptions {
  /** Whose event it is; the world's own when undefined. */
  readonly process?: SimProcess;
  readonly fn: () => void;
  readonly isTimer?: boolean;
}

/** What `run` waited for did not happen. */
export class SimulationStuck extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SimulationStuck';
  }
}

/**
 * The virtual world of one simulation: its time, its events in order, and the loop that runs them.
 *
 * One event runs at a time, and everything that follows from it through promises runs before the
 * next one. So a run depends on the seed alone.
 */
export class SimWorld {
  readonly random: SimRandom;
  readonly trace = new Trace();
  readonly #queue = new EventQueue();
  readonly #processes: SimProcess[] = [];
  readonly #tieSeed: number;
  #nowUs = 0;
  #order = 0;
  #isRunning = false;

  constructor(seed: string | number) {
    this.random = new SimRandom(seed);
    this.#tieSeed = this.random.fork('ties').u32();
  }

  get seed(): string {
    return this.random.seed;
  }

  /** Virtual microseconds since the world began. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowUs / 1_000;
  }

  /** Events that ran. */
  get eventsCount(): number {
    return this.trace.count;
  }

  newClock(name: string, options: ClockOptions): SimClock {
    return new SimClock(this.random.fork(`clock ${name}`), options);
  }

  startProcess(name: string, clock: SimClock): SimProcess {
    const process = new SimProcess(this, this.#processes.length + 1, { name, clock });
    this.#processes.push(process);
    return process;
  }

  /** Has `fn` called after `delayUs`; events of no process are the world's own. */
  schedule(delayUs: number, label: string, { process, fn, isTimer }: EventOptions): SimEvent {
    const event: SimEvent = {
      atUs: this.#nowUs + Math.max(0, Math.round(delayUs)),
      tie: 0,
      order: 0,
      process: process === undefined ? 0 : process.index,
      label,
      isTimer: isTimer ?? false,
      fn,
    };
    this.#push(event);
    return event;
  }

  /** As `schedule`, for the world's own events. */
  afterMs(delayMs: number, label: string, fn: () => void): void {
    this.schedule(delayMs * 1_000, label, { fn });
  }

  cancel(event: SimEvent): void {
    if (event.order === ranOrder) {
      event.fn = undefined; // It ran, or its process is paused and holds it.
    } else if (event.fn !== undefined) {
      this.#queue.cancel(event);
    }
  }

  /** Has an event that was due, and held back, happen now. */
  reschedule(event: SimEvent): void {
    if (event.fn !== undefined) {
      event.atUs = this.#nowUs;
      this.#push(event);
    }
  }

  /**
   * Runs events until that moment (virtual ms since the world began), or until the predicate holds;
   * it is asked before the first event and after each.
   * @throws SimulationStuck when the predicate does not come true within `limitMs`, or nothing is
   *   left to happen; whatever an event throws, with the time and the process in the message
   */
  run(until: number | (() => boolean), { limitMs = limitMsDefault } = {}): Promise<void> {
    assert(!this.#isRunning, 'one run at a time');
    this.#isRunning = true;
    const isFinished =
      typeof until === 'number'
        ? () => this.#reached(until * 1_000)
        : this.#whetherTrue(until, this.#nowUs + limitMs * 1_000);
    return this.#drive(isFinished).finally(() => {
      this.#isRunning = false;
    });
  }

  /** Runs for so long. */
  runFor(durationMs: number): Promise<void> {
    return this.run(this.nowMs + durationMs);
  }

  /**
   * Node drains all microtasks and ticks between two immediates, also of one batch: so each event
   * gets an immediate of its own, and batches keep the event loop's own turns rare.
   */
  #drive(isFinished: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let isOver = false;
    const step = () => {
      if (isOver) {
        return;
      }
      try {
        isOver = isFinished();
        if (isOver) {
          resolve();
        } else {
          this.#runNext();
        }
      } catch (error) {
        isOver = true;
        reject(error);
      }
    };
    const batch = () => {
      if (!isOver) {
        for (let count = 0; count < batchEvents; count += 1) {
          setImmediate(step);
        }
        setImmediate(batch);
      }
    };
    setImmediate(batch);
    return promise;
  }

  #reached(untilUs: number): boolean {
    const next = this.#queue.peek();
    if (next !== undefined && next.atUs <= untilUs) {
      return false;
    }
    this.#nowUs = Math.max(this.#nowUs, untilUs);
    return true;
  }

  #whetherTrue(predicate: () => boolean, limitUs: number): () => boolean {
    return () => {
      if (predicate()) {
        return true;
      }
      const next = this.#queue.peek();
      if (next === undefined || next.atUs > limitUs) {
        const why = next === undefined ? 'nothing is left to happen' : 'it took too long';
        throw new SimulationStuck(
          `Seed ${this.seed}, ${this.nowMs} ms: ${why}, waiting for ${predicate}.`,
        );
      }
      return false;
    };
  }

  #runNext(): void {
    const event = this.#queue.pop();
    if (event === undefined) {
      return;
    }
    assert(event.atUs >= this.#nowUs, 'time does not go back');
    this.#nowUs = event.atUs;
    event.order = ranOrder;
    const process = event.process === 0 ? undefined : this.#processes[event.process - 1];
    if (process?.admit(event) === false) {
      return;
    }
    const { fn } = event;
    event.fn = undefined;
    this.trace.event(event.atUs, event.process, event.label);
    try {
      fn?.();
    } catch (cause) {
      const where = process === undefined ? 'the world' : process.name;
      throw new Error(
        `Seed ${this.seed}, ${this.nowMs} ms: ${event.label} of ${where} threw ${cause}`,
        { cause },
      );
    }
  }

  #push(event: SimEvent): void {
    this.#order += 1;
    event.order = this.#order;
    event.tie = mixU32(event.process ^ mixU32(event.atUs ^ (event.atUs / 2 ** 32) ^ this.#tieSeed));
    this.#queue.push(event);
  }
}

/** Marks an event that left the queue: there is nothing left to cancel. */
const ranOrder = -1;
/** Events between two turns of the real event loop, which lets timers of the test runner in. */
const batchEvents = 256;
/** Virtual time that a predicate gets to come true. */
const limitMsDefault = 600_000;
