import type { CoherenceLimits } from './coherence-limits.ts';

/** How long a peer has left things unanswered. */
export interface Silence {
  /** Since something waits for its acknowledgement without any progress. */
  readonly overdueMs: number;
  /** Since anything came from it. */
  readonly silentMs: number;
}

/**
 * Which peers are to be excluded.
 *
 * A node that hears most of the others no more may be the one that is cut off: it is more patient, so that they exclude it first.
 */
export function toExclude<Peer extends Silence>(
  peers: readonly Peer[],
  limits: Pick<CoherenceLimits, 'ackMs' | 'deadMs' | 'cautionMs'>,
): readonly Peer[] {
  const isSilent = ({ overdueMs, silentMs }: Silence, patienceMs: number) =>
    overdueMs >= limits.ackMs + patienceMs || silentMs >= limits.deadMs + patienceMs;
  const silent = peers.filter((peer) => isSilent(peer, 0));
  return peers.length > 1 && silent.length * 2 > peers.length
    ? silent.filter((peer) => isSilent(peer, limits.cautionMs))
    : silent;
}
