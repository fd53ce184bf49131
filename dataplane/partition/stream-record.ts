import { crc32 } from 'node:zlib';
import type { Item } from '../item/attribute-value.ts';
import { equalMaps } from '../item/equality.ts';
import { itemBytes } from '../item/size.ts';
import { StoreError } from '../storage/store.ts';
import { readUint53, writeUint53 } from './key-space.ts';
import type { StoredItem } from './record.ts';
import type { StreamViewType } from './stream.ts';

/**
 * A change of an item at rest: what its stream shows of it. Images are the item's JSON bytes as they
 * are, so that neither the write nor the reader parses them.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 1 | event: 1 insert, 2 modify, 3 remove |
 * | 6 | 1 | flags: 1 deleted by time to live |
 * | 7 | 8 | time of the write, ms since 1970 |
 * | 15 | 4 | size of keys and images in the service's count |
 * | 19 | 4 | k, length of the keys |
 * | 23 | 4 | n, length of the new image, 0 for none |
 * | 27 | k | key attributes, wire JSON, UTF-8 |
 * | 27 + k | n | the item after the write, likewise |
 * | 27 + k + n | | the item before the write, likewise; may be empty |
 */
export interface StreamRecord {
  readonly event: StreamEvent;
  readonly byTimeToLive: boolean;
  /** ms since 1970. */
  readonly writtenMs: number;
  /** Of keys and images, in the service's count. */
  readonly sizeBytes: number;
  /** UTF-8 wire JSON, as are the images. */
  readonly keys: Uint8Array;
  /** Undefined where the view type or the event has none. */
  readonly newImage: Uint8Array | undefined;
  readonly oldImage: Uint8Array | undefined;
}

export type StreamEvent = 'INSERT' | 'MODIFY' | 'REMOVE';

const FORMAT = 1;
const CRC_OFFSET = 1;
const EVENT_OFFSET = 5;
const FLAGS_OFFSET = 6;
const TIME_OFFSET = 7;
const SIZE_OFFSET = 15;
const KEYS_OFFSET = 19;
const NEW_IMAGE_OFFSET = 23;
const HEADER_BYTES = 27;
const BY_TIME_TO_LIVE = 1;
const events: readonly StreamEvent[] = ['INSERT', 'MODIFY', 'REMOVE'];

/** A write, as far as a stream shows it. */
export interface ItemWrite {
  /** The key attributes, and nothing else. */
  readonly key: Item;
  readonly before: StoredItem | undefined;
  readonly after: StoredItem | undefined;
  readonly byTimeToLive: boolean;
  /** ms since 1970. */
  readonly writtenMs: number;
}

/**
 * The record of a write; undefined when the write changed nothing.
 * @see reference/dynamodb.md §10
 */
export function streamRecordOf(write: ItemWrite, viewType: StreamViewType): Buffer | undefined {
  const { key, before, after, byTimeToLive, writtenMs } = write;
  if (isSame(before, after)) return undefined;
  const newImage = showsNew(viewType) ? after : undefined;
  const oldImage = showsOld(viewType) ? before : undefined;
  return encodeStreamRecord({
    event: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
    byTimeToLive,
    writtenMs,
    sizeBytes: itemBytes(key) + (newImage?.bytes ?? 0) + (oldImage?.bytes ?? 0),
    keys: Buffer.from(JSON.stringify(key)),
    newImage: newImage?.json,
    oldImage: oldImage?.json,
  });
}

export function encodeStreamRecord(record: StreamRecord): Buffer {
  const { event, byTimeToLive, writtenMs, sizeBytes, keys, newImage, oldImage } = record;
  const newBytes = newImage?.length ?? 0;
  const oldBytes = oldImage?.length ?? 0;
  const encoded = Buffer.allocUnsafe(HEADER_BYTES + keys.length + newBytes + oldBytes);
  encoded[0] = FORMAT;
  encoded[EVENT_OFFSET] = events.indexOf(event) + 1;
  encoded[FLAGS_OFFSET] = byTimeToLive ? BY_TIME_TO_LIVE : 0;
  writeUint53(encoded, writtenMs, TIME_OFFSET);
  encoded.writeUInt32BE(sizeBytes, SIZE_OFFSET);
  encoded.writeUInt32BE(keys.length, KEYS_OFFSET);
  encoded.writeUInt32BE(newBytes, NEW_IMAGE_OFFSET);
  encoded.set(keys, HEADER_BYTES);
  if (newImage !== undefined) encoded.set(newImage, HEADER_BYTES + keys.length);
  if (oldImage !== undefined) encoded.set(oldImage, HEADER_BYTES + keys.length + newBytes);
  encoded.writeUInt32BE(crc32(encoded.subarray(EVENT_OFFSET)), CRC_OFFSET);
  return encoded;
}

/**
 * Views into `encoded`, not copies.
 * @throws StoreError `damaged`
 */
export function decodeStreamRecord(bytes: Uint8Array): StreamRecord {
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkStreamRecord(encoded);
  const event = events[(encoded[EVENT_OFFSET] ?? 0) - 1];
  const newAt = HEADER_BYTES + encoded.readUInt32BE(KEYS_OFFSET);
  const oldAt = newAt + encoded.readUInt32BE(NEW_IMAGE_OFFSET);
  if (event === undefined || oldAt > encoded.length) throw damaged();
  return {
    event,
    byTimeToLive: (encoded[FLAGS_OFFSET] ?? 0) === BY_TIME_TO_LIVE,
    writtenMs: recordWrittenMs(encoded),
    sizeBytes: encoded.readUInt32BE(SIZE_OFFSET),
    keys: encoded.subarray(HEADER_BYTES, newAt),
    newImage: newAt === oldAt ? undefined : encoded.subarray(newAt, oldAt),
    oldImage: oldAt === encoded.length ? undefined : encoded.subarray(oldAt),
  };
}

/** Of a record that was checked: time of the write, ms since 1970. */
export function recordWrittenMs(encoded: Buffer): number {
  return readUint53(encoded, TIME_OFFSET);
}

/** @throws StoreError `damaged` */
export function checkStreamRecord(encoded: Buffer): void {
  if (
    encoded.length < HEADER_BYTES ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(EVENT_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw damaged();
  }
}

/**
 * Equal items are as long as JSON: they differ in the order of attributes, or of a set's members,
 * at most. So nearly all changes are told from a repetition without a look inside.
 */
function isSame(before: StoredItem | undefined, after: StoredItem | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  if (before.json.length !== after.json.length) return false;
  return before.json.equals(after.json) || equalMaps(before.item, after.item);
}

function showsNew(viewType: StreamViewType): boolean {
  return viewType === 'NEW_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES';
}

function showsOld(viewType: StreamViewType): boolean {
  return viewType === 'OLD_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES';
}

function damaged(): StoreError {
  return new StoreError('damaged', 'A change record does not match its checksum.');
}
