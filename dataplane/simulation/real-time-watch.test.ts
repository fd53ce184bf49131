import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { RealTimeWatch } from './real-time-watch.ts';

it('notices who asks the machine for time, turns or randomness, and stops', () => {
  const watch = new RealTimeWatch((caller) => caller.includes('real-time-watch.test'));
  Date.now();
  new Date();
  new Date(0);
  Math.random();
  randomUUID();
  clearTimeout(setTimeout(() => {}, 1));
  watch.stop();
  Date.now();
  randomUUID();
  expect(watch.calls.map(({ name }) => name)).toEqual([
    'Date.now',
    'new Date',
    'Math.random',
    'crypto.randomUUID',
    'setTimeout',
  ]);
  expect(watch.calls[0]?.caller).toMatch(/real-time-watch\.test\.ts/);
});
