import assert from 'node:assert/strict';
import { test } from 'vitest';
import { findingsTable, isMet } from './finding.ts';

test.each([
  ['at least', 0.5, 0.5, true],
  ['at least', 0.5, 0.49, false],
  ['at most', 2.5, 2.5, true],
  ['at most', 2.5, 2.6, false],
  ['below', 4, 3.99, true],
  ['below', 4, 4, false],
] as const)('target: %s %d, found %d', (side, bound, value, met) => {
  assert.equal(isMet({ side, bound }, value), met);
});

test('table: what has a target is marked, what was disturbed too', () => {
  const table = findingsTable([
    { what: 'one', value: 0.613, unit: '×', target: { side: 'at least', bound: 0.5 }, spread: 0.1 },
    { what: 'two', value: 5.2, unit: 's', target: { side: 'below', bound: 4 }, spread: 0.5 },
    { what: 'three', value: 14.4, unit: 'ms', target: undefined, spread: 0 },
  ]);
  const [, one = '', two = '', three = ''] = table.split('\n');
  assert.match(one, /≥ 0\.5 × +0\.613 × +pass$/);
  assert.match(two, /< 4 s +5\.20 s +MISS +unsteady$/);
  assert.match(three, /- +14\.4 ms$/);
});
