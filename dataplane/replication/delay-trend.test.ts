import { beforeEach, describe, expect, it } from 'vitest';
import { DelayTrend } from './delay-trend.ts';
import type { Scheduler } from './scheduler.ts';

let nowMs: number;
let trend: DelayTrend;

const scheduler: Scheduler = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs,
  soon: (fn) => fn(),
  after: () => ({ cancel: () => undefined }),
};

function observe(delaysMs: readonly number[], everyMs = 100): void {
  for (const delayMs of delaysMs) {
    nowMs += everyMs;
    trend.observe(delayMs);
  }
}

beforeEach(() => {
  nowMs = 0;
  trend = new DelayTrend(scheduler);
});

describe('a trend of delays', () => {
  it('is not slow before anything was seen, nor after one long delay at the beginning', () => {
    expect(trend.isSlow).toBe(false);
    observe([500]);
    expect(trend.isSlow).toBe(false);
  });

  it('is slow while delays are a multiple of what they were, and no longer', () => {
    observe(new Array<number>(20).fill(5));
    expect(trend.isSlow).toBe(false);
    observe(new Array<number>(20).fill(20));
    expect(trend.isSlow).toBe(true);
    observe(new Array<number>(20).fill(5));
    expect(trend.isSlow).toBe(false);
  });

  it('is not slow for one delay among many, nor for differences of a millisecond or two', () => {
    observe([5, 5, 5, 5, 5, 5, 40]);
    expect(trend.isSlow).toBe(false);
    trend = new DelayTrend(scheduler);
    observe([0.2, 0.2, 0.2, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]);
    expect(trend.isSlow).toBe(false);
  });

  it('takes what has lasted for minutes to be usual', () => {
    observe(new Array<number>(20).fill(5));
    observe(new Array<number>(10).fill(30), 1_000);
    expect(trend.isSlow).toBe(true);
    observe(new Array<number>(300).fill(30), 1_000);
    expect(trend.isSlow).toBe(false);
  });
});
