import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedBytes } from './byte-reader.ts';
import { readLogFile } from './log-file.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { StoreError } from './store.ts';
import { checkTableFile, footerBytes, readFooter } from './table-file.ts';

/** A live table file of a LevelDB folder. */
export interface TableFile {
  readonly number: number;
  readonly path: string;
  readonly bytes: number;
}

/** All table files are checked before opening if they come to no more than this together. */
const checkedBytesMax = 32 * 1024 * 1024;

/**
 * Checks a LevelDB folder before LevelDB opens it, changing nothing. Throws StoreError `damaged`.
 *
 * LevelDB as classic-level opens it drops log records that do not match, does not notice a missing
 * log and never compares table checksums: it opens half of a damaged folder without a word. So this
 * refuses whatever a crash cannot have left:
 * - CURRENT names a manifest, which is whole but for a torn tail;
 * - each table file the manifest lists is there, has its size and ends as a table file;
 * - the log the manifest names is there; all records of the live logs match their checksums, their
 *   sequence numbers leave no gap, and only the newest log with records has a torn tail;
 * - the blocks of table files match their checksums, newest files first up to `checkedBytesMax`.
 *
 * Files that the manifest does not list are what a crash between two steps leaves: not looked at.
 *
 * @returns the table files left for a check in the background.
 */
export async function verifyLevel(folder: string): Promise<readonly TableFile[]> {
  const manifest = await readCurrentManifest(folder);
  const names = await readdir(folder);
  const tables = await findTables(folder, manifest, names);
  await checkLogs(folder, liveLogs(manifest, names));
  return checkNewestTables(tables);
}

/** Checks all checksums of one table file. Throws StoreError `damaged`. */
export async function verifyTable(
  table: TableFile,
  pace: (bytes: number) => Promise<void> | undefined,
): Promise<void> {
  await orDamaged(table.path, () => checkTableFile(table.path, table.bytes, pace));
}

async function readCurrentManifest(folder: string): Promise<Manifest> {
  const current = join(folder, 'CURRENT');
  const name = await orDamaged(current, async () => {
    const match = /^(MANIFEST-\d{6,})\n$/.exec(await readFile(current, 'latin1'));
    if (match?.[1] === undefined) {
      throw new MalformedBytes('it names no manifest');
    }
    return match[1];
  });
  const path = join(folder, name);
  return orDamaged(path, async () => readManifest(readLogFile(await readFile(path)).records));
}

async function findTables(
  folder: string,
  manifest: Manifest,
  names: readonly string[],
): Promise<readonly TableFile[]> {
  const present = new Set(names);
  const tables: TableFile[] = [];
  for (const [number, bytes] of manifest.tables) {
    const stem = String(number).padStart(6, '0');
    const path = join(folder, present.has(`${stem}.sst`) ? `${stem}.sst` : `${stem}.ldb`);
    await orDamaged(path, () => checkEnd(path, bytes));
    tables.push({ number, path, bytes });
  }
  return tables.sort((a, b) => b.number - a.number);
}

async function checkEnd(path: string, bytes: number): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size !== bytes || size < footerBytes) {
      throw new MalformedBytes(`it has ${size} bytes instead of ${bytes}`);
    }
    const footer = Buffer.alloc(footerBytes);
    await file.read(footer, 0, footerBytes, bytes - footerBytes);
    readFooter(footer);
  } finally {
    await file.close();
  }
}

/** Names of the logs that LevelDB will replay, oldest first. */
function liveLogs({ logNumber, prevLogNumber }: Manifest, names: readonly string[]): string[] {
  const logs = new Map<number, string>();
  for (const name of names) {
    const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN);
    if (number >= logNumber || (number === prevLogNumber && number !== 0)) {
      logs.set(number, name);
    }
  }
  if (logNumber !== 0 && !logs.has(logNumber)) {
    logs.set(logNumber, `${String(logNumber).padStart(6, '0')}.log`);
  }
  return [...logs].sort(([a], [b]) => a - b).map(([, name]) => name);
}

/** A torn log can only be followed by logs that opening made and nothing was written to. */
async function checkLogs(folder: string, logs: readonly string[]): Promise<void> {
  let torn: string | undefined;
  let nextSequence: bigint | undefined;
  for (const name of logs) {
    const path = join(folder, name);
    nextSequence = await orDamaged(path, async () => {
      const { records, isTorn } = readLogFile(await readFile(path));
      if (torn !== undefined && records.length > 0) {
        throw new MalformedBytes(`it follows ${torn}, which ends in the middle of a record`);
      }
      torn = isTorn ? name : torn;
      return followSequence(records, nextSequence);
    });
  }
}

/** Each batch begins with its first sequence number (8 bytes) and its count of entries (4). */
function followSequence(records: readonly Buffer[], from: bigint | undefined): bigint | undefined {
  let next = from;
  for (const record of records) {
    if (record.length < 12) {
      throw new MalformedBytes('a batch is too short');
    }
    const sequence = record.readBigUInt64LE(0);
    if (next !== undefined && sequence !== next) {
      throw new MalformedBytes(`batches are missing before sequence number ${sequence}`);
    }
    next = sequence + BigInt(record.readUInt32LE(8));
  }
  return next;
}

async function checkNewestTables(tables: readonly TableFile[]): Promise<readonly TableFile[]> {
  let bytes = 0;
  for (const [index, table] of tables.entries()) {
    bytes += table.bytes;
    if (bytes > checkedBytesMax) {
      return tables.slice(index);
    }
    await verifyTable(table, () => undefined);
  }
  return [];
}

/** Names the file in what goes wrong with it. */
async function orDamaged<T>(path: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof MalformedBytes) {
      throw new StoreError('damaged', `${path} is damaged: ${error.message}.`, { cause: error });
    }
    if (isMissing(error)) {
      throw new StoreError('damaged', `${path} is missing.`, { cause: error });
    }
    throw error;
  }
}

/** Tables that the manifest does not list: nobody needs them once the LevelDB is closed. */
export async function unlistedTables(folder: string): Promise<readonly TableFile[]> {
  const { tables } = await readCurrentManifest(folder);
  const unlisted: TableFile[] = [];
  for (const name of await readdir(folder)) {
    const number = Number(/^(\d+)\.(?:ldb|sst)$/.exec(name)?.[1] ?? Number.NaN);
    if (!Number.isNaN(number) && !tables.has(number)) {
      const path = join(folder, name);
      const bytes = await bytesOf(path);
      unlisted.push({ number, path, bytes });
    }
  }
  return unlisted;
}

/** Bytes of all logs of a LevelDB folder. */
export async function logBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    if (name.endsWith('.log')) {
      bytes += await bytesOf(join(folder, name));
    }
  }
  return bytes;
}

/** Size of a file; 0 if LevelDB has removed it meanwhile. */
async function bytesOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) {
      return 0;
    }
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
