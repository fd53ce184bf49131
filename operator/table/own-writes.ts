import { LRUCache } from 'lru-cache';
import { type KubeObject, keyOf } from '../../dataplane/kubernetes/object.ts';
import type { ResourceType } from '../../dataplane/kubernetes/resources.ts';
import { childKey, type Provenance } from './observed.ts';

/** A cache that has not shown a write by then has been listed anew, or the write was taken back. */
const UNSEEN_MS_MAX = 30_000;

/** What is forgotten beyond that is trusted. */
const CHILDREN_MAX = 50_000;

interface Unseen {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly atMs: number;
}

/** Where writes become visible. */
export interface WriteCaches {
  hasReached(type: ResourceType, namespace: string, resourceVersion: string): boolean;
}

/**
 * What this process has written: so that no decision is made from a cache that does not show it yet, and
 * so that changes by others are told from its own.
 */
export class OwnWrites {
  readonly #caches: WriteCaches;
  readonly #monotonicMs: () => number;
  /** By key of the table. */
  readonly #unseen = new Map<string, readonly Unseen[]>();
  /** By uid of the child: its generation as it was applied, or its version where there is none. */
  readonly #applied = new LRUCache<string, string>({ max: CHILDREN_MAX });

  constructor(caches: WriteCaches, monotonicMs: () => number) {
    this.#caches = caches;
    this.#monotonicMs = monotonicMs;
  }

  /** @param table on whose behalf */
  add(table: KubeObject, type: ResourceType, { metadata }: KubeObject): void {
    const { namespace = '', resourceVersion } = metadata;
    if (resourceVersion === undefined) return;
    const key = keyOf(table.metadata);
    const unseen: Unseen = { type, namespace, resourceVersion, atMs: this.#monotonicMs() };
    this.#unseen.set(key, [...(this.#unseen.get(key) ?? []), unseen]);
  }

  /** Whether the caches show all that was written for the table. */
  areSeen(key: string): boolean {
    const nowMs = this.#monotonicMs();
    const open = (this.#unseen.get(key) ?? []).filter(
      ({ type, namespace, resourceVersion, atMs }) =>
        nowMs - atMs < UNSEEN_MS_MAX && !this.#caches.hasReached(type, namespace, resourceVersion),
    );
    if (open.length === 0) this.#unseen.delete(key);
    else this.#unseen.set(key, open);
    return open.length === 0;
  }

  applied(object: KubeObject): void {
    const { uid } = object.metadata;
    if (uid !== undefined) this.#applied.set(uid, versionOf(object));
  }

  /** Of children, by `childKey`. */
  provenanceOf(children: readonly KubeObject[]): ReadonlyMap<string, Provenance> {
    return new Map(
      children.map((object) => {
        const applied = this.#applied.get(object.metadata.uid ?? '');
        if (applied === undefined) return [childKey(object), 'unproven'];
        return [childKey(object), applied === versionOf(object) ? 'asApplied' : 'drifted'];
      }),
    );
  }

  /** The table is gone. */
  forget(key: string): void {
    this.#unseen.delete(key);
  }
}

function versionOf({ metadata }: KubeObject): string {
  const { generation, resourceVersion } = metadata;
  return generation === undefined ? `version ${resourceVersion}` : `generation ${generation}`;
}
