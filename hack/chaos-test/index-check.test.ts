import assert from 'node:assert/strict';
import { test } from 'vitest';
import { compareItems } from './index-check.ts';

test('index: equal items differ in nothing', () => {
  const items = new Map([['k', 'x']]);
  assert.deepEqual(compareItems(items, new Map(items)), []);
});

test('index: entries that are missing, old, or left behind are told', () => {
  const table = new Map([
    ['missing', 'x'],
    ['old', 'new'],
  ]);
  const index = new Map([
    ['old', 'before'],
    ['behind', 'y'],
  ]);
  assert.deepEqual(compareItems(table, index), [
    'missing is x, in the index absent',
    'old is new, in the index before',
    'behind is absent, in the index y',
  ]);
});

test('index: of many differences the first are shown', () => {
  const table = new Map(Array.from({ length: 25 }, (_, index) => [`k${index}`, 'x'] as const));
  const differences = compareItems(table, new Map());
  assert.equal(differences.length, 11);
  assert.equal(differences.at(-1), 'and 15 more');
});
