import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { encodedData, type SecretObject, secretText } from '../certificates/secret-data.ts';
import type { KeyMaterial } from './key-material.ts';
import { type KeyPair, keyPairOf } from './key-pair.ts';
import { CREDENTIALS, ROTATE, ROTATED_AT } from './names.ts';

/** What a Secret of an AccessKey consists of, besides name and owner. */
export interface KeySecret {
  readonly annotations: Readonly<Record<string, string>>;
  /** Base64; null takes a member away. */
  readonly data: Readonly<Record<string, string | null>>;
}

/** Members of the Secret, for the key itself and for those beside it while it is rotated. */
const MEMBERS = {
  current: ['accessKeyId', 'secretAccessKey'],
  next: ['nextAccessKeyId', 'nextSecretAccessKey'],
  previous: ['previousAccessKeyId', 'previousSecretAccessKey'],
} as const;

/**
 * The keys that a Secret holds; undefined when its current one is missing or could not stand in a
 * credentials file. What else is damaged is left out.
 * @param request taken for obeyed where the Secret does not say
 */
export function materialOf(secret: SecretObject, request: string): KeyMaterial | undefined {
  const current = pairIn(secret, 'current');
  if (current === undefined) return undefined;
  const { annotations = {}, creationTimestamp } = secret.metadata;
  const next = pairIn(secret, 'next');
  const sinceMs = Date.parse(annotations[ROTATED_AT] ?? creationTimestamp ?? '');
  return {
    current,
    sinceMs: Number.isNaN(sinceMs) ? 0 : sinceMs,
    next,
    previous: next === undefined ? pairIn(secret, 'previous') : undefined,
    obeyedRequest: annotations[ROTATE] ?? request,
  };
}

/**
 * The Secret for some keys. Beside the current one by its parts, it holds it as `credentials`, the form
 * that credentials files have.
 */
export function keySecretOf(material: KeyMaterial): KeySecret {
  const { current, sinceMs, next, previous, obeyedRequest } = material;
  const { accessKeyId, secretAccessKey } = current;
  const credentials = `${JSON.stringify([{ accessKeyId, secretAccessKey }])}\n`;
  return {
    annotations: { [ROTATED_AT]: new Date(sinceMs).toISOString(), [ROTATE]: obeyedRequest },
    data: {
      ...encodedData({ [CREDENTIALS]: credentials }),
      ...membersOf('current', current),
      ...membersOf('next', next),
      ...membersOf('previous', previous),
    },
  };
}

/** Whether this very object made the Secret, through the operator. */
export function isOwnedBy({ metadata }: SecretObject, owner: KubeObject): boolean {
  const { uid } = owner.metadata;
  const owners = metadata.ownerReferences ?? [];
  return owners.some((each) => each.controller === true && each.uid === uid);
}

function pairIn(secret: SecretObject, which: keyof typeof MEMBERS): KeyPair | undefined {
  const [id, key] = MEMBERS[which];
  return keyPairOf(secretText(secret, id), secretText(secret, key));
}

function membersOf(which: keyof typeof MEMBERS, pair: KeyPair | undefined): KeySecret['data'] {
  const [id, key] = MEMBERS[which];
  if (pair === undefined) return { [id]: null, [key]: null };
  return encodedData({ [id]: pair.accessKeyId, [key]: pair.secretAccessKey });
}
