import { HASH_BYTES, PREFIX_BYTES } from '../partition/key-space.ts';
import type { PartitionRange } from '../partition/schema.ts';

const HASH_END = PREFIX_BYTES + HASH_BYTES;

/** Partitions that tile the hash space, in order. */
export type PartitionList<T> = readonly [T, ...T[]];

/** What has a place in the hash space. */
export interface Ranged {
  readonly range: PartitionRange;
}

/**
 * Takes a list that must tile the hash space.
 * @throws RangeError when it has a gap, an overlap or nothing
 */
export function partitionList<T extends Ranged>(partitions: readonly T[]): PartitionList<T> {
  const [first, ...others] = partitions;
  if (first === undefined) throw new RangeError('a table has at least one partition');
  if (first.range.start.some((byte) => byte !== 0)) {
    throw new RangeError('the first partition starts at hash 0');
  }
  let end = first.range.end;
  for (const { range } of others) {
    if (end === undefined || Buffer.compare(end, range.start) !== 0) {
      throw new RangeError('partitions tile the hash space in order');
    }
    end = range.end;
  }
  if (end !== undefined) throw new RangeError('the last partition ends with the hash space');
  return [first, ...others];
}

/** The partition that owns the hash in this key (which has room for its prefix). */
export function partitionOf<T extends Ranged>(partitions: PartitionList<T>, key: Buffer): T {
  let owner = partitions[0];
  let low = 1;
  let high = partitions.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const partition = partitions[middle];
    if (partition === undefined || !startsAtOrBelow(partition.range, key)) {
      high = middle - 1;
    } else {
      owner = partition;
      low = middle + 1;
    }
  }
  return owner;
}

/** The partition that owns these 16 bytes, taken as a hash. */
export function partitionOfHash<T extends Ranged>(
  partitions: PartitionList<T>,
  hash: Uint8Array,
): T {
  return partitionOf(partitions, Buffer.concat([Buffer.alloc(PREFIX_BYTES), hash], HASH_END));
}

function startsAtOrBelow({ start }: PartitionRange, key: Buffer): boolean {
  return key.compare(start, 0, HASH_BYTES, PREFIX_BYTES, HASH_END) >= 0;
}
