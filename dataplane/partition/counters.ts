import { crc32 } from 'node:zlib';
import { StoreError } from '../storage/store.ts';
import type { CountersDelta } from './evaluate.ts';
import { readUint53, writeUint53 } from './key-space.ts';

/**
 * Live totals of a partition and its last version, written in the same batch as what they count.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 8 | last version given to a write |
 * | 13 | 8 + 8 | items, bytes |
 * | 29 | 2 | number of local indexes |
 * | 31 | 2 + 8 + 8 each | index id, entries, bytes |
 */
export interface Counters {
  readonly version: number;
  readonly items: number;
  readonly bytes: number;
  /** By index id. */
  readonly localIndexes: ReadonlyMap<number, { readonly items: number; readonly bytes: number }>;
}

const FORMAT = 1;
const CRC_OFFSET = 1;
const VERSION_OFFSET = 5;
const ITEMS_OFFSET = 13;
const BYTES_OFFSET = 21;
const INDEX_COUNT_OFFSET = 29;
const HEADER_BYTES = 31;
const INDEX_BYTES = 18;

export const zeroCounters: Counters = { version: 0, items: 0, bytes: 0, localIndexes: new Map() };

export function encodeCounters(counters: Counters): Buffer {
  const { localIndexes } = counters;
  const encoded = Buffer.allocUnsafe(HEADER_BYTES + INDEX_BYTES * localIndexes.size);
  encoded[0] = FORMAT;
  writeUint53(encoded, counters.version, VERSION_OFFSET);
  writeUint53(encoded, counters.items, ITEMS_OFFSET);
  writeUint53(encoded, counters.bytes, BYTES_OFFSET);
  encoded.writeUInt16BE(localIndexes.size, INDEX_COUNT_OFFSET);
  let offset = HEADER_BYTES;
  for (const [id, { items, bytes }] of localIndexes) {
    encoded.writeUInt16BE(id, offset);
    writeUint53(encoded, items, offset + 2);
    writeUint53(encoded, bytes, offset + 10);
    offset += INDEX_BYTES;
  }
  encoded.writeUInt32BE(crc32(encoded.subarray(VERSION_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** @throws StoreError `damaged` */
export function decodeCounters(encoded: Buffer | undefined): Counters {
  if (encoded === undefined) return zeroCounters;
  if (
    encoded.length < HEADER_BYTES ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(VERSION_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'The counters of a partition do not match their checksum.');
  }
  const localIndexes = new Map<number, CountersDelta>();
  let offset = HEADER_BYTES;
  for (let left = encoded.readUInt16BE(INDEX_COUNT_OFFSET); left > 0; left--) {
    const items = readUint53(encoded, offset + 2);
    const bytes = readUint53(encoded, offset + 10);
    localIndexes.set(encoded.readUInt16BE(offset), { items, bytes });
    offset += INDEX_BYTES;
  }
  return {
    version: readUint53(encoded, VERSION_OFFSET),
    items: readUint53(encoded, ITEMS_OFFSET),
    bytes: readUint53(encoded, BYTES_OFFSET),
    localIndexes,
  };
}

/** The counters after a write. */
export function addToCounters(
  counters: Counters,
  delta: {
    readonly table: CountersDelta;
    readonly localIndexes: ReadonlyMap<number, CountersDelta>;
  },
  version: number,
): Counters {
  return {
    version,
    items: counters.items + delta.table.items,
    bytes: counters.bytes + delta.table.bytes,
    localIndexes:
      delta.localIndexes.size === 0
        ? counters.localIndexes
        : addToIndexes(counters.localIndexes, delta.localIndexes),
  };
}

function addToIndexes(
  counters: Counters['localIndexes'],
  deltas: ReadonlyMap<number, CountersDelta>,
): Counters['localIndexes'] {
  const sums = new Map(counters);
  for (const [id, delta] of deltas) {
    const before = sums.get(id) ?? { items: 0, bytes: 0 };
    sums.set(id, { items: before.items + delta.items, bytes: before.bytes + delta.bytes });
  }
  return sums;
}
