import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreError } from './store.ts';

/** The version of the layout below that this code reads and writes. */
export const formatVersion = 1;

/** Name of the LevelDB folder in a data folder. */
export const levelFolder = 'db';

/** Name of the file that says which node of a cluster a data folder belongs to (`../identity.ts`). */
export const identityFile = 'NODE';

/**
 * Says whether a data folder is new or holds data of this format.
 *
 * A data folder holds `FORMAT` (one line naming the format and its version) and `db/` (a LevelDB).
 * `FORMAT` is written last when a folder is set up, so it vouches for `db/`; what an interrupted
 * set-up left, a `db/` that nothing was written to, counts as new. A node's folder has `NODE` too.
 *
 * Throws StoreError: `newerFormat`; `damaged` if the folder holds anything else.
 */
export async function readFormat(folder: string): Promise<'new' | 'current'> {
  const names = (await readdir(folder)).filter((name) => name !== 'lost+found');
  if (names.includes(formatFile)) {
    await checkFormat(folder);
    return 'current';
  }
  const isOurs = names.every((name) => setUpNames.has(name));
  if (isOurs && (await isUnused(join(folder, levelFolder)))) {
    return 'new';
  }
  throw new StoreError(
    'damaged',
    `${folder} is not a data folder of Trestle: it is not empty and has no file ${formatFile}.`,
  );
}

/** Clears away what an interrupted set-up left. Call it for a folder that `readFormat` calls new. */
export async function removeUnusedLevel(folder: string): Promise<void> {
  await rm(join(folder, levelFolder), { recursive: true, force: true });
}

/** Marks a folder as set up, durably: it is complete or absent after a crash. */
export async function writeFormat(folder: string): Promise<void> {
  const temporary = join(folder, temporaryFile);
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(`${formatPrefix}${formatVersion}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(join(folder, levelFolder));
  await rename(temporary, join(folder, formatFile));
  await syncFolder(folder);
  await syncFolder(dirname(folder));
}

/** Makes the data folder where absent. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
}

const formatFile = 'FORMAT';
const temporaryFile = 'FORMAT.new';
const formatPrefix = 'Trestle data folder, format ';
/** What an interrupted set-up may leave. */
const setUpNames: ReadonlySet<string> = new Set([
  levelFolder,
  temporaryFile,
  identityFile,
  `${identityFile}.new`,
]);

async function checkFormat(folder: string): Promise<void> {
  const path = join(folder, formatFile);
  const text = await readFile(path, 'latin1');
  const digits = text.startsWith(formatPrefix)
    ? /^([1-9]\d{0,8})\n$/.exec(text.slice(formatPrefix.length))?.[1]
    : undefined;
  if (digits === undefined) {
    throw new StoreError('damaged', `${path} is damaged: it names no format.`);
  }
  const version = Number(digits);
  if (version > formatVersion) {
    throw new StoreError(
      'newerFormat',
      `${folder} was written by a newer Trestle: it has format ${version}, this version reads up to ` +
        `format ${formatVersion}.`,
    );
  }
}

/** Whether nothing was ever written to a LevelDB folder: it has no table and its logs are empty. */
async function isUnused(level: string): Promise<boolean> {
  let names: string[];
  try {
    names = await readdir(level);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return true;
    }
    throw error;
  }
  for (const name of names) {
    if (/\.(ldb|sst)$/.test(name)) {
      return false;
    }
    if (name.endsWith('.log') && (await stat(join(level, name))).size > 0) {
      return false;
    }
  }
  return true;
}

/** Makes new and renamed files of a folder outlive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
