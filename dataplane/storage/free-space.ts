import { statfsSync } from 'node:fs';
import { volumeUsage } from './volume-usage.ts';

/**
 * Free space kept by default: for a flush (8 MB), the largest usual compaction (about 100 MB) and
 * what is acknowledged before the next look.
 */
const reserveBytesDefault = 128 * 1024 * 1024;
/** The default reserve takes no more than this part of a small volume. */
const reserveShareMax = 1 / 4;
/** Writes come back when this much more than the reserve is free, so that they do not flicker. */
const resumeFactor = 1.25;

/**
 * The free space of a volume against a reserve that is left to LevelDB: what it has acknowledged
 * must still move from memory to tables, and compactions write before they delete.
 */
export class FreeSpace {
  readonly reserveBytes: number;
  readonly #folder: string;

  constructor(folder: string, reserveBytes: number | undefined) {
    this.#folder = folder;
    const { blocks, bsize } = statfsSync(folder);
    this.reserveBytes =
      reserveBytes ?? Math.min(reserveBytesDefault, Math.floor(blocks * bsize * reserveShareMax));
  }

  /** Bytes an ordinary user may still write. A few microseconds. */
  availableBytes(): number {
    return volumeUsage(this.#folder).availableBytes;
  }

  get isLow(): boolean {
    return this.availableBytes() < this.reserveBytes;
  }

  /** Whether writes that were refused may start again. */
  get isEnough(): boolean {
    return this.availableBytes() >= this.reserveBytes * resumeFactor;
  }
}
