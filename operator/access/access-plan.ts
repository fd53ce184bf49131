import { type SecretObject, secretText } from '../certificates/secret-data.ts';
import type { Obstacle } from '../findings.ts';
import { isPaused } from '../pause.ts';
import { hashOf } from '../table/canonical.ts';
import {
  type CredentialEntry,
  type CredentialsList,
  credentialsIn,
  credentialsList,
  type KeyHolder,
  rootEntries,
} from './credentials-list.ts';
import { goodPairs, type KeyMaterial } from './key-material.ts';
import type { KeyPair } from './key-pair.ts';
import { CREDENTIALS, POLICIES } from './names.ts';
import { type PolicyEntry, type PolicySource, policiesIn, policiesList } from './policies-list.ts';
import { type DocumentCheck, type Place, policyDocumentOf } from './policy-document.ts';
import {
  clusterNameOf,
  namedClusters,
  Principals,
  principalOfKey,
  rolePrincipalOf,
} from './principals.ts';
import {
  type AccessKeyResource,
  type AccessPolicyResource,
  byAge,
  type DaxClusterRole,
} from './resources.ts';

/** An AccessKey and its keys. */
export interface ObservedKey {
  readonly key: AccessKeyResource;
  /** Undefined: there is none yet. */
  readonly material: KeyMaterial | undefined;
  /** What keeps it from becoming what it is to be. */
  readonly obstacle: Obstacle | undefined;
}

/** All that the access of a namespace follows from. */
export interface ObservedAccess {
  readonly place: Place;
  /** The Secret `trestle-credentials`. */
  readonly credentials: SecretObject;
  readonly keys: readonly ObservedKey[];
  readonly policies: readonly AccessPolicyResource[];
  readonly clusters: readonly DaxClusterRole[];
  /** Keys of clusters that have a role of their own, by the name of the DaxCluster. */
  readonly roles: ReadonlyMap<string, KeyPair>;
  readonly check: DocumentCheck;
}

/** What has become of an AccessKey. */
export interface KeyOutcome extends ObservedKey {
  /** Its keys are in the credentials. */
  readonly isPublished: boolean;
}

/** What has become of an AccessPolicy. */
export interface PolicyOutcome {
  readonly policy: AccessPolicyResource;
  /** Principals that it is about. */
  readonly subjects: readonly string[];
  /** Subjects that are not there: `AccessKey app`. */
  readonly missing: readonly string[];
  /** What is wrong with its document. */
  readonly fault: string | undefined;
  /** Digest of what stands in the policies for it; undefined: nothing does. */
  readonly revision: string | undefined;
  readonly isLeftOut: boolean;
}

/** What routers and DAX nodes of the namespace are to know. */
export interface AccessPlan {
  /** The members of the Secret; undefined when the root key is lost, so that nothing is to be written. */
  readonly contents: { readonly credentials: string; readonly policies: string } | undefined;
  readonly keys: readonly KeyOutcome[];
  readonly policies: readonly PolicyOutcome[];
}

/** From the objects of a namespace to the contents of its Secret, and what to tell about each of them. */
export function planAccess(observed: ObservedAccess): AccessPlan {
  const clusters = namedClusters(observed.clusters);
  const keys = observed.keys.toSorted((one, other) => byAge(one.key, other.key));
  const principals = new Principals(
    keys.map(({ key }) => key),
    clusters,
  );
  const roots = rootEntries(observed.credentials);
  const holders = [
    ...roleHolders(observed, clusters),
    ...keyHolders(keys, credentialsIn(secretText(observed.credentials, CREDENTIALS))),
  ];
  const credentials = credentialsList(roots ?? [], holders);
  const published = policiesIn(secretText(observed.credentials, POLICIES));
  const drafts = observed.policies
    .toSorted(byAge)
    .map((policy) => draftOf(policy, { observed, clusters, principals, published }));
  const policies = policiesList(drafts, {
    clusters: clusters.flatMap((cluster) => {
      const principal = principals.ofCluster(cluster);
      return principal === undefined ? [] : [{ clusterName: clusterNameOf(cluster), principal }];
    }),
    callers: new Set(holders.map(({ principal }) => principal)),
    place: observed.place,
  });
  return {
    contents: roots && { credentials: credentials.text, policies: policies.text },
    keys: keys.map((each) => keyOutcome(each, { holders, leftOut: credentials.leftOut })),
    policies: drafts.map(({ policy, subjects, missing, fault, name }) => {
      const entry = policies.entries.get(name);
      const isLeftOut = policies.leftOut.has(name);
      return { policy, subjects, missing, fault, revision: entry && hashOf(entry), isLeftOut };
    }),
  };
}

