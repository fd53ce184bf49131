import { beforeEach, expect, test } from 'vitest';
import type { Scheduler, Timer } from '../scheduler.ts';
import { Deadline, Deadlines, TICK_MS } from './deadlines.ts';
import { seeded } from './transports.fixture.ts';

/** A clock that stands until it is moved. */
class StandingClock implements Scheduler {
  ms = 12_345;
  timers: { readonly atMs: number; readonly fn: () => void }[] = [];
  firedCount = 0;

  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  soon(fn: () => void): void {
    fn();
  }
  after(delayMs: number, fn: () => void): Timer {
    const timer = { atMs: this.ms + delayMs, fn };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((one) => one !== timer);
      },
    };
  }
  advanceTo(ms: number): void {
    for (;;) {
      const next = this.timers.toSorted((x, y) => x.atMs - y.atMs)[0];
      if (next === undefined || next.atMs > ms) break;
      this.timers = this.timers.filter((one) => one !== next);
      this.ms = Math.max(this.ms, next.atMs);
      this.firedCount += 1;
      next.fn();
    }
    this.ms = ms;
  }
}

let clock: StandingClock;
let deadlines: Deadlines;

class Probe extends Deadline {
  expiredMs: number | undefined;
  onExpired: (() => void) | undefined;

  override expire(): void {
    this.expiredMs = clock.ms;
    this.onExpired?.();
  }
}

beforeEach(() => {
  clock = new StandingClock();
  deadlines = new Deadlines(clock);
});

test('deadlines of all lengths are met within a tick, and never early', () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seeded(seed);
  const set: { readonly probe: Probe; readonly dueMs: number }[] = [];
  for (let count = 0; count < 2_000; count += 1) {
    clock.advanceTo(clock.ms + random() * 20);
    const probe = new Probe();
    const delayMs = random() ** 3 * 40_000;
    deadlines.set(probe, delayMs);
    set.push({ probe, dueMs: clock.ms + delayMs });
  }
  clock.advanceTo(clock.ms + 60_000);
  for (const { probe, dueMs } of set) {
    const lateMs = (probe.expiredMs ?? Number.NaN) - dueMs;
    expect(lateMs >= -1e-6 && lateMs <= TICK_MS + 1, `seed ${seed}: ${lateMs}`).toBe(true);
  }
});

test('a cleared deadline is not met, and clearing it twice does nothing', () => {
  const [kept, cleared] = [new Probe(), new Probe()];
  deadlines.set(kept, 100);
  deadlines.set(cleared, 100);
  deadlines.clear(cleared);
  deadlines.clear(cleared);
  clock.advanceTo(clock.ms + 1_000);
  deadlines.clear(kept);
  expect([kept.expiredMs !== undefined, cleared.expiredMs]).toEqual([true, undefined]);
});

test('a deadline may clear others of the same tick, and set new ones', () => {
  const [first, second, third] = [new Probe(), new Probe(), new Probe()];
  first.onExpired = () => {
    deadlines.clear(second);
    deadlines.set(third, 0);
  };
  deadlines.set(first, 50);
  deadlines.set(second, 50);
  clock.advanceTo(clock.ms + 200);
  expect(first.expiredMs).toBeDefined();
  expect(second.expiredMs).toBeUndefined();
  expect(third.expiredMs).toBeDefined();
});

test('deadlines that are cleared in time cost hardly any timers', () => {
  for (let count = 0; count < 10_000; count += 1) {
    const probe = new Probe();
    deadlines.set(probe, 5_000);
    clock.advanceTo(clock.ms + 1);
    deadlines.clear(probe);
  }
  expect(clock.firedCount).toBeLessThan(10);
  expect(clock.timers.length).toBeLessThanOrEqual(1);
});

test('a clock that jumped far ahead meets everything that is due at once', () => {
  const probes = [10, 500, 5_000, 50_000].map((delayMs) => {
    const probe = new Probe();
    deadlines.set(probe, delayMs);
    return probe;
  });
  clock.ms += 100_000;
  clock.advanceTo(clock.ms + 1);
  expect(probes.every(({ expiredMs }) => expiredMs !== undefined)).toBe(true);
});

test('no timer is left after close', () => {
  deadlines.set(new Probe(), 1_000);
  deadlines.close();
  expect(clock.timers).toEqual([]);
});
