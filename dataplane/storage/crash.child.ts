import { randomBytes } from 'node:crypto';
import { openStore } from './open.ts';

/**
 * Writes without end, for tests that kill it. Usage: node crash.child.ts FOLDER [apart]
 *
 * Each of the writers commits its count under three keys at once, and some ballast that makes the
 * LevelDB flush and compact. Prints `ready`, then `WRITER COUNT` for every acknowledged commit.
 * Writes to a pipe are synchronous, so a printed line has left the process.
 */
const writers = 16;
const ballastKeys = 1_000;
const ballastBytes = 2_000;

const [, , folder, how] = process.argv;
const syncsApart = how === 'apart';
const store = await openStore({ folder, durability: 'fsync', syncsApart });
process.stdout.write('ready\n');
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
    process.stdout.write(`${writer} ${count}\n`);
  }
}
