import assert from 'node:assert/strict';
import { test } from 'vitest';
import { chaosSchedule } from './schedule.ts';

const options = {
  seed: 'a',
  nodes: ['a-1', 'b-1', 'c-1'],
  routers: ['router-1'],
  durationMs: 30 * 60_000,
  gapMs: 8_000,
  faultMsMax: 15_000,
};

/** What the runner can do to processes. */
const POSSIBLE = new Set([
  ...['crash', 'shutdown', 'restart', 'pause', 'resume', 'outage', 'wipe'],
  ...['partition', 'block', 'unblock', 'leaderTransfer', 'healAll'],
]);

test('schedule: the same seed gives the same faults, another one others', () => {
  assert.deepEqual(chaosSchedule(options), chaosSchedule(options));
  assert.notDeepEqual(chaosSchedule(options), chaosSchedule({ ...options, seed: 'b' }));
});

test('schedule: it has every kind that is possible with processes, and ends with everything healed', () => {
  const schedule = chaosSchedule(options);
  const kinds = new Set<string>(schedule.map(({ fault }) => fault.kind));
  assert.deepEqual([...kinds].sort(), [...POSSIBLE].sort());
  assert.deepEqual(schedule.at(-1), { atMs: options.durationMs, fault: { kind: 'healAll' } });
});

test('schedule: whoever is paused or down is put right again', () => {
  const ends = { pause: 'resume', crash: 'restart', shutdown: 'restart', wipe: 'restart' } as const;
  const schedule = chaosSchedule(options);
  for (const [index, { atMs, fault }] of schedule.entries()) {
    if (!(fault.kind in ends) || !('node' in fault)) continue;
    // `in` has just found it.
    const end = ends[fault.kind as keyof typeof ends];
    const later = schedule
      .slice(index)
      .find(
        (each) => each.fault.kind === end && 'node' in each.fault && each.fault.node === fault.node,
      );
    assert((later?.atMs ?? options.durationMs) - atMs <= options.faultMsMax);
  }
});

test('schedule: nodes lose their data one at a time', () => {
  const wipes = chaosSchedule(options).filter(({ fault }) => fault.kind === 'wipe');
  for (const [index, { atMs }] of wipes.entries()) {
    assert(atMs - (wipes[index - 1]?.atMs ?? Number.NEGATIVE_INFINITY) > 20_000);
  }
});
