import { jittered, type Random } from './clock.ts';

export interface BackOffLimits {
  readonly firstMs: number;
  readonly mostMs: number;
  /** 0.2: up to a fifth more or less. */
  readonly jitter: number;
}

/** How long to wait before the next attempt, when so many have failed in a row (1 or more). */
export function backOffMs(failuresCount: number, limits: BackOffLimits, random: Random): number {
  // Beyond 2^30 doubling has reached any limit, and stays exact.
  const doubled = limits.firstMs * 2 ** Math.min(failuresCount - 1, 30);
  return jittered(Math.min(doubled, limits.mostMs), limits.jitter, random);
}
