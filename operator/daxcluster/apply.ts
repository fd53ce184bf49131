import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { isKubeError, KubeError } from '../../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import { newKeyPair } from '../access/key-pair.ts';
import type { KnownSecrets } from '../access/known-secrets.ts';
import { rolePrincipalOf } from '../access/principals.ts';
import type { IssuedCertificates } from '../certificates/issued-certificates.ts';
import { encodedData, type SecretObject } from '../certificates/secret-data.ts';
import type { Obstacle } from '../findings.ts';
import { typeOf } from '../table/apply.ts';
import type { WantedObject } from '../table/children.ts';
import { FIELD_MANAGER } from '../table/names.ts';
import type { OwnWrites } from '../table/own-writes.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import { clusterChild } from './object-parts.ts';
import { certificateHolders } from './observe.ts';
import type { ObservedCluster } from './observed.ts';
import { redisSecretData } from './redis.ts';
import { REGISTRY_TABLE, registrySpec } from './registry.ts';
import type { DaxStep } from './steps.ts';

const PASSWORD_BYTES = 24;

export interface DaxApplierParts {
  readonly client: KubeClient;
  readonly certificates: IssuedCertificates;
  readonly secrets: KnownSecrets;
  readonly writes: OwnWrites;
}

/** What became of the steps of a plan. */
export interface DaxApplied {
  /** Requests that are wrong, and will be as long as nobody changes something. */
  readonly refusals: readonly Obstacle[];
  /** What ended the pass; undefined: all steps were done. */
  readonly failure: KubeError | undefined;
}

/** Does the steps one after the other, up to the first that fails. Throws only the signal's reason and defects. */
export async function applySteps(
  steps: readonly DaxStep[],
  observed: ObservedCluster,
  { parts, signal }: { readonly parts: DaxApplierParts; readonly signal: AbortSignal },
): Promise<DaxApplied> {
  const refusals: Obstacle[] = [];
  const applier = new Applier(observed, parts, signal);
  for (const step of steps) {
    try {
      await applier.apply(step);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KubeError)) throw error;
      if (![400, 403, 422].includes(error.status)) return { refusals, failure: error };
      const message = `${nameOf(step)} is refused: ${error.message}`;
      refusals.push({ reason: 'RequestRefused', message });
    }
  }
  return { refusals, failure: undefined };
}

function nameOf(step: DaxStep): string {
  if (step.kind === 'apply') return `${step.kind} ${step.object.kind} ${step.object.metadata.name}`;
  return 'name' in step ? `${step.kind} ${step.name}` : step.kind;
}

class Applier {
  readonly #observed: ObservedCluster;
  readonly #parts: DaxApplierParts;
  readonly #signal: AbortSignal;
  readonly #cluster: DaxClusterResource;
  readonly #namespace: string;

  constructor(observed: ObservedCluster, parts: DaxApplierParts, signal: AbortSignal) {
    this.#observed = observed;
    this.#parts = parts;
    this.#signal = signal;
    this.#cluster = observed.cluster;
    this.#namespace = namesOf(observed.cluster).identity.namespace;
  }

  async apply(step: DaxStep): Promise<void> {
    const { certificates } = this.#parts;
    switch (step.kind) {
      case 'issueCertificates': {
        const holders = certificateHolders(this.#cluster, this.#observed.install);
        return certificates.issue(holders, this.#signal);
      }
      case 'makeRole':
        return this.#makeRole();
      case 'makeRedisPassword':
        return this.#makeRedisPassword();
      case 'makeRegistry':
        return this.#makeRegistry();
      case 'apply':
        return this.#applyObject(step.object);
      case 'delete':
        return this.#delete(step.type, step);
      case 'deletePod':
        return this.#delete(resources.pods, step);
    }
  }

  #makeRole(): Promise<void> {
    const pair = newKeyPair(randomBytes);
    const { accessKeyId, secretAccessKey } = pair;
    const entry = { ...pair, principal: rolePrincipalOf(this.#cluster) };
    const credentials = `${JSON.stringify([entry])}\n`;
    return this.#makeSecret(namesOf(this.#cluster).role, namesOf(this.#cluster).labels, {
      accessKeyId,
      secretAccessKey,
      credentials,
    });
  }

  #makeRedisPassword(): Promise<void> {
    const { redis, redisLabels } = namesOf(this.#cluster);
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    return this.#makeSecret(redis, redisLabels, redisSecretData(password));
  }

  /** Also over one that is damaged. */
  async #makeSecret(
    name: string,
    labels: Readonly<Record<string, string>>,
    data: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { client, secrets } = this.#parts;
    const object = clusterChild(this.#cluster, { apiVersion: 'v1', kind: 'Secret', name, labels });
    const secret = { ...object, type: 'Opaque', data: encodedData(data) };
    const options = { fieldManager: FIELD_MANAGER, force: true };
    const type = resources.secrets;
    secrets.remember(await client.apply<SecretObject>(type, secret, options, this.#signal));
  }

  /** What another made meanwhile counts. */
  async #makeRegistry(): Promise<void> {
    const { client, writes } = this.#parts;
    const type = resources.tables;
    const labels = { 'app.kubernetes.io/name': 'trestle', 'app.kubernetes.io/component': 'dax' };
    const metadata = { namespace: this.#namespace, name: REGISTRY_TABLE, labels };
    const options = { fieldManager: FIELD_MANAGER };
    try {
      const object = { metadata, spec: registrySpec } as const;
      const made = await client.create<KubeObject>(type, object, options, this.#signal);
      writes.add(this.#cluster, type, made);
    } catch (error) {
      if (!isKubeError(error, 409)) throw error;
    }
  }

  async #applyObject(object: WantedObject): Promise<void> {
    const { client, writes } = this.#parts;
    const options = { fieldManager: FIELD_MANAGER, force: true };
    const type = typeOf(object);
    const applied = await client.apply<KubeObject>(type, object, options, this.#signal);
    writes.applied({ ...applied, kind: object.kind });
    writes.add(this.#cluster, type, applied);
  }

  async #delete(
    type: ResourceType,
    { name, uid }: { readonly name: string; readonly uid: string },
  ): Promise<void> {
    const object = { namespace: this.#namespace, name };
    const options = { uid, propagationPolicy: 'Background' } as const;
    await this.#parts.client.delete(type, object, options, this.#signal);
  }
}
