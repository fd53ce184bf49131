import type {
  DaxClusterSpec,
  DaxClusterStatus,
} from '../../dataplane/kubernetes/daxcluster-types.ts';
import type { KubeObject, OwnerReference } from '../../dataplane/kubernetes/object.ts';
import { DaxClusterNames } from './names.ts';

/** A DaxCluster as the API server gives it: what has a default is there. */
export interface DaxClusterResource extends KubeObject {
  readonly spec: DaxClusterSpec;
  readonly status?: DaxClusterStatus;
}

export function namesOf({ metadata }: DaxClusterResource): DaxClusterNames {
  const { namespace, name, uid } = metadata;
  if (namespace === undefined || uid === undefined) throw new Error(`${name} is not in the API`);
  return new DaxClusterNames({ namespace, name, uid });
}

/** What makes the garbage collector delete an object with its DaxCluster. */
export function ownerOf(cluster: DaxClusterResource): OwnerReference {
  return {
    apiVersion: cluster.apiVersion,
    kind: cluster.kind,
    name: cluster.metadata.name,
    uid: namesOf(cluster).identity.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
