import { expect, test } from 'vitest';
import { HandClock } from './cached-tables.fixture.ts';
import { cacheKeyOf, collectionTag, TableSpaces, tableTag } from './table-spaces.ts';

test('tables have keys of their own, and others when they are renewed', () => {
  const spaces = new TableSpaces(new HandClock());
  const key = Buffer.from([0, 255, 7]);
  const keys = new Set<string>();
  for (const id of ['a', 'b', 'c']) keys.add(cacheKeyOf(spaces.of(id), key));
  spaces.renew('a');
  keys.add(cacheKeyOf(spaces.of('a'), key));
  spaces.renewAll();
  for (const id of ['a', 'b', 'c']) keys.add(cacheKeyOf(spaces.of(id), key));
  expect(keys.size).toBe(7);
  expect(cacheKeyOf(spaces.of('a'), key)).toHaveLength(4 + key.length);
});

test('keys longer than any of the API work all the same', () => {
  const space = new TableSpaces(new HandClock()).of('a');
  expect(cacheKeyOf(space, Buffer.alloc(10_000, 1))).toHaveLength(10_004);
});

test('an item collection is not the table, even with an empty hash part', () => {
  const space = new TableSpaces(new HandClock()).of('a');
  expect(collectionTag(space, Buffer.alloc(0))).not.toBe(tableTag(space));
});

test('indexes of a table that was not known have not settled for a second', () => {
  const clock = new HandClock();
  const space = new TableSpaces(clock).of('a');
  clock.advance(999);
  expect(space.areIndexesSettled(clock.nowMs())).toBe(false);
  clock.advance(1);
  expect(space.areIndexesSettled(clock.nowMs())).toBe(true);
});
