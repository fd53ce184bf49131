import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { type Change, ListWatch } from '../../dataplane/kubernetes/list-watch.ts';
import { type KubeObject, keyOf, type ObjectName } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { imageOf } from './bindings.ts';
import { isSameJson } from './canonical.ts';
import { namesOf } from './children.ts';
import { keptOfChild, keptOfNode } from './kept.ts';
import { DATA_IMAGE, MANAGED_BY, MANAGED_BY_LABEL, TABLE_LABEL } from './names.ts';
import type {
  ClusterNode,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  StorageClass,
} from './objects.ts';
import { TableIndex } from './table-index.ts';

const OWN = `${MANAGED_BY_LABEL}=${MANAGED_BY}`;

/** Kinds of a table's objects that are watched, by their kind. Secrets are read by name. */
const CHILD_TYPES = [
  resources.configMaps,
  resources.services,
  resources.networkPolicies,
  resources.podDisruptionBudgets,
  resources.statefulSets,
  resources.pods,
  resources.persistentVolumeClaims,
] as const satisfies readonly ResourceType[];

export interface TableCachesOptions {
  readonly client: KubeClient;
  readonly namespaces: readonly string[];
  readonly log: Logger;
  /** The table with this key (`namespace/name`) is to be looked at. */
  readonly onChange: (key: string) => void;
  /** An object of the operator's that belongs to no table has changed. */
  readonly onOtherChange: (object: KubeObject) => void;
}

/** All that the operator knows of the API server's objects without asking. */
export class TableCaches {
  readonly #tables = new Map<string, ListWatch<TableResource>>();
  readonly #index = new TableIndex();
  /** By namespace and kind. */
  readonly #children = new Map<string, ListWatch<KubeObject>>();
  readonly #nodes: ListWatch<ClusterNode>;
  readonly #storageClasses: ListWatch<StorageClass>;
  readonly #onChange: (key: string) => void;

  static start(options: TableCachesOptions): TableCaches {
    return new TableCaches(options);
  }

