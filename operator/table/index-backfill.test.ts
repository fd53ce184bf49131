import { expect, test } from 'vitest';
import type { IndexDescription } from '../../dataplane/kubernetes/table-description.ts';
import { findingsOf } from './conditions.ts';
import type { BackfillAnswer, ReplicaAnswer } from './node-answer.ts';
import { nodeOf, replicaOf, settledTable } from './observed.fixture.ts';
import type { ObservedTable } from './observed.ts';
import { planTable } from './plan.ts';
import { statusOf } from './status.ts';

const pods = settledTable().nodeViews.map(({ pod }) => pod);

/** A table whose index is being made, with these partitions of it. */
function indexing(
  partitions: readonly Partial<ReplicaAnswer>[],
  index: Partial<IndexDescription> = {},
): ObservedTable {
  const settled = settledTable();
  if (settled.catalog.kind !== 'present') throw new Error('the catalog has the table');
  const { described } = settled.catalog;
  const GlobalSecondaryIndexes = [
    { IndexName: 'ByYear', IndexStatus: 'CREATING', Backfilling: true, ...index },
  ] as unknown as readonly IndexDescription[]; // The members that matter here.
  const nodeViews = pods.map((pod) =>
    nodeOf(pod, pods, {
      replicas: ['0', ...partitions.keys().map((at) => String(at + 1))].map((id, at) => {
        const role = pod === pods[0] ? 'leader' : 'follower';
        return replicaOf(id, pods, { role, ...(at === 0 ? {} : partitions[at - 1]) });
      }),
    }),
  );
  return {
    ...settled,
    nodeViews,
    catalog: {
      kind: 'present',
      described: { ...described, table: { ...described.table, GlobalSecondaryIndexes } },
    },
  };
}

const at = (walkedShare: number): readonly BackfillAnswer[] => [{ index: 'ByYear', walkedShare }];

function shown(observed: ObservedTable) {
  const plan = planTable(observed);
  const findings = findingsOf(observed, plan, plan.stalls);
  return {
    index: statusOf(observed, plan, []).globalSecondaryIndexes?.[0],
    condition: findings.find(({ type }) => type === 'IndexesReady'),
  };
}

test('the share of what is in the index counts partitions by their items', () => {
  const { index, condition } = shown(
    indexing([
      { items: 899, backfills: at(0.5) },
      { items: 99, backfills: at(1) },
      { items: 5000, index: 'ByYear', backfills: [] },
    ]),
  );
  expect(index).toMatchObject({ backfilling: true, backfillPercent: 55 });
  expect(condition).toEqual({
    type: 'IndexesReady',
    status: 'False',
    reason: 'Backfilling',
    message: 'ByYear is CREATING, 55 % backfilled',
  });
});

test('a partition that knows nothing of the index yet counts as not begun', () => {
  const { index } = shown(indexing([{ items: 9, backfills: at(1) }, { items: 9 }]));
  expect(index).toMatchObject({ backfillPercent: 50 });
});

test('it is not done before the index is ACTIVE, and then there is no share', () => {
  const walked = [{ items: 10, backfills: at(1) }];
  expect(shown(indexing(walked)).index).toMatchObject({ backfillPercent: 99 });
  const active = shown(indexing(walked, { IndexStatus: 'ACTIVE', Backfilling: false }));
  expect(active.index).not.toHaveProperty('backfillPercent');
  expect(active.condition).toMatchObject({ status: 'True', reason: 'Active' });
});

test('while no node says, it is what it was; of a deleted index there is none', () => {
  const before = indexing([{ items: 10, backfills: at(0.4) }]);
  const status = statusOf(before, planTable(before), []);
  const quiet = indexing([{ items: 10 }]);
  const later = { ...quiet, table: { ...quiet.table, status } };
  expect(shown(later).index).toMatchObject({ backfillPercent: 40 });
  expect(shown(quiet).index).not.toHaveProperty('backfillPercent');
  const dropped = indexing([{ items: 10, backfills: at(0.4) }], { IndexStatus: 'DELETING' });
  expect(shown(dropped).index).not.toHaveProperty('backfillPercent');
});
