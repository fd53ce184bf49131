import { crc32 } from 'node:zlib';
import { metaKey, readUint53, writeUint53 } from '../partition/key-space.ts';
import { StoreError } from '../storage/store.ts';

/**
 * How far a trigger has come at a partition; in the partition's meta space, `trigger` + its name.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of what follows |
 * | 5 | 8 | id of the trigger |
 * | 13 | 8 | id of the stream |
 * | 21 | 8 | sequence below which all is done |
 */
export interface TriggerProgress {
  readonly triggerId: number;
  readonly streamId: number;
  readonly next: number;
}

const FORMAT = 1;
const CRC_OFFSET = 1;
const TRIGGER_OFFSET = 5;
const STREAM_OFFSET = 13;
const NEXT_OFFSET = 21;
const PROGRESS_BYTES = 29;

export function encodeTriggerProgress({ triggerId, streamId, next }: TriggerProgress): Buffer {
  const encoded = Buffer.alloc(PROGRESS_BYTES);
  encoded[0] = FORMAT;
  writeUint53(encoded, triggerId, TRIGGER_OFFSET);
  writeUint53(encoded, streamId, STREAM_OFFSET);
  writeUint53(encoded, next, NEXT_OFFSET);
  encoded.writeUInt32BE(crc32(encoded.subarray(TRIGGER_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** @throws StoreError `damaged` */
export function decodeTriggerProgress(value: Uint8Array): TriggerProgress {
  const encoded = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (
    encoded.length !== PROGRESS_BYTES ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(TRIGGER_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'The progress of a trigger does not match its checksum.');
  }
  return {
    triggerId: readUint53(encoded, TRIGGER_OFFSET),
    streamId: readUint53(encoded, STREAM_OFFSET),
    next: readUint53(encoded, NEXT_OFFSET),
  };
}

export function triggerProgressKey(partitionId: bigint, name: string): Buffer {
  return metaKey(partitionId, 'trigger', Buffer.from(name));
}
