import { crc32 } from 'node:zlib';

/** Bytes on this node's disk that are not what was written, or are missing. Never retried. */
export class RecordDamaged extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RecordDamaged';
  }
}

/**
 * Every record of replication in the store: format u8, CRC-32 u32 (of the key, then of the body),
 * body. Big-endian. So a record that ended up under another key is damage too. For a record that
 * travels with a state, the key is given without the storage id.
 */
export const RECORD_HEAD_BYTES = 5;

/** A record with room for a body of so many bytes, to be written from `RECORD_HEAD_BYTES` on. */
export function newRecord(bodyBytes: number): Buffer {
  return Buffer.allocUnsafe(RECORD_HEAD_BYTES + bodyBytes);
}

/** Writes the head once the body is there. */
export function sealRecord(key: Uint8Array, format: number, record: Buffer): Buffer {
  record[0] = format;
  record.writeUInt32BE(crc32(record.subarray(RECORD_HEAD_BYTES), crc32(key)), 1);
  return record;
}

/**
 * The body of a record, as a view.
 * @throws RecordDamaged when it is missing, of another format, or does not match its checksum
 */
export function openRecord(key: Uint8Array, format: number, record: Buffer | undefined): Buffer {
  if (record === undefined) throw new RecordDamaged(`nothing under ${hex(key)}`);
  if (record.length < RECORD_HEAD_BYTES || record[0] !== format) {
    throw new RecordDamaged(`no record of format ${format} under ${hex(key)}`);
  }
  const body = record.subarray(RECORD_HEAD_BYTES);
  if (record.readUInt32BE(1) !== crc32(body, crc32(key))) {
    throw new RecordDamaged(`checksum mismatch under ${hex(key)}`);
  }
  return body;
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
