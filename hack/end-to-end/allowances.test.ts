import { expect, it } from 'vitest';
import { Allowances } from './allowances.ts';
import type { LoadWindow } from './load-messages.ts';

const UNREACHED =
  'TimeoutError: @smithy/node-http-handler - the request socket did not establish a connection with the server ' +
  'within the configured timeout of 1000 ms.';
const REFUSED = 'Error: connect ECONNREFUSED 172.18.0.3:30800';
const WRITERS_COUNT = 16;

const QUIET: LoadWindow = {
  durationMs: 30_000,
  writesCount: 1,
  readsCount: 1,
  errors: [],
  wrongReads: [],
  longestGapMs: 400,
  slowestMs: 1,
  medianMs: 1,
  stalledMs: 0,
};

function allowancesOf(quietMs = QUIET.longestGapMs): Allowances {
  const allowances = new Allowances(async () => ({ ...QUIET, longestGapMs: quietMs }));
  allowances.noiseMs = QUIET.longestGapMs;
  return allowances;
}

function zoneLoss(errors: readonly string[], lostRoutersCount: number, longestGapMs = 2_000) {
  const allowances = allowancesOf();
  const window = { ...QUIET, errors, longestGapMs };
  const counts = { lostRoutersCount, writersCount: WRITERS_COUNT };
  return { allowances, done: allowances.expectZoneLoss(window, counts) };
}

it('allows a lost zone connections that were never made, where a router was there', async () => {
  await expect(zoneLoss([UNREACHED], 1).done).resolves.toBeUndefined();
  await expect(zoneLoss([UNREACHED], 0).done).rejects.toThrow();
  await expect(zoneLoss([UNREACHED, REFUSED], 1).done).rejects.toThrow();
  const many = Array.from({ length: WRITERS_COUNT + 1 }, () => UNREACHED);
  await expect(zoneLoss(many, 1).done).rejects.toThrow();
});

it('adds to the limit of a lost zone what clients themselves waited for, if they did', async () => {
  const waited = zoneLoss([UNREACHED], 1, 8_000);
  await waited.done;
  expect(waited.allowances.late).toEqual([]);
  const slow = zoneLoss([], 1, 8_000);
  await slow.done;
  expect(slow.allowances.late).toEqual(['zone loss: 8000 ms, not below 5400 ms']);
});

it('holds what is planned to a second beside the noise of pods that start', async () => {
  const allowances = allowancesOf();
  const window = { ...QUIET, longestGapMs: 1_900 };
  await allowances.expectUnseen(window, 'drain');
  expect(allowances.late).toEqual(['drain: 1900 ms, not below 1600 ms']);
  allowances.startsNoiseMs = 1_000;
  await allowances.expectUnseen(window, 'drain');
  expect(allowances.late).toHaveLength(1);
});

it('takes the noise once more before it says that something was late', async () => {
  const allowances = allowancesOf(2_000);
  await allowances.expectFailover({ ...QUIET, longestGapMs: 6_000 }, 'kill');
  expect(allowances.late).toEqual([]);
});

it('allows no error and no wrong read beside, whatever happened', async () => {
  const allowances = allowancesOf();
  await expect(allowances.expectUnseen({ ...QUIET, errors: [REFUSED] }, 'drain')).rejects.toThrow();
  await expect(
    allowances.expectFailover({ ...QUIET, wrongReads: ['0/1 is absent'] }, 'kill'),
  ).rejects.toThrow();
});
