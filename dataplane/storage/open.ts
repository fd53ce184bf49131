import { ClassicStore } from './classic-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { Store, StoreError } from './store.ts';

export interface StoreOptions {
  /** The data folder, made when absent; undefined keeps everything in memory. */
  readonly folder: string | undefined;
  /** `fsync`: a commit resolves when it is on disk. `relaxed`: a power loss may lose the last second. */
  readonly durability: 'fsync' | 'relaxed';
  readonly log?: (event: string, fields: object) => void;
  /** Writes are refused while the volume has fewer free bytes than this. */
  readonly reserveBytes?: number;
  /** Called once if the background check finds a damaged table file: stop the process. */
  readonly onDamage?: (error: StoreError) => void;
}

/** Opens the store of one node. Throws StoreError. */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.folder === undefined) {
    return MemoryStore.open();
  }
  return ClassicStore.open(options.folder, options.durability);
}
