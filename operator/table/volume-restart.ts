import { leadershipsOf } from './node-answer.ts';
import { conditionOf, isReady, timeMs } from './objects.ts';
import type { ObservedSlot, ObservedTable } from './observed.ts';
import { DRAIN_MS_MAX } from './rollout.ts';
import type { Step, TableEvent } from './steps.ts';
import { isFileSystemPending } from './storage-plan.ts';

/** Drivers that grow file systems in use do so within seconds. */
export const PENDING_MS_MAX = 3 * 60_000;

export interface VolumeRestart {
  /** Pods that are to hand their leaderships over. */
  readonly draining: ReadonlySet<string>;
  readonly steps: readonly Step[];
  readonly events: readonly TableEvent[];
}

export const NO_RESTART: VolumeRestart = { draining: new Set(), steps: [], events: [] };

/**
 * Some drivers grow the file system of a volume only when its pod starts. Such pods are restarted one at a
 * time, drained before, each only while every partition has all its replicas, and none twice for the same growth.
 * To be asked only while nothing else takes pods away.
 * @see reference/operator.md §3.6
 */
export function planVolumeRestart(
  { slots, nodeViews, nowMs }: Pick<ObservedTable, 'slots' | 'nodeViews' | 'nowMs'>,
  isFull: boolean,
): VolumeRestart {
  const index = slots.findIndex((slot) => (pendingMs(slot, nowMs) ?? 0) > PENDING_MS_MAX);
  const slot = slots[index];
  const view = nodeViews[index];
  if (!isFull || slot?.pod === undefined || view === undefined) return NO_RESTART;
  const { name, uid = '' } = slot.pod.metadata;
  const isDrained =
    slots.length === 1 ||
    view.kind !== 'answered' ||
    (view.isDraining && leadershipsOf([view], name) === 0) ||
    (pendingMs(slot, nowMs) ?? 0) > PENDING_MS_MAX + DRAIN_MS_MAX;
  const draining = new Set([name]);
  if (!isDrained) return { ...NO_RESTART, draining };
  const message = `${name} is restarted, so that the file system of its volume grows`;
  return {
    draining,
    steps: [{ kind: 'deletePod', name, uid }],
    events: [{ type: 'Normal', reason: 'PodRestarted', message }],
  };
}

/** How long the pod has been running beside a file system that is yet to grow; undefined: it is not. */
function pendingMs({ pod, claim }: ObservedSlot, nowMs: number): number | undefined {
  if (claim === undefined || !isFileSystemPending(claim)) return undefined;
  if (!isReady(pod) || pod?.metadata.deletionTimestamp !== undefined) return undefined;
  const sinceMs = timeMs(conditionOf(claim, 'FileSystemResizePending')?.lastTransitionTime);
  const createdMs = timeMs(pod?.metadata.creationTimestamp);
  // A pod that is younger has started since, to no avail.
  if (sinceMs === undefined || createdMs === undefined || createdMs > sinceMs) return undefined;
  return nowMs - sinceMs;
}
