import { expect, it } from 'vitest';
import { walkedShareOf } from './backfill-progress.ts';

const hashOf = (first: number) => Buffer.concat([Buffer.from([first]), Buffer.alloc(15)]);
const whole = { start: hashOf(0), end: undefined };
const cursorAt = (lastKey: Buffer) => ({ isWalked: false, purpose: 0, lastKey });

it.each([
  ['nothing before the first key', Buffer.alloc(0), whole, 0],
  ['half of all hashes', Buffer.concat([hashOf(128), Buffer.from('sort key')]), whole, 0.5],
  ['half of its own', hashOf(96), { start: hashOf(64), end: hashOf(128) }, 0.5],
  ['all but the last', Buffer.alloc(16, 0xff), whole, 0.999999],
  ['none of a range that begins behind it', hashOf(1), { start: hashOf(64), end: undefined }, 0],
  ['all of a range that ends before it', hashOf(200), { start: hashOf(0), end: hashOf(64) }, 1],
])('tells the share of hashes that are walked: %s', (_, lastKey, range, share) => {
  expect(walkedShareOf(cursorAt(lastKey), range)).toBe(share);
});

it('is all when all is walked, whatever the last key was', () => {
  expect(walkedShareOf({ ...cursorAt(hashOf(3)), isWalked: true }, whole)).toBe(1);
});
