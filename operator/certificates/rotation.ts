import { certificateOf } from '../../dataplane/pem-certificates.ts';
import type { Authority } from './authority-secret.ts';

const MINUTE_MS = 60_000;
/**
 * How long clients have at least to take up the new `ca.crt` before the routers show certificates of the new
 * authority: asked for by a person, as long as a kubelet and a program need that reads mounted files again;
 * of itself, since there are 20 months left, as long as people need who have copied it.
 */
export const ASKED_OVERLAP_MS = 10 * MINUTE_MS;
export const OWN_OVERLAP_MS = 7 * 24 * 60 * MINUTE_MS;
/** A pod that starts just then may still get the files from before from its kubelet. */
export const SETTLE_MS = 3 * MINUTE_MS;
/** An authority is replaced after this part of its life. */
const LIFE_PART = 2 / 3;

/** What to do about a namespace's authority. */
export type RotationPlan =
  | { readonly kind: 'rest' }
  | { readonly kind: 'begin'; readonly reason: string; readonly notBeforeMs: number }
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** As soon as all processes have loaded what the phase asks for (`wantedOf`). */
  | { readonly kind: 'prove'; readonly next: 'reissue' | 'drop' };

/**
 * The next step of a rotation, which has three: all trust the old and the new authority; all show
 * certificates of the new one; the old one is dropped. It follows from the Secret and the clock alone.
 */
export function planRotation(authority: Authority, nowMs: number): RotationPlan {
  const { next, previous, notBeforeMs } = authority;
  if (next === undefined && previous === undefined) return planBeginning(authority, nowMs);
  if (notBeforeMs !== undefined && nowMs < notBeforeMs) {
    return { kind: 'wait', untilMs: notBeforeMs };
  }
  return { kind: 'prove', next: previous === undefined ? 'reissue' : 'drop' };
}

/** Of the authority that signs: when it ends. UTC, ms since 1970. */
export function expiryOf({ signing }: Pick<Authority, 'signing'>): number {
  return certificateOf(signing.certificate)?.validToDate.getTime() ?? 0;
}

function planBeginning(authority: Authority, nowMs: number): RotationPlan {
  const { request = '', obeyedRequest, notBeforeMs = 0, isOwn } = authority;
  // Who knows beforehand that clients need longer says so together with the request.
  const begin = (reason: string, overlapMs: number): RotationPlan => ({
    kind: 'begin',
    reason,
    notBeforeMs: Math.max(notBeforeMs, nowMs + overlapMs),
  });
  if (request !== '' && request !== obeyedRequest) {
    return begin('somebody has asked for it', ASKED_OVERLAP_MS);
  }
  if (!isOwn || nowMs < dueMs(authority)) return { kind: 'rest' };
  // An operator that was away for years has little time left.
  const leftMs = Math.max(0, expiryOf(authority) - nowMs);
  return begin('two thirds of its life are over', Math.min(OWN_OVERLAP_MS, leftMs / 2));
}

function dueMs(authority: Authority): number {
  const beginMs = certificateOf(authority.signing.certificate)?.validFromDate.getTime() ?? 0;
  return beginMs + (expiryOf(authority) - beginMs) * LIFE_PART;
}
