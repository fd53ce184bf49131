import type { PartitionRange } from '../partition/schema.ts';
import type { WarmUnits } from './descriptor.ts';
import {
  INITIAL_PARTITIONS_COUNT_MAX,
  PARTITION_READ_UNITS_MAX,
  PARTITION_WRITE_UNITS_MAX,
} from './limits.ts';

/** Gives out partition ids; each once in the life of the installation. */
export type NextPartitionId = () => bigint;

const HASH_SPACE = 1n << 128n;
const HASH_BYTES = 16;

/**
 * How many partitions a new table or index starts with: as many as the load needs that it must be
 * able to take at once. Provisioned units are part of that, since warm throughput is never below them.
 */
export function initialPartitionsCount(warm: WarmUnits): number {
  const needed = Math.max(
    1,
    Math.ceil(warm.readUnits / PARTITION_READ_UNITS_MAX),
    Math.ceil(warm.writeUnits / PARTITION_WRITE_UNITS_MAX),
  );
  return Math.min(needed, INITIAL_PARTITIONS_COUNT_MAX);
}

/** Partitions of equal width that tile the hash space [0, 2^128). */
export function evenPartitions(count: number, nextId: NextPartitionId): readonly PartitionRange[] {
  return Array.from({ length: count }, (_, index) => ({
    id: nextId(),
    start: boundary(index, count),
    end: index + 1 === count ? undefined : boundary(index + 1, count),
  }));
}

function boundary(index: number, count: number): Buffer {
  const value = (HASH_SPACE * BigInt(index)) / BigInt(count);
  return Buffer.from(value.toString(16).padStart(HASH_BYTES * 2, '0'), 'hex');
}
