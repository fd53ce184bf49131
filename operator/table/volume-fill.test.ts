import { expect, test } from 'vitest';
import { findingsOf } from './conditions.ts';
import { claimOf, nodeOf, settledTable, tableOf, withSlot } from './observed.fixture.ts';
import type { ObservedTable } from './observed.ts';
import { planTable } from './plan.ts';
import { isSameButCounts, statusOf } from './status.ts';

const GIBI = 2 ** 30;
const pods = settledTable().nodeViews.map(({ pod }) => pod);
const [first = '', second = '', third = ''] = pods;

/** A table with volumes of 10Gi, each so full. */
function filled(percents: readonly number[], change: Partial<ObservedTable> = {}): ObservedTable {
  const observed = settledTable(change);
  return {
    ...observed,
    nodeViews: pods.map((pod, slot) => {
      const usedBytes = ((percents[slot] ?? 0) / 100) * 10 * GIBI;
      const volume = { usedBytes, availableBytes: 10 * GIBI - usedBytes };
      return nodeOf(pod, pods, { volume });
    }),
  };
}

function storageReady(observed: ObservedTable) {
  const plan = planTable(observed);
  const findings = findingsOf(observed, plan, plan.stalls);
  return findings.find(({ type }) => type === 'StorageReady');
}

/** As the Table is after a pass. */
function told(before: ObservedTable, after: ObservedTable): ObservedTable {
  const status = statusOf(before, planTable(before), []);
  return { ...after, table: { ...after.table, status } };
}

test('a volume that is almost full is told with pod, share and remedy', () => {
  expect(storageReady(filled([40, 85, 84]))).toMatchObject({ status: 'True', reason: 'Bound' });
  expect(storageReady(filled([40, 86, 90]))).toEqual({
    type: 'StorageReady',
    status: 'False',
    reason: 'AlmostFull',
    message:
      `almost full: the volume of ${second} (86 % of 10.0Gi used), ${third} (90 % of 10.0Gi used); enlarge all with: ` +
      `kubectl patch table music -n shop --type merge -p '{"spec":{"storage":{"size":"15Gi"}}}'`,
  });
});

test('it is almost full until it is well below the limit', () => {
  const full = filled([10, 86, 10]);
  const below = told(full, filled([10, 81, 84]));
  expect(storageReady(below)?.message).toContain(`${second} (81 % of 10.0Gi used);`);
  expect(storageReady(told(below, filled([10, 80, 84])))).toMatchObject({ reason: 'Bound' });
  expect(storageReady(told(filled([10, 79, 10]), filled([10, 84, 10])))?.reason).toBe('Bound');
});

test('it is an event when it becomes so, not while it is, and again for another volume', () => {
  const events = (observed: ObservedTable) =>
    planTable(observed).events.filter(({ reason }) => reason === 'VolumeAlmostFull');
  const full = filled([10, 86, 10]);
  expect(events(full)).toMatchObject([{ type: 'Warning', message: expect.stringMatching(second) }]);
  expect(events(told(full, filled([10, 87, 10])))).toEqual([]);
  expect(events(told(full, filled([10, 87, 92])))).toHaveLength(1);
  expect(events(told(filled([10, 79, 10]), full))).toHaveLength(1);
});

test('what a silent node said last is kept; a node of an earlier version says nothing', () => {
  const full = filled([10, 86, 10]);
  const silent = { pod: second, kind: 'silent', reason: 'no answer' } as const;
  const views = full.nodeViews.map((view) => (view.pod === second ? silent : view));
  const away = told(full, { ...full, nodeViews: views });
  expect(storageReady(away)?.message).toContain(`${second} (it does not answer)`);
  expect(storageReady(settledTable())).toMatchObject({ reason: 'Bound' });
  expect(statusOf(settledTable(), planTable(settledTable()), []).storage).not.toHaveProperty(
    'usedPercent',
  );
});

test('a node that takes no writes says so', () => {
  const full = filled([99, 10, 10]);
  const volume = { usedBytes: 99, availableBytes: 1, writesRefused: 'The disk is full.' };
  const nodeViews = [nodeOf(first, pods, { volume }), ...full.nodeViews.slice(1)];
  expect(storageReady({ ...full, nodeViews })?.message).toContain('used and takes no writes)');
});

test('the remedy is one that can work', () => {
  const fixed = { kind: 'found', name: 'fixed', allowsExpansion: false } as const;
  expect(storageReady(filled([90, 10, 10], { storageClass: fixed }))?.message).toContain(
    'the StorageClass fixed does not allow expansion: delete items, or',
  );
  const folder = { usedBytes: 90 * GIBI, availableBytes: 10 * GIBI };
  const shared = filled([10, 10, 10]);
  const nodeViews = [nodeOf(first, pods, { volume: folder }), ...shared.nodeViews.slice(1)];
  expect(storageReady({ ...shared, nodeViews })?.message).toContain(
    'folders on the disks of their machines: free space there',
  );
  const small = filled([90, 10, 10], { table: tableOf({ storage: { size: '300Mi' } }) });
  const tiny = { usedBytes: 290 * 2 ** 20, availableBytes: 10 * 2 ** 20 };
  const views = [nodeOf(first, pods, { volume: tiny }), ...small.nodeViews.slice(1)];
  expect(storageReady({ ...small, nodeViews: views })?.message).toContain('"size":"450Mi"');
});

test('a growth that is under way, or fails, is told first, and that it is almost full with it', () => {
  const table = tableOf({ storage: { size: '20Gi' } });
  const full = { ...filled([10, 90, 10]), table };
  expect(storageReady(full)).toMatchObject({
    reason: 'Resizing',
    message: expect.stringContaining(`almost full: the volume of ${second} (90 % of 10.0Gi used)`),
  });
  const failed = withSlot(full, 0, () => ({
    claim: claimOf(first, {
      ...{ request: '20Gi', capacity: '10Gi' },
      allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' },
    }),
  }));
  expect(storageReady(failed)).toMatchObject({
    reason: 'ExpansionFailed',
    message: expect.stringContaining('almost full'),
  });
});

test('the status has the share of the fullest, which alone is no reason to write it', () => {
  const status = (percents: readonly number[]) => {
    const observed = filled(percents);
    return statusOf(observed, planTable(observed), []);
  };
  expect(status([10, 30.9, 20]).storage).toMatchObject({ usedPercent: 30 });
  expect(status([10, 30, 20]).storage).not.toHaveProperty('almostFull');
  expect(status([10, 99, 90]).storage).toMatchObject({ almostFull: [second, third] });
  expect(isSameButCounts(status([10, 30, 20]), status([10, 40, 20]))).toBe(true);
  expect(isSameButCounts(status([10, 30, 20]), status([10, 90, 20]))).toBe(false);
});
