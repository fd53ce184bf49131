import type { KubeObject } from '../dataplane/kubernetes/object.ts';

/** Of an object of any of our kinds: with the value `true` nothing is written for it but its status. */
const PAUSED = 'trestle.dev/paused';

/** Reason and message of its condition Ready. */
export const PAUSED_REASON = 'Paused';
export const PAUSED_MESSAGE = `the annotation ${PAUSED} is set: nothing is done until it is removed`;

export function isPaused({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[PAUSED] === 'true';
}
