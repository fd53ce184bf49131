import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClassicStore } from './classic-store.ts';
import { levelFolder, makeFolder, readFormat, removeUnusedLevel, writeFormat } from './format.ts';
import { assertUnlocked } from './level.ts';
import { MemoryStore } from './memory-store.ts';
import { type Store, StoreError } from './store.ts';
import { type TableFile, verifyLevel } from './verify.ts';

export interface StoreOptions {
  /** The data folder, made when absent; undefined keeps everything in memory. */
  readonly folder: string | undefined;
  /**
   * `fsync`: a commit resolves once it is on disk. `relaxed`: once the system has it, which outlives
   * the process but not the machine: a power loss may take the last second, and on file systems
   * that write pages out of order may leave a folder that is refused as damaged.
   */
  readonly durability: 'fsync' | 'relaxed';
  /**
   * With `fsync`: syncs beside LevelDB instead of inside, so that commits which need no sync never wait
   * for one. Readers may then see a commit before it is durable: for stores whose synced commits hold
   * what nobody acts upon before. By default off.
   */
  readonly syncsApart?: boolean;
  readonly log?: (event: string, fields: object) => void;
  /**
   * Writes are refused while the volume has fewer free bytes than this. By default 128 MB, but no
   * more than a quarter of the volume.
   */
  readonly reserveBytes?: number;
  /** Called once if the check in the background finds a damaged file: stop the process. */
  readonly onDamage?: (error: StoreError) => void;
}

/** Opens the store of one node. Throws StoreError; its message is one line for people. */
export async function openStore(options: StoreOptions): Promise<Store> {
  return options.folder === undefined
    ? MemoryStore.open()
    : openFolder(resolve(options.folder), options);
}

async function openFolder(folder: string, options: StoreOptions): Promise<Store> {
  const log = options.log ?? (() => undefined);
  const startMs = performance.now();
  const { isNew, unverified } = await asStoreError(folder, () => prepare(folder));
  const verifyMs = Math.round(performance.now() - startMs);
  const store = await ClassicStore.open({
    folder: join(folder, levelFolder),
    durability: options.durability,
    syncsApart: options.syncsApart ?? false,
    createIfMissing: isNew,
    reserveBytes: options.reserveBytes,
    log,
    unverified,
    onDamage: options.onDamage ?? (() => undefined),
  });
  if (isNew) {
    await asStoreError(folder, () => writeFormat(folder));
  }
  const openMs = Math.round(performance.now() - startMs) - verifyMs;
  log('storeOpened', { folder, isNew, verifyMs, openMs, tablesToCheck: unverified.length });
  return store;
}

interface Prepared {
  readonly isNew: boolean;
  readonly unverified: readonly TableFile[];
}

/**
 * Checks everything that can be checked before LevelDB opens (and so changes) the folder. The lock
 * comes first: the files of a store that is in use change while they are read.
 */
async function prepare(folder: string): Promise<Prepared> {
  await makeFolder(folder);
  const level = join(folder, levelFolder);
  await assertUnlockedIfPresent(level);
  if ((await readFormat(folder)) === 'new') {
    await removeUnusedLevel(folder);
    return { isNew: true, unverified: [] };
  }
  try {
    return { isNew: false, unverified: await verifyLevel(level) };
  } catch (error) {
    // Another process may have opened (and closed) the store since the lock was looked at.
    await assertUnlockedIfPresent(level);
    if (error instanceof StoreError && error.code === 'damaged') {
      return { isNew: false, unverified: await verifyLevel(level) };
    }
    throw error;
  }
}

async function assertUnlockedIfPresent(level: string): Promise<void> {
  const info = await stat(level).catch(() => undefined);
  if (info !== undefined) {
    await assertUnlocked(level);
  }
}

/** Errors of the file system become StoreErrors. */
async function asStoreError<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) {
      throw error;
    }
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw code === 'ENOSPC' || code === 'EDQUOT'
      ? new StoreError('full', `No space left for ${folder}.`, { cause: error })
      : new StoreError('io', `Cannot open ${folder}: ${String(error)}`, { cause: error });
  }
}
