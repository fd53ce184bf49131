import assert from 'node:assert/strict';
import { test } from 'vitest';
import { longestOutages } from './availability.ts';
import type { HistoryLine } from './history-file.ts';

function write(returnedMs: number, kind: 'ok' | 'unknown' = 'ok'): HistoryLine {
  const base = { client: 'a1', key: 'k', calledNs: 0, returnedNs: returnedMs * 1e6 };
  return { ...base, operation: { kind: 'put', value: 'x' }, outcome: { kind } };
}

test('outages: times between acknowledged writes, the longest first; others do not end one', () => {
  const read: HistoryLine = { ...write(600), operation: { kind: 'get' } };
  const lines = [write(100), write(1_000), write(200), write(500, 'unknown'), read, write(1_100)];
  assert.deepEqual(longestOutages(lines, 2), [
    { fromMs: 200, untilMs: 1_000 },
    { fromMs: 100, untilMs: 200 },
  ]);
});
