import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr/pack';
import type { ListedCapacity } from '../partition/capacity.ts';
import { PREFIX_BYTES, spacePrefix, writeUint53 } from '../partition/key-space.ts';
import type { WriteAnswer } from '../routing/protocol.ts';
import { StoreError } from '../storage/store.ts';

/**
 * The writes of one group, by the ids of their requests, with the answers they got: committed with
 * the group's effects, so a write is remembered exactly when it is done.
 *
 * Key: prefix of the request space, then the group's version as u64: unique, and in order.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 4 | n, number of writes |
 * | 9 | 16 n | request ids |
 * | 9 + 16 n | | MessagePack: list of the n answers, as `RememberedAnswer` |
 */
const FORMAT = 1;
const CRC_OFFSET = 1;
const COUNT_OFFSET = 5;
const IDS_OFFSET = 9;
const VERSION_BYTES = 8;
export const REQUEST_ID_BYTES = 16;

/** A WriteAnswer of kind `applied` without what belongs to one moment only. */
export type RememberedAnswer = readonly [
  capacity: ListedCapacity,
  collectionBytes: number | null,
  before: WriteAnswer[3],
  after: WriteAnswer[4],
];

export interface DoneWrite {
  /** 16 bytes, latin1. */
  readonly id: string;
  readonly answer: RememberedAnswer;
}

const packr = new Packr({ useRecords: false, structuredClone: false, copyBuffers: true });

/** The id of a request as a map key. @throws RangeError when it does not have 16 bytes */
export function requestIdText(id: Uint8Array): string {
  if (id.length !== REQUEST_ID_BYTES) throw new RangeError('a request id has 16 bytes');
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}

export function requestKey(storageId: bigint, version: number): Buffer {
  const key = Buffer.alloc(PREFIX_BYTES + VERSION_BYTES);
  spacePrefix(storageId, 'request').copy(key);
  writeUint53(key, version, PREFIX_BYTES);
  return key;
}

export function encodeRequestRecord(writes: readonly DoneWrite[]): Buffer {
  const answers = packr.pack(writes.map(({ answer }) => answer));
  const answersAt = IDS_OFFSET + REQUEST_ID_BYTES * writes.length;
  const record = Buffer.allocUnsafe(answersAt + answers.length);
  record[0] = FORMAT;
  record.writeUInt32BE(writes.length, COUNT_OFFSET);
  let at = IDS_OFFSET;
  for (const { id } of writes) at += record.write(id, at, 'latin1');
  answers.copy(record, answersAt);
  record.writeUInt32BE(crc32(record.subarray(COUNT_OFFSET)), CRC_OFFSET);
  return record;
}

/** Ids of the writes in a record, in order. @throws StoreError `damaged` */
export function readRequestIds(record: Buffer): string[] {
  const count = checkedCount(record);
  return Array.from({ length: count }, (_, index) => {
    const at = IDS_OFFSET + REQUEST_ID_BYTES * index;
    return record.toString('latin1', at, at + REQUEST_ID_BYTES);
  });
}

/** The answer that a write got; undefined when it is not in this record. @throws StoreError `damaged` */
export function readAnswer(record: Buffer, id: string): RememberedAnswer | undefined {
  const index = readRequestIds(record).indexOf(id);
  if (index < 0) return undefined;
  const answersAt = IDS_OFFSET + REQUEST_ID_BYTES * checkedCount(record);
  // The checksum holds, so this is what `encodeRequestRecord` packed.
  const answers = packr.unpack(record.subarray(answersAt)) as readonly RememberedAnswer[];
  return answers[index];
}

/** Bytes that a write adds to its group's record, roughly. */
export function rememberedBytes([, , before, after]: RememberedAnswer): number {
  return REQUEST_ID_BYTES + 16 + (before?.length ?? 0) + (after?.length ?? 0);
}

function checkedCount(record: Buffer): number {
  if (
    record.length < IDS_OFFSET ||
    record[0] !== FORMAT ||
    crc32(record.subarray(COUNT_OFFSET)) !== record.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'A record of writes done does not match its checksum.');
  }
  return record.readUInt32BE(COUNT_OFFSET);
}
