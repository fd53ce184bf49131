import { beforeEach, describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import type { Scheduler } from './scheduler.ts';

/** Timers fire at once, and move the clock by their delay and by `lateMs`. */
let nowMs: number;
let lateMs: number;
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

async function passMany(count: number): Promise<number> {
  const startMs = nowMs;
  for (let each = 0; each < count; each += 1) await rate.pass(10_000, signal);
  return nowMs - startMs;
}

beforeEach(() => {
  nowMs = 0;
  lateMs = 0;
  rate = new RateLimit(scheduler, { bytesPerSecondMax: 1_000_000, bytesPerSecondMin: 250_000 });
});

describe('a rate limit', () => {
  it('lets pass what it says, in a row', async () => {
    expect(await passMany(101)).toBeCloseTo(1_000);
    expect(rate.bytesPerSecond).toBe(1_000_000);
  });

  it('falls to its minimum while timers are late, and rises again', async () => {
    lateMs = 20;
    await passMany(20);
    expect(rate.bytesPerSecond).toBe(250_000);
    lateMs = 1;
    await passMany(40);
    expect(rate.bytesPerSecond).toBe(1_000_000);
  });

  it('does not make up for a time in which nothing passed', async () => {
    await passMany(1);
    nowMs += 60_000;
    expect(await passMany(11)).toBeCloseTo(100);
  });

  it('has no minimum above its maximum', () => {
    rate = new RateLimit(scheduler, { bytesPerSecondMax: 1_000, bytesPerSecondMin: 250_000 });
    expect(rate.bytesPerSecond).toBe(1_000);
  });
});
