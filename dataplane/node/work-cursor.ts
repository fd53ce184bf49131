import { crc32 } from 'node:zlib';
import { readUint53, writeUint53 } from '../partition/key-space.ts';
import { StoreError } from '../storage/store.ts';

/**
 * How far work through a partition has come, kept with its state: a later leader goes on from there.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 1 | 1: all keys have been walked, else 0 |
 * | 6 | 8 | what the work is for, e.g. the version of a configuration; 0 where nothing is to be told apart |
 * | 14 | | last key done, without the prefix of its space; nothing before the first |
 */
export interface WorkCursor {
  readonly isWalked: boolean;
  readonly purpose: number;
  readonly lastKey: Buffer;
}

const FORMAT = 1;
const CRC_OFFSET = 1;
const WALKED_OFFSET = 5;
const PURPOSE_OFFSET = 6;
const KEY_OFFSET = 14;

export function encodeWorkCursor({ isWalked, purpose, lastKey }: WorkCursor): Buffer {
  const encoded = Buffer.allocUnsafe(KEY_OFFSET + lastKey.length);
  encoded[0] = FORMAT;
  encoded[WALKED_OFFSET] = isWalked ? 1 : 0;
  writeUint53(encoded, purpose, PURPOSE_OFFSET);
  lastKey.copy(encoded, KEY_OFFSET);
  encoded.writeUInt32BE(crc32(encoded.subarray(WALKED_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** The beginning when there is none, or one of other work. @throws StoreError `damaged` */
export function decodeWorkCursor(encoded: Buffer | undefined, purpose: number): WorkCursor {
  const beginning = { isWalked: false, purpose, lastKey: Buffer.alloc(0) };
  if (encoded === undefined) return beginning;
  if (
    encoded.length < KEY_OFFSET ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(WALKED_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'The cursor of a work does not match its checksum.');
  }
  if (readUint53(encoded, PURPOSE_OFFSET) !== purpose) return beginning;
  return {
    isWalked: encoded[WALKED_OFFSET] === 1,
    purpose,
    lastKey: encoded.subarray(KEY_OFFSET),
  };
}
