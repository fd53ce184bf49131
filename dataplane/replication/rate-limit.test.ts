import { beforeEach, describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import type { Scheduler } from './scheduler.ts';

/** Timers fire at once, and move the clock by their delay and by `lateMs`. */
let nowMs: number;
let lateMs: number;
let isInTheWay: boolean;
let isUrgent: boolean;
let rate: RateLimit;

const scheduler: Scheduler = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs,
  soon: (fn) => fn(),
  after: (delayMs, fn) => {
    nowMs += delayMs + lateMs;
    fn();
    return { cancel: () => undefined };
  },
};

const signal = new AbortController().signal;

/** One step of the rate's lasts at most 250 ms and one passing. */
async function passFor(seconds: number): Promise<number> {
  const startMs = nowMs;
  let bytes = 0;
  while (nowMs - startMs < seconds * 1_000) {
    await rate.pass(10_000, signal);
    bytes += 10_000;
  }
  return (bytes / (nowMs - startMs)) * 1_000;
}

beforeEach(() => {
  nowMs = 0;
  lateMs = 0;
  isInTheWay = false;
  isUrgent = false;
  rate = new RateLimit(scheduler, {
    bytesPerSecondMax: 1_000_000,
    bytesPerSecondMin: 250_000,
    isInTheWay: () => isInTheWay,
    isUrgent: () => isUrgent,
  });
});

describe('a rate limit', () => {
  it('begins at its minimum, rises to its maximum, and lets pass what it says', async () => {
    expect(rate.bytesPerSecond).toBe(250_000);
    await passFor(5);
    expect(rate.bytesPerSecond).toBe(1_000_000);
    expect(await passFor(10)).toBeCloseTo(1_000_000, -5);
  });

  it('falls to its minimum while timers are late, and rises again', async () => {
    await passFor(5);
    lateMs = 20;
    await passFor(2);
    expect(rate.bytesPerSecond).toBe(250_000);
    lateMs = 1;
    await passFor(5);
    expect(rate.bytesPerSecond).toBe(1_000_000);
  });

  it('falls to its minimum while it is in the way, and rises again', async () => {
    await passFor(5);
    isInTheWay = true;
    await passFor(2);
    expect(rate.bytesPerSecond).toBe(250_000);
    isInTheWay = false;
    await passFor(5);
    expect(rate.bytesPerSecond).toBe(1_000_000);
  });

  it('is at its maximum while what passes is urgent, in the way or not', async () => {
    isInTheWay = true;
    lateMs = 20;
    isUrgent = true;
    await passFor(0.5);
    expect(rate.bytesPerSecond).toBe(1_000_000);
    isUrgent = false;
    await passFor(3);
    expect(rate.bytesPerSecond).toBe(250_000);
  });

  it('begins anew, and does not make up for it, after a time in which nothing passed', async () => {
    await passFor(5);
    nowMs += 60_000;
    expect(await passFor(0.2)).toBeLessThan(350_000);
    expect(rate.bytesPerSecond).toBe(250_000);
  });

  it('has no minimum above its maximum', () => {
    rate = new RateLimit(scheduler, {
      bytesPerSecondMax: 1_000,
      bytesPerSecondMin: 250_000,
      isInTheWay: () => false,
      isUrgent: () => false,
    });
    expect(rate.bytesPerSecond).toBe(1_000);
  });
});
