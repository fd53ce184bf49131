import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { parseCredentials } from '../../dataplane/access/credentials.ts';
import { parsePolicies } from '../../dataplane/access/policies.ts';
import { accountIdOf } from '../../dataplane/kubernetes/account.ts';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { isKubeError, KubeError } from '../../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import { CREDENTIALS_SECRET, type NamespaceSecrets } from '../certificates/namespace-secrets.ts';
import { encodedData, type SecretObject, secretText } from '../certificates/secret-data.ts';
import type { ReconcileResult } from '../controller.ts';
import { DaxClusterNames } from '../daxcluster/names.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { isPaused } from '../pause.ts';
import { isSameJson } from '../table/canonical.ts';
import { FIELD_MANAGER } from '../table/names.ts';
import { OwnWrites } from '../table/own-writes.ts';
import type { AccessCaches } from './access-caches.ts';
import { type AccessPlan, planAccess } from './access-plan.ts';
import { keyStatusOf, knownMs, policyStatusOf, type TellingFacts } from './access-status.ts';
import { KeyKeeper } from './key-keeper.ts';
import { nextStepMs } from './key-material.ts';
import { type KeyPair, keyPairOf } from './key-pair.ts';
import { KnownSecrets } from './known-secrets.ts';
import { CREDENTIALS, POLICIES } from './names.ts';
import { faultOf } from './policy-document.ts';
import { namedClusters } from './principals.ts';
import { type DaxClusterRole, secretNameOf } from './resources.ts';

/** While a write is not seen. */
const UNSEEN_MS = 200;
/** Keys of clusters that another controller is about to make are looked for after this time. */
const ROLE_MS = 5_000;
/** What waits for somebody is looked at again after this time. */
const BLOCKED_MS = 30_000;
/** Of the API server: what it will go on refusing until somebody changes something. */
const REFUSALS: readonly number[] = [400, 403, 422];
/** Secrets that are asked for, or written, at once. */
const SECRETS_AT_ONCE = 8;

export interface AccessControllerOptions {
  readonly client: KubeClient;
  readonly caches: Pick<AccessCaches, 'keys' | 'policies' | 'hasReached'>;
  /** DaxClusters of a namespace. */
  readonly clusters: (namespace: string) => Iterable<DaxClusterRole>;
  readonly secrets: Pick<NamespaceSecrets, 'credentials'>;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly region: string;
  readonly log: Logger;
  readonly nowMs?: () => number;
  readonly monotonicMs?: () => number;
  readonly randomBytes?: (count: number) => Uint8Array;
}

/**
 * Brings the access of namespaces to what their AccessKeys, AccessPolicies and DaxClusters say.
 *
 * A pass is about a whole namespace: it keeps the Secret of each AccessKey, then writes the one Secret from
 * which routers and DAX nodes know whose keys are good for what, then tells the objects. A key is in its
 * own Secret before it is in that one; and it is never written from a part of the keys: what cannot be read
 * ends the pass.
 */
export class AccessController {
  readonly #options: AccessControllerOptions;
  readonly #nowMs: () => number;
  readonly #known: KnownSecrets;
  readonly #keeper: KeyKeeper;
  /** On behalf of namespaces. */
  readonly #writes: OwnWrites;

