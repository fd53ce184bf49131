import type { AccessKeySpec, AccessKeyStatus } from '../../dataplane/kubernetes/accesskey-types.ts';
import type {
  AccessPolicySpec,
  AccessPolicyStatus,
} from '../../dataplane/kubernetes/accesspolicy-types.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';

/** An AccessKey as the API server gives it. */
export interface AccessKeyResource extends KubeObject {
  readonly spec: AccessKeySpec;
  readonly status?: AccessKeyStatus;
}

/** An AccessPolicy as the API server gives it. */
export interface AccessPolicyResource extends KubeObject {
  readonly spec: AccessPolicySpec;
  readonly status?: AccessPolicyStatus;
}

export type AccessObject = AccessKeyResource | AccessPolicyResource;

/** Of a DaxCluster, what says who it is and as whom it calls tables. */
export interface DaxClusterRole extends KubeObject {
  readonly spec: {
    readonly clusterName?: string;
    readonly roleRef: { readonly kind: 'AccessPolicy' | 'AccessKey'; readonly name: string };
  };
}

/** Name of the Secret for the key. */
export function secretNameOf({ metadata, spec }: AccessKeyResource): string {
  return spec.secretName ?? metadata.name;
}

/** The older first; of the same second, by name. */
export function byAge(one: KubeObject, other: KubeObject): number {
  const [a, b] = [one.metadata, other.metadata];
  const [since = '', otherSince = ''] = [a.creationTimestamp, b.creationTimestamp];
  if (since !== otherSince) return since < otherSince ? -1 : 1;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
