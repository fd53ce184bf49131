import { crc32 } from 'node:zlib';
import { StoreError } from '../storage/store.ts';
import { readUint53, writeUint53 } from './key-space.ts';

/**
 * A change that waits for the partition of a global index. Keys are those of the index's item
 * space without the partition's prefix.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 8 | version of the write to the base item |
 * | 13 | 2 | length of the removed entry's key, 0 for none |
 * | 15 | 2 | length of the put entry's key, 0 for none |
 * | 17 | | removed key, put key, put record |
 */
export interface IndexChange {
  readonly indexId: number;
  /** Place in the order of the partition's changes; part of the storage key. */
  readonly sequence: number;
  readonly version: number;
  readonly removedKey: Buffer | undefined;
  readonly put: { readonly key: Buffer; readonly record: Buffer } | undefined;
}

const FORMAT = 1;
const CRC_OFFSET = 1;
const VERSION_OFFSET = 5;
const REMOVED_OFFSET = 13;
const PUT_OFFSET = 15;
const HEADER_BYTES = 17;

export function encodeIndexChange({ version, removedKey, put }: IndexChange): Buffer {
  const removedBytes = removedKey?.length ?? 0;
  const putBytes = put?.key.length ?? 0;
  const bytes = HEADER_BYTES + removedBytes + putBytes + (put?.record.length ?? 0);
  const encoded = Buffer.allocUnsafe(bytes);
  encoded[0] = FORMAT;
  writeUint53(encoded, version, VERSION_OFFSET);
  encoded.writeUInt16BE(removedBytes, REMOVED_OFFSET);
  encoded.writeUInt16BE(putBytes, PUT_OFFSET);
  removedKey?.copy(encoded, HEADER_BYTES);
  put?.key.copy(encoded, HEADER_BYTES + removedBytes);
  put?.record.copy(encoded, HEADER_BYTES + removedBytes + putBytes);
  encoded.writeUInt32BE(crc32(encoded.subarray(VERSION_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** @throws StoreError `damaged` */
export function decodeIndexChange(
  place: { readonly indexId: number; readonly sequence: number },
  encoded: Buffer,
): IndexChange {
  if (
    encoded.length < HEADER_BYTES ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(VERSION_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'A pending index change does not match its checksum.');
  }
  const putAt = HEADER_BYTES + encoded.readUInt16BE(REMOVED_OFFSET);
  const recordAt = putAt + encoded.readUInt16BE(PUT_OFFSET);
  return {
    ...place,
    version: readUint53(encoded, VERSION_OFFSET),
    removedKey: putAt === HEADER_BYTES ? undefined : encoded.subarray(HEADER_BYTES, putAt),
    put:
      recordAt === putAt
        ? undefined
        : { key: encoded.subarray(putAt, recordAt), record: encoded.subarray(recordAt) },
  };
}
