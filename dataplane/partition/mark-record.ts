import { crc32 } from 'node:zlib';
import { StoreError } from '../storage/store.ts';
import { capacityOfList, type ListedCapacity, listCapacity } from './capacity.ts';
import { decodeCommand, encodeCommand } from './command-codec.ts';
import { readUint53, writeUint53 } from './key-space.ts';
import type { ActionOutcome, Attempt, LedgerPlace, TransactionCommand } from './transaction.ts';
import { TRANSACTION_ID_BYTES } from './transaction-keys.ts';

/**
 * What a transaction is to do with an item once it is committed: until then no other transaction
 * has a part in the item.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 16 | transaction id |
 * | 21 | 4 | number of the attempt |
 * | 25 | 8 | least timestamp, us since 1970, that the transaction may be committed at |
 * | 33 | 8 | when it was made, ms since 1970 |
 * | 41 | 4 | n, length of the head |
 * | 45 | n | head: UTF-8 JSON, see below |
 * | 45 + n | | the command (command-codec.ts) |
 *
 * Head: `[tableId, tableName, partitionId, capacity, collectionBytes]`, the first three of the ledger
 * and the id in decimal, the others as the prepare was answered; null for what is undefined.
 */
export interface Mark {
  readonly attempt: Attempt;
  readonly ledger: LedgerPlace;
  readonly command: TransactionCommand;
  readonly timestampMin: number;
  readonly markedMs: number;
  /** What the prepare was answered. */
  readonly outcome: AcceptedOutcome;
}

export type AcceptedOutcome = Extract<ActionOutcome, { readonly kind: 'accepted' }>;

const FORMAT = 1;
const CRC_OFFSET = 1;
const ID_OFFSET = 5;
const NUMBER_OFFSET = ID_OFFSET + TRANSACTION_ID_BYTES;
const TIMESTAMP_OFFSET = 25;
const MARKED_OFFSET = 33;
const HEAD_LENGTH_OFFSET = 41;
const HEAD_OFFSET = 45;

type MarkHead = readonly [
  tableId: string,
  tableName: string,
  partitionId: string,
  capacity: ListedCapacity,
  collectionBytes: number | null,
];

export function encodeMark({ attempt, ledger, command, ...rest }: Mark): Buffer {
  const { capacity, collectionBytes = null } = rest.outcome;
  const head: MarkHead = [
    ledger.tableId,
    ledger.tableName,
    `${ledger.partitionId}`,
    listCapacity(capacity),
    collectionBytes,
  ];
  const headJson = Buffer.from(JSON.stringify(head));
  const commandBytes = encodeCommand(command);
  const encoded = Buffer.allocUnsafe(HEAD_OFFSET + headJson.length + commandBytes.length);
  encoded[0] = FORMAT;
  encoded.set(attempt.id, ID_OFFSET);
  encoded.writeUInt32BE(attempt.number, NUMBER_OFFSET);
  writeUint53(encoded, rest.timestampMin, TIMESTAMP_OFFSET);
  writeUint53(encoded, rest.markedMs, MARKED_OFFSET);
  encoded.writeUInt32BE(headJson.length, HEAD_LENGTH_OFFSET);
  headJson.copy(encoded, HEAD_OFFSET);
  commandBytes.copy(encoded, HEAD_OFFSET + headJson.length);
  encoded.writeUInt32BE(crc32(encoded.subarray(ID_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** Holds on to `encoded`. @throws StoreError `damaged` */
export function decodeMark(encoded: Buffer): Mark {
  checkMark(encoded);
  const headEnd = HEAD_OFFSET + encoded.readUInt32BE(HEAD_LENGTH_OFFSET);
  // The checksum holds, so this is what `encodeMark` wrote.
  const head = JSON.parse(encoded.toString('utf8', HEAD_OFFSET, headEnd)) as MarkHead;
  const [tableId, tableName, partitionId, capacity, collectionBytes] = head;
  return {
    attempt: {
      id: encoded.subarray(ID_OFFSET, NUMBER_OFFSET),
      number: encoded.readUInt32BE(NUMBER_OFFSET),
    },
    ledger: { tableId, tableName, partitionId: BigInt(partitionId) },
    command: decodeCommand(encoded.subarray(headEnd)),
    timestampMin: readUint53(encoded, TIMESTAMP_OFFSET),
    markedMs: readUint53(encoded, MARKED_OFFSET),
    outcome: {
      kind: 'accepted',
      capacity: capacityOfList(capacity),
      collectionBytes: collectionBytes ?? undefined,
    },
  };
}

/** @throws StoreError `damaged` */
export function checkMark(encoded: Buffer): void {
  if (
    encoded.length < HEAD_OFFSET ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(ID_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'The mark of a transaction does not match its checksum.');
  }
}
