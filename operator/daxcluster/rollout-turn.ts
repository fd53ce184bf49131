import { keyOf } from '../../dataplane/kubernetes/object.ts';
import { DATA_IMAGE } from '../table/names.ts';
import type { Pod } from '../table/objects.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxCaches } from './dax-caches.ts';
import { DAX_CONTAINER } from './pod-template.ts';
import type { RolloutPhase } from './rollout.ts';

/** DaxClusters of this installation. */
type RollingClusters = Pick<DaxCaches, 'allClusters' | 'statefulSet' | 'pod'>;

/**
 * Whose turn it is to restart nodes: one DaxCluster of the installation at a time, so that what is wrong
 * with a new image shows at one node. An upgrade that has stopped there holds the upgrades of all others; a
 * rollout that has stopped for what its own DaxCluster says holds nobody.
 *
 * Kept in the conditions of DaxClusters; in memory for as long as that is not seen.
 */
export class DaxRolloutTurn {
  readonly #caches: RollingClusters;
  #holder: string | undefined;

  constructor(caches: RollingClusters) {
    this.#caches = caches;
  }

  /** Key of another DaxCluster that is to be waited for. */
  rollingBesides(cluster: DaxClusterResource): string | undefined {
    const own = keyOf(cluster.metadata);
    if (this.#holder !== undefined && this.#holder !== own) return this.#holder;
    for (const other of this.#caches.allClusters()) {
      const key = keyOf(other.metadata);
      if (key === own) continue;
      const reasons = new Set(other.status?.conditions?.map(({ reason }) => reason));
      if (reasons.has('RollingOut')) return key;
      const isWarning = reasons.has('RolloutStopped') && this.#isUpgrading(other);
      if (isWarning && this.#isUpgrading(cluster)) return key;
    }
    return undefined;
  }

  /** The pass of the cluster has come to this. */
  planned(cluster: DaxClusterResource, phase: RolloutPhase | undefined): void {
    const own = keyOf(cluster.metadata);
    if (phase === 'Restarting' || phase === 'Soaking') this.#holder ??= own;
    else if (this.#holder === own) this.#holder = undefined;
  }

  /** The cluster is gone. */
  forget(key: string): void {
    if (this.#holder === key) this.#holder = undefined;
  }

  /** Whether nodes run another image than they are to. */
  #isUpgrading(cluster: DaxClusterResource): boolean {
    const names = namesOf(cluster);
    const { namespace } = names.identity;
    const set = this.#caches.statefulSet({ namespace, name: names.base });
    const wished = set?.metadata.annotations?.[DATA_IMAGE];
    const ordinals = Array.from({ length: cluster.spec.replicationFactor }, (_, n) => n);
    return ordinals.some((ordinal) => {
      const pod = this.#caches.pod({ namespace, name: names.pod(ordinal) });
      return pod !== undefined && imageOf(pod) !== wished;
    });
  }
}

function imageOf(pod: Pod): string | undefined {
  return pod.spec.containers?.find(({ name }) => name === DAX_CONTAINER)?.image;
}
