import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import { CLEANUP_FINALIZER } from './names.ts';
import type { ObservedTable } from './observed.ts';
import type { Step } from './steps.ts';

/**
 * A Table that is being deleted: what belongs to it goes by its owner references; the volumes go first
 * where that is the policy, and stay otherwise. The Table is held until then.
 */
export function planDeletion(observed: ObservedTable): {
  readonly steps: readonly Step[];
  readonly deletion: string;
} {
  const { table, slots } = observed;
  const isHeld = table.metadata.finalizers?.includes(CLEANUP_FINALIZER) === true;
  if (!isHeld) return { steps: [], deletion: 'the objects of the table go; its volumes stay' };
  const release: Step = { kind: 'setFinalizer', isWished: false };
  if (table.spec.deletionPolicy === 'Retain') {
    return { steps: [release], deletion: 'deletionPolicy is Retain: the volumes stay' };
  }
  if (table.spec.deletionProtectionEnabled) {
    return {
      steps: [],
      deletion:
        'deletionProtectionEnabled is true: the volumes are not deleted until it is false (deletionPolicy: ' +
        'Retain lets the Table go and keeps them)',
    };
  }
  const sets = present(slots.map(({ statefulSet }) => statefulSet));
  const pods = slots.flatMap(({ pod }) => pod ?? []);
  if (sets.length > 0 || pods.length > 0) {
    return {
      steps: sets.map((set) => deletionStep(resources.statefulSets, set)),
      deletion: `stopping the nodes: ${pods.map(({ metadata }) => metadata.name).join(', ')}`,
    };
  }
  const claims = slots.flatMap(({ claim }) => claim ?? []);
  if (claims.length > 0) {
    return {
      steps: present(claims).map((claim) => deletionStep(resources.persistentVolumeClaims, claim)),
      deletion: `deleting the volumes: ${claims.map(({ metadata }) => metadata.name).join(', ')}`,
    };
  }
  return { steps: [release], deletion: 'the volumes are deleted' };
}

/** What is not on its way out already. */
function present<T extends KubeObject>(objects: readonly (T | undefined)[]): readonly T[] {
  return objects.flatMap((object) =>
    object === undefined || object.metadata.deletionTimestamp !== undefined ? [] : [object],
  );
}

function deletionStep(type: ResourceType, { metadata }: KubeObject): Step {
  const { name, uid = '' } = metadata;
  return { kind: 'delete', type, name, uid, propagationPolicy: 'Background' };
}
