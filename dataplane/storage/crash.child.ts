import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openStore } from './open.ts';

/**
 * Writes without end, for tests that kill it. Usage: node crash.child.ts FOLDER [apart]
 *
 * Each of the writers commits its count under three keys at once, and some ballast that makes the
 * LevelDB flush and compact. Prints `ready`, then `WRITER COUNT` for every acknowledged commit.
 * A printed line has left the process: `process.stdout` would keep it for a reader that is slow.
 */
const writers = 16;
const ballastKeys = 1_000;
const ballastBytes = 2_000;

const [, , folder, how] = process.argv;
const syncsApart = how === 'apart';
const store = await openStore({ folder, durability: 'fsync', syncsApart });
writeSync(1, 'ready\n');
await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));

async function write(writer: number): Promise<void> {
  const first = Number(store.get(Buffer.from(`a${writer}`)) ?? 0) + 1;
  for (let count = first; ; count += 1) {
    const value = Buffer.from(String(count));
    await store.commit([
      { key: Buffer.from(`a${writer}`), value },
      { key: Buffer.from(`x${count % ballastKeys}`), value: randomBytes(ballastBytes) },
      { key: Buffer.from(`m${writer}`), value },
      { key: Buffer.from(`z${writer}`), value },
    ]);
    writeSync(1, `${writer} ${count}\n`);
  }
}
