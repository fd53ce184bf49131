import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

test('one has its turn, and the next when the time is over', () => {
  let nowMs = 5;
  const pace = new Pace(() => nowMs, 1000);
  expect([pace.take(), pace.take()]).toEqual([true, false]);
  nowMs = 1004;
  expect(pace.take()).toBe(false);
  nowMs = 1005;
  expect([pace.take(), pace.take()]).toEqual([true, false]);
});

test('a clock that is set back by hours holds nobody up', () => {
  let nowMs = 10_000_000;
  const pace = new Pace(() => nowMs, 1000);
  pace.take();
  nowMs = 0;
  expect([pace.take(), pace.take()]).toEqual([true, false]);
});
