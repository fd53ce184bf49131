import type { KubeObject, ObjectMeta } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import {
  type ClusterNode,
  type Container,
  conditionOf,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
} from './objects.ts';
import { ownedFields } from './owned-fields.ts';

/**
 * What the caches keep of objects: what passes read (`objects.ts`). The whole of a thousand tables' objects
 * would be some 200 MB.
 */
export function keptOfChild(object: KubeObject): KubeObject {
  switch (object.kind) {
    case resources.statefulSets.kind:
      return keptOfStatefulSet(object as StatefulSet);
    case resources.pods.kind:
      return keptOfPod(object as Pod);
    case resources.persistentVolumeClaims.kind:
      return keptOfClaim(object as PersistentVolumeClaim);
    case resources.configMaps.kind:
      return { ...object, metadata: appliedMetadata(object) };
    default:
      // That they are there, and as they were applied.
      return { ...named(object), metadata: appliedMetadata(object) };
  }
}

/** Of a machine: where it is, and whether it takes pods. The rest is large and changes all the time. */
export function keptOfNode({ apiVersion, kind, metadata, spec, status }: ClusterNode): ClusterNode {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata;
  const ready = conditionOf({ status: status ?? {} }, 'Ready');
  return {
    apiVersion,
    kind,
    metadata: defined({ name, uid, resourceVersion, labels, deletionTimestamp }),
    spec: {
      unschedulable: spec?.unschedulable === true,
      taints: (spec?.taints ?? []).map(({ key, value, effect }) => defined({ key, value, effect })),
    },
    status: {
      conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready.status }],
    },
  };
}

function keptOfStatefulSet(set: StatefulSet): StatefulSet {
  const { replicas, updateStrategy, template, volumeClaimTemplates } = set.spec;
  const { observedGeneration, readyReplicas, currentRevision, updateRevision } = set.status ?? {};
  return {
    ...named(set),
    metadata: appliedMetadata(set),
    spec: defined({
      replicas,
      updateStrategy,
      template: { spec: { containers: keptContainers(template.spec.containers) } },
      volumeClaimTemplates: volumeClaimTemplates?.map(({ spec }) => ({
        spec: defined({ resources: spec.resources }),
      })),
    }),
    status: defined({ observedGeneration, readyReplicas, currentRevision, updateRevision }),
  };
}

function keptOfPod(pod: Pod): Pod {
  const { nodeName, containers } = pod.spec;
  const { phase, podIP, conditions, containerStatuses } = pod.status ?? {};
  return {
    ...named(pod),
    spec: defined({ nodeName, containers: containers && keptContainers(containers) }),
    status: defined({
      phase,
      podIP,
      conditions,
      containerStatuses: containerStatuses?.map(({ name, restartCount, state }) =>
        defined({ name, restartCount, state }),
      ),
    }),
  };
}

function keptOfClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const { storageClassName, volumeName, resources: wished } = claim.spec;
  const { phase, capacity, conditions, allocatedResourceStatuses } = claim.status ?? {};
  return {
    ...named(claim),
    spec: defined({ storageClassName, volumeName, resources: wished }),
    status: defined({ phase, capacity, conditions, allocatedResourceStatuses }),
  };
}

function keptContainers(containers: readonly Container[]): readonly Container[] {
  return containers.map(({ name, image }) => defined({ name, image }));
}

function named(object: KubeObject): KubeObject {
  const { apiVersion, kind } = object;
  return { apiVersion, kind, metadata: keptMetadata(object) };
}

/** Of what the operator applies, also what it owns of it. */
function appliedMetadata(object: KubeObject): ObjectMeta {
  const owned = ownedFields(object.metadata.managedFields ?? []);
  const kept = keptMetadata(object);
  return owned.length === 0 ? kept : { ...kept, managedFields: owned };
}

/** Without managedFields, which are half of an object's bytes, and owners, which nobody asks for. */
function keptMetadata({ metadata }: KubeObject): ObjectMeta {
  const { managedFields: _, ownerReferences: __, ...kept } = metadata;
  return kept;
}

/** Members that are undefined are left out. */
function defined<T extends object>(
  value: {
    readonly [Member in keyof T]: T[Member] | undefined;
  },
): T {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  // As the parameter's type says, for members that may be left out.
  return Object.fromEntries(entries) as T;
}
