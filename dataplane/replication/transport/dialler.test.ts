import { expect, test } from 'vitest';
import { type Scheduler, systemScheduler } from '../scheduler.ts';
import { Dialler } from './dialler.ts';
import type { HandshakeFailure } from './handshake.ts';
import { defaultLimits } from './options.ts';
import { until } from './transports.fixture.ts';

/** Runs reconnects at once and writes down how long they should have taken. */
function hasty(delaysMs: number[]): Scheduler {
  return {
    ...systemScheduler,
    after(delayMs, fn) {
      if (delayMs === defaultLimits.helloTimeoutMs) return systemScheduler.after(delayMs, fn);
      delaysMs.push(delayMs);
      return systemScheduler.after(0, fn);
    },
  };
}

function dial(delaysMs: number[], random: number): [Dialler, HandshakeFailure[]] {
  const failures: HandshakeFailure[] = [];
  const dialler = new Dialler({
    peer: 'b',
    address: { host: '127.0.0.1', port: 1 },
    tls: () => undefined,
    scheduler: hasty(delaysMs),
    random: () => random,
    limits: defaultLimits,
    isBlocked: () => false,
    onSocket: () => {
      throw new Error('nobody listens there');
    },
    onFailed: (failure) => failures.push(failure),
  });
  return [dialler, failures];
}

test('attempts back off to a bound; half of each wait is random', async () => {
  for (const random of [0, 0.5]) {
    const delaysMs: number[] = [];
    const [dialler, failures] = dial(delaysMs, random);
    await until('it has tried often', () => delaysMs.length >= 8);
    dialler.close();
    const full = [50, 100, 200, 400, 800, 1_600, 2_000, 2_000];
    expect(delaysMs.slice(0, 8)).toEqual(full.map((ms) => ms * (0.5 + random / 2)));
    expect(failures[0]?.reason).toContain('ECONNREFUSED');
  }
});

test('a connection that held starts the waits anew, one that did not goes on with them', async () => {
  const delaysMs: number[] = [];
  const [dialler] = dial(delaysMs, 0);
  await until('it has tried often', () => delaysMs.length >= 5);
  delaysMs.length = 0;
  dialler.onConnectionClosed(defaultLimits.heldMs - 1);
  expect(delaysMs[0]).toBeGreaterThan(25 * 2 ** 4);
  delaysMs.length = 0;
  dialler.onConnectionClosed(defaultLimits.heldMs);
  expect(delaysMs).toEqual([25]);
  dialler.close();
});
