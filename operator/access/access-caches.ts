import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { type Change, ListWatch } from '../../dataplane/kubernetes/list-watch.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import { isSameJson } from '../table/canonical.ts';
import type { WriteCaches } from '../table/own-writes.ts';
import type { AccessKeyResource, AccessObject, AccessPolicyResource } from './resources.ts';

export interface AccessCachesOptions {
  readonly client: KubeClient;
  readonly namespaces: readonly string[];
  readonly log: Logger;
  /** The access of this namespace is to be looked at. */
  readonly onChange: (namespace: string) => void;
}

interface NamespaceCaches {
  readonly keys: ListWatch<AccessKeyResource>;
  readonly policies: ListWatch<AccessPolicyResource>;
}

/** AccessKeys and AccessPolicies as the API server has them. */
export class AccessCaches implements WriteCaches {
  readonly #caches: ReadonlyMap<string, NamespaceCaches>;

  static start(options: AccessCachesOptions): AccessCaches {
    return new AccessCaches(options);
  }

  private constructor({ client, namespaces, log, onChange }: AccessCachesOptions) {
    const start = <T extends KubeObject>(type: ResourceType, namespace: string) =>
      ListWatch.start<T>({
        ...{ client, log, type, namespace },
        onChange: (change) => {
          if (isToldAnew(change)) onChange(namespace);
        },
      });
    this.#caches = new Map(
      namespaces.map((namespace) => [
        namespace,
        {
          keys: start<AccessKeyResource>(resources.accessKeys, namespace),
          policies: start<AccessPolicyResource>(resources.accessPolicies, namespace),
        },
      ]),
    );
  }

  /** Those that are not being deleted: whoever deletes one wants it to count no more. */
  keys(namespace: string): readonly AccessKeyResource[] {
    return [...(this.#caches.get(namespace)?.keys.items() ?? [])].filter(isLasting);
  }

  /** Those that are not being deleted. */
  policies(namespace: string): readonly AccessPolicyResource[] {
    return [...(this.#caches.get(namespace)?.policies.items() ?? [])].filter(isLasting);
  }

  *objects(): Iterable<AccessObject> {
    for (const { keys, policies } of this.#caches.values()) {
      yield* keys.items();
      yield* policies.items();
    }
  }

  hasReached(type: ResourceType, namespace: string, resourceVersion: string): boolean {
    const caches = this.#caches.get(namespace);
    const cache = type.kind === resources.accessKeys.kind ? caches?.keys : caches?.policies;
    return cache?.hasReached(resourceVersion) ?? true;
  }

  get all(): readonly ListWatch<KubeObject>[] {
    const all = [...this.#caches.values()].flatMap(({ keys, policies }) => [keys, policies]);
    // Of each, only what all caches have is used: nothing is put in.
    return all as unknown as readonly ListWatch<KubeObject>[];
  }

  close(): void {
    for (const cache of this.all) cache.close();
  }
}

function isLasting({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined;
}

/** The operator's own writes of status say nothing new. */
function isToldAnew<T extends KubeObject>({ kind, object, before }: Change<T>): boolean {
  if (kind === 'gone' || before === undefined) return true;
  const told = ({ metadata }: T) => {
    const { uid, generation, deletionTimestamp, annotations } = metadata;
    return { uid, generation, deletionTimestamp, annotations };
  };
  return !isSameJson(told(before), told(object));
}
