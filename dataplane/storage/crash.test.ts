import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openStore } from './open.ts';

const rounds = 50;
/** A round is killed between the start of the process and this: while it opens, too. */
const lifeMsMax = 400;
const seed = Number(process.env.TRESTLE_SEED ?? Date.now() % 1_000_000);

const modes = ['inside', 'apart'] as const;

it.each(modes)(
  `crash: ${rounds} kills at random moments lose no acknowledged write, syncs %s (TRESTLE_SEED=${seed})`,
  async (mode) => {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-crash-'));
    const lives = fc.sample(fc.integer({ min: 20, max: lifeMsMax }), { numRuns: rounds, seed });
    const acknowledged = new Map<string, number>();
    for (const lifeMs of lives) {
      await runAndKill([folder, mode], lifeMs, acknowledged);
      await checkAll(folder, acknowledged);
    }
    expect(acknowledged.size).toBeGreaterThan(0);
    await rm(folder, { recursive: true });
  },
  120_000,
);

async function runAndKill(
  args: readonly string[],
  lifeMs: number,
  acknowledged: Map<string, number>,
): Promise<void> {
  const script = join(import.meta.dirname, 'crash.child.ts');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const faults: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => faults.push(chunk));
  const closed = once(child, 'close');
  await delay(lifeMs);
  child.kill('SIGKILL');
  await closed;
  expect(Buffer.concat(faults).toString()).toBe('');
  for (const line of Buffer.concat(output).toString().split('\n').slice(1, -1)) {
    const [writer, count] = line.split(' ');
    acknowledged.set(writer ?? '', Number(count));
  }
}

/**
 * Opening must succeed; each writer's batches are whole, and there up to the last acknowledged. What
 * is found, acknowledged or not, is durable by now and must be there from now on.
 */
async function checkAll(folder: string, acknowledged: Map<string, number>): Promise<void> {
  const store = await openStore({ folder, durability: 'fsync' });
  for (const [writer, count] of acknowledged) {
    const [found, ...others] = ['a', 'm', 'z'].map((name) =>
      Number(store.get(Buffer.from(name + writer))),
    );
    expect(others).toEqual([found, found]);
    expect(found).toBeGreaterThanOrEqual(count);
    expect(found).toBeLessThanOrEqual(count + 1);
    acknowledged.set(writer, found ?? count);
  }
  await store.close();
}
