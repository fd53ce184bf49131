import { setTimeout as delay } from 'node:timers/promises';
import { BATCH_BACK_OFF_MS } from './limits.ts';

/** Waits before an attempt (the second is 2): twice as long each time, and half of it by chance. */
export function attemptPause(attempt: number): Promise<void> {
  const fullMs = BATCH_BACK_OFF_MS * 2 ** (attempt - 2);
  return delay(fullMs * (0.5 + Math.random() / 2));
}
