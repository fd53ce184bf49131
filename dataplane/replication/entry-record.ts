import { readUint53, writeUint53 } from '../partition/key-space.ts';
import {
  newRecord,
  openRecord,
  RECORD_HEAD_BYTES,
  RecordDamaged,
  sealRecord,
} from './checked-record.ts';
import type { EntryMeta } from './core/consensus-core.ts';

/**
 * A log entry on disk: a checked record of format 1 with the body
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 1 | kind: 0 empty, 1 normal, 2 conf |
 * | 1 | 8 | term |
 * | 9 | 4 | token |
 * | 13 | | normal: the payload (`effects-codec.ts`); conf: the change, protobuf |
 */
const FORMAT = 1;
const BODY_HEAD_BYTES = 13;
const KINDS = ['empty', 'normal', 'conf'] as const;

/** An entry as it was stored. */
export interface StoredEntry {
  readonly meta: EntryMeta;
  /** Of normal entries; empty else. A view of the record. */
  readonly payload: Buffer;
}

/** Bytes that an entry takes in the log, beside its payload. */
export const ENTRY_OVERHEAD_BYTES: number = RECORD_HEAD_BYTES + BODY_HEAD_BYTES + 18;

/** `data`: the payload of a normal entry, the change of a conf entry. */
export function encodeEntry(key: Uint8Array, meta: EntryMeta, data: Uint8Array): Buffer {
  const record = newRecord(BODY_HEAD_BYTES + data.length);
  record[RECORD_HEAD_BYTES] = KINDS.indexOf(meta.kind);
  writeUint53(record, meta.term, RECORD_HEAD_BYTES + 1);
  record.writeUInt32BE(meta.token, RECORD_HEAD_BYTES + 9);
  record.set(data, RECORD_HEAD_BYTES + BODY_HEAD_BYTES);
  return sealRecord(key, FORMAT, record);
}

/** @throws RecordDamaged */
export function decodeEntry(
  key: Uint8Array,
  index: number,
  record: Buffer | undefined,
): StoredEntry {
  const body = openRecord(key, FORMAT, record);
  const kind = KINDS[body[0] ?? KINDS.length];
  if (kind === undefined || body.length < BODY_HEAD_BYTES) {
    throw new RecordDamaged(`entry ${index} is of no known kind`);
  }
  const data = body.subarray(BODY_HEAD_BYTES);
  const isNormal = kind === 'normal';
  const meta: EntryMeta = {
    index,
    term: readUint53(body, 1),
    kind,
    token: body.readUInt32BE(9),
    payloadBytes: isNormal ? data.length : 0,
    data: kind === 'conf' ? data : undefined,
    context: undefined,
  };
  return { meta, payload: isNormal ? data : EMPTY };
}

const EMPTY = Buffer.alloc(0);
