import type { ResourceType } from '../../dataplane/kubernetes/resources.ts';
import type { WantedObject } from '../table/children.ts';

/** One thing to do to the Kubernetes API. Each may be done again without harm. */
export type DaxStep =
  /** Makes the certificates that are missing or no longer good. */
  | { readonly kind: 'issueCertificates' }
  /** The key of the cluster's own role. */
  | { readonly kind: 'makeRole' }
  | { readonly kind: 'makeRedisPassword' }
  /** The table that all DaxClusters of the namespace share. */
  | { readonly kind: 'makeRegistry' }
  | { readonly kind: 'apply'; readonly object: WantedObject }
  | {
      readonly kind: 'delete';
      readonly type: ResourceType;
      readonly name: string;
      readonly uid: string;
    }
  /** Its StatefulSet makes it anew, with the newest template. */
  | { readonly kind: 'deletePod'; readonly name: string; readonly uid: string };

/** Something that people should hear of. */
export interface DaxEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}
