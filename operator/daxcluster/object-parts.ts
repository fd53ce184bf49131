import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import type { Json } from '../table/pod-overlay.ts';
import { type DaxClusterResource, namesOf, ownerOf } from './cluster-resource.ts';

/** Metadata that all objects of a DaxCluster have. */
export function clusterChild(
  cluster: DaxClusterResource,
  {
    apiVersion,
    kind,
    name,
    labels,
  }: Pick<KubeObject, 'apiVersion' | 'kind'> & {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  },
): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: namesOf(cluster).identity.namespace,
      name,
      labels,
      ownerReferences: [ownerOf(cluster)],
    },
  };
}

/** Of a NetworkPolicy. */
export function tcp(port: number): Json {
  return { protocol: 'TCP', port };
}