/** Clusters come before AccessKeys: what they need to run is not to be had otherwise. */
function roleHolders(
  { roles }: ObservedAccess,
  clusters: readonly DaxClusterRole[],
): readonly KeyHolder[] {
  return clusters.flatMap((cluster) => {
    const { name } = cluster.metadata;
    const pair = cluster.spec.roleRef.kind === 'AccessPolicy' ? roles.get(name) : undefined;
    if (pair === undefined) return [];
    return [{ id: `DaxCluster/${name}`, principal: rolePrincipalOf(cluster), pairs: [pair] }];
  });
}

function keyHolders(
  keys: readonly ObservedKey[],
  published: readonly CredentialEntry[],
): readonly KeyHolder[] {
  return keys.flatMap(({ key, material }) => {
    if (isPaused(key)) return heldKey({ key, material }, published);
    if (material === undefined || key.spec.state === 'Inactive') return [];
    return [{ id: holderId(key), principal: principalOfKey(key), pairs: goodPairs(material) }];
  });
}

/** Of a paused AccessKey the keys that routers have, whatever has become of its Secret or its spec since. */
function heldKey(
  { key, material }: Pick<ObservedKey, 'key' | 'material'>,
  published: readonly CredentialEntry[],
): readonly KeyHolder[] {
  const principal = principalOfKey(key);
  const { accessKeyID, previousAccessKeyID, published: told } = key.status ?? {};
  const own = material === undefined ? [] : goodPairs(material);
  const ids = new Set([
    ...own.map(({ accessKeyId }) => accessKeyId),
    ...[accessKeyID, previousAccessKeyID, told?.revision],
  ]);
  const pairs = published.filter(
    (entry) => entry.principal === principal && ids.has(entry.accessKeyId),
  );
  return pairs.length === 0 ? [] : [{ id: holderId(key), principal, pairs }];
}

function holderId({ metadata }: AccessKeyResource): string {
  return `AccessKey/${metadata.name}`;
}

function keyOutcome(
  observed: ObservedKey,
  {
    holders,
    leftOut,
  }: { readonly holders: readonly KeyHolder[]; readonly leftOut: CredentialsList['leftOut'] },
): KeyOutcome {
  const id = holderId(observed.key);
  const reason = leftOut.get(id);
  const isPublished = reason === undefined && holders.some((holder) => holder.id === id);
  const obstacle = observed.obstacle ?? (reason && { reason, message: LEFT_OUT[reason] });
  return { ...observed, obstacle, isPublished };
}

const LEFT_OUT = {
  AccessKeyIDTaken:
    "the access key id in its Secret is another one's: delete the Secret to have another key made",
  QuotaExceeded: 'the namespace has too many access keys: delete some',
} as const;

interface PolicyDraft extends PolicySource {
  readonly policy: AccessPolicyResource;
  readonly missing: readonly string[];
  readonly fault: string | undefined;
}

/** Clusters whose roleRef names the policy are subjects of it, too. */
function draftOf(
  policy: AccessPolicyResource,
  {
    observed: { place, check },
    clusters,
    principals,
    published,
  }: {
    readonly published: ReadonlyMap<string, PolicyEntry>;
    readonly observed: ObservedAccess;
    readonly clusters: readonly DaxClusterRole[];
    readonly principals: Principals;
  },
): PolicyDraft {
  const { metadata, spec } = policy;
  const { name } = metadata;
  const bound = clusters.filter(
    ({ spec: { roleRef } }) => roleRef.kind === 'AccessPolicy' && roleRef.name === name,
  );
  const found = (spec.subjects ?? []).map((subject) => ({
    title: `${subject.kind} ${subject.name}`,
    principal: principals.ofSubject(subject),
  }));
  const document = policyDocumentOf(spec, place, check);
  const subjects = [
    ...bound.map(rolePrincipalOf),
    ...found.flatMap(({ principal }) => principal ?? []),
  ];
  return {
    name,
    policy,
    subjects: [...new Set(subjects)].toSorted(),
    missing: found.filter(({ principal }) => principal === undefined).map(({ title }) => title),
    document: document.kind === 'valid' ? document.document : undefined,
    fault: document.kind === 'invalid' ? document.message : undefined,
    held: isPaused(policy) ? (published.get(name) ?? 'none') : undefined,
  };
}
