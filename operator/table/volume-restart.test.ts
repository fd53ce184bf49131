import { expect, test } from 'vitest';
import { namesOf } from './children.ts';
import {
  claimOf,
  nodeOf,
  nowMs,
  podWith,
  settledTable,
  tableOf,
  withSlot,
} from './observed.fixture.ts';
import type { ObservedTable } from './observed.ts';
import { planTable } from './plan.ts';
import { PENDING_MS_MAX } from './volume-restart.ts';

const names = namesOf(tableOf());
const pods = [0, 1, 2].map((slot) => names.pod(slot));
const table = tableOf({ storage: { size: '20Gi' } });

/** All volumes have grown; the file systems of these slots have not, for so long. */
function growing(slots: readonly number[], pendingMs: number): ObservedTable {
  const since = new Date(nowMs - pendingMs).toISOString();
  const pending = { type: 'FileSystemResizePending', status: 'True' } as const;
  return [0, 1, 2].reduce(
    (observed, slot) =>
      withSlot(observed, slot, () => ({
        claim: claimOf(names.pod(slot), {
          request: '20Gi',
          capacity: slots.includes(slot) ? '10Gi' : '20Gi',
          conditions: slots.includes(slot) ? [{ ...pending, lastTransitionTime: since }] : [],
        }),
      })),
    { ...settledTable(), table },
  );
}

/** The node of this slot hands its leaderships over, or has done so. */
function draining(observed: ObservedTable, slot: number, isDone: boolean): ObservedTable {
  const others = pods.filter((pod) => pod !== pods[slot]);
  const voters = isDone ? [...others, pods[slot] ?? ''] : pods;
  return {
    ...observed,
    nodeViews: pods.map((pod, index) => nodeOf(pod, voters, { isDraining: index === slot })),
  };
}

const stepsOf = (observed: ObservedTable) =>
  planTable(observed).steps.filter(({ kind }) => kind === 'drain' || kind === 'deletePod');
const LONG_MS = PENDING_MS_MAX + 1_000;
const deletion = (slot: number) => ({
  kind: 'deletePod',
  name: pods[slot],
  uid: `uid-${pods[slot]}`,
});

test('a pod whose file system does not grow while it runs is drained, then restarted, which is told', () => {
  expect(stepsOf(growing([0], PENDING_MS_MAX - 1_000))).toEqual([]);
  const pending = growing([0], LONG_MS);
  expect(stepsOf(pending)).toEqual([{ kind: 'drain', pod: pods[0], isWished: true }]);
  expect(stepsOf(draining(pending, 0, false))).toEqual([]);
  const drained = draining(pending, 0, true);
  expect(stepsOf(drained)).toEqual([deletion(0)]);
  expect(planTable(drained).events).toContainEqual({
    type: 'Normal',
    reason: 'PodRestarted',
    message: `${pods[0]} is restarted, so that the file system of its volume grows`,
  });
});

test('leaderships that do not go hold it up for a minute, and no longer', () => {
  const pending = draining(growing([0], LONG_MS + 60_000), 0, false);
  expect(stepsOf(pending)).toEqual([deletion(0)]);
});

test('one pod at a time: the next waits until all replicas are back, and no pod is restarted twice for one growth', () => {
  const both = draining(growing([0, 1], LONG_MS), 0, true);
  expect(stepsOf(both)).toEqual([deletion(0)]);
  const young = new Date(nowMs - 1_000).toISOString();
  const restarted = withSlot(both, 0, ({ pod }) => ({
    pod: pod && { ...pod, metadata: { ...pod.metadata, creationTimestamp: young } },
  }));
  const away = {
    ...restarted,
    nodeViews: restarted.nodeViews.map((view, slot) =>
      slot === 0 ? ({ pod: pods[0] ?? '', kind: 'silent', reason: 'no answer' } as const) : view,
    ),
  };
  expect(stepsOf(away)).toEqual([]);
  expect(stepsOf(draining(restarted, 1, true))).toEqual([deletion(1)]);
});

test('nothing is restarted while a zone is lost, another table rolls, or the pod is down anyway', () => {
  const pending = draining(growing([0], LONG_MS), 0, true);
  expect(stepsOf({ ...pending, nodes: pending.nodes.slice(0, 2) })).not.toContainEqual(deletion(0));
  expect(stepsOf({ ...pending, rollingElsewhere: 'other' })).not.toContainEqual(deletion(0));
  const down = withSlot(pending, 0, ({ pod }) => ({
    pod: podWith(pod, { conditions: [{ type: 'Ready', status: 'False' }] }),
  }));
  expect(stepsOf(down)).not.toContainEqual(deletion(0));
});
