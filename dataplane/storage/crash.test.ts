import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from './open.ts';

const rounds = 50;
/** Of the time that a process takes here until its first write is acknowledged; the least: while it opens. */
const lifePercent = { min: 10, max: 250 };
const seed = Number(process.env.TRESTLE_SEED ?? Date.now() % 1_000_000);

/** Of a machine that is so slow that all lives would take longer than a test may: fewer rounds. */
const TIME_LIMIT_MS = 200_000;

const modes = ['inside', 'apart'] as const;

it.each(modes)(
  `crash: ${rounds} kills at random moments lose no acknowledged write, syncs %s (TRESTLE_SEED=${seed})`,
  async (mode) => {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-crash-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const lives = fc.sample(fc.integer(lifePercent), { numRuns: rounds, seed });
    const acknowledged = new Map<string, number>();
    let startMs: number | undefined;
    const endMs = performance.now() + TIME_LIMIT_MS;
    for (const percent of lives) {
      if (performance.now() > endMs) break;
      const lifeMs = startMs === undefined ? undefined : (startMs * percent) / 100;
      const firstMs = await runAndKill([folder, mode], lifeMs, acknowledged);
      startMs ??= firstMs;
      await checkAll(folder, acknowledged);
    }
    expect(acknowledged.size).toBeGreaterThan(0);
  },
  300_000,
);

/**
 * @param lifeMs - undefined: until a write is acknowledged
 * @returns ms until then, or until it was killed
 */
async function runAndKill(
  args: readonly string[],
  lifeMs: number | undefined,
  acknowledged: Map<string, number>,
): Promise<number> {
  const script = join(import.meta.dirname, 'crash.child.ts');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const faults: Buffer[] = [];
  const acknowledges = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    output.push(chunk);
    if (chunk.includes(' ')) acknowledges.resolve();
  });
  child.stderr.on('data', (chunk: Buffer) => faults.push(chunk));
  const closed = once(child, 'close');
  const startedMs = performance.now();
  if (lifeMs === undefined) await Promise.race([acknowledges.promise, closed]);
  else await delay(lifeMs);
  const livedMs = performance.now() - startedMs;
  child.kill('SIGKILL');
  await closed;
  expect(Buffer.concat(faults).toString()).toBe('');
  for (const line of Buffer.concat(output).toString().split('\n').slice(1, -1)) {
    const [writer, count] = line.split(' ');
    acknowledged.set(writer ?? '', Number(count));
  }
  return livedMs;
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
