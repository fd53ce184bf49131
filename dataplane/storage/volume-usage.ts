import { statfsSync } from 'node:fs';

/** Bytes of a volume, as its file system counts them. */
export interface VolumeUsage {
  readonly usedBytes: number;
  /** What an ordinary user may still write; what is kept for the super-user is in neither. */
  readonly availableBytes: number;
}

/** Of the volume that the folder is on; a few microseconds. @throws the system's error when the folder is gone */
export function volumeUsage(folder: string): VolumeUsage {
  const { bsize, blocks, bfree, bavail } = statfsSync(folder);
  return { usedBytes: (blocks - bfree) * bsize, availableBytes: bavail * bsize };
}
