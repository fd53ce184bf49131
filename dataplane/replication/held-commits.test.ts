import { beforeEach, describe, expect, it } from 'vitest';
import type { CoreRecord } from './core/consensus-core.ts';
import type { Group } from './group.ts';
import { HeldCommits } from './held-commits.ts';

type MessageRecord = Extract<CoreRecord, { kind: 'msg' }>;

describe('commits held back', () => {
  // Only the place in the core is looked at.
  const groupAt = (handle: number) => ({ handle }) as Group;
  const recordTo = (to: number, group = 1): MessageRecord => ({
    kind: 'msg',
    group,
    to,
    type: 'append',
    message: new Uint8Array(64),
    payloads: [],
    snapshot: undefined,
  });
  let timers: (() => void)[];
  let released: MessageRecord[];
  let turns: number;
  let held: HeldCommits;
  beforeEach(() => {
    timers = [];
    released = [];
    turns = 0;
    const after = (_delayMs: number, fn: () => void) => {
      timers.push(fn);
      return { cancel: () => {} };
    };
    const scheduler = { after, soon: () => {}, nowMs: () => 0, monotonicMs: () => 0 };
    held = new HeldCommits(
      scheduler,
      (_group, record) => released.push(record),
      () => {
        turns += 1;
      },
    );
  });
  const fire = () => {
    for (const fn of timers.splice(0)) fn();
  };

  it('leave after a while, the newest for each replica', () => {
    const group = groupAt(1);
    const [first, second, other] = [recordTo(2), recordTo(2), recordTo(3)];
    for (const record of [first, second, other]) held.hold(group, record);
    expect(timers).toHaveLength(1);
    fire();
    expect(released).toEqual([second, other]);
    expect(turns).toBe(1);
  });

  it('do not leave when another append has told the same', () => {
    const group = groupAt(1);
    held.hold(group, recordTo(2));
    held.drop(group, 2);
    fire();
    expect(released).toEqual([]);
  });

  it('do not leave when the group is not in that place of the core any more', () => {
    const group = groupAt(1);
    held.hold(group, recordTo(2));
    group.handle = 2;
    fire();
    expect(released).toEqual([]);
  });
});
