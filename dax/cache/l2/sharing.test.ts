import { expect, test } from 'vitest';
import { L2Sharing } from './sharing.ts';

/** What is announced, and when it is known to all, by hand. */
class Announcements {
  readonly mayServe = true;
  readonly l2Generation = 'g';
  isL2Shared = true;
  readonly made: { isReachable: boolean; known: () => void; failed: () => void }[] = [];

  setL2Reachable(isReachable: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = () => reject(new Error('no acknowledgement'));
      this.made.push({ isReachable, known: resolve, failed });
    });
  }

  get said(): readonly boolean[] {
    return this.made.map(({ isReachable }) => isReachable);
  }
}

function start() {
  const coherence = new Announcements();
  const counters = { l2Withholdings: 0 };
  return { coherence, counters, sharing: new L2Sharing(coherence, counters) };
}

/** What happens in this turn of the event loop is over. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => undefined,
  );
  await turn();
  return done;
}

test('is shared from the start, unless another node is without it', () => {
  const { coherence, sharing } = start();
  expect(sharing.isShared).toBe(true);
  coherence.isL2Shared = false;
  expect(sharing.isShared).toBe(false);
});

test('withheld: said once, and from then on known', async () => {
  const { coherence, counters, sharing } = start();
  const writes = [sharing.withhold(), sharing.withhold()];
  await turn();
  expect(coherence.said).toEqual([false]);
  expect(sharing.isShared).toBe(false);
  coherence.made[0]?.known();
  await Promise.all(writes);
  await sharing.withhold();
  expect(coherence.said).toEqual([false]);
  expect(counters.l2Withholdings).toBe(1);
});

test('shared again: said only if it was withheld', async () => {
  const { coherence, sharing } = start();
  await sharing.share();
  expect(coherence.said).toEqual([]);
  const withheld = sharing.withhold();
  await turn();
  coherence.made[0]?.known();
  await withheld;

  const shared = sharing.share();
  await turn();
  expect(sharing.isShared).toBe(false);
  coherence.made[1]?.known();
  await shared;
  expect(sharing.isShared).toBe(true);
  expect(coherence.said).toEqual([false, true]);
});

test('a write that comes while it is being shared again has it withheld again', async () => {
  const { coherence, sharing } = start();
  const first = sharing.withhold();
  await turn();
  coherence.made[0]?.known();
  await first;
  const shared = sharing.share();
  await turn();
  const second = sharing.withhold();
  expect(await isDone(second)).toBe(false);
  coherence.made[1]?.known();
  await shared;
  expect(await isDone(second)).toBe(false);
  coherence.made[2]?.known();
  await second;
  expect(coherence.said).toEqual([false, true, false]);
  expect(sharing.isShared).toBe(false);
});

test('a failure is told to those who asked; the next one asks anew', async () => {
  const { coherence, sharing } = start();
  const first = sharing.withhold();
  await turn();
  coherence.made[0]?.failed();
  await expect(first).rejects.toThrow('no acknowledgement');
  expect(sharing.isShared).toBe(false);
  const second = sharing.withhold();
  await turn();
  coherence.made[1]?.known();
  await second;
  expect(coherence.said).toEqual([false, false]);
});

test('a failure to share leaves it unused until that is said', async () => {
  const { coherence, sharing } = start();
  const withheld = sharing.withhold();
  await turn();
  coherence.made[0]?.known();
  await withheld;
  const shared = sharing.share();
  await turn();
  coherence.made[1]?.failed();
  await expect(shared).rejects.toThrow('no acknowledgement');
  expect(sharing.isShared).toBe(false);
  const again = sharing.share();
  await turn();
  coherence.made[2]?.known();
  await again;
  expect(sharing.isShared).toBe(true);
});
