import { crc32 } from 'node:zlib';
import type { Item } from '../item/attribute-value.ts';
import { StoreError } from '../storage/store.ts';
import { readUint53, withOwnMemory, writeUint53 } from './key-space.ts';

/**
 * An item, or an index entry, at rest.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 1 | flags, 0 |
 * | 2 | 4 | CRC-32 of all that follows |
 * | 6 | 4 | size in the service's count |
 * | 10 | 8 | version: of the write to the base item that this record comes from |
 * | 18 | 8 | timestamp of that write, or of the transaction that checked the item last: us since 1970; below 10^14 it is in ms (older records) |
 * | 26 | | canonical wire JSON, UTF-8 |
 */
const FORMAT = 1;
const FLAGS_OFFSET = 1;
const CRC_OFFSET = 2;
const SIZE_OFFSET = 6;
const VERSION_OFFSET = 10;
const TIME_OFFSET = 18;
export const RECORD_HEADER_BYTES = 26;

/**
 * The least timestamp, us since 1970 (March 1973). What is below is the ms of an older record, so
 * that a clock that was never set writes none.
 */
export const TIMESTAMP_MICROS_MIN = 1e14;

/** What stands in the header of a record. */
export interface RecordStamp {
  readonly version: number;
  /** Timestamp, us since 1970: `TIMESTAMP_MICROS_MIN` or later. */
  readonly writtenMicros: number;
}

/** A record with its item; parses nothing until asked. Values are never changed. */
export class StoredItem {
  readonly record: Buffer;
  /** Size in the service's count. */
  readonly bytes: number;
  #item: Item | undefined;

  private constructor(record: Buffer, bytes: number, item: Item | undefined) {
    this.record = record;
    this.bytes = bytes;
    this.#item = item;
  }

  /**
   * Takes a record read from the store.
   * @throws StoreError `damaged` when the checksum does not match
   */
  static read(record: Buffer): StoredItem {
    checkRecord(record);
    return new StoredItem(record, recordBytes(record), undefined);
  }

  /** The record of a new item. `bytes` is its size in the service's count. */
  static of(item: Item, bytes: number, stamp: RecordStamp): StoredItem {
    return new StoredItem(encodeRecord(JSON.stringify(item), bytes, stamp), bytes, item);
  }

  /** The same of an item that is at hand as the UTF-8 of its `JSON.stringify`; parses nothing. */
  static ofJson(json: Uint8Array, bytes: number, stamp: RecordStamp): StoredItem {
    const record = newRecord(json.length, bytes, stamp);
    record.set(json, RECORD_HEADER_BYTES);
    return new StoredItem(sealRecord(record), bytes, undefined);
  }

  get version(): number {
    return recordVersion(this.record);
  }

  /** Timestamp, us since 1970: of the write, or of the transaction that checked the item last. */
  get writtenMicros(): number {
    const time = readUint53(this.record, TIME_OFFSET);
    return time < TIMESTAMP_MICROS_MIN ? time * 1_000 : time;
  }

  /** The same with a later timestamp, and else unchanged. */
  withTimestamp(writtenMicros: number): StoredItem {
    const record = Buffer.from(this.record);
    writeUint53(record, writtenMicros, TIME_OFFSET);
    return new StoredItem(sealRecord(record), this.bytes, this.#item);
  }

  /** The same without its parsed form, which takes several times the room. */
  withoutItem(): StoredItem {
    return new StoredItem(this.record, this.bytes, undefined);
  }

  /** To be kept for long: without its parsed form, and holding no memory but its own. */
  withOwnBytes(): StoredItem {
    return new StoredItem(withOwnMemory(this.record), this.bytes, undefined);
  }

  /** UTF-8 wire JSON; a view, not a copy. */
  get json(): Buffer {
    return this.record.subarray(RECORD_HEADER_BYTES);
  }

  get item(): Item {
    // The checksum holds, so these are the bytes that JSON.stringify made of a validated item.
    this.#item ??= JSON.parse(this.record.toString('utf8', RECORD_HEADER_BYTES)) as Item;
    return this.#item;
  }
}

/** Size and version of a record, without its item. */
export function recordBytes(record: Buffer): number {
  return record.readUInt32BE(SIZE_OFFSET);
}

export function recordVersion(record: Buffer): number {
  return readUint53(record, VERSION_OFFSET);
}

/** @throws StoreError `damaged` */
export function checkRecord(record: Buffer): void {
  if (record.length < RECORD_HEADER_BYTES || record[0] !== FORMAT) {
    throw new StoreError('damaged', 'An item in the store has an unknown format.');
  }
  if (crc32(record.subarray(SIZE_OFFSET)) !== record.readUInt32BE(CRC_OFFSET)) {
    throw new StoreError('damaged', 'An item in the store does not match its checksum.');
  }
}

function encodeRecord(json: string, bytes: number, stamp: RecordStamp): Buffer {
  const record = newRecord(Buffer.byteLength(json), bytes, stamp);
  record.write(json, RECORD_HEADER_BYTES);
  return sealRecord(record);
}

function newRecord(jsonBytes: number, bytes: number, stamp: RecordStamp): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + jsonBytes);
  record[0] = FORMAT;
  record[FLAGS_OFFSET] = 0;
  record.writeUInt32BE(bytes, SIZE_OFFSET);
  writeUint53(record, stamp.version, VERSION_OFFSET);
  writeUint53(record, stamp.writtenMicros, TIME_OFFSET);
  return record;
}

/** Writes the checksum once all else is there. */
function sealRecord(record: Buffer): Buffer {
  record.writeUInt32BE(crc32(record.subarray(SIZE_OFFSET)), CRC_OFFSET);
  return record;
}
