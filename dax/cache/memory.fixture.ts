import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import { newCounters } from './counters.ts';
import { entryOf } from './entry.ts';
import { Holds } from './holds.ts';
import { ItemCache } from './item-cache.ts';
import { PageCache } from './page-cache.ts';
import { cacheKeyOf, collectionTag, TableSpaces } from './table-spaces.ts';

/**
 * What cached items and pages take of a process's memory, and what a hit costs. Run by hand:
 *
 *     node --expose-gc --max-old-space-size=4096 dax/cache/memory.fixture.ts
 *
 * ITEM_OVERHEAD_BYTES and PAGE_OVERHEAD_BYTES come from here.
 */

const KEY_BYTES = 24;

const measurements: Readonly<Record<string, () => void>> = {
  items400: () => measureItems({ itemsCount: 1_000_000, itemBytes: 400 }),
  items100: () => measureItems({ itemsCount: 1_000_000, itemBytes: 100 }),
  items4000: () => measureItems({ itemsCount: 200_000, itemBytes: 4000 }),
  pages2000: () => measurePages({ pagesCount: 200_000, pageBytes: 2000 }),
  items400x2: () => measureItems({ itemsCount: 2_000_000, itemBytes: 400 }),
  churn: measureChurn,
};

if (import.meta.main) {
  const [name] = process.argv.slice(2);
  if (name !== undefined) measurements[name]?.();
  // Each in a process of its own: memory that was freed is not given back.
  else
    for (const each of Object.keys(measurements)) {
      spawnSync(process.execPath, [...process.execArgv, process.argv[1] ?? '', each], {
        stdio: 'inherit',
      });
    }
}

interface ItemsToMeasure {
  readonly itemsCount: number;
  /** Key and values. */
  readonly itemBytes: number;
}

function measureItems({ itemsCount, itemBytes }: ItemsToMeasure): void {
  const { cache, space } = emptyCaches(8 * 2 ** 30);
  const before = residentBytes();
  fill(cache, space, { start: 0, count: itemsCount, itemBytes });
  const after = residentBytes();
  const each = (after - before) / itemsCount;
  const limit = 1.5 * itemBytes + 200;
  print(
    `${itemsCount} items of ${itemBytes} B: ${each.toFixed(0)} B each of the process's memory ` +
      `(with all of the process: ${(after / itemsCount).toFixed(0)} B; at most ${limit} B); ` +
      `counted as ${(cache.sizeBytes / itemsCount).toFixed(0)} B; ` +
      `a hit: ${nanosecondsOfHits(cache, space, itemsCount).toFixed(0)} ns`,
  );
}

/** Ten times as many as fit pass through: garbage is to stay within bounds. */
function measureChurn(): void {
  const bytesMax = 300_000_000;
  const { cache, space } = emptyCaches(bytesMax);
  const before = residentBytes();
  let mostBytes = 0;
  for (let start = 0; start < 5_000_000; start += 100_000) {
    fill(cache, space, { start, count: 100_000, itemBytes: 400 });
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss() - before);
  }
  print(
    `5000000 items through a cache of ${bytesMax / 1e6} MB: at most ${(mostBytes / 1e6).toFixed(0)} MB ` +
      `while it goes on, ${((residentBytes() - before) / 1e6).toFixed(0)} MB after (${cache.itemsCount} items)`,
  );
}

function measurePages({ pagesCount, pageBytes }: { pagesCount: number; pageBytes: number }): void {
  const { pages, space } = emptyCaches(8 * 2 ** 30);
  const before = residentBytes();
  for (let index = 0; index < pagesCount; index += 1) {
    const hash = randomBytes(KEY_BYTES);
    const flight = pages.startFlight(
      randomBytes(100).toString('latin1'),
      collectionTag(space, hash),
    );
    if (flight === undefined) throw new Error('flights are landed at once');
    pages.land(flight, randomBytes(pageBytes).toString('latin1'), true);
  }
  const each = (residentBytes() - before) / pagesCount;
  print(
    `${pagesCount} pages of ${pageBytes} B, keys of 100 B: ${each.toFixed(0)} B each; ` +
      `counted as ${(pages.sizeBytes / pagesCount).toFixed(0)} B`,
  );
}

function emptyCaches(bytesMax: number) {
  const clock: Clock = { nowMs: () => Date.now() };
  const common = {
    clock,
    counters: newCounters(),
    holds: new Holds(clock),
    mayKeep: () => true,
    ttlMs: 3_600_000,
    bytesMax,
  };
  const space = new TableSpaces(clock).of('table');
  return { cache: new ItemCache(common), pages: new PageCache(common), space };
}

function fill(
  cache: ItemCache,
  space: ReturnType<TableSpaces['of']>,
  { start, count, itemBytes }: { start: number; count: number; itemBytes: number },
): void {
  for (let index = start; index < start + count; index += 1) {
    const flight = cache.startFlight(cacheKeyOf(space, keyOf(index)));
    if (flight === undefined) throw new Error('flights are landed at once');
    const values = Buffer.alloc(Math.max(1, itemBytes - KEY_BYTES), index);
    cache.land(flight, entryOf(Date.now(), values));
  }
}

function nanosecondsOfHits(
  cache: ItemCache,
  space: ReturnType<TableSpaces['of']>,
  itemsCount: number,
): number {
  const keys = Array.from({ length: 200_000 }, (_, index) => keyOf((index * 7919) % itemsCount));
  let bytes = 0;
  // Processor time: others may be at work on the machine.
  const start = process.cpuUsage();
  for (const key of keys) bytes += cache.get(cacheKeyOf(space, key))?.length ?? 0;
  if (bytes === 0) throw new Error('nothing was found');
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / keys.length;
}

function keyOf(index: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.write(`item ${index}`);
  return key;
}

function residentBytes(): number {
  for (let turn = 0; turn < 4; turn += 1) globalThis.gc?.();
  return process.memoryUsage.rss();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
