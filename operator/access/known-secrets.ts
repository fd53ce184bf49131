import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { type KubeObject, keyOf } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { SecretObject } from '../certificates/secret-data.ts';
import { Pace } from '../pace.ts';
import { isOwnedBy } from './key-secret.ts';

/** Secrets are not watched: one that was found good is taken for unchanged for so long. */
const CHECKED_MS = 5 * 60_000;
/** Over all of them, one is read anew in so long. */
const CHECK_EVERY_MS = 1000;

/** A Secret by its name: of the object that it is looked for, of somebody else, or not there. */
export type FoundSecret =
  | { readonly kind: 'own'; readonly secret: SecretObject }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'absent' };

/**
 * Secrets that belong to an object each, read by name, since the operator may not list them. What is not
 * there, or not the object's, is asked for each time.
 */
export class KnownSecrets {
  readonly #client: KubeClient;
  readonly #monotonicMs: () => number;
  readonly #pace: Pace;
  /** By key of the Secret. */
  readonly #known = new Map<string, { readonly secret: SecretObject; readonly readMs: number }>();

  constructor(client: KubeClient, monotonicMs: () => number) {
    this.#client = client;
    this.#monotonicMs = monotonicMs;
    this.#pace = new Pace(monotonicMs, CHECK_EVERY_MS);
  }

  /** @throws KubeError */
  async find(owner: KubeObject, name: string, signal: AbortSignal): Promise<FoundSecret> {
    const { namespace } = owner.metadata;
    const key = keyOf({ namespace, name });
    const known = this.#known.get(key);
    const isFresh = known !== undefined && this.#monotonicMs() - known.readMs < CHECKED_MS;
    if (known !== undefined && isOwnedBy(known.secret, owner)) {
      if (isFresh || !this.#pace.take()) return { kind: 'own', secret: known.secret };
    }
    this.#known.delete(key);
    const type = resources.secrets;
    const secret = await this.#client.get<SecretObject>(type, { namespace, name }, signal);
    if (secret === undefined) return { kind: 'absent' };
    if (!isOwnedBy(secret, owner)) return { kind: 'foreign' };
    this.remember(secret);
    return { kind: 'own', secret };
  }

  /** As the API server has answered with it. */
  remember(secret: SecretObject): void {
    this.#known.set(keyOf(secret.metadata), { secret, readMs: this.#monotonicMs() });
  }

  forget({ metadata }: SecretObject): void {
    this.#known.delete(keyOf(metadata));
  }

  /** Forgets those of the namespace that nobody looks for any more. */
  retain(namespace: string, names: ReadonlySet<string>): void {
    for (const [key, { secret }] of this.#known) {
      const { metadata } = secret;
      if (metadata.namespace === namespace && !names.has(metadata.name)) this.#known.delete(key);
    }
  }
}
