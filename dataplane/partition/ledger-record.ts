import { crc32 } from 'node:zlib';
import { StoreError } from '../storage/store.ts';
import { capacityOfList, type ListedCapacity, listCapacity } from './capacity.ts';
import { readUint53, writeUint53 } from './key-space.ts';
import type { AcceptedOutcome } from './mark-record.ts';
import type { Participant } from './transaction.ts';

/**
 * What the ledger knows of a transaction: of its newest attempt.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 1 | 1 claimed, 2 committed, 3 aborted |
 * | 6 | 1 | 1: it was due and not finished everywhere, 0 else |
 * | 7 | 4 | number of the attempt |
 * | 11 | 8 | when this was written, ms since 1970 |
 * | 19 | 8 | when it may be forgotten, ms since 1970 |
 * | 27 | 8 | timestamp of the commit, us since 1970; 0 without one |
 * | 35 | 1 + n | digest of the request, behind its length |
 * | | 1 + n | id of the run, behind its length |
 * | | | participants and outcomes: UTF-8 JSON, see below |
 *
 * JSON: `[participants, outcomes]`; a participant is `[tableId, tableName, partitionId]`, the id in
 * decimal; an outcome `[capacity, collectionBytes]`, or null in place of the list: there are none.
 */
export interface LedgerRecord {
  readonly state: 'claimed' | 'committed' | 'aborted';
  readonly attempt: number;
  /** Empty where it is not known. */
  readonly digest: Uint8Array;
  readonly runId: Uint8Array;
  readonly writtenMs: number;
  readonly dueMs: number;
  readonly timestamp: number;
  /** Those that may have marks of it yet. */
  readonly participants: readonly Participant[];
  /** Of one that was executed here in one step: what its run was answered. */
  readonly outcomes: readonly AcceptedOutcome[] | undefined;
  /** It was due, and is kept until all participants have finished. */
  readonly isOverdue: boolean;
}

const FORMAT = 1;
const CRC_OFFSET = 1;
const STATE_OFFSET = 5;
const FLAGS_OFFSET = 6;
const ATTEMPT_OFFSET = 7;
const WRITTEN_OFFSET = 11;
const DUE_OFFSET = 19;
const TIMESTAMP_OFFSET = 27;
const DIGEST_OFFSET = 35;
const OVERDUE = 1;
const states = ['claimed', 'committed', 'aborted'] as const;

type RecordJson = readonly [
  participants: readonly (readonly [tableId: string, tableName: string, partitionId: string])[],
  outcomes: readonly (readonly [capacity: ListedCapacity, collectionBytes: number | null])[] | null,
];

export function encodeLedgerRecord(record: LedgerRecord): Buffer {
  const head = Buffer.alloc(DIGEST_OFFSET);
  head[0] = FORMAT;
  head[STATE_OFFSET] = states.indexOf(record.state) + 1;
  head[FLAGS_OFFSET] = record.isOverdue ? OVERDUE : 0;
  head.writeUInt32BE(record.attempt, ATTEMPT_OFFSET);
  writeUint53(head, record.writtenMs, WRITTEN_OFFSET);
  writeUint53(head, record.dueMs, DUE_OFFSET);
  writeUint53(head, record.timestamp, TIMESTAMP_OFFSET);
  const json: RecordJson = [
    record.participants.map(({ tableId, tableName, partitionId }) => [
      tableId,
      tableName,
      `${partitionId}`,
    ]),
    record.outcomes?.map(({ capacity, collectionBytes = null }) => [
      listCapacity(capacity),
      collectionBytes,
    ]) ?? null,
  ];
  const encoded = Buffer.concat([
    head,
    ...withLength(record.digest),
    ...withLength(record.runId),
    Buffer.from(JSON.stringify(json)),
  ]);
  encoded.writeUInt32BE(crc32(encoded.subarray(STATE_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** @throws StoreError `damaged` */
export function decodeLedgerRecord(encoded: Buffer): LedgerRecord {
  const state = checkedState(encoded);
  const digestEnd = DIGEST_OFFSET + 1 + encoded.readUInt8(DIGEST_OFFSET);
  const runIdEnd = digestEnd + 1 + encoded.readUInt8(digestEnd);
  // The checksum holds, so this is what `encodeLedgerRecord` wrote.
  const [participants, outcomes] = JSON.parse(encoded.toString('utf8', runIdEnd)) as RecordJson;
  return {
    state,
    attempt: encoded.readUInt32BE(ATTEMPT_OFFSET),
    digest: encoded.subarray(DIGEST_OFFSET + 1, digestEnd),
    runId: encoded.subarray(digestEnd + 1, runIdEnd),
    writtenMs: readUint53(encoded, WRITTEN_OFFSET),
    dueMs: readUint53(encoded, DUE_OFFSET),
    timestamp: readUint53(encoded, TIMESTAMP_OFFSET),
    participants: participants.map(([tableId, tableName, partitionId]) => ({
      tableId,
      tableName,
      partitionId: BigInt(partitionId),
    })),
    outcomes: outcomes?.map(([capacity, collectionBytes]) => ({
      kind: 'accepted' as const,
      capacity: capacityOfList(capacity),
      collectionBytes: collectionBytes ?? undefined,
    })),
    isOverdue: encoded[FLAGS_OFFSET] === OVERDUE,
  };
}

/** @throws StoreError `damaged` */
function checkedState(encoded: Buffer): LedgerRecord['state'] {
  const state = states[(encoded[STATE_OFFSET] ?? 0) - 1];
  if (
    encoded.length <= DIGEST_OFFSET ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(STATE_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET) ||
    state === undefined
  ) {
    throw new StoreError('damaged', 'The record of a transaction does not match its checksum.');
  }
  return state;
}

function withLength(bytes: Uint8Array): readonly [Buffer, Uint8Array] {
  if (bytes.length > 255) throw new RangeError('at most 255 bytes');
  return [Buffer.of(bytes.length), bytes];
}