  private constructor(options: TableCachesOptions) {
    this.#onChange = options.onChange;
    const { client, log } = options;
    this.#nodes = ListWatch.start<ClusterNode>({
      client,
      log,
      type: resources.nodes,
      namespace: undefined,
      keep: keptOfNode,
      onChange: this.#addAllIfChanged,
    });
    this.#storageClasses = ListWatch.start<StorageClass>({
      client,
      log,
      type: resources.storageClasses,
      namespace: undefined,
      onChange: this.#addAllIfChanged,
    });
    for (const namespace of options.namespaces) this.#startNamespace(options, namespace);
  }

  table(name: ObjectName): TableResource | undefined {
    return this.#tables.get(name.namespace ?? '')?.get(name);
  }

  /** Tables of the namespace with this tableName. */
  tablesNamed(namespace: string, tableName: string): Iterable<TableResource> {
    return this.#index.named(namespace, tableName);
  }

  /** Tables whose status tells of a rollout. */
  rollingTables(): Iterable<TableResource> {
    return this.#index.rolling();
  }

  *allTables(): Iterable<TableResource> {
    for (const cache of this.#tables.values()) yield* cache.items();
  }

  get tablesCount(): number {
    return [...this.#tables.values()].reduce((sum, cache) => sum + cache.size, 0);
  }

  child(type: ResourceType, name: ObjectName): KubeObject | undefined {
    return this.#children.get(`${name.namespace}/${type.kind}`)?.get(name);
  }

  statefulSet(name: ObjectName): StatefulSet | undefined {
    return this.child(resources.statefulSets, name) as StatefulSet | undefined;
  }

  *statefulSets(): Iterable<StatefulSet> {
    for (const [key, cache] of this.#children) {
      if (key.endsWith(`/${resources.statefulSets.kind}`))
        yield* cache.items() as Iterable<StatefulSet>;
    }
  }

  pod(name: ObjectName): Pod | undefined {
    return this.child(resources.pods, name) as Pod | undefined;
  }

  claim(name: ObjectName): PersistentVolumeClaim | undefined {
    const type = resources.persistentVolumeClaims;
    return this.child(type, name) as PersistentVolumeClaim | undefined;
  }

  isUpgrading(table: TableResource): boolean {
    const names = namesOf(table);
    const { namespace } = names.identity;
    const { replicationFactor } = table.spec.placement;
    return Array.from({ length: replicationFactor }, (_, slot) => slot).some((slot) => {
      const set = this.statefulSet({ namespace, name: names.statefulSet(slot) });
      const pod = this.pod({ namespace, name: names.pod(slot) });
      const image = set?.metadata.annotations?.[DATA_IMAGE];
      const running = pod === undefined ? undefined : imageOf(pod);
      return image !== undefined && running !== undefined && image !== running;
    });
  }

  nodes(): Iterable<ClusterNode> {
    return this.#nodes.items();
  }

  storageClasses(): Iterable<StorageClass> {
    return this.#storageClasses.items();
  }

  /** Whether a write that was answered with this version is to be seen here. */
  hasReached(type: ResourceType, namespace: string, resourceVersion: string): boolean {
    const cache =
      type.kind === resources.tables.kind
        ? this.#tables.get(namespace)
        : this.#children.get(`${namespace}/${type.kind}`);
    return cache?.hasReached(resourceVersion) ?? true;
  }

  get all(): readonly ListWatch<KubeObject>[] {
    const own = [...this.#tables.values(), ...this.#children.values()];
    // Of each, only what all caches have is used: nothing is put in.
    return [
      ...own,
      this.#nodes,
      this.#storageClasses,
    ] as unknown as readonly ListWatch<KubeObject>[];
  }

  close(): void {
    for (const cache of this.all) cache.close();
  }

  #startNamespace(options: TableCachesOptions, namespace: string): void {
    const { client, log, onOtherChange } = options;
    this.#tables.set(
      namespace,
      ListWatch.start<TableResource>({
        client,
        log,
        type: resources.tables,
        namespace,
        onChange: (change) => this.#tableChanged(change),
      }),
    );
    for (const type of CHILD_TYPES) {
      const cache = ListWatch.start<KubeObject>({
        client,
        log,
        type,
        namespace,
        labelSelector: OWN,
        keep: keptOfChild,
        onChange: ({ object }) => {
          const name = object.metadata.labels?.[TABLE_LABEL];
          if (name === undefined) onOtherChange(object);
          else this.#onChange(keyOf({ namespace, name }));
        },
      });
      this.#children.set(`${namespace}/${type.kind}`, cache);
    }
  }

  /** The operator's own writes of status say nothing new. */
  #tableChanged(change: Change<TableResource>): void {
    this.#index.update(change);
    const { kind, object, before } = change;
    if (kind === 'set' && before !== undefined && !isToldAnew(before, object)) return;
    this.#onChange(keyOf(object.metadata));
    if (kind === 'set' && before !== undefined) return;
    // Who has a name, and who waits for it, changes with each that comes and goes.
    const { metadata, spec } = object;
    for (const other of this.tablesNamed(metadata.namespace ?? '', spec.tableName)) {
      this.#onChange(keyOf(other.metadata));
    }
  }

  readonly #addAllIfChanged = <T extends KubeObject>({ object, before }: Change<T>): void => {
    if (before !== undefined && isSameJson(withoutVersion(before), withoutVersion(object))) return;
    for (const { metadata } of this.allTables()) this.#onChange(keyOf(metadata));
  };
}

function isToldAnew(before: TableResource, now: TableResource): boolean {
  const told = ({ metadata }: TableResource) => {
    const { uid, generation, deletionTimestamp, annotations, finalizers } = metadata;
    return { uid, generation, deletionTimestamp, annotations, finalizers };
  };
  return !isSameJson(told(before), told(now));
}

function withoutVersion<T extends KubeObject>({ metadata, ...object }: T): object {
  const { resourceVersion: _, managedFields: __, ...rest } = metadata;
  return { ...object, metadata: rest };
}