  constructor(options: AccessControllerOptions) {
    this.#options = options;
    const { client, caches, recorder, log } = options;
    const monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#nowMs = options.nowMs ?? Date.now;
    this.#known = new KnownSecrets(client, monotonicMs);
    this.#keeper = new KeyKeeper({
      ...{ client, secrets: this.#known, recorder, log, nowMs: this.#nowMs },
      randomBytes: options.randomBytes ?? systemRandomBytes,
    });
    this.#writes = new OwnWrites(caches, monotonicMs);
  }

  /** One pass for a namespace. @throws KubeError */
  async reconcile(namespace: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (!this.#writes.areSeen(namespace)) return { requeueAfterMs: UNSEEN_MS };
    const { caches, secrets, region } = this.#options;
    const [keys, policies] = [caches.keys(namespace), caches.policies(namespace)];
    const clusters = [...this.#options.clusters(namespace)];
    const credentials = await secrets.credentials(namespace, signal);
    const kept = await inTurn(keys, (key) => this.#keeper.keep(key, signal));
    const roles = await this.#rolesOf(clusters, signal);
    const plan = planAccess({
      place: { region, accountId: accountIdOf(namespace) },
      ...{ credentials, keys: kept, policies, clusters, roles, check: faultOf },
    });
    const refusal = await this.#publish(namespace, { plan, credentials }, signal);
    const facts = { nowMs: this.#nowMs(), failure: refusal?.message };
    const timesMs = await this.#tellAll(namespace, { plan, facts }, signal);
    const secretNames = [...keys.map(secretNameOf), ...clusters.map(roleSecretOf)];
    this.#known.retain(namespace, new Set(secretNames));
    const waitsMs = timesMs.map((ms) => ms - facts.nowMs);
    const isBlocked = plan.keys.some(({ obstacle }) => obstacle !== undefined);
    if (isBlocked || refusal !== undefined) waitsMs.push(BLOCKED_MS);
    if (!areThere(roles, clusters)) waitsMs.push(ROLE_MS);
    return { requeueAfterMs: waitsMs.length === 0 ? undefined : Math.min(...waitsMs) };
  }

  /** Keys of clusters, which another controller makes. */
  async #rolesOf(
    clusters: readonly DaxClusterRole[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, KeyPair>> {
    const own = clusters.filter(hasRole);
    const pairs = await inTurn(own, async (cluster): Promise<readonly [string, KeyPair][]> => {
      const found = await this.#known.find(cluster, roleSecretOf(cluster), signal);
      const secret = found.kind === 'own' ? found.secret : undefined;
      const pair = keyPairOf(
        secretText(secret, 'accessKeyId'),
        secretText(secret, 'secretAccessKey'),
      );
      return pair === undefined ? [] : [[cluster.metadata.name, pair]];
    });
    return new Map(pairs.flat());
  }

  /**
   * Writes the Secret if anything in it changes.
   * @returns why it is not as planned, where somebody has to do something about it
   * @throws KubeError that time may heal
   */
  async #publish(
    namespace: string,
    { plan, credentials }: { readonly plan: AccessPlan; readonly credentials: SecretObject },
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    const { client, log } = this.#options;
    const { contents } = plan;
    const secret = { namespace, secret: CREDENTIALS_SECRET };
    if (contents === undefined) {
      const lost = new RootKeyLost(namespace);
      log.error({ ...secret, reason: lost.message }, 'the access of a namespace cannot be written');
      return lost;
    }
    const isSame = ([CREDENTIALS, POLICIES] as const).every(
      (member) => secretText(credentials, member) === contents[member],
    );
    if (isSame) return undefined;
    checkReadable(contents, accountIdOf(namespace));
    // Only the members that are compiled, and only in the Secret as it was read: its root key stays.
    const { uid, resourceVersion } = credentials.metadata;
    const body = { metadata: { uid, resourceVersion }, data: encodedData(contents) };
    const options = { contentType: 'merge', fieldManager: FIELD_MANAGER } as const;
    try {
      await client.patch(resources.secrets, credentials.metadata, body, options, signal);
    } catch (error) {
      if (!(error instanceof KubeError) || !REFUSALS.includes(error.status)) throw error;
      log.error({ ...secret, reason: error.message }, 'the access of a namespace is refused');
      return error;
    }
    log.info(secret, 'the access of a namespace has changed');
    return undefined;
  }

  /** @returns when, by the clock alone, there is more to do */
  async #tellAll(
    namespace: string,
    { plan, facts }: { readonly plan: AccessPlan; readonly facts: TellingFacts },
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const timesMs: number[] = [];
    for (const outcome of plan.keys) {
      const { key, material } = outcome;
      const status = keyStatusOf(outcome, facts);
      await this.#tell(namespace, { type: resources.accessKeys, object: key, status }, signal);
      if (isPaused(key)) continue;
      if (status.published) timesMs.push(knownMs(status.published));
      const nextMs = material && nextStepMs(material, key.spec);
      if (nextMs !== undefined) timesMs.push(nextMs);
    }
    for (const outcome of plan.policies) {
      const { policy: object } = outcome;
      const status = policyStatusOf(outcome, facts);
      await this.#tell(namespace, { type: resources.accessPolicies, object, status }, signal);
      if (status.published && !isPaused(object)) timesMs.push(knownMs(status.published));
    }
    // What was due and is not done waits for something else that has its own time.
    return timesMs.filter((ms) => ms > facts.nowMs);
  }

  async #tell(
    namespace: string,
    { type, object, status }: Telling,
    signal: AbortSignal,
  ): Promise<void> {
    if (isSameJson(object.status ?? {}, status)) return;
    const { name, uid } = object.metadata;
    const body = { metadata: { namespace, name, ...(uid && { uid }) }, status };
    const options = { fieldManager: FIELD_MANAGER, force: true, subresource: 'status' } as const;
    const { client, recorder } = this.#options;
    try {
      const written = await client.apply<KubeObject>(type, body, options, signal);
      this.#writes.add(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
        type,
        written,
      );
    } catch (error) {
      // Gone, or another one of the same name: the caches will show it.
      if (!isKubeError(error, 404) && !isKubeError(error, 409)) throw error;
    }
    const [before, stalled] = [stalledIn(object.status), stalledIn(status)];
    if (stalled === undefined || stalled.reason === before?.reason) return;
    const { reason, message: note } = stalled;
    recorder.record(object, { type: 'Warning', reason, action: 'Reconcile', note });
  }
}

