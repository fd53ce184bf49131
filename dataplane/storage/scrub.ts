import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from './store.ts';
import { type TableFile, verifyTable } from './verify.ts';

/** Bytes read a second: about one part in a hundred of a core, and of a disk. */
const bytesPerSecond = 8 * 1024 * 1024;

/**
 * Checks table files one after the other, slowly, until done or aborted.
 *
 * A file that a compaction has removed meanwhile is passed over. Returns the first damage found, or
 * undefined; other errors of the file system are thrown.
 */
export async function scrub(
  tables: readonly TableFile[],
  signal: AbortSignal,
): Promise<StoreError | undefined> {
  const pace = (bytes: number) =>
    delay((bytes / bytesPerSecond) * 1_000, undefined, { ref: false, signal });
  for (const table of tables) {
    try {
      await verifyTable(table, pace);
    } catch (error) {
      if (signal.aborted) {
        return undefined;
      }
      if (!isMissing(error)) {
        if (error instanceof StoreError && error.code === 'damaged') {
          return error;
        }
        throw error;
      }
    }
  }
  return undefined;
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
