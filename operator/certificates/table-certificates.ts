import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { Pace } from '../pace.ts';
import { checkLeaf, type KeyPair, newLeaf } from './authority.ts';
import { type Authority, AuthorityBroken, type NamespaceSecrets } from './namespace-secrets.ts';
import { encodedData, type SecretObject, secretText } from './secret-data.ts';

/** A Secret that is good is not read again for so long, or until its first renewal. */
const CHECKED_MS = 30 * 60_000;
const CHECKED_JITTER = 0.2;
/** Over all tables, one is read anew in so long: a thousand would otherwise be a request every two seconds. */
const CHECK_EVERY_MS = 10_000;

/** Whom the certificates of one table are for. */
export interface CertificateHolders {
  readonly uid: string;
  readonly namespace: string;
  /** Of the Table. */
  readonly tableName: string;
  /** With everything but its data. */
  readonly secret: KubeObject;
  readonly pods: readonly { readonly name: string; readonly host: string }[];
}

/** How the certificates of a table are. */
export type CertificatesState =
  | { readonly kind: 'issued'; readonly renewAtMs: number; readonly notAfterMs: number }
  /** Some are missing, about to end, or of an authority that is not trusted any more. */
  | { readonly kind: 'due'; readonly reason: string }
  /** The namespace's authority cannot sign: a person has to repair it. */
  | { readonly kind: 'broken'; readonly reason: string };

type IssuedState = CertificatesState & { readonly kind: 'issued' };

/** The Secret of each table with the certificates of its pods. */
export class TableCertificates {
  readonly #client: KubeClient;
  readonly #secrets: NamespaceSecrets;
  readonly #fieldManager: string;
  readonly #checked = new Map<
    string,
    { readonly state: IssuedState; readonly againMs: number; readonly bundle: string }
  >();
  readonly #pace: Pace;

  constructor(options: {
    readonly client: KubeClient;
    readonly secrets: NamespaceSecrets;
    readonly fieldManager: string;
  }) {
    this.#client = options.client;
    this.#secrets = options.secrets;
    this.#fieldManager = options.fieldManager;
    this.#pace = new Pace(() => options.secrets.issuance().nowMs, CHECK_EVERY_MS);
  }

  /** @throws KubeError */
  async state(holders: CertificateHolders, signal?: AbortSignal): Promise<CertificatesState> {
    try {
      const authority = await this.#secrets.authority(holders.namespace, signal);
      const { nowMs } = this.#secrets.issuance();
      const known = this.#checked.get(holders.uid);
      if (known?.bundle === authority.bundle && nowMs < known.state.renewAtMs) {
        if (nowMs < known.againMs || !this.#pace.take()) return known.state;
      }
      const state = check(holders, { authority, nowMs, secret: await this.#read(holders, signal) });
      if (state.kind === 'issued')
        this.#remember(holders.uid, state, { nowMs, bundle: authority.bundle });
      return state;
    } catch (error) {
      if (error instanceof AuthorityBroken) return { kind: 'broken', reason: error.message };
      throw error;
    }
  }

  /** Makes what `state` found due; what is good stays. @throws AuthorityBroken, KubeError */
  async issue(holders: CertificateHolders, signal?: AbortSignal): Promise<void> {
    const authority = await this.#secrets.authority(holders.namespace, signal);
    const secret = await this.#read(holders, signal);
    const issuance = this.#secrets.issuance();
    const leaves = await Promise.all(
      holders.pods.map(async (pod): Promise<readonly [string, KeyPair]> => {
        const kept = keptLeaf(secret, pod, { authority, nowMs: issuance.nowMs });
        return [
          pod.name,
          kept ?? (await newLeaf(authority.signing, namesOf(holders, pod), issuance)),
        ];
      }),
    );
    const data = Object.fromEntries([
      ['ca.crt', authority.bundle],
      ...leaves.flatMap(([pod, { certificate, key }]) => [
        [`${pod}.crt`, certificate],
        [`${pod}.key`, key],
      ]),
    ]);
    const object = { ...holders.secret, type: 'Opaque', data: encodedData(data) };
    const options = { fieldManager: this.#fieldManager, force: true };
    this.#checked.delete(holders.uid);
    await this.#client.apply(resources.secrets, object, options, signal);
  }

  /** Reads the Secret again when it is asked for next: somebody may have changed it. */
  forget(uid: string): void {
    this.#checked.delete(uid);
  }

  #read({ namespace, secret }: CertificateHolders, signal: AbortSignal | undefined) {
    const { name } = secret.metadata;
    return this.#client.get<SecretObject>(resources.secrets, { namespace, name }, signal);
  }

  #remember(
    uid: string,
    state: IssuedState,
    { nowMs, bundle }: { readonly nowMs: number; readonly bundle: string },
  ): void {
    const [byte = 0] = this.#secrets.issuance().randomBytes(1);
    const waitMs = CHECKED_MS * (1 - (CHECKED_JITTER * byte) / 256);
    this.#checked.set(uid, { state, againMs: nowMs + waitMs, bundle });
  }
}

interface Pod {
  readonly name: string;
  readonly host: string;
}

function check(
  { pods, secret: { metadata } }: CertificateHolders,
  parts: {
    readonly authority: Authority;
    readonly nowMs: number;
    readonly secret: SecretObject | undefined;
  },
): CertificatesState {
  const { authority, nowMs, secret } = parts;
  if (secret === undefined)
    return { kind: 'due', reason: `the Secret ${metadata.name} is to be made` };
  if (secretText(secret, 'ca.crt') !== authority.bundle) {
    return { kind: 'due', reason: 'the authority of the namespace has changed' };
  }
  let [renewAtMs, notAfterMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const pod of pods) {
    const state = checkLeaf(leafOf(secret, pod), {
      bundle: authority.bundle,
      dnsNames: [pod.name, pod.host],
    });
    if ('fault' in state)
      return { kind: 'due', reason: `the certificate of ${pod.name} ${state.fault}` };
    if (nowMs >= state.renewAtMs)
      return { kind: 'due', reason: `the certificate of ${pod.name} is renewed` };
    renewAtMs = Math.min(renewAtMs, state.renewAtMs);
    notAfterMs = Math.min(notAfterMs, state.notAfterMs);
  }
  return { kind: 'issued', renewAtMs, notAfterMs };
}

function keptLeaf(
  secret: SecretObject | undefined,
  pod: Pod,
  { authority, nowMs }: { readonly authority: Authority; readonly nowMs: number },
): KeyPair | undefined {
  const { certificate, key } = leafOf(secret, pod);
  const dnsNames = [pod.name, pod.host];
  const state = checkLeaf({ certificate, key }, { bundle: authority.bundle, dnsNames });
  if ('fault' in state || nowMs >= state.renewAtMs) return undefined;
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function leafOf(secret: SecretObject | undefined, { name }: Pod) {
  return { certificate: secretText(secret, `${name}.crt`), key: secretText(secret, `${name}.key`) };
}

function namesOf({ namespace, tableName }: CertificateHolders, { name, host }: Pod) {
  return {
    commonName: name,
    dnsNames: [name, host],
    uri: `spiffe://trestle.dev/ns/${namespace}/table/${tableName}/storage`,
  };
}
