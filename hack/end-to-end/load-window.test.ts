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
