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
  // What goes away has to be gone before it can be made anew.
  if (live?.metadata.deletionTimestamp !== undefined) return [];
  const hash = hashOf(wanted);
  const key = childKey(wanted);
  const isAsApplied = live?.metadata.annotations?.[APPLIED_HASH] === hash;
  if (isAsApplied && !observed.drifted.has(key)) return [];
  const { metadata } = wanted;
  const annotations = { ...metadata.annotations, [APPLIED_HASH]: hash };
  const object: WantedObject = { ...wanted, metadata: { ...metadata, annotations } };
  // A pod is let go by what its StatefulSet was seen to be.
  const resourceVersion = isRelease(live, wanted) ? live?.metadata.resourceVersion : undefined;
  return [{ kind: 'apply', object, resourceVersion }];
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
