import { describe, expect, it } from 'vitest';
import { toExclude } from './exclusion.ts';

const limits = { ackMs: 1_000, deadMs: 2_000, cautionMs: 1_500 };
const well = { name: 'well', overdueMs: 0, silentMs: 100 };
const peer = (name: string, overdueMs: number, silentMs: number) => ({ name, overdueMs, silentMs });
const namesOf = (peers: Parameters<typeof toExclude<typeof well>>[0]) =>
  toExclude(peers, limits).map(({ name }) => name);

describe('whom to exclude', () => {
  it.each([
    ['nobody who answers', [well, well], []],
    ['nobody who is a little late', [well, well, peer('late', 999, 1_999)], []],
    ['who leaves an invalidation unanswered', [well, well, peer('late', 1_000, 100)], ['late']],
    ['who says nothing at all', [well, well, peer('dead', 0, 2_000)], ['dead']],
    ['the only other one', [peer('late', 1_000, 0)], ['late']],
    ['half of the others at once', [well, peer('a', 1_000, 0)], ['a']],
    ['not yet most of the others', [well, peer('a', 2_499, 0), peer('b', 1_000, 0)], []],
    [
      'most of them after some more time',
      [well, peer('a', 2_500, 0), peer('b', 0, 3_500)],
      ['a', 'b'],
    ],
    [
      'of most of them those who are silent for so long',
      [peer('a', 2_500, 0), peer('b', 1_000, 0)],
      ['a'],
    ],
  ])('%s', (_name, peers, expected) => {
    expect(namesOf(peers)).toEqual(expected);
  });
});
