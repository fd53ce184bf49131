import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import type { CertificatesState } from '../certificates/issued-certificates.ts';
import type { Pod, StatefulSet } from '../table/objects.ts';
import type { Provenance } from '../table/observed.ts';
import type { DaxClusterResource } from './cluster-resource.ts';
import type { DaxInstall } from './install.ts';
import type { DaxNodeView } from './node-view.ts';
import type { RegistryView } from './registry.ts';

/** A node of the cluster, as far as there is one. */
export interface ObservedNode {
  readonly ordinal: number;
  readonly pod: Pod;
  /** Where its machine is; undefined: nobody knows, or there are no zones. */
  readonly zone: string | undefined;
  readonly view: DaxNodeView;
}

/** A Secret that is made once and stays: whoever has read it goes on with it. */
export type MadeSecret =
  | { readonly kind: 'there'; readonly uid: string }
  /** It is not there, or lacks what it is to hold. */
  | { readonly kind: 'missing' };

/** Who has the name of the Service that clients know. */
export type ServiceView =
  | { readonly kind: 'free' | 'own' }
  /** Of a DaxCluster that is gone: it goes, too. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'taken' };

/** What `roleRef` names. */
export type RoleView =
  | { readonly kind: 'missing' }
  /** An AccessPolicy, for the role that the cluster has of its own. */
  | { readonly kind: 'policy' }
  /** An AccessKey: its Secret. */
  | { readonly kind: 'key'; readonly secretName: string };

/** All that a plan is made from. */
export interface ObservedCluster {
  readonly nowMs: number;
  readonly install: DaxInstall;
  readonly cluster: DaxClusterResource;
  /** The older DaxCluster of the namespace that has the clusterName. */
  readonly winner: string | undefined;
  readonly statefulSet: StatefulSet | undefined;
  /** In the order of their ordinals. */
  readonly nodes: readonly ObservedNode[];
  /** All other children that exist, by kind and name (`childKey`). */
  readonly children: ReadonlyMap<string, KubeObject>;
  /** By `childKey`; those that are not there are as they were applied. */
  readonly provenance: ReadonlyMap<string, Provenance>;
  readonly service: ServiceView;
  readonly certificates: CertificatesState;
  /** With the key of the cluster's own role. */
  readonly roleSecret: MadeSecret;
  /** With the password of a managed Redis. */
  readonly redisSecret: MadeSecret;
  readonly role: RoleView;
  readonly registry: RegistryView;
  /** Another DaxCluster whose nodes are being restarted. */
  readonly rollingElsewhere: string | undefined;
}
