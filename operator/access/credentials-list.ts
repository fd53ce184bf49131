import { type SecretObject, secretText } from '../certificates/secret-data.ts';
import { type KeyPair, keyPairOf } from './key-pair.ts';
import { CREDENTIALS } from './names.ts';

/** One entry of a credentials file; without a principal the account itself. */
export interface CredentialEntry extends KeyPair {
  readonly sessionToken?: string;
  readonly principal?: string;
}

/** An object whose keys are good. */
export interface KeyHolder {
  /** Names it in `leftOut`: `AccessKey/app`. */
  readonly id: string;
  readonly principal: string;
  readonly pairs: readonly KeyPair[];
}

/** The credentials file of a namespace. */
export interface CredentialsList {
  readonly text: string;
  /** Holders that are not in it, by their ids, and why. */
  readonly leftOut: ReadonlyMap<string, 'AccessKeyIDTaken' | 'QuotaExceeded'>;
}

/** With the policies, less than the MiB that a Secret may have. */
const CREDENTIALS_BYTES_MAX = 256 * 1024;

/**
 * The keys of the account itself in the Secret `trestle-credentials`: entries that name no principal, such
 * as the first key that the operator made, and whatever people have put beside or in place of it. Were
 * there none, the key would stand that the Secret shows as `accessKeyId` and `secretAccessKey`.
 * @returns undefined when there is no key at all
 */
export function rootEntries(
  secret: SecretObject,
): readonly [CredentialEntry, ...CredentialEntry[]] | undefined {
  const shown = keyPairOf(secretText(secret, 'accessKeyId'), secretText(secret, 'secretAccessKey'));
  const [first, ...more] = rootsIn(secretText(secret, CREDENTIALS));
  if (first !== undefined) return [first, ...more];
  return shown && [shown];
}

/**
 * Root keys as they are, then those of holders. An id that is there already is not taken a second time, since
 * no router would read such a file; neither is what makes it too large. The older holder comes first in
 * both; in the text they are in order of their principals, so that equal keys make equal texts.
 * @param holders the older first
 */
export function credentialsList(
  roots: readonly CredentialEntry[],
  holders: readonly KeyHolder[],
): CredentialsList {
  const taken = new Set(roots.map(({ accessKeyId }) => accessKeyId));
  const leftOut = new Map<string, 'AccessKeyIDTaken' | 'QuotaExceeded'>();
  const entries: CredentialEntry[] = [];
  let bytes = Buffer.byteLength(textOf(roots));
  for (const { id, principal, pairs } of holders) {
    const unique = new Map(pairs.map((pair) => [pair.accessKeyId, { ...pair, principal }]));
    const added = [...unique.values()];
    const addedBytes = Buffer.byteLength(textOf(added));
    const isTaken = added.some(({ accessKeyId }) => taken.has(accessKeyId));
    if (isTaken) leftOut.set(id, 'AccessKeyIDTaken');
    else if (bytes + addedBytes > CREDENTIALS_BYTES_MAX) leftOut.set(id, 'QuotaExceeded');
    if (leftOut.has(id)) continue;
    bytes += addedBytes;
    for (const { accessKeyId } of added) taken.add(accessKeyId);
    entries.push(...added);
  }
  return { text: textOf([...roots, ...entries.toSorted(byPrincipal)]), leftOut };
}

function textOf(entries: readonly CredentialEntry[]): string {
  const plain = entries.map(({ accessKeyId, secretAccessKey, sessionToken, principal }) => ({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    principal,
  }));
  return `${JSON.stringify(plain)}\n`;
}

function byPrincipal(a: CredentialEntry, b: CredentialEntry): number {
  const [one, other] = [a, b].map(({ principal, accessKeyId }) => `${principal} ${accessKeyId}`);
  return String(one) < String(other) ? -1 : 1;
}

/** Entries that name no principal and can stand in a credentials file, each id once. */
function rootsIn(text: string | undefined): readonly CredentialEntry[] {
  return credentialsIn(text).filter(({ principal }) => principal === undefined);
}

/** Entries that can stand in a credentials file, each id once, the first of its kind; none of a text that is no list. */
export function credentialsIn(text: string | undefined): readonly CredentialEntry[] {
  const entries = new Map<string, CredentialEntry>();
  for (const value of listIn(text)) {
    if (typeof value !== 'object' || value === null) continue;
    const { principal, sessionToken, ...members } = value as Readonly<Record<string, unknown>>; // Read leniently: what is no text is not taken.
    const isPlain = [principal, sessionToken].every((text) =>
      ['undefined', 'string'].includes(typeof text),
    );
    const pair = keyPairOf(textIn(members.accessKeyId), textIn(members.secretAccessKey));
    if (!isPlain || pair === undefined) continue;
    const key = `${typeof principal} ${pair.accessKeyId}`;
    if (entries.has(key)) continue;
    entries.set(key, {
      ...pair,
      ...(typeof sessionToken === 'string' && { sessionToken }),
      ...(typeof principal === 'string' && { principal }),
    });
  }
  return [...entries.values()];
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function listIn(text: string | undefined): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}
