import { expect, it } from 'vitest';
import { Histogram } from './histogram.ts';

it('histogram: short latencies are exact, long ones right to one part in 64', () => {
  for (const us of [1, 100, 127, 128, 129, 1000, 12_345, 999_999, 60_000_000]) {
    const histogram = new Histogram();
    histogram.record(us / 1000);
    const found = histogram.percentileUs(0.5);
    expect(found).toBeGreaterThanOrEqual(us);
    expect(found).toBeLessThanOrEqual(us * (1 + 1 / 64));
  }
});

it('histogram: percentiles split the latencies as asked', () => {
  const histogram = new Histogram();
  for (let us = 1; us <= 100; us += 1) histogram.record(us / 1000);
  expect(histogram.count).toBe(100);
  expect(histogram.percentileUs(0.5)).toBe(50);
  expect(histogram.percentileUs(0.99)).toBe(99);
});
