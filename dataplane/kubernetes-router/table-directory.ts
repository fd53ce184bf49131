import { compareVersions } from '../kubernetes/object.ts';
import type { TableResource } from '../kubernetes/table-resource.ts';
import type { StorageIdentity, StorageNode } from './storage-identity.ts';

/** A table of the namespace. */
export interface KnownTable {
  /** The uid of its resource. */
  readonly clusterId: string;
  readonly tableName: string;
  /** Empty while none is known. */
  readonly nodes: readonly StorageNode[];
  /** Undefined of a table that was found by DNS while the API server is away. */
  readonly resource: TableResource | undefined;
}

export type DirectoryListener = (clusterId: string) => void;

/**
 * What tables there are. Resources are the truth; what storage nodes say of themselves stands in for
 * them until the API server has answered for the first time, and is dropped where it says otherwise.
 *
 * Of several Tables of one name the oldest has it, by creation and then by uid, as the operator has it.
 */
export class TableDirectory {
  readonly #tables = new Map<string, KnownTable>();
  /** By table name: ids, the one that has the name first. */
  readonly #byName = new Map<string, readonly string[]>();
  readonly #listeners = new Set<DirectoryListener>();
  #isComplete = false;

  /** Whether the API server has said what there is: who is not here is not there. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** How many names there are. */
  get count(): number {
    return this.#byName.size;
  }

  /** By name. */
  table(tableName: string): KnownTable | undefined {
    const id = this.#byName.get(tableName)?.[0];
    return id === undefined ? undefined : this.#tables.get(id);
  }

  byId(clusterId: string): KnownTable | undefined {
    return this.#tables.get(clusterId);
  }

  /** Those that have their names. */
  *tables(): Iterable<KnownTable> {
    for (const tableName of this.#byName.keys()) {
      const table = this.table(tableName);
      if (table !== undefined) yield table;
    }
  }

  /** Called with the id of each table that came, changed or went. Returns how to stop it. */
  onChange(listener: DirectoryListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes in a resource: as the watch shows it, or as the API server has answered a write. */
  setResource(resource: TableResource): void {
    const { uid, resourceVersion = '' } = resource.metadata;
    if (uid === undefined) return;
    const known = this.#tables.get(uid);
    // Answers and the watch overtake each other.
    const knownVersion = known?.resource?.metadata.resourceVersion;
    if (knownVersion !== undefined && compareVersions(resourceVersion, knownVersion) < 0) return;
    const nodes = nodesOf(resource);
    this.#set({
      clusterId: uid,
      tableName: resource.spec.tableName,
      // A status that was lost is written anew; the nodes are still where they were.
      nodes: nodes.length > 0 ? nodes : (known?.nodes ?? []),
      resource,
    });
  }

  removeResource({ metadata }: Pick<TableResource, 'metadata'>): void {
    if (metadata.uid !== undefined) this.#remove(metadata.uid);
  }

  /** All resources have been taken in: what else is known is not there any more. */
  complete(): void {
    this.#isComplete = true;
    for (const { clusterId, resource } of [...this.#tables.values()]) {
      if (resource === undefined) this.#remove(clusterId);
    }
  }

  /** What storage nodes have said. Tables that did not answer stay. */
  takeIdentities(identities: readonly StorageIdentity[]): void {
    for (const { clusterId, tableName, nodes } of identities) {
      const known = this.#tables.get(clusterId);
      const resource = known?.resource;
      if (known === undefined ? this.#isComplete : isKnownFully(known)) continue;
      if (known !== undefined && areSame(known.nodes, nodes)) continue;
      this.#set({ clusterId, tableName: known?.tableName ?? tableName, nodes, resource });
    }
  }

  /**
   * The table once it is as wished, or as it is when the time is up; undefined when it is gone.
   * @param late resolves when the time is up
   */
  async until(
    clusterId: string,
    isWished: (table: KnownTable) => boolean,
    late: Promise<void>,
  ): Promise<KnownTable | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      const table = this.#tables.get(clusterId);
      if (table === undefined || isWished(table)) resolve();
    };
    const stop = this.onChange((id) => {
      if (id === clusterId) look();
    });
    look();
    await Promise.race([promise, late]);
    stop();
    return this.#tables.get(clusterId);
  }

  #set(table: KnownTable): void {
    const { clusterId, tableName } = table;
    this.#tables.set(clusterId, table);
    const others = (this.#byName.get(tableName) ?? []).filter((id) => id !== clusterId);
    this.#byName.set(tableName, this.#ordered([...others, clusterId]));
    this.#tell(clusterId);
  }

  #remove(clusterId: string): void {
    const table = this.#tables.get(clusterId);
    if (table === undefined) return;
    this.#tables.delete(clusterId);
    const left = (this.#byName.get(table.tableName) ?? []).filter((id) => id !== clusterId);
    if (left.length === 0) this.#byName.delete(table.tableName);
    else this.#byName.set(table.tableName, left);
    this.#tell(clusterId);
    // It may have the name now.
    const [next] = left;
    if (next !== undefined) this.#tell(next);
  }

  #ordered(ids: readonly string[]): readonly string[] {
    const rank = (id: string) =>
      `${this.#tables.get(id)?.resource?.metadata.creationTimestamp ?? ''} ${id}`;
    return ids.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }

  #tell(clusterId: string): void {
    for (const listener of [...this.#listeners]) listener(clusterId);
  }
}

function isKnownFully({ resource, nodes }: KnownTable): boolean {
  return resource !== undefined && nodes.length > 0;
}

function areSame(one: readonly StorageNode[], other: readonly StorageNode[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function nodesOf({ status }: TableResource): readonly StorageNode[] {
  return (status?.nodes ?? []).map(({ name, zone = '', host, port }) => ({
    id: name,
    zone,
    host,
    port,
  }));
}
