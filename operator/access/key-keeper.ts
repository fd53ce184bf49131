import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { KubeError } from '../../dataplane/kubernetes/kube-error.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { SecretObject } from '../certificates/secret-data.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { Obstacle } from '../findings.ts';
import { isPaused } from '../pause.ts';
import { FIELD_MANAGER } from '../table/names.ts';
import type { ObservedKey } from './access-plan.ts';
import { type KeyMaterial, newMaterial, type RotationFacts, rotated } from './key-material.ts';
import { type KeyPair, newKeyPair } from './key-pair.ts';
import { keySecretOf, materialOf } from './key-secret.ts';
import type { KnownSecrets } from './known-secrets.ts';
import { KEY_LABELS, ROTATE } from './names.ts';
import { type AccessKeyResource, secretNameOf } from './resources.ts';

export interface KeyKeeperOptions {
  readonly client: KubeClient;
  readonly secrets: KnownSecrets;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** Makes the Secret of an AccessKey, and rotates what is in it. Never touches one that is not the AccessKey's. */
export class KeyKeeper {
  readonly #options: KeyKeeperOptions;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
  }

  /** One step of a rotation at most. @throws KubeError that time may heal */
  async keep(key: AccessKeyResource, signal: AbortSignal): Promise<ObservedKey> {
    const name = secretNameOf(key);
    const found = await this.#options.secrets.find(key, name, signal);
    if (found.kind === 'foreign') return { key, material: undefined, obstacle: conflictOf(name) };
    const secret = found.kind === 'own' ? found.secret : undefined;
    const facts = this.#factsOf(key);
    const before = secret && materialOf(secret, facts.request);
    if (isPaused(key)) return { key, material: before, obstacle: undefined };
    const material = before === undefined ? newMaterial(facts) : rotated(before, facts);
    if (material === before) return { key, material, obstacle: undefined };
    try {
      await this.#write(key, { name, secret, material }, signal);
    } catch (error) {
      return { key, material: before, obstacle: this.#obstacleOf(error, name, secret) };
    }
    this.#tell(key, before, material);
    return { key, material, obstacle: undefined };
  }

  #factsOf({ metadata, spec, status }: AccessKeyResource): RotationFacts {
    const { nowMs, randomBytes } = this.#options;
    const published = status?.published;
    return {
      spec,
      request: metadata.annotations?.[ROTATE] ?? '',
      published: published && {
        accessKeyId: published.revision,
        sinceMs: Date.parse(published.time),
      },
      nowMs: nowMs(),
      newPair: () => newKeyPair(randomBytes),
    };
  }

  async #write(
    key: AccessKeyResource,
    {
      name,
      secret,
      material,
    }: {
      readonly name: string;
      readonly secret: SecretObject | undefined;
      readonly material: KeyMaterial;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { client, secrets } = this.#options;
    const type = resources.secrets;
    const { annotations, data } = keySecretOf(material);
    if (secret === undefined) {
      const metadata = { ...metadataOf(key, name), annotations };
      const present = Object.fromEntries(Object.entries(data).filter(([, text]) => text !== null));
      const object = { metadata, type: 'Opaque', data: present };
      const options = { fieldManager: FIELD_MANAGER };
      secrets.remember(await client.create<SecretObject>(type, object, options, signal));
      return;
    }
    // Only this very Secret, as it was when the step was decided.
    const { uid, resourceVersion } = secret.metadata;
    const body = { metadata: { uid, resourceVersion, annotations }, data };
    const options = { contentType: 'merge', fieldManager: FIELD_MANAGER } as const;
    const written = await client.patch<SecretObject>(type, secret.metadata, body, options, signal);
    secrets.remember(written);
  }

  /** @throws what is given, unless somebody has to do something about it */
  #obstacleOf(error: unknown, name: string, secret: SecretObject | undefined): Obstacle {
    if (secret !== undefined) this.#options.secrets.forget(secret);
    if (!(error instanceof KubeError) || ![400, 403, 422].includes(error.status)) throw error;
    const message = `the Secret ${name} cannot be written: ${error.message}`;
    return { reason: 'SecretRefused', message };
  }

  #tell(key: AccessKeyResource, before: KeyMaterial | undefined, now: KeyMaterial): void {
    const [reason, note] = eventOf(before, now);
    if (reason === undefined) return;
    const { recorder, log } = this.#options;
    const { namespace, name } = key.metadata;
    log.info({ namespace, accessKey: name, reason }, 'the keys of an AccessKey have changed');
    recorder.record(key, { type: 'Normal', reason, action: 'Reconcile', note });
  }
}

function conflictOf(name: string): Obstacle {
  const message = `the Secret ${name} is there and not of this AccessKey: delete it, or make another AccessKey with another secretName`;
  return { reason: 'SecretConflict', message };
}

/** With its AccessKey goes the Secret. */
function metadataOf({ apiVersion, kind, metadata }: AccessKeyResource, name: string) {
  const { namespace, uid = '' } = metadata;
  const owner = { apiVersion, kind, name: metadata.name, uid };
  return {
    name,
    ...(namespace && { namespace }),
    labels: KEY_LABELS,
    ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
  };
}

function eventOf(
  before: KeyMaterial | undefined,
  { current, next, previous }: KeyMaterial,
): readonly [reason: string, note: string] | readonly [undefined, ''] {
  const idOf = (pair: KeyPair | undefined) => pair?.accessKeyId ?? '';
  const id = idOf(current);
  if (before === undefined) return ['KeyMade', `${id} is made`];
  if (idOf(before.current) !== id) {
    return ['Rotated', `${id} has taken the place of ${idOf(before.current)}`];
  }
  if (next !== undefined && before.next === undefined) {
    return ['RotationStarted', `${idOf(next)} will take the place of ${id}`];
  }
  if (before.previous !== undefined && previous === undefined) {
    return ['KeyEnded', `${idOf(before.previous)} is good no more`];
  }
  return [undefined, ''];
}
