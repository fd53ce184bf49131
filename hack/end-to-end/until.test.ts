import { expect, it } from 'vitest';
import { until } from './until.ts';

/** Time that passes only by waiting, and while `stalls` says so at a round of asking. */
function clockOf(stallsMs: ReadonlyMap<number, number>) {
  let nowMs = 0;
  let rounds = 0;
  const ask = async () => {
    rounds += 1;
    nowMs += stallsMs.get(rounds) ?? 0;
    return rounds;
  };
  const clock = {
    now: () => nowMs,
    delay: async (ms: number) => {
      nowMs += ms;
    },
  };
  return { ask, clock };
}

it('outlives a stall of the machine that is longer than the time to wait', async () => {
  const { ask, clock } = clockOf(new Map([[2, 600_000]]));
  await expect(until(ask, (round) => round === 40, 60_000, clock)).resolves.toBe(40);
});

it('gives up when nothing comes, and tells the last answer', async () => {
  const { ask, clock } = clockOf(new Map());
  await expect(until(ask, () => false, 60_000, clock)).rejects.toThrow(
    'Not so within 60000 ms: 62',
  );
});

it('gives up also when each round is slow', async () => {
  const { ask, clock } = clockOf(new Map(Array.from({ length: 99 }, (_, n) => [n, 40_000])));
  await expect(until(ask, () => false, 60_000, clock)).rejects.toThrow('Not so within 60000 ms');
});

it('takes an error of asking for an answer that is not as wished', async () => {
  const { ask, clock } = clockOf(new Map());
  const failing = async () => {
    const round = await ask();
    if (round < 3) throw new Error('refused');
    return round;
  };
  await expect(until(failing, () => true, 60_000, clock)).resolves.toBe(3);
});
