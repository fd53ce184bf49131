import { ClassicLevel } from 'classic-level';
import { StoreError } from './store.ts';

/** An open LevelDB with keys and values as bytes. */
export type Level = ClassicLevel<Uint8Array, Uint8Array>;

/** Chosen by measurement: README.md. */
const levelOptions = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  compression: true,
  cacheSize: 16 * 1024 * 1024,
  writeBufferSize: 8 * 1024 * 1024,
  blockSize: 4 * 1024,
  maxFileSize: 4 * 1024 * 1024,
  maxOpenFiles: 4_000,
} as const;

/** Opens a LevelDB folder, replaying its logs. Throws StoreError. */
export async function openLevel(
  folder: string,
  { createIfMissing }: { readonly createIfMissing: boolean },
): Promise<Level> {
  const level: Level = new ClassicLevel(folder, { ...levelOptions, createIfMissing });
  try {
    await level.open();
    return level;
  } catch (error) {
    throw storeError(error, folder);
  }
}

/**
 * Throws StoreError `locked` if a process has the LevelDB folder open.
 *
 * Asks LevelDB to open a database that must not exist: it takes the lock first, and then refuses
 * since there is one (or since there is none), having read and changed nothing.
 */
export async function assertUnlocked(folder: string): Promise<void> {
  const probe: Level = new ClassicLevel(folder, { createIfMissing: false, errorIfExists: true });
  try {
    await probe.open();
  } catch (error) {
    const mapped = storeError(error, folder);
    if (mapped.code === 'locked') {
      throw mapped;
    }
    return;
  }
  await probe.close();
}

/** For reads that fall into the time when the LevelDB is closed, or whose snapshot ended with it. */
export const reopenedMessage = 'The store is opened anew after a failed write: try again.';

/** What an error of classic-level means. LevelDB passes errors of the system on as text only. */
export function storeError(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) {
    return error;
  }
  const { code, message } = innermost(error);
  if (code === 'LEVEL_LOCKED') {
    return new StoreError('locked', `${folder} is in use by another process.`, { cause: error });
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StoreError('damaged', `${folder} is damaged: ${message}`, { cause: error });
  }
  if (typeof code === 'string' && code.endsWith('_NOT_OPEN')) {
    return new StoreError('io', reopenedMessage, { cause: error });
  }
  if (/No space left on device|Disk quota exceeded/.test(message)) {
    return new StoreError('full', `No space left for ${folder}.`, { cause: error });
  }
  return new StoreError('io', `The disk failed at ${folder}: ${message}`, { cause: error });
}

interface LevelFault {
  readonly code: unknown;
  readonly message: string;
}

/** Opening wraps LevelDB's error in `Database failed to open`. */
function innermost(error: unknown): LevelFault {
  if (!(error instanceof Error)) {
    return { code: undefined, message: String(error) };
  }
  return error.cause instanceof Error
    ? innermost(error.cause)
    : { code: 'code' in error ? error.code : undefined, message: error.message };
}
