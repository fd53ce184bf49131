import { expect, it } from 'vitest';
import { Coverage } from './coverage.ts';

it('counts what was reached, and knows what never was', () => {
  const coverage = new Coverage(['snapshotInstalled', 'tornTail']);
  const other = new Coverage(['leaseRefused']);
  coverage.hit('snapshotInstalled');
  coverage.hit('unforeseen');
  other.hit('snapshotInstalled');
  coverage.add(other);
  expect(coverage.count('snapshotInstalled')).toBe(2);
  expect(coverage.unreached()).toEqual(['leaseRefused', 'tornTail']);
  expect(coverage.report()).toBe(
    [
      '        2  snapshotInstalled',
      '        1  unforeseen',
      '    never  leaseRefused',
      '    never  tornTail',
    ].join('\n'),
  );
});