/** A status to be written. */
interface Telling {
  readonly type: ResourceType;
  readonly object: KubeObject & { readonly status?: ConditionedStatus };
  readonly status: ConditionedStatus;
}

/** No key of the account itself is to be found: nothing is written over what is left. */
class RootKeyLost extends Error {
  constructor(namespace: string) {
    super(
      `the Secret ${CREDENTIALS_SECRET} of namespace ${namespace} has no access key of the account itself: restore it, or delete it to have another one made`,
    );
    this.name = 'RootKeyLost';
  }
}

interface ConditionedStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
  }[];
}

function stalledIn(status: ConditionedStatus | undefined) {
  return status?.conditions?.find(({ type }) => type === 'Stalled');
}

/** Those who read it would refuse it as a whole: rather an old Secret than one that nobody reads. */
function checkReadable(
  { credentials, policies }: NonNullable<AccessPlan['contents']>,
  accountId: string,
): void {
  parseCredentials(credentials, CREDENTIALS_SECRET, accountId);
  parsePolicies(policies, CREDENTIALS_SECRET);
}

function hasRole({ spec }: DaxClusterRole): boolean {
  return spec.roleRef.kind === 'AccessPolicy';
}

/** As the controller of DaxClusters names it. */
function roleSecretOf({ metadata: { namespace = '', name, uid = '' } }: DaxClusterRole): string {
  return new DaxClusterNames({ namespace, name, uid }).role;
}

function areThere(
  roles: ReadonlyMap<string, KeyPair>,
  clusters: readonly DaxClusterRole[],
): boolean {
  return namedClusters(clusters)
    .filter(hasRole)
    .every(({ metadata }) => roles.has(metadata.name));
}

/** A few at a time, in order. */
async function inTurn<T, Result>(
  items: readonly T[],
  work: (item: T) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += SECRETS_AT_ONCE) {
    const some = items.slice(from, from + SECRETS_AT_ONCE);
    results.push(...(await Promise.all(some.map(work))));
  }
  return results;
}
