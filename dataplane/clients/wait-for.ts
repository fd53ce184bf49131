import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Asks again and again until the answer is as wished; throws with the last one after the deadline.
 * For states of another process, which no clock of ours can advance.
 */
export async function waitFor<Value>(
  ask: () => Promise<Value>,
  isWished: (value: Value) => boolean,
  deadlineMs: number,
): Promise<Value> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await ask();
    if (isWished(value)) return value;
    if (performance.now() > endMs) {
      throw new Error(`Not so within ${deadlineMs} ms: ${JSON.stringify(value).slice(0, 2000)}`);
    }
    await delay(POLL_MS);
  }
}
