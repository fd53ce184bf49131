import assert from 'node:assert/strict';
import type { Scheduler, Timer } from '../scheduler.ts';

/** Deadlines are met up to this much late, never early. */
export const TICK_MS = 10;
const SLOTS_COUNT = 1024;

/** Something to be given up at a time: member of at most one slot's ring. */
export abstract class Deadline {
  /** Neighbours in the ring; both are this object itself while no time is set. */
  previous: Deadline = this;
  next: Deadline = this;
  tick = 0;

  abstract expire(): void;
}

class Ring extends Deadline {
  expire(): void {}
}

/**
 * Time-outs of requests in flight, as a hashed timer wheel: setting and clearing one costs a few
 * assignments, and there is one timer of the scheduler's for all of them. A slot holds deadlines
 * of several rounds; those of later rounds stay when its turn comes.
 */
export class Deadlines {
  readonly #scheduler: Scheduler;
  readonly #slots: readonly Ring[] = Array.from({ length: SLOTS_COUNT }, () => new Ring());
  #count = 0;
  /** All slots up to this tick have had their turn. */
  #passedTick: number;
  #timer: Timer | undefined;
  #timerTick = Number.POSITIVE_INFINITY;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#passedTick = this.#nowTick();
  }

  /** The delay is finite; the deadline is not set already. */
  set(deadline: Deadline, delayMs: number): void {
    assert(Number.isFinite(delayMs), 'a time-out is a number of ms');
    const atMs = this.#scheduler.monotonicMs() + Math.max(0, delayMs);
    const tick = Math.max(Math.ceil(atMs / TICK_MS), this.#passedTick + 1);
    const ring = this.#slot(tick);
    deadline.tick = tick;
    deadline.previous = ring.previous;
    deadline.next = ring;
    ring.previous.next = deadline;
    ring.previous = deadline;
    this.#count += 1;
    if (tick < this.#timerTick) this.#wakeAt(tick);
  }

  /** Does nothing when none is set, or it has expired. */
  clear(deadline: Deadline): void {
    if (deadline.next === deadline) return;
    deadline.previous.next = deadline.next;
    deadline.next.previous = deadline.previous;
    deadline.previous = deadline;
    deadline.next = deadline;
    this.#count -= 1;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#timerTick = Number.POSITIVE_INFINITY;
    const nowTick = this.#nowTick();
    const firstTick = Math.max(this.#passedTick + 1, nowTick - SLOTS_COUNT + 1);
    this.#passedTick = nowTick;
    for (let tick = firstTick; tick <= nowTick; tick += 1) this.#expireSlot(tick, nowTick);
    const nextTick = this.#nextTick();
    if (nextTick !== undefined && nextTick < this.#timerTick) this.#wakeAt(nextTick);
  }

  #expireSlot(slotTick: number, nowTick: number): void {
    const ring = this.#slot(slotTick);
    const due: Deadline[] = [];
    for (let deadline = ring.next; deadline !== ring; deadline = deadline.next) {
      if (deadline.tick <= nowTick) due.push(deadline);
    }
    for (const deadline of due) {
      // Expiring one may have cleared another.
      if (deadline.next === deadline) continue;
      this.clear(deadline);
      deadline.expire();
    }
  }

  /** The next tick whose slot holds anything, of this round or a later one. */
  #nextTick(): number | undefined {
    if (this.#count === 0) return undefined;
    for (let tick = this.#passedTick + 1; tick <= this.#passedTick + SLOTS_COUNT; tick += 1) {
      const ring = this.#slot(tick);
      if (ring.next !== ring) return tick;
    }
    return undefined;
  }

  #wakeAt(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    const delayMs = Math.max(0, Math.ceil(tick * TICK_MS - this.#scheduler.monotonicMs()));
    // No timer is set further ahead than the wheel goes round: it would be beyond some schedulers.
    const roundMs = SLOTS_COUNT * TICK_MS;
    this.#timer = this.#scheduler.after(Math.min(delayMs, roundMs), () => this.#onTimer());
  }

  #nowTick(): number {
    return Math.floor(this.#scheduler.monotonicMs() / TICK_MS);
  }

  #slot(tick: number): Ring {
    const ring = this.#slots[tick % SLOTS_COUNT];
    assert(ring !== undefined, 'a tick is a whole number of 0 or more');
    return ring;
  }
}
