import { crc32 } from 'node:zlib';
import { StoreError } from '../storage/store.ts';
import { readUint53, writeUint53 } from './key-space.ts';

/**
 * A number at rest: an integer below 2^53 as u64, then the CRC-32 of those 8 bytes. Older ones have
 * no checksum.
 */
const NUMBER_BYTES = 8;
const CHECKED_BYTES = 12;

export function encodeCheckedNumber(value: number): Buffer {
  const encoded = Buffer.allocUnsafe(CHECKED_BYTES);
  writeUint53(encoded, value, 0);
  encoded.writeUInt32BE(crc32(encoded.subarray(0, NUMBER_BYTES)), NUMBER_BYTES);
  return encoded;
}

/** @throws StoreError `damaged` */
export function decodeCheckedNumber(encoded: Buffer): number {
  const isWhole =
    encoded.length === NUMBER_BYTES ||
    (encoded.length === CHECKED_BYTES &&
      crc32(encoded.subarray(0, NUMBER_BYTES)) === encoded.readUInt32BE(NUMBER_BYTES));
  if (!isWhole) throw new StoreError('damaged', 'A number does not match its checksum.');
  return readUint53(encoded, 0);
}
