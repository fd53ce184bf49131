import { expect, test } from 'vitest';
import type { Condition } from '../../dataplane/kubernetes/table-types.ts';
import { conditionEvents } from './condition-events.ts';

const condition = (
  type: string,
  reason: string,
  { status = 'True', message = 'why' }: Partial<Condition> = {},
): Condition => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: '2026-11-26T12:00:00Z',
});
const told = (before: readonly Condition[] | undefined, now: readonly Condition[]) =>
  conditionEvents(before && { conditions: before }, { conditions: now });

const missing = condition('Stalled', 'StorageClassNotFound');
const failed = condition('StorageReady', 'ExpansionFailed', { status: 'False' });

test('what begins to hinder a Table is a warning with the reason of its condition', () => {
  expect(told(undefined, [missing, failed])).toEqual([
    { type: 'Warning', reason: 'StorageClassNotFound', message: 'why' },
    { type: 'Warning', reason: 'ExpansionFailed', message: 'why' },
  ]);
  const refused = condition('Stalled', 'RequestRefused', { message: 'no' });
  expect(told([missing], [refused])).toEqual([
    { type: 'Warning', reason: 'RequestRefused', message: 'no' },
  ]);
});

test('what lasts is told once, whatever its words; what is over may come again', () => {
  expect(told([missing], [missing])).toEqual([]);
  expect(told([missing], [condition('Stalled', 'StorageClassNotFound', { message: 'b' })])).toEqual(
    [],
  );
  expect(told([missing], [])).toEqual([]);
  expect(told([], [missing])).toHaveLength(1);
});

test('what is well, is under way, or is told otherwise is no warning', () => {
  const others = [
    condition('Ready', 'Active'),
    condition('Stalled', 'RolloutStopped'),
    condition('StorageReady', 'Resizing', { status: 'False' }),
    condition('StorageReady', 'AlmostFull', { status: 'False' }),
  ];
  expect(told(undefined, others)).toEqual([]);
});
