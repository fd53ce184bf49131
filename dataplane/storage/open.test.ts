import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from './open.ts';
import type { Effect } from './store.ts';

let base: string;
let folder: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'trestle-open-'));
  folder = join(base, 'data');
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('openStore: which folders are taken', () => {
  it('makes the folder, and its parents', async () => {
    folder = join(base, 'deep', 'down');
    await (await open()).close();
    expect((await readdir(folder)).sort()).toEqual(['FORMAT', 'db']);
    expect(await readFile(join(folder, 'FORMAT'), 'utf8')).toBe('Trestle data folder, format 1\n');
  });
  it('takes an empty folder, also the root of a fresh volume', async () => {
    await mkdir(join(folder, 'lost+found'), { recursive: true });
    await (await open()).close();
  });
  it('refuses a folder that holds something else, and leaves it as it is', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.tex'), 'x');
    await expect(open()).rejects.toMatchObject({
      code: 'damaged',
      message: `${folder} is not a data folder of Trestle: it is not empty and has no file FORMAT.`,
    });
    expect(await readdir(folder)).toEqual(['thesis.tex']);
  });
  it('refuses a folder of data without FORMAT', async () => {
    await fill();
    await rm(join(folder, 'FORMAT'));
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
  });
  it('takes what an interrupted set-up left', async () => {
    await (await open()).close();
    await rm(join(folder, 'FORMAT'));
    await writeFile(join(folder, 'FORMAT.new'), 'Tres');
    await (await open()).close();
    expect((await readdir(folder)).sort()).toEqual(['FORMAT', 'db']);
  });
  it('refuses a newer format, naming both versions', async () => {
    await fill();
    await writeFile(join(folder, 'FORMAT'), 'Trestle data folder, format 2\n');
    await expect(open()).rejects.toMatchObject({
      code: 'newerFormat',
      message:
        `${folder} was written by a newer Trestle: it has format 2, ` +
        'this version reads up to format 1.',
    });
  });
  it('refuses an unreadable FORMAT', async () => {
    await fill();
    await writeFile(join(folder, 'FORMAT'), 'Trestle data folder, format 01\n');
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
  });
  it('reports a folder that cannot be made', async () => {
    await writeFile(folder, 'a file');
    await expect(open()).rejects.toMatchObject({ code: 'io' });
  });
});

describe('openStore: what is missing is noticed', () => {
  it.each([
    ['CURRENT', /^CURRENT$/],
    ['the manifest', /^MANIFEST/],
    ['the log', /\.log$/],
    ['a table', /\.ldb$/],
  ])('%s', async (_, pattern) => {
    await fill();
    await rm(await levelFile(pattern));
    await expect(open()).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringMatching(/ is missing\.$/),
    });
  });
  it('the whole LevelDB', async () => {
    await fill();
    await rm(join(folder, 'db'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
  });
  it('the end of a table', async () => {
    await fill();
    const table = await levelFile(/\.ldb$/);
    await truncate(table, (await readFile(table)).length - 1);
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
  });
});

describe('openStore: one process at a time', () => {
  it('a second store in the same process is refused', async () => {
    const store = await open();
    await expect(open()).rejects.toMatchObject({ code: 'locked' });
    await store.commit([put(1)]);
    await store.close();
  });
  it('a second process is refused while the first writes, and the first goes on', async () => {
    const { child, lines } = await startWriter();
    for (let round = 0; round < 5; round += 1) {
      await expect(open()).rejects.toMatchObject({
        code: 'locked',
        message: `${join(folder, 'db')} is in use by another process.`,
      });
      await lines.next();
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await open()).close();
  });
});

describe('openStore: honest crashes', () => {
  it('a log cut off anywhere opens with the batches before the cut', async () => {
    await fill();
    const log = await levelFile(/\.log$/);
    const { length } = await readFile(log);
    for (let step = 0; step <= 20; step += 1) {
      const copy = join(base, `copy${step}`);
      await cp(folder, copy, { recursive: true });
      await truncate(join(copy, 'db', log.slice(log.lastIndexOf('/') + 1)), (length * step) / 20);
      const store = await openStore({ folder: copy, durability: 'fsync' });
      const isThere = Array.from(
        { length: entries },
        (_, i) => store.get(put(i).key) !== undefined,
      );
      const count = isThere.filter(Boolean).length;
      expect(count).toBeGreaterThanOrEqual(flushedEntries);
      expect(isThere.slice(0, count)).not.toContain(false);
      await store.close();
    }
  });
});

/** Entries in tables, and in all: the rest is in the log. */
const flushedEntries = 60;
const entries = 90;

function open() {
  return openStore({ folder, durability: 'fsync' });
}

function put(index: number): Effect {
  return { key: Buffer.from(`key${index}`), value: Buffer.alloc(1_000, `${index} `) };
}

/** Two tables and a log with records: opening puts the log's records into a table. */
async function fill(): Promise<void> {
  for (const [from, to] of [
    [0, 30],
    [30, flushedEntries],
    [flushedEntries, entries],
  ] as const) {
    const store = await open();
    for (let index = from; index < to; index += 1) {
      await store.commit([put(index)]);
    }
    await store.close();
  }
}

async function levelFile(pattern: RegExp): Promise<string> {
  const name = (await readdir(join(folder, 'db'))).find((candidate) => pattern.test(candidate));
  return join(folder, 'db', name ?? `no file like ${pattern}`);
}

async function startWriter(): Promise<{
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
}> {
  const script = join(import.meta.dirname, 'crash.child.ts');
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return { child, lines };
}
