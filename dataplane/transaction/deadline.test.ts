import { describe, expect, it } from 'vitest';
import type { Scheduler } from '../replication/scheduler.ts';
import { Deadline } from './deadline.ts';

/** Its timers fire when they are told to, whatever the clock says. */
function clockworkOf() {
  const timers: (() => void)[] = [];
  const clock = { nowMs: 1_000 };
  const scheduler: Scheduler = {
    nowMs: () => clock.nowMs,
    monotonicMs: () => clock.nowMs,
    after: (_, fn) => {
      timers.push(fn);
      return { cancel: () => timers.splice(timers.indexOf(fn), 1) };
    },
    soon: (fn) => setImmediate(fn),
  };
  return { scheduler, timers, clock };
}

describe('deadline', () => {
  it('has passed once its timer has fired, though the clock is not there yet', () => {
    const { scheduler, timers, clock } = clockworkOf();
    const deadline = new Deadline(scheduler, 100, () => 'late');
    clock.nowMs = 1_099.5;
    expect(deadline.hasPassed).toBe(false);
    for (const fire of timers) fire();
    // Whoever repeats until then would not wait any more, and not stop.
    expect(deadline.signal.aborted).toBe(true);
    expect(deadline.hasPassed).toBe(true);
  });

  it('has passed once the clock is there, though its timer is late', () => {
    const { scheduler, clock } = clockworkOf();
    const deadline = new Deadline(scheduler, 100, () => 'late');
    clock.nowMs = 1_100;
    expect(deadline.hasPassed).toBe(true);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('ends waits with its fault, and those that begin later, too', async () => {
    const { scheduler, timers } = clockworkOf();
    const deadline = new Deadline(scheduler, 100, () => 'late');
    const waiting = deadline.race(new Promise(() => {}));
    for (const fire of timers) fire();
    await expect(waiting).rejects.toBe('late');
    await expect(deadline.race(new Promise(() => {}))).rejects.toBe('late');
  });
});
