import { MalformedBytes } from './byte-reader.ts';
import { crc32c, unmaskCrc } from './crc32c.ts';

/**
 * LevelDB's log format (doc/log_format.md), which the write-ahead log and the manifest share.
 *
 * The file is a row of blocks of 32,768 bytes. A block holds physical records; fewer than 7 bytes
 * left in a block are a trailer of zeros.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 4 | masked CRC-32C of type and payload |
 * | 4 | 2 | payload length, little-endian |
 * | 6 | 1 | type: 1 full, 2 first, 3 middle, 4 last |
 * | 7 | length | payload |
 */
export interface LogFile {
  /** Payloads of the complete logical records, in order. */
  readonly records: readonly Buffer[];
  /** True if the file ends in what an interrupted write leaves behind. */
  readonly isTorn: boolean;
}

/**
 * Reads all records and tells an interrupted write from damage, which LevelDB's own reader does
 * not: it drops whatever does not match and reads on. Throws MalformedBytes on damage.
 *
 * A killed process leaves a prefix of what it wrote. A power loss may leave, of the one record
 * that was not yet synced, sectors that read as zeros. So the first bad physical record is a torn
 * tail only if no record starts behind it, and it either runs past the end of the file or has lost
 * sectors. (Limit: a flipped bit in the very last record counts as a torn tail if that record holds
 * an aligned sector of 512 zeros of its own.)
 */
export function readLogFile(bytes: Buffer): LogFile {
  const records: Buffer[] = [];
  let fragments: Buffer[] | undefined;
  let at = 0;
  for (;;) {
    at = skipTrailer(bytes, at);
    if (at >= bytes.length) {
      return { records, isTorn: fragments !== undefined };
    }
    const record = physicalRecord(bytes, at);
    if (record === undefined) {
      assertTornTail(bytes, at);
      return { records, isTorn: true };
    }
    if (startsRecord(record.type) !== (fragments === undefined)) {
      throw new MalformedBytes(`record at offset ${at} is out of order`);
    }
    fragments ??= [];
    fragments.push(record.payload);
    if (endsRecord(record.type)) {
      records.push(joined(fragments));
      fragments = undefined;
    }
    at += headerBytes + record.payload.length;
  }
}

const blockBytes = 32_768;
const headerBytes = 7;
const sectorBytes = 512;
/** Fewer zeros in a part of a sector are no evidence of a loss: many records end in a few. */
const lostBytesMin = 7;
const recordType = { full: 1, first: 2, middle: 3, last: 4 } as const;

interface PhysicalRecord {
  readonly type: number;
  readonly payload: Buffer;
}

function startsRecord(type: number): boolean {
  return type === recordType.full || type === recordType.first;
}

function endsRecord(type: number): boolean {
  return type === recordType.full || type === recordType.last;
}

function joined(fragments: readonly Buffer[]): Buffer {
  const [only] = fragments;
  return fragments.length === 1 && only !== undefined ? only : Buffer.concat(fragments);
}

function skipTrailer(bytes: Buffer, at: number): number {
  const blockEnd = endOfBlock(at);
  return blockEnd - at < headerBytes && blockEnd <= bytes.length ? blockEnd : at;
}

function endOfBlock(at: number): number {
  return at - (at % blockBytes) + blockBytes;
}

/** The record at an offset if it is whole and its checksum holds. */
function physicalRecord(bytes: Buffer, at: number): PhysicalRecord | undefined {
  const end = Math.min(endOfBlock(at), bytes.length);
  if (at + headerBytes > end) {
    return undefined;
  }
  const length = bytes.readUInt16LE(at + 4);
  const type = bytes.readUInt8(at + 6);
  const isPlausible =
    type >= recordType.full && type <= recordType.last && at + headerBytes + length <= end;
  return isPlausible && isChecksumRight(bytes, at, length)
    ? { type, payload: bytes.subarray(at + headerBytes, at + headerBytes + length) }
    : undefined;
}

function isChecksumRight(bytes: Buffer, at: number, length: number): boolean {
  const stored = unmaskCrc(bytes.readUInt32LE(at));
  return stored === crc32c(bytes, at + 6, at + headerBytes + length);
}

function assertTornTail(bytes: Buffer, at: number): void {
  const lastStart = recordStartBehind(bytes, at);
  if (lastStart !== undefined) {
    throw new MalformedBytes(`record at offset ${at} is bad, a good one follows at ${lastStart}`);
  }
  if (!isCutOff(bytes, at) && !hasLostSectors(bytes, at)) {
    throw new MalformedBytes(`record at offset ${at} does not match its checksum`);
  }
}

/** Looks at every byte, since the length of the bad record may be what is wrong with it. */
function recordStartBehind(bytes: Buffer, bad: number): number | undefined {
  for (let at = bad + 1; at + headerBytes <= bytes.length; at += 1) {
    const type = bytes[at + 6];
    if (type === recordType.full || type === recordType.first) {
      if (physicalRecord(bytes, at) !== undefined) {
        return at;
      }
    }
  }
  return undefined;
}

/** Whether the file ends before the record does. */
function isCutOff(bytes: Buffer, at: number): boolean {
  const end = bytes.length;
  if (at + headerBytes > end) {
    return true;
  }
  const length = bytes.readUInt16LE(at + 4);
  const type = bytes.readUInt8(at + 6);
  const isPlausible =
    type >= recordType.full &&
    type <= recordType.last &&
    at + headerBytes + length <= endOfBlock(at) &&
    at + headerBytes + length > end;
  // If the checksum is right for what is there, the record is whole and its length is damaged.
  return isPlausible && !isChecksumRight(bytes, at, end - at - headerBytes);
}

/** Whether the record's bytes hold what a sector that was never written reads as: all zeros. */
function hasLostSectors(bytes: Buffer, from: number): boolean {
  for (let start = from; start < bytes.length; ) {
    const end = Math.min(start - (start % sectorBytes) + sectorBytes, bytes.length);
    if (end - start >= lostBytesMin && isZero(bytes, start, end)) {
      return true;
    }
    start = end;
  }
  return false;
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] !== 0) {
      return false;
    }
  }
  return true;
}
