import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { hashOf } from './canonical.ts';
import { type SlotFacts, tableChildren, type WantedObject } from './children.ts';
import { APPLIED_HASH } from './names.ts';
import { childKey, type ObservedTable } from './observed.ts';
import type { Step } from './steps.ts';

/** Applies of the children that are not as wished. */
export function childSteps(
  observed: ObservedTable,
  facts: { readonly slots: readonly SlotFacts[]; readonly isFounded: boolean },
): readonly Step[] {
  const { table, install } = observed;
  return tableChildren(table, { install, ...facts }).flatMap((wanted) =>
    applyStep(observed, wanted),
  );
}

function applyStep(observed: ObservedTable, wanted: WantedObject): readonly Step[] {
  const live = liveOf(observed, wanted);
  const object = toBeApplied(wanted, { live, isDrifted: observed.drifted.has(childKey(wanted)) });
  if (object === undefined) return [];
  // A pod is let go by what its StatefulSet was seen to be.
  const resourceVersion = isRelease(live, wanted) ? live?.metadata.resourceVersion : undefined;
  return [{ kind: 'apply', object, resourceVersion }];
}

/** The object with the hash of what is applied; undefined where that is not to be done, or not now. */
export function toBeApplied(
  wanted: WantedObject,
  { live, isDrifted }: { readonly live: KubeObject | undefined; readonly isDrifted: boolean },
): WantedObject | undefined {
  // What goes away has to be gone before it can be made anew.
  if (live?.metadata.deletionTimestamp !== undefined) return undefined;
  const hash = hashOf(wanted);
  if (live?.metadata.annotations?.[APPLIED_HASH] === hash && !isDrifted) return undefined;
  const { metadata } = wanted;
  const annotations = { ...metadata.annotations, [APPLIED_HASH]: hash };
  return { ...wanted, metadata: { ...metadata, annotations } };
}

function liveOf(observed: ObservedTable, wanted: WantedObject): KubeObject | undefined {
  if (wanted.kind !== 'StatefulSet') return observed.children.get(childKey(wanted));
  const { name } = wanted.metadata;
  return observed.slots.find(({ statefulSet }) => statefulSet?.metadata.name === name)?.statefulSet;
}

interface Partitioned {
  readonly spec?: {
    readonly updateStrategy?: { readonly rollingUpdate?: { readonly partition?: number } };
  };
}

function isRelease(live: KubeObject | undefined, wanted: WantedObject): boolean {
  if (live === undefined || wanted.kind !== 'StatefulSet') return false;
  const partitionOf = (object: KubeObject) =>
    (object as Partitioned).spec?.updateStrategy?.rollingUpdate?.partition;
  return partitionOf(live) === 1 && partitionOf(wanted) === 0;
}
