import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { Pace } from '../pace.ts';
import { checkLeaf, type KeyPair, type LeafNames, newLeaf } from './authority.ts';
import { type Authority, AuthorityBroken } from './authority-secret.ts';
import { type CertificateComponent, type Expiry, earliestExpiryMs } from './expiries.ts';
import type { NamespaceSecrets } from './namespace-secrets.ts';
import { encodedData, type SecretObject, secretText } from './secret-data.ts';

/** A Secret that is good is not read again for so long, or until its first renewal. */
const CHECKED_MS = 30 * 60_000;
const CHECKED_JITTER = 0.2;
/** Over all objects, one is read anew in so long: a thousand would otherwise be a request every two seconds. */
const CHECK_EVERY_MS = 10_000;
/** Of an object whose pods do not all run: without its Secret, a pod cannot start. */
const WANTING_CHECKED_MS = 15_000;
const WANTING_CHECK_EVERY_MS = 1_000;

/** A certificate in a Secret: `<file>.crt` and `<file>.key`. */
export interface Leaf extends LeafNames {
  readonly file: string;
}

/** The certificates of one Table or DaxCluster. */
export interface CertificateHolders {
  /** Of the Table or DaxCluster. */
  readonly uid: string;
  readonly namespace: string;
  readonly component: CertificateComponent;
  /** With everything but its data. */
  readonly secret: KubeObject;
  readonly leaves: readonly Leaf[];
}

/** How the certificates of an object are. */
export type CertificatesState =
  | { readonly kind: 'issued'; readonly renewAtMs: number; readonly notAfterMs: number }
  /** Some are missing, about to end, or of an authority that is not trusted any more. */
  | { readonly kind: 'due'; readonly reason: string }
  /** The namespace's authority cannot sign: a person has to repair it. */
  | { readonly kind: 'broken'; readonly reason: string };

type IssuedState = CertificatesState & { readonly kind: 'issued' };

/** What was read, when, and when it is read again of itself. */
interface Checked {
  readonly state: IssuedState;
  readonly bundle: string;
  readonly atMs: number;
  readonly againMs: number;
}

/** The Secret of each Table and DaxCluster with the certificates of its pods. */
export class IssuedCertificates {
  readonly #client: KubeClient;
  readonly #secrets: NamespaceSecrets;
  readonly #fieldManager: string;
  readonly #checked = new Map<string, Checked>();
  /** By uid, of what the Secrets held when they were read last. */
  readonly #expiries = new Map<string, Expiry>();
  readonly #pace: Pace;
  readonly #wantingPace: Pace;

  constructor(options: {
    readonly client: KubeClient;
    readonly secrets: NamespaceSecrets;
    readonly fieldManager: string;
  }) {
    this.#client = options.client;
    this.#secrets = options.secrets;
    this.#fieldManager = options.fieldManager;
    const nowMs = () => options.secrets.issuance().nowMs;
    this.#pace = new Pace(nowMs, CHECK_EVERY_MS);
    this.#wantingPace = new Pace(nowMs, WANTING_CHECK_EVERY_MS);
  }

  /**
   * @param isWanting - whether pods of the object are missing or not ready: then its Secret is soon read again
   * @throws KubeError
   */
  async state(
    holders: CertificateHolders,
    isWanting = false,
    signal?: AbortSignal,
  ): Promise<CertificatesState> {
    try {
      const authority = await this.#secrets.authority(holders.namespace, signal);
      const { nowMs } = this.#secrets.issuance();
      const known = this.#checked.get(holders.uid);
      const isGood = known?.bundle === authority.bundle && nowMs < known.state.renewAtMs;
      if (isGood && !this.#isToBeRead(known, { nowMs, isWanting })) return known.state;
      const secret = await this.#read(holders, signal);
      this.#noteExpiry(holders, secret);
      const state = check(holders, { authority, nowMs, secret });
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
      holders.leaves.map(async (leaf): Promise<readonly [string, KeyPair]> => {
        const kept = keptLeaf(secret, leaf, { authority, nowMs: issuance.nowMs });
        return [leaf.file, kept ?? (await newLeaf(authority.signing, leaf, issuance))];
      }),
    );
    const data = Object.fromEntries([
      ['ca.crt', authority.bundle],
      ...leaves.flatMap(([file, { certificate, key }]) => [
        [`${file}.crt`, certificate],
        [`${file}.key`, key],
      ]),
    ]);
    const object = { ...holders.secret, type: 'Opaque', data: encodedData(data) };
    const options = { fieldManager: this.#fieldManager, force: true };
    this.#checked.delete(holders.uid);
    await this.#client.apply(resources.secrets, object, options, signal);
    this.#noteExpiry(holders, object);
  }

  /** Reads the Secret again when it is asked for next: somebody may have changed it, or it is gone. */
  forget(uid: string): void {
    this.#checked.delete(uid);
    this.#expiries.delete(uid);
  }

  /** Of each object the first certificate that ends. */
  expiries(): Iterable<Expiry> {
    return this.#expiries.values();
  }

  #isToBeRead(
    { atMs, againMs }: Checked,
    { nowMs, isWanting }: { readonly nowMs: number; readonly isWanting: boolean },
  ): boolean {
    if (nowMs >= againMs) return this.#pace.take();
    return isWanting && nowMs >= atMs + WANTING_CHECKED_MS && this.#wantingPace.take();
  }

  #noteExpiry(
    { uid, namespace, component, leaves }: CertificateHolders,
    secret: SecretObject | undefined,
  ): void {
    const notAfterMs = earliestExpiryMs(leaves.map(({ file }) => pairOf(secret, file).certificate));
    this.#expiries.set(uid, { namespace, component, notAfterMs });
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
    this.#checked.set(uid, { state, atMs: nowMs, againMs: nowMs + waitMs, bundle });
  }
}

function check(
  { leaves, secret: { metadata } }: CertificateHolders,
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
  for (const { file, dnsNames } of leaves) {
    const state = checkLeaf(pairOf(secret, file), { issuers: authority.issuers, dnsNames });
    if ('fault' in state)
      return { kind: 'due', reason: `the certificate of ${file} ${state.fault}` };
    if (nowMs >= state.renewAtMs)
      return { kind: 'due', reason: `the certificate of ${file} is renewed` };
    renewAtMs = Math.min(renewAtMs, state.renewAtMs);
    notAfterMs = Math.min(notAfterMs, state.notAfterMs);
  }
  return { kind: 'issued', renewAtMs, notAfterMs };
}

function keptLeaf(
  secret: SecretObject | undefined,
  { file, dnsNames }: Leaf,
  { authority, nowMs }: { readonly authority: Authority; readonly nowMs: number },
): KeyPair | undefined {
  const { certificate, key } = pairOf(secret, file);
  const state = checkLeaf({ certificate, key }, { issuers: authority.issuers, dnsNames });
  if ('fault' in state || nowMs >= state.renewAtMs) return undefined;
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function pairOf(secret: SecretObject | undefined, file: string) {
  return { certificate: secretText(secret, `${file}.crt`), key: secretText(secret, `${file}.key`) };
}
