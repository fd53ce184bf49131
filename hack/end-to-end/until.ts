import { setTimeout as delay } from 'node:timers/promises';

/** Asking a cluster costs a process and a request: seldom enough not to be a load itself. */
const POLL_MS = 1_000;

/**
 * Asks again and again until the answer is as wished; an error of asking is an answer that is not.
 * @throws Error with the last answer after the deadline
 */
export async function until<Value>(
  ask: () => Promise<Value>,
  isWished: (value: Value) => boolean,
  deadlineMs: number,
): Promise<Value> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    let last: unknown;
    try {
      const value = await ask();
      if (isWished(value)) return value;
      last = value;
    } catch (error) {
      last = String(error);
    }
    if (performance.now() > endMs) {
      throw new Error(`Not so within ${deadlineMs} ms: ${JSON.stringify(last).slice(0, 2000)}`);
    }
    await delay(POLL_MS);
  }
}
