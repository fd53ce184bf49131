import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { hashOf } from './canonical.ts';
import { type SlotFacts, tableChildren, type WantedObject } from './children.ts';
import { APPLIED_HASH } from './names.ts';
import { childKey, type ObservedTable, type Provenance } from './observed.ts';
import { ownsAll } from './owned-fields.ts';
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
  const object = toBeApplied(wanted, {
    live,
    provenance: observed.provenance.get(childKey(wanted)),
  });
  if (object === undefined) return [];
  // A pod is let go by what its StatefulSet was seen to be.
  const resourceVersion = isRelease(live, wanted) ? live?.metadata.resourceVersion : undefined;
  return [{ kind: 'apply', object, resourceVersion }];
}

/** The object with the hash of what is applied; undefined where that is not to be done, or not now. */
export function toBeApplied(
  wanted: WantedObject,
  {
    live,
    provenance = 'asApplied',
  }: {
    readonly live: KubeObject | undefined;
    readonly provenance: Provenance | undefined;
  },
): WantedObject | undefined {
  // What goes away has to be gone before it can be made anew.
  if (live?.metadata.deletionTimestamp !== undefined) return undefined;
  const hash = hashOf(wanted);
  const isSame = live?.metadata.annotations?.[APPLIED_HASH] === hash;
  if (isSame && isUntouched(live, { wanted, provenance })) return undefined;
  const { metadata } = wanted;
  const annotations = { ...metadata.annotations, [APPLIED_HASH]: hash };
  return { ...wanted, metadata: { ...metadata, annotations } };
}

/** What was found to be wholly the operator's: a cache has another object when it changes. */
const foundOwned = new WeakSet<KubeObject>();

/** @param live - has the hash of `wanted` */
function isUntouched(
  live: KubeObject,
  { wanted, provenance }: { readonly wanted: WantedObject; readonly provenance: Provenance },
): boolean {
  switch (provenance) {
    case 'asApplied':
      return true;
    case 'drifted':
      return false;
    case 'unproven': {
      if (foundOwned.has(live)) return true;
      const isOwned = ownsAll(live.metadata.managedFields ?? [], wanted);
      if (isOwned) foundOwned.add(live);
      return isOwned;
    }
  }
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
