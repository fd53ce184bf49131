import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { WindowCounts } from './load-window.ts';

it('tells the longest silence of one writer, however busy the others are', () => {
  let nowMs = 0;
  const counts = new WindowCounts(2, () => nowMs);
  for (nowMs = 100; nowMs <= 1_000; nowMs += 100) {
    counts.wrote(0, 5);
    if (nowMs < 300 || nowMs > 800) counts.wrote(1, 20);
  }
  nowMs = 1_000;
  expect(counts.summary()).toEqual({
    durationMs: 1_000,
    writesCount: 14,
    readsCount: 0,
    errors: [],
    wrongReads: [],
    longestGapMs: 700,
    slowestMs: 20,
    medianMs: 5,
    stalledMs: expect.any(Number),
  });
});

it('counts silence to the end of the window', () => {
  let nowMs = 0;
  const counts = new WindowCounts(1, () => nowMs);
  nowMs = 50;
  counts.wrote(0, 1);
  counts.failed('no answer');
  nowMs = 4_050;
  expect(counts.summary()).toMatchObject({ longestGapMs: 4_000, errors: ['no answer'] });
});

it('tells for how long the process itself stood still', async () => {
  const counts = new WindowCounts(1);
  await delay(50);
  const until = performance.now() + 300;
  while (performance.now() < until);
  await delay(50);
  expect(counts.summary().stalledMs).toBeGreaterThan(250);
});
