import { readUint53, writeUint53 } from '../partition/key-space.ts';
import {
  newRecord,
  openRecord,
  RECORD_HEAD_BYTES,
  RecordDamaged,
  sealRecord,
} from './checked-record.ts';
import type { HardState, ReplicaId } from './core/consensus-core.ts';
import { storageCounterKey } from './log-keys.ts';
import type { Member } from './replica.ts';

/** The small records beside a log: checked records of format 1, with the bodies shown below. */
const FORMAT = 1;

/** Who this replica is. A dropped one leaves this behind: its id, and lower ones, are refused. */
export type ReplicaRecord =
  | {
      readonly state: 'active';
      readonly replicaId: ReplicaId;
      readonly storageId: bigint;
      readonly founders: readonly Member[];
    }
  | { readonly state: 'dropped'; readonly replicaId: ReplicaId };

/** state u8 (1 active, 0 dropped), replica id u64; if active: storage id u64, founders as JSON. */
export function encodeReplica(key: Uint8Array, replica: ReplicaRecord): Buffer {
  const isActive = replica.state === 'active';
  const founders = Buffer.from(isActive ? JSON.stringify(replica.founders) : '');
  const record = newRecord((isActive ? 17 : 9) + founders.length);
  record[RECORD_HEAD_BYTES] = isActive ? 1 : 0;
  writeUint53(record, replica.replicaId, RECORD_HEAD_BYTES + 1);
  if (isActive) {
    record.writeBigUInt64BE(replica.storageId, RECORD_HEAD_BYTES + 9);
    record.set(founders, RECORD_HEAD_BYTES + 17);
  }
  return sealRecord(key, FORMAT, record);
}

/** @throws RecordDamaged */
export function decodeReplica(key: Uint8Array, record: Buffer | undefined): ReplicaRecord {
  const body = openRecord(key, FORMAT, record);
  const replicaId = readUint53(body, 1);
  if (body[0] === 0) return { state: 'dropped', replicaId };
  // Written by `encodeReplica`, as the checksum vouches.
  const founders = JSON.parse(body.toString('utf8', 17)) as Member[];
  return { state: 'active', replicaId, storageId: body.readBigUInt64BE(9), founders };
}

/** term, vote, commit: u64. */
export function encodeHardState(key: Uint8Array, state: HardState): Buffer {
  return encodeNumbers(key, [state.term, state.vote, state.commit]);
}

/** @throws RecordDamaged */
export function decodeHardState(key: Uint8Array, record: Buffer | undefined): HardState {
  const [term = 0, vote = 0, commit = 0] = decodeNumbers(key, record, 3);
  return { term, vote, commit };
}

/** A place in a log. */
export interface LogPlace {
  readonly index: number;
  readonly term: number;
}

/** index, term: u64. */
export function encodeLogPlace(key: Uint8Array, place: LogPlace): Buffer {
  return encodeNumbers(key, [place.index, place.term]);
}

/** @throws RecordDamaged */
export function decodeLogPlace(key: Uint8Array, record: Buffer | undefined): LogPlace {
  const [index = 0, term = 0] = decodeNumbers(key, record, 2);
  return { index, term };
}

/** u64: storage ids below have been given out on this node. */
export function encodeStorageCounter(next: bigint): Buffer {
  const record = newRecord(8);
  record.writeBigUInt64BE(next, RECORD_HEAD_BYTES);
  return sealRecord(storageCounterKey, FORMAT, record);
}

/** Undefined if it cannot be read: the ids in use tell enough. */
export function decodeStorageCounter(record: Buffer | undefined): bigint | undefined {
  try {
    return openRecord(storageCounterKey, FORMAT, record).readBigUInt64BE(0);
  } catch (error) {
    if (error instanceof RecordDamaged || error instanceof RangeError) return undefined;
    throw error;
  }
}

function encodeNumbers(key: Uint8Array, numbers: readonly number[]): Buffer {
  const record = newRecord(8 * numbers.length);
  for (const [i, number] of numbers.entries()) {
    writeUint53(record, number, RECORD_HEAD_BYTES + 8 * i);
  }
  return sealRecord(key, FORMAT, record);
}

function decodeNumbers(key: Uint8Array, record: Buffer | undefined, count: number): number[] {
  const body = openRecord(key, FORMAT, record);
  if (body.length !== 8 * count) throw new RecordDamaged('record of another length');
  return Array.from({ length: count }, (_, i) => readUint53(body, 8 * i));
}
