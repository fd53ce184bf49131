import { decodeCheckedNumber, encodeCheckedNumber } from './checked-number.ts';
import { HASH_BYTES, PREFIX_BYTES } from './key-space.ts';

/**
 * An item collection is all items of one partition key with their entries in local indexes. Tables
 * with local indexes keep the bytes of each, which must not pass 10 GB.
 */
export const COLLECTION_BYTES_MAX = 10 * 1024 ** 3;

/** The 16 bytes that an item key or a global entry key has of its partition key; a view. */
export function hashOf(itemKey: Buffer): Buffer {
  return itemKey.subarray(PREFIX_BYTES, PREFIX_BYTES + HASH_BYTES);
}

export const encodeCollectionBytes = encodeCheckedNumber;

/** @throws StoreError `damaged` */
export function decodeCollectionBytes(value: Buffer | undefined): number {
  return value === undefined ? 0 : decodeCheckedNumber(value);
}
