import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { isKubeError } from '../../dataplane/kubernetes/kube-error.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { newKeyPair } from '../access/key-pair.ts';
import { checkLeaf, type Issuance, newAuthority, newLeaf } from './authority.ts';
import { AUTHORITY_SECRET, type Authority, authorityOf } from './authority-secret.ts';
import { type Expiry, earliestExpiryMs } from './expiries.ts';
import { expiryOf } from './rotation.ts';
import { encodedData, type SecretObject, secretText } from './secret-data.ts';

export const ROUTER_SECRET = 'trestle-router-tls';
export const CREDENTIALS_SECRET = 'trestle-credentials';
/** What a storage node's admin interface asks its callers for. */
const OPERATOR_NAME = 'operator.trestle.dev';
const ROUTER_NAME = 'router.trestle.dev';
/** Nobody but the account itself may do anything, until AccessPolicies say more (`access/`). */
const NO_POLICIES = '{"policies":[]}\n';

/** Secrets are not watched: what was read is taken for true for so long. */
const CHECKED_MS = 5 * 60_000;
const OPERATOR_LEAF_DAYS = 7;
const DAY_MS = 86_400_000;
const LABELS = {
  'app.kubernetes.io/name': 'trestle',
  'app.kubernetes.io/managed-by': 'trestle-operator',
} as const;

export interface NamespaceSecretsOptions {
  readonly client: KubeClient;
  readonly fieldManager: string;
  readonly log: Logger;
  readonly nowMs?: () => number;
  readonly randomBytes?: (count: number) => Uint8Array;
}

/**
 * The Secrets of a namespace that do not belong to one table: its authority, the certificate of its
 * routers, its first access key. Authority and access key are made once; nobody makes them a second time
 * while they are there, and uninstalling leaves them. An authority that somebody deletes is put back as it was, if
 * this process has ever read it: by another one, pods would not reach each other until all have its certificates.
 */
export class NamespaceSecrets {
  readonly issuance: () => Issuance;
  readonly #options: NamespaceSecretsOptions;
  readonly #authorities = new Map<
    string,
    { readonly authority: Authority; readonly readMs: number }
  >();
  /** The Secrets of the authorities as they were good last, by namespace. */
  readonly #goodSecrets = new Map<string, SecretObject>();
  /** Many tables ask at once; one of them is answered, and tells the others. */
  readonly #readings = new Once<Authority>();
  readonly #identities = new Once<OperatorIdentity>();
  readonly #operatorLeaves = new Map<string, KnownIdentity>();
  /** Of the routers' certificate, by namespace. */
  readonly #routerExpiries = new Map<string, number>();

  constructor(options: NamespaceSecretsOptions) {
    this.#options = options;
    const nowMs = options.nowMs ?? Date.now;
    const randomBytes = options.randomBytes ?? systemRandomBytes;
    this.issuance = () => ({ nowMs: nowMs(), randomBytes });
  }

  /**
   * Makes what is missing, and the routers' certificate anew when it is time.
   * @returns when to look again, in ms from now
   * @throws AuthorityBroken, KubeError
   */
  async ensure(namespace: string, signal?: AbortSignal): Promise<number> {
    this.#authorities.delete(namespace);
    const authority = await this.authority(namespace, signal);
    await this.#ensureRouter(namespace, authority, signal);
    await this.credentials(namespace, signal);
    return CHECKED_MS;
  }

  /** @throws AuthorityBroken, KubeError */
  async authority(namespace: string, signal?: AbortSignal): Promise<Authority> {
    const { nowMs } = this.issuance();
    const known = this.#authorities.get(namespace);
    if (known !== undefined && nowMs - known.readMs < CHECKED_MS) return known.authority;
    const reading = this.#readings.once(namespace, () => this.#readAuthority(namespace));
    const authority = await reading;
    signal?.throwIfAborted();
    return authority;
  }

