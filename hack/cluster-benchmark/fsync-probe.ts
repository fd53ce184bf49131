/**
 * A process that appends 4 KB to a file and waits until it is on disk, again and again, a while apart,
 * and sends the median time in ms when it is asked. Its parent names the file.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../benchmark/measure.ts';

const BLOCK_BYTES = 4096;
const PAUSE_MS = 20;

const file = openSync(process.argv[2] ?? '', 'w');
const block = Buffer.alloc(BLOCK_BYTES, 1);
let timesMs: number[] = [];

process.on('message', () => {
  process.send?.(median(timesMs));
  timesMs = [];
});
process.on('disconnect', () => {
  closeSync(file);
  process.exit(0);
});

for (;;) {
  writeSync(file, block);
  const startMs = performance.now();
  fdatasyncSync(file);
  timesMs.push(performance.now() - startMs);
  await delay(PAUSE_MS);
}
