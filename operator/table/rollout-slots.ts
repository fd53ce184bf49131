import { hashOf } from './canonical.ts';
import { namesOf, type SlotFacts, templateOf } from './children.ts';
import { TEMPLATE_HASH } from './names.ts';
import { leadershipsOf, type NodeView } from './node-answer.ts';
import { conditionOf, isReady, type Pod, timeMs } from './objects.ts';
import type { ObservedTable } from './observed.ts';
import type { RolloutSlot } from './rollout.ts';

const REVISION_LABEL = 'controller-revision-hash';

/** The slots that have a StatefulSet, as a rollout looks at them. */
export function rolloutSlots(
  observed: ObservedTable,
  facts: readonly SlotFacts[],
): readonly RolloutSlot[] {
  return facts.flatMap((slotFacts, slot) => {
    const { statefulSet } = observed.slots[slot] ?? {};
    if (statefulSet === undefined || statefulSet.metadata.deletionTimestamp !== undefined)
      return [];
    const { metadata, spec, status } = statefulSet;
    const template = templateOf(observed.table, observed.install, { index: slot, ...slotFacts });
    return [
      {
        slot,
        ...podFacts(observed, slot),
        partition: spec.updateStrategy?.rollingUpdate?.partition === 1 ? 1 : 0,
        isTemplateCurrent: metadata.annotations?.[TEMPLATE_HASH] === hashOf(template),
        isObserved: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1),
        currentRevision: status?.currentRevision,
        updateRevision: status?.updateRevision,
      },
    ];
  });
}

function podFacts(observed: ObservedTable, slot: number) {
  const { pod } = observed.slots[slot] ?? {};
  const name = namesOf(observed.table).pod(slot);
  const view = observed.nodeViews[slot];
  const createdMs = timeMs(pod?.metadata.creationTimestamp) ?? observed.nowMs;
  const ready = pod === undefined ? undefined : conditionOf(pod, 'Ready');
  return {
    pod: name,
    podRevision: pod?.metadata.labels?.[REVISION_LABEL],
    podUid: pod?.metadata.uid,
    isPodReady: isReady(pod),
    isTerminating: pod?.metadata.deletionTimestamp !== undefined,
    podCreatedMs: createdMs,
    sinceMs: timeMs(ready?.lastTransitionTime) ?? createdMs,
    ...answerFacts(view, name),
    complaint: pod === undefined ? undefined : complaintOf(pod),
  };
}

function answerFacts(view: NodeView | undefined, pod: string) {
  const isAnswering = view?.kind === 'answered';
  return {
    isAnswering,
    leaderships: view === undefined ? undefined : leadershipsOf([view], pod),
    isDraining: isAnswering && view.isDraining,
  };
}

/** What keeps the pod from running, as the scheduler or the kubelet says, and what to do about it. */
export function complaintOf(pod: Pod): string | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    return complaint(scheduled);
  }
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const cause = state?.waiting ?? state?.terminated;
    if (cause?.reason === undefined || cause.reason === 'ContainerCreating') continue;
    return complaint(cause);
  }
  return undefined;
}

function complaint(cause: {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}): string {
  const words = [cause.reason, cause.message].filter((part) => part).join(': ');
  const remedy = remedyOf(cause.reason);
  return remedy === undefined ? words : `${words.replace(/\.$/, '')}; ${remedy}`;
}

function remedyOf(reason: string | undefined): string | undefined {
  switch (reason) {
    case 'Unschedulable':
      return 'make room on a machine that it may run on, or change podTemplate';
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'InvalidImageName':
      return "correct the image in the chart's values, or its imagePullSecrets";
    default:
      return undefined;
  }
}