  async #readAuthority(namespace: string): Promise<Authority> {
    const secret =
      (await this.#read(namespace, AUTHORITY_SECRET, undefined)) ??
      (await this.#putBackAuthority(namespace)) ??
      (await this.#makeAuthority(namespace));
    return this.authorityWritten(namespace, secret);
  }

  /** Goes by this version of the Secret from now on. @throws AuthorityBroken */
  authorityWritten(namespace: string, secret: SecretObject): Authority {
    const authority = authorityOf(namespace, secret);
    this.#authorities.set(namespace, { authority, readMs: this.issuance().nowMs });
    this.#goodSecrets.set(namespace, secret);
    return authority;
  }

  /** Of the authorities that sign, by namespace: when they end, UTC, ms since 1970. */
  authorityExpiries(): ReadonlyMap<string, number> {
    return new Map(
      Array.from(this.#authorities, ([namespace, { authority }]) => [
        namespace,
        expiryOf(authority),
      ]),
    );
  }

  /** Of the certificates of routers, and of those that the operator shows. */
  *expiries(): Iterable<Expiry> {
    for (const [namespace, notAfterMs] of this.#routerExpiries) {
      yield { namespace, component: 'router', notAfterMs };
    }
    for (const [namespace, { notAfterMs }] of this.#operatorLeaves) {
      yield { namespace, component: 'operator', notAfterMs };
    }
  }

  /**
   * What the operator shows to nodes of this namespace; kept in memory alone.
   * @returns the same object until it is renewed @throws AuthorityBroken, KubeError
   */
  operatorIdentity(namespace: string): Promise<OperatorIdentity> {
    return this.#identities.once(namespace, async () => {
      const authority = await this.authority(namespace);
      const known = this.#operatorLeaves.get(namespace);
      if (known?.ca === authority.bundle && this.issuance().nowMs < known.renewAtMs) return known;
      const made = await this.#makeIdentity(namespace, authority);
      this.#operatorLeaves.set(namespace, made);
      return made;
    });
  }

  async #makeIdentity(namespace: string, authority: Authority): Promise<KnownIdentity> {
    const issuance = this.issuance();
    const names = {
      commonName: OPERATOR_NAME,
      dnsNames: [OPERATOR_NAME],
      uri: `spiffe://trestle.dev/ns/${namespace}/operator`,
    };
    const leaf = await newLeaf(authority.signing, names, { ...issuance, days: OPERATOR_LEAF_DAYS });
    return {
      ca: authority.bundle,
      cert: leaf.certificate,
      key: leaf.key,
      renewAtMs: issuance.nowMs + (OPERATOR_LEAF_DAYS * DAY_MS) / 2,
      notAfterMs: issuance.nowMs + OPERATOR_LEAF_DAYS * DAY_MS,
    };
  }

  async #putBackAuthority(namespace: string): Promise<SecretObject | undefined> {
    const good = this.#goodSecrets.get(namespace);
    if (good === undefined) return undefined;
    const { labels, annotations } = good.metadata;
    const { data = {} } = good;
    this.#options.log.warn(
      { namespace, secret: AUTHORITY_SECRET },
      'the authority of a namespace is put back, which was deleted',
    );
    const metadata = { ...(labels && { labels }), ...(annotations && { annotations }) };
    return this.#create(namespace, { name: AUTHORITY_SECRET, ...metadata, data }, undefined);
  }

  async #makeAuthority(namespace: string): Promise<SecretObject> {
    const { certificate, key } = await newAuthority(authorityName(namespace), this.issuance());
    this.#options.log.info(
      { namespace, secret: AUTHORITY_SECRET },
      'the authority of a namespace is made',
    );
    return this.#create(
      namespace,
      {
        name: AUTHORITY_SECRET,
        labels: LABELS,
        data: encodedData({ 'ca.crt': certificate, 'ca.key': key }),
      },
      undefined,
    );
  }

  async #ensureRouter(
    namespace: string,
    authority: Authority,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const secret = await this.#read(namespace, ROUTER_SECRET, signal);
    const dnsNames = routerNames(namespace);
    const leaf = { certificate: secretText(secret, 'tls.crt'), key: secretText(secret, 'tls.key') };
    const { issuers } = authority;
    const state = checkLeaf(leaf, { issuers, dnsNames });
    const isGood = !('fault' in state) && this.issuance().nowMs < state.renewAtMs;
    this.#routerExpiries.set(namespace, earliestExpiryMs([leaf.certificate]));
    if (isGood && secretText(secret, 'ca.crt') === authority.bundle) return;
    const names = {
      commonName: ROUTER_NAME,
      dnsNames,
      uri: `spiffe://trestle.dev/ns/${namespace}/router`,
    };
    const made = isGood
      ? { certificate: leaf.certificate ?? '', key: leaf.key ?? '' }
      : await newLeaf(authority.signing, names, this.issuance());
    const data = { 'ca.crt': authority.bundle, 'tls.crt': made.certificate, 'tls.key': made.key };
    const metadata = { namespace, name: ROUTER_SECRET, labels: LABELS };
    const object = { metadata, type: 'Opaque', data: encodedData(data) };
    const { client, fieldManager, log } = this.#options;
    await client.apply(resources.secrets, object, { fieldManager, force: true }, signal);
    this.#routerExpiries.set(namespace, earliestExpiryMs([made.certificate]));
    log.info({ namespace, secret: ROUTER_SECRET }, 'the certificate of routers is made');
  }

  /**
   * The Secret with the keys that routers take, made with the first one where there is none. Routers do not
   * start before it has all of its members, so what a former version did not put there is added.
   * @throws KubeError
   */
  async credentials(namespace: string, signal?: AbortSignal): Promise<SecretObject> {
    const present = await this.#read(namespace, CREDENTIALS_SECRET, signal);
    if (present !== undefined) {
      const isWhole = secretText(present, 'policies') !== undefined;
      return isWhole ? present : this.#addPolicies(present, signal);
    }
    const pair = newKeyPair(this.issuance().randomBytes);
    const credentials = `${JSON.stringify([pair])}\n`;
    const data = encodedData({ credentials, policies: NO_POLICIES, ...pair });
    const secret = { name: CREDENTIALS_SECRET, labels: LABELS, data };
    const made = await this.#create(namespace, secret, signal);
    this.#options.log.info({ namespace, secret: CREDENTIALS_SECRET }, 'an access key is made');
    return made;
  }

  #addPolicies(secret: SecretObject, signal: AbortSignal | undefined): Promise<SecretObject> {
    const { client, fieldManager } = this.#options;
    const { uid, resourceVersion } = secret.metadata;
    const data = encodedData({ policies: NO_POLICIES });
    const body = { metadata: { uid, resourceVersion }, data };
    const options = { contentType: 'merge', fieldManager } as const;
    return client.patch<SecretObject>(resources.secrets, secret.metadata, body, options, signal);
  }

  #read(
    namespace: string,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<SecretObject | undefined> {
    return this.#options.client.get<SecretObject>(resources.secrets, { namespace, name }, signal);
  }

  /** What another made meanwhile counts. */
  async #create(
    namespace: string,
    { data, ...metadata }: NewSecret,
    signal: AbortSignal | undefined,
  ): Promise<SecretObject> {
    const { client, fieldManager } = this.#options;
    const { name } = metadata;
    const object = { metadata: { namespace, ...metadata }, type: 'Opaque', data };
    try {
      return await client.create<SecretObject>(resources.secrets, object, { fieldManager }, signal);
    } catch (error) {
      if (!isKubeError(error, 409)) throw error;
      const made = await this.#read(namespace, name, signal);
      if (made === undefined) throw error;
      return made;
    }
  }
}

interface NewSecret extends Pick<SecretObject['metadata'], 'name' | 'labels' | 'annotations'> {
  /** Base64. */
  readonly data: Readonly<Record<string, string>>;
}

/** Work that is asked for while it is under way is done once. */
class Once<T> {
  readonly #running = new Map<string, Promise<T>>();

  once(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = work().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}

/** The common name of a namespace's authorities: those that follow each other have the same. */
export function authorityName(namespace: string): string {
  return `trestle ${namespace}`.slice(0, 64);
}

interface KnownIdentity extends OperatorIdentity {
  readonly renewAtMs: number;
  readonly notAfterMs: number;
}

/** PEM, as node:tls takes it. */
export interface OperatorIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Names by which clients in the cluster, and people at a port-forward, reach routers. */
function routerNames(namespace: string): readonly string[] {
  return [
    ROUTER_NAME,
    'trestle',
    `trestle.${namespace}`,
    `trestle.${namespace}.svc`,
    `trestle.${namespace}.svc.cluster.local`,
    'localhost',
  ];
}
