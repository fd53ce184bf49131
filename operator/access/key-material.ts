import type { AccessKeySpec } from '../../dataplane/kubernetes/accesskey-types.ts';
import type { KeyPair } from './key-pair.ts';
import { PROPAGATION_MS } from './names.ts';

/**
 * The keys of one AccessKey, as its Secret keeps them: all that a rotation has to remember is there, so
 * that each step of it is one write.
 *
 * `next` and `previous` are never there together: at most two keys are good.
 */
export interface KeyMaterial {
  /** What programs are to sign with. */
  readonly current: KeyPair;
  /** Since when it is the current one, UTC. */
  readonly sinceMs: number;
  /** Takes the place of the current one as soon as all routers know it. */
  readonly next: KeyPair | undefined;
  /** Was current before, and is good until `gracePeriodSeconds` after `sinceMs`. */
  readonly previous: KeyPair | undefined;
  /** The request for a rotation that was obeyed last; empty: none. */
  readonly obeyedRequest: string;
}

/** What decides about a rotation. */
export interface RotationFacts {
  readonly spec: Pick<AccessKeySpec, 'state' | 'rotateAfterDays' | 'gracePeriodSeconds'>;
  /** The AccessKey's annotation; empty: none. A new value asks for a rotation, none does not. */
  readonly request: string;
  /** The newest key that routers were given, and since when. */
  readonly published: { readonly accessKeyId: string; readonly sinceMs: number } | undefined;
  readonly nowMs: number;
  readonly newPair: () => KeyPair;
}

const DAY_MS = 86_400_000;

export function newMaterial({ request, nowMs, newPair }: RotationFacts): KeyMaterial {
  const current = newPair();
  return { current, sinceMs: nowMs, next: undefined, previous: undefined, obeyedRequest: request };
}

/**
 * The material after this moment; the same object when nothing is to be done.
 *
 * Active, a rotation has three steps: a next key is made; when all routers know it, it becomes the current
 * one; after the grace period the former one ends. One that is due before waits for that end. So nobody who
 * reads the Secret, at whatever time, finds a key that is not good.
 *
 * Inactive, no key is good, so there is nobody to wait for: a rotation is one step, and a former key ends at
 * once. That is what to do about a key that got into wrong hands.
 */
export function rotated(material: KeyMaterial, facts: RotationFacts): KeyMaterial {
  if (facts.spec.state === 'Inactive') return rotatedInactive(material, facts);
  const { nowMs } = facts;
  const isReady = material.next !== undefined && isKnown(material.next, facts);
  const promoted = isReady ? promote(material, nowMs) : material;
  const kept = isPreviousOver(promoted, facts) ? { ...promoted, previous: undefined } : promoted;
  if (kept.next !== undefined) return obeyed(kept, facts);
  const isFree = kept.previous === undefined && isKnown(kept.current, facts);
  if (!isFree || !isRotationDue(kept, facts)) return kept;
  return obeyed({ ...kept, next: facts.newPair() }, facts);
}

/** When, by the clock alone, a former key ends or a rotation is due; undefined: never. */
export function nextStepMs(
  { previous, sinceMs }: KeyMaterial,
  spec: RotationFacts['spec'],
): number | undefined {
  if (previous !== undefined) return previousEndMs({ sinceMs }, spec);
  return spec.rotateAfterDays === undefined ? undefined : sinceMs + spec.rotateAfterDays * DAY_MS;
}

/** When a former key ends, if there is one. Lowering the grace period counts for it too. */
export function previousEndMs(
  { sinceMs }: Pick<KeyMaterial, 'sinceMs'>,
  { gracePeriodSeconds }: Pick<AccessKeySpec, 'gracePeriodSeconds'>,
): number {
  return sinceMs + gracePeriodSeconds * 1000;
}

/** The keys that are good while the AccessKey is Active, the newest first. */
export function goodPairs({ next, current, previous }: KeyMaterial): readonly KeyPair[] {
  return [next, current, previous].filter((pair) => pair !== undefined);
}

/** The key that was made last. */
export function newestPair({ next, current }: KeyMaterial): KeyPair {
  return next ?? current;
}

function rotatedInactive(material: KeyMaterial, facts: RotationFacts): KeyMaterial {
  const { next, previous } = material;
  const ended = previous === undefined ? material : { ...material, previous: undefined };
  if (next === undefined && !isRotationDue(ended, facts)) return ended;
  return {
    current: next ?? facts.newPair(),
    sinceMs: facts.nowMs,
    next: undefined,
    previous: undefined,
    obeyedRequest: obeyed(ended, facts).obeyedRequest,
  };
}

/** All routers have it. */
function isKnown({ accessKeyId }: KeyPair, { published, nowMs }: RotationFacts): boolean {
  if (published?.accessKeyId !== accessKeyId) return false;
  return nowMs - published.sinceMs >= PROPAGATION_MS;
}

function promote({ current, next = current, ...rest }: KeyMaterial, nowMs: number): KeyMaterial {
  return { ...rest, current: next, next: undefined, previous: current, sinceMs: nowMs };
}

function isPreviousOver(material: KeyMaterial, { spec, nowMs }: RotationFacts): boolean {
  return material.previous !== undefined && nowMs >= previousEndMs(material, spec);
}

function isRotationDue(
  { sinceMs, obeyedRequest }: KeyMaterial,
  { spec: { rotateAfterDays }, request, nowMs }: RotationFacts,
): boolean {
  if (request !== '' && request !== obeyedRequest) return true;
  return rotateAfterDays !== undefined && nowMs - sinceMs >= rotateAfterDays * DAY_MS;
}

/** A request that comes while a rotation has begun, and nobody has used its key, is that rotation's. */
function obeyed(material: KeyMaterial, { request }: RotationFacts): KeyMaterial {
  if (request === '' || request === material.obeyedRequest) return material;
  return { ...material, obeyedRequest: request };
}
