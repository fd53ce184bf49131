import type { Change } from '../../dataplane/kubernetes/list-watch.ts';
import { keyOf } from '../../dataplane/kubernetes/object.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';

/** Tables by what a pass looks for among all of them, so that it does not go through thousands. */
export class TableIndex {
  /** By namespace and tableName, then by key. Several of one name: only one of them has it. */
  readonly #named = new Map<string, Map<string, TableResource>>();
  /** By key. */
  readonly #rolling = new Map<string, TableResource>();

  /** To be told of every change of every Table. */
  update({ kind, object, before }: Change<TableResource>): void {
    const key = keyOf(object.metadata);
    this.#forget(key, before ?? object);
    if (kind === 'gone') return;
    const name = nameKey(object.metadata.namespace, object.spec.tableName);
    const namesakes = this.#named.get(name) ?? new Map<string, TableResource>();
    this.#named.set(name, namesakes.set(key, object));
    if (object.status?.rollout !== undefined) this.#rolling.set(key, object);
  }

  /** Tables of the namespace with this tableName. */
  named(namespace: string, tableName: string): Iterable<TableResource> {
    return this.#named.get(nameKey(namespace, tableName))?.values() ?? [];
  }

  /** Tables whose status tells of a rollout. */
  rolling(): Iterable<TableResource> {
    return this.#rolling.values();
  }

  #forget(key: string, { metadata, spec }: TableResource): void {
    this.#rolling.delete(key);
    const name = nameKey(metadata.namespace, spec.tableName);
    const namesakes = this.#named.get(name);
    namesakes?.delete(key);
    if (namesakes?.size === 0) this.#named.delete(name);
  }
}

function nameKey(namespace: string | undefined, tableName: string): string {
  return `${namespace}/${tableName}`;
}
