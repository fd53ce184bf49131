import { setTimeout as delay } from 'node:timers/promises';

/** Asking a cluster costs a process and a request: seldom enough not to be a load itself. */
const POLL_MS = 1_000;
/** What one round can count for: in a longer one this machine stood still, and the cluster with it. */
const ROUND_MS_MAX = 5_000;
const ANSWER_CHARS_MAX = 2_000;

/** Where time comes from. */
export interface Clock {
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<unknown>;
}

const SYSTEM: Clock = { now: () => performance.now(), delay };

/**
 * Asks again and again until the answer is as wished; an error of asking is an answer that is not. A stall of the machine
 * uses up little of the time: what is waited for had none either.
 * @throws Error with the last answer when that much time was waited
 */
export async function until<Value>(
  ask: () => Promise<Value>,
  isWished: (value: Value) => boolean,
  waitMs: number,
  clock = SYSTEM,
): Promise<Value> {
  let waitedMs = 0;
  for (;;) {
    const startMs = clock.now();
    let last: unknown;
    try {
      const value = await ask();
      if (isWished(value)) return value;
      last = value;
    } catch (error) {
      last = String(error);
    }
    if (waitedMs > waitMs) {
      const told = JSON.stringify(last) ?? 'nothing';
      throw new Error(`Not so within ${waitMs} ms: ${told.slice(0, ANSWER_CHARS_MAX)}`);
    }
    await clock.delay(POLL_MS);
    waitedMs += Math.min(clock.now() - startMs, ROUND_MS_MAX);
  }
}
