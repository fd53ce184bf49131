import { isSubject } from '../../dataplane/access/principal.ts';
import type { Subject as KeySubject } from '../../dataplane/kubernetes/accesskey-types.ts';
import type { Subject } from '../../dataplane/kubernetes/accesspolicy-types.ts';
import { type AccessKeyResource, byAge, type DaxClusterRole } from './resources.ts';

/** Who calls with an AccessKey: `user/NAME` or `role/NAME`. */
export function principalOfKey({ spec: { subject } }: AccessKeyResource): string {
  return named(subject);
}

/** The name by which clients and policies know a DaxCluster. */
export function clusterNameOf({ metadata, spec }: DaxClusterRole): string {
  return spec.clusterName ?? metadata.name;
}

/** The principal of a cluster that has a role of its own: `dax/NAME`. */
export function rolePrincipalOf(cluster: DaxClusterRole): string {
  return `dax/${clusterNameOf(cluster)}`;
}

/**
 * Clusters that are known by their name: of several with one name the oldest, so that another one's
 * manifest cannot add to what its role may do; and none whose name no principal can have.
 */
export function namedClusters(clusters: readonly DaxClusterRole[]): readonly DaxClusterRole[] {
  const taken = new Set<string>();
  return clusters.toSorted(byAge).filter((cluster) => {
    const name = clusterNameOf(cluster);
    if (taken.has(name) || !isSubject(rolePrincipalOf(cluster))) return false;
    taken.add(name);
    return true;
  });
}

/** Whom the names in a namespace stand for. */
export class Principals {
  readonly #keys: ReadonlyMap<string, AccessKeyResource>;
  readonly #clusters: ReadonlyMap<string, DaxClusterRole>;

  /** @param clusters as `namedClusters` gives them */
  constructor(keys: readonly AccessKeyResource[], clusters: readonly DaxClusterRole[]) {
    this.#keys = new Map(keys.map((key) => [key.metadata.name, key]));
    this.#clusters = new Map(clusters.map((cluster) => [cluster.metadata.name, cluster]));
  }

  /** As whom a cluster calls tables; undefined when its roleRef names an AccessKey that is not there. */
  ofCluster(cluster: DaxClusterRole): string | undefined {
    const { kind, name } = cluster.spec.roleRef;
    if (kind === 'AccessPolicy') return rolePrincipalOf(cluster);
    const key = this.#keys.get(name);
    return key === undefined ? undefined : principalOfKey(key);
  }

  /** Undefined when there is no such object. Users and roles need none. */
  ofSubject({ kind, name }: Subject): string | undefined {
    switch (kind) {
      case 'User':
      case 'Role':
        return named({ kind, name });
      case 'AccessKey': {
        const key = this.#keys.get(name);
        return key === undefined ? undefined : principalOfKey(key);
      }
      case 'DaxCluster': {
        const cluster = this.#clusters.get(name);
        return cluster === undefined ? undefined : this.ofCluster(cluster);
      }
    }
  }
}

function named({ kind, name }: KeySubject): string {
  return `${kind === 'User' ? 'user' : 'role'}/${name}`;
}
