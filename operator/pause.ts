import type { KubeObject } from '../dataplane/kubernetes/object.ts';

/**
 * Of an object of any of our kinds: with the value `true` nothing is written for it but its status, and
 * the certificates of pods that are there: no pod restarts for them, and without them a table that is
 * forgotten stops when they end, and holds the rotation of the namespace's authority up until then.
 */
const PAUSED = 'trestle.dev/paused';

/** Reason and message of its condition Ready. */
export const PAUSED_REASON = 'Paused';
export const PAUSED_MESSAGE = `the annotation ${PAUSED} is set: nothing is done until it is removed`;
/** The same, of what has pods. */
export const PAUSED_PODS_MESSAGE = `${PAUSED_MESSAGE}, only certificates are renewed`;

export function isPaused({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[PAUSED] === 'true';
}
