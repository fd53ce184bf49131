import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { type Change, ListWatch } from '../../dataplane/kubernetes/list-watch.ts';
import { type KubeObject, keyOf, type ObjectName } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { clusterNameOf } from '../access/principals.ts';
import { byAge } from '../access/resources.ts';
import { isSameJson } from '../table/canonical.ts';
import type { Pod, StatefulSet } from '../table/objects.ts';
import type { TableCaches } from '../table/table-caches.ts';
import type { DaxClusterResource } from './cluster-resource.ts';
import { DAX_LABEL } from './names.ts';
import { REGISTRY_TABLE } from './registry.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';

export interface DaxCachesOptions {
  readonly client: KubeClient;
  readonly namespaces: readonly string[];
  /** Has the objects that DaxClusters are made of, with those of tables. */
  readonly objects: TableCaches;
  readonly log: Logger;
  /** The DaxCluster with this key (`namespace/name`) is to be looked at. */
  readonly onChange: (key: string) => void;
  /** A DaxCluster of this namespace has come, gone or changed, not by its status alone. */
  readonly onClusterChange: (namespace: string) => void;
}

/** What the operator knows of DaxClusters without asking. */
export class DaxCaches {
  readonly #clusters = new Map<string, ListWatch<DaxClusterResource>>();
  readonly #objects: TableCaches;
  readonly #onChange: (key: string) => void;
  readonly #onClusterChange: (namespace: string) => void;

  static start(options: DaxCachesOptions): DaxCaches {
    return new DaxCaches(options);
  }

  private constructor(options: DaxCachesOptions) {
    const { client, namespaces, log } = options;
    this.#objects = options.objects;
    this.#onChange = options.onChange;
    this.#onClusterChange = options.onClusterChange;
    for (const namespace of namespaces) {
      const cache = ListWatch.start<DaxClusterResource>({
        ...{ client, log, namespace },
        type: resources.daxClusters,
        onChange: (change) => this.#clusterChanged(change),
      });
      this.#clusters.set(namespace, cache);
    }
  }

  cluster(name: ObjectName): DaxClusterResource | undefined {
    return this.#clusters.get(name.namespace ?? '')?.get(name);
  }

  /** All of a namespace. */
  clusters(namespace: string): Iterable<DaxClusterResource> {
    return this.#clusters.get(namespace)?.items() ?? [];
  }

  *allClusters(): Iterable<DaxClusterResource> {
    for (const cache of this.#clusters.values()) yield* cache.items();
  }

  /** The older DaxCluster of the namespace that has the clusterName of this one. */
  winnerOver(cluster: DaxClusterResource): DaxClusterResource | undefined {
    const { namespace = '', uid } = cluster.metadata;
    const wanted = clusterNameOf(cluster);
    const [oldest] = [...this.clusters(namespace)]
      .filter((each) => clusterNameOf(each) === wanted)
      .sort(byAge);
    return oldest?.metadata.uid === uid ? undefined : oldest;
  }

  /** Tables that are, or want to be, the registry of a namespace; the older first. */
  registries(namespace: string): readonly TableResource[] {
    const named = this.#objects.table({ namespace, name: REGISTRY_TABLE });
    const all = [
      ...this.#objects.tablesNamed(namespace, REGISTRY_TABLE),
      ...(named === undefined ? [] : [named]),
    ];
    return all.sort(byAge);
  }

  child(type: ResourceType, name: ObjectName): KubeObject | undefined {
    return this.#objects.child(type, name);
  }

  statefulSet(name: ObjectName): StatefulSet | undefined {
    return this.#objects.statefulSet(name);
  }

  pod(name: ObjectName): Pod | undefined {
    return this.#objects.pod(name);
  }

  /** Zones of the machines that have one, by the machines' names. */
  zones(): ReadonlyMap<string, string> {
    const zones = new Map<string, string>();
    for (const { metadata } of this.#objects.nodes()) {
      const zone = metadata.labels?.[ZONE_LABEL];
      if (zone !== undefined) zones.set(metadata.name, zone);
    }
    return zones;
  }

  /** Whether a write that was answered with this version is to be seen here. */
  hasReached(type: ResourceType, namespace: string, resourceVersion: string): boolean {
    if (type.kind !== resources.daxClusters.kind) {
      return this.#objects.hasReached(type, namespace, resourceVersion);
    }
    return this.#clusters.get(namespace)?.hasReached(resourceVersion) ?? true;
  }

  /** For `onOtherChange` of the caches of objects. */
  objectChanged({ metadata }: KubeObject): void {
    const name = metadata.labels?.[DAX_LABEL];
    if (name !== undefined) this.#onChange(keyOf({ ...metadata, name }));
  }

  /** Those that have to be whole; the others' are the tables'. */
  get all(): readonly ListWatch<KubeObject>[] {
    // Of each, only what all caches have is used: nothing is put in.
    return [...this.#clusters.values()] as unknown as readonly ListWatch<KubeObject>[];
  }

  close(): void {
    for (const cache of this.#clusters.values()) cache.close();
  }

  /** The operator's own writes of status say nothing new. */
  #clusterChanged({ kind, object, before }: Change<DaxClusterResource>): void {
    if (kind === 'set' && before !== undefined && !isToldAnew(before, object)) return;
    this.#onChange(keyOf(object.metadata));
    this.#onClusterChange(object.metadata.namespace ?? '');
    if (kind === 'set' && before !== undefined) return;
    // Who has a name, and who waits for it, changes with each that comes and goes.
    const name = clusterNameOf(object);
    for (const other of this.clusters(object.metadata.namespace ?? '')) {
      if (clusterNameOf(other) === name) this.#onChange(keyOf(other.metadata));
    }
  }
}

function isToldAnew(before: DaxClusterResource, now: DaxClusterResource): boolean {
  const told = ({ metadata }: DaxClusterResource) => {
    const { uid, generation, deletionTimestamp, annotations } = metadata;
    return { uid, generation, deletionTimestamp, annotations };
  };
  return !isSameJson(told(before), told(now));
}
