import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from './open.ts';
import { scrub } from './scrub.ts';
import { type Effect, type Store, StoreError } from './store.ts';

let base: string;
let folder: string;
const expected = new Map<string, Buffer>();

/** Tables (of compressed and of random data, with deletions), and a log with records of all forms. */
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'trestle-verify-'));
  folder = join(base, 'data');
  for (let session = 0; session < 4; session += 1) {
    const store = await openStore({ folder, durability: 'fsync' });
    for (let batch = 0; batch < 40; batch += 1) {
      await store.commit(someEffects(session * 40 + batch));
    }
    await store.close();
  }
});
afterAll(() => rm(base, { recursive: true }));

it('verify: a changed bit in any file is refused, or all data still reads back right', async () => {
  const files = ['FORMAT', ...(await readdir(join(folder, 'db'))).map((name) => `db/${name}`)];
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
  const flippable = files.filter((_, index) => (sizes[index] ?? 0) > 0);
  let refused = 0;
  const flip = fc.record({
    file: fc.constantFrom(...flippable),
    position: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    mask: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(flip, async ({ file, position, mask }) => {
      const copy = join(base, 'copy');
      await rm(copy, { recursive: true, force: true });
      await cp(folder, copy, { recursive: true });
      await changeByte(join(copy, file), position, mask);
      refused += (await isRefused(copy)) ? 1 : 0;
    }),
    { numRuns: 400, endOnFailure: true },
  );
  expect(refused).toBeGreaterThan(100);
}, 240_000);

it('scrub: finds a changed byte in a table, passes over removed files, and can be stopped', async () => {
  const names = (await readdir(join(folder, 'db'))).filter((name) => name.endsWith('.ldb'));
  const copy = join(base, 'scrubbed');
  await cp(join(folder, 'db'), copy, { recursive: true });
  const tables = await Promise.all(
    names.map(async (name) => {
      const path = join(copy, name);
      return { number: Number.parseInt(name, 10), path, bytes: (await stat(path)).size };
    }),
  );
  const removed = { number: 999, path: join(copy, '000999.ldb'), bytes: 100 };
  const run = new AbortController();
  expect(await scrub([removed, ...tables], run.signal)).toBeUndefined();
  await changeByte(tables.at(-1)?.path ?? '', 0.3, 1);
  expect(await scrub(tables, run.signal)).toMatchObject({ code: 'damaged' });
  run.abort();
  expect(await scrub(tables, run.signal)).toBeUndefined();
});

it('onDamage: a damaged table beyond those checked at the start is found while the store runs', async () => {
  const data = join(base, 'large');
  const first = await openStore({ folder: data, durability: 'relaxed' });
  const keysCount = 50_000;
  for (let index = 0; index < keysCount; index += 500) {
    const names = Array.from({ length: 500 }, (_, i) => String(index + i).padStart(6, '0'));
    await first.commit(
      names.map((name) => ({ key: Buffer.from(name), value: randomBytes(1_000) })),
    );
  }
  await first.close();
  const tables = (await readdir(join(data, 'db'))).filter((name) => name.endsWith('.ldb')).sort();
  await changeByte(join(data, 'db', tables[0] ?? ''), 0.1, 1);
  const damage = Promise.withResolvers<StoreError>();
  const second = await openStore({
    folder: data,
    durability: 'fsync',
    onDamage: damage.resolve,
  });
  expect(await damage.promise).toMatchObject({ code: 'damaged' });
  await second.close();
}, 120_000);

/** Remembers what must be read back. */
function someEffects(index: number): readonly Effect[] {
  const size = index % 20 === 7 ? 70_000 : 600;
  const value = index % 2 === 0 ? randomBytes(size) : Buffer.alloc(size, `text ${index} `);
  const effects: Effect[] = [
    { key: Buffer.from(`key ${index}`), value },
    { key: Buffer.from(`key ${index - 3}`), value: undefined },
    { key: Buffer.from(`empty ${index}`), value: Buffer.alloc(0) },
  ];
  for (const { key, value: wanted } of effects) {
    if (wanted === undefined) {
      expected.delete(String(key));
    } else {
      expected.set(String(key), Buffer.from(wanted));
    }
  }
  return effects;
}

async function changeByte(path: string, position: number, mask: number): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(position * bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ mask;
  await writeFile(path, bytes);
}

/** Asserts that the folder is refused for the right reason, or complete. */
async function isRefused(copy: string): Promise<boolean> {
  let store: Store;
  try {
    store = await openStore({ folder: copy, durability: 'fsync' });
  } catch (error) {
    if (!(error instanceof StoreError)) {
      throw error;
    }
    expect(['damaged', 'newerFormat']).toContain(error.code);
    return true;
  }
  try {
    await expectAll(store);
  } finally {
    await store.close();
  }
  return false;
}

async function expectAll(store: Store): Promise<void> {
  for (const [key, value] of expected) {
    expect(store.get(Buffer.from(key))?.equals(value)).toBe(true);
  }
  const end = Buffer.from([255]);
  const iterator = store.iterate({
    start: Buffer.alloc(0),
    end,
    reverse: false,
    limit: undefined,
  });
  let count = 0;
  for (;;) {
    const page = await iterator.next(1_000);
    if (page.length === 0) {
      break;
    }
    count += page.length;
    for (const [key, value] of page) {
      expect(expected.get(String(key))?.equals(value)).toBe(true);
    }
  }
  await iterator.close();
  expect(count).toBe(expected.size);
}
