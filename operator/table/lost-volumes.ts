import { resources } from '../../dataplane/kubernetes/resources.ts';
import { hasRoom } from './bindings.ts';
import { namesOf } from './children.ts';
import { conditionOf, type PersistentVolumeClaim, type Pod, timeMs } from './objects.ts';
import type { ObservedTable } from './observed.ts';
import { isFullBut, type PartitionView } from './partitions.ts';
import type { Step, TableEvent } from './steps.ts';

/** A pod that could not be scheduled for so long is not about to be. */
const UNSCHEDULABLE_MS_MIN = 60_000;
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

export interface LostVolumesPlan {
  readonly steps: readonly Step[];
  readonly messages: readonly string[];
  readonly events: readonly TableEvent[];
}

/**
 * Volumes that will not come back: those of machines that are gone from the Kubernetes API, and those
 * that Kubernetes itself calls lost. Claim and pod are deleted, so that both are made anew; the data
 * plane then replaces the replicas. Only while the other replicas of every partition are whole.
 */
export function planLostVolumes(
  observed: ObservedTable,
  zones: readonly string[],
  partitions: readonly PartitionView[],
): LostVolumesPlan {
  const plan = { steps: [] as Step[], messages: [] as string[], events: [] as TableEvent[] };
  for (const [slot, { claim, pod }] of observed.slots.entries()) {
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) continue;
    const reason = lossOf(observed, { claim, pod, zone: zones[slot] ?? '' });
    if (reason === undefined) continue;
    const name = namesOf(observed.table).pod(slot);
    const replicasCount = observed.slots.length;
    const isExpendable =
      replicasCount > 1 &&
      partitions.length > 0 &&
      partitions.every((each) => isFullBut(each, replicasCount, name)) &&
      plan.steps.length === 0;
    if (!isExpendable) {
      plan.messages.push(
        `the volume of ${name} is lost (${reason}); it is replaced when all other replicas are whole`,
      );
      continue;
    }
    const message = `the volume of ${name} is lost (${reason}): a new replica is made`;
    plan.messages.push(message);
    plan.events.push({ type: 'Warning', reason: 'VolumeReplaced', message });
    plan.steps.push(...deletion(claim, pod));
  }
  return plan;
}

function lossOf(
  observed: ObservedTable,
  {
    claim,
    pod,
    zone,
  }: {
    readonly claim: PersistentVolumeClaim;
    readonly pod: Pod | undefined;
    readonly zone: string;
  },
): string | undefined {
  if (claim.status?.phase === 'Lost')
    return `its PersistentVolume ${claim.spec.volumeName ?? ''} is gone`;
  const machine = claim.metadata.annotations?.[SELECTED_NODE];
  if (machine === undefined || pod === undefined || pod.metadata.deletionTimestamp !== undefined)
    return undefined;
  if (observed.nodes.some(({ name }) => name === machine)) return undefined;
  const scheduled = conditionOf(pod, 'PodScheduled');
  const sinceMs = timeMs(scheduled?.lastTransitionTime) ?? observed.nowMs;
  const isStuck = scheduled?.status === 'False' && observed.nowMs - sinceMs >= UNSCHEDULABLE_MS_MIN;
  // Where no pod of the slot could run anyway, it is not the volume that is missing.
  return isStuck && hasRoom(observed, zone) ? `the machine ${machine} is gone` : undefined;
}

function deletion(claim: PersistentVolumeClaim, pod: Pod | undefined): readonly Step[] {
  const step = (
    type: typeof resources.pods | typeof resources.persistentVolumeClaims,
    object: PersistentVolumeClaim | Pod,
  ): Step => ({
    kind: 'delete',
    type,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    propagationPolicy: 'Background',
  });
  return [
    step(resources.persistentVolumeClaims, claim),
    ...(pod === undefined ? [] : [step(resources.pods, pod)]),
  ];
}
