import { joinKey, PREFIX_BYTES, readUint53, transactionParts, writeUint53 } from './key-space.ts';

/** Keys of the transaction space; `prefix` is the space's. */

export const TRANSACTION_ID_BYTES = 16;
const DUE_BYTES = 8;
const PART_END = PREFIX_BYTES + 1;

/** All keys of one part start so. */
export function partPrefix(prefix: Buffer, part: keyof typeof transactionParts): Buffer {
  return joinKey(prefix, Buffer.of(transactionParts[part]));
}

/** @param itemKey - full key of the item in the item space */
export function markKey(prefix: Buffer, itemKey: Buffer): Buffer {
  const key = Buffer.allocUnsafe(itemKey.length + 1);
  prefix.copy(key);
  key[PREFIX_BYTES] = transactionParts.mark;
  itemKey.copy(key, PART_END, PREFIX_BYTES);
  return key;
}

/** The item key, without prefix, of a mark. */
export function itemKeyOfMark(key: Buffer): Buffer {
  return key.subarray(PART_END);
}

export function ledgerKey(prefix: Buffer, id: Uint8Array): Buffer {
  return joinKey(prefix, Buffer.of(transactionParts.ledger), id);
}

export function unfinishedKey(prefix: Buffer, id: Uint8Array): Buffer {
  return joinKey(prefix, Buffer.of(transactionParts.unfinished), id);
}

/** The transaction that an `unfinished` key is of. */
export function idOfUnfinishedKey(key: Buffer): Buffer {
  return key.subarray(PART_END);
}

/** @param dueMs - since 1970 */
export function dueKey(prefix: Buffer, dueMs: number, id: Uint8Array): Buffer {
  const due = Buffer.allocUnsafe(DUE_BYTES);
  writeUint53(due, dueMs, 0);
  return joinKey(prefix, Buffer.of(transactionParts.due), due, id);
}

export function readDueKey(key: Buffer): { readonly dueMs: number; readonly id: Buffer } {
  return { dueMs: readUint53(key, PART_END), id: key.subarray(PART_END + DUE_BYTES) };
}

/** The id of a transaction as a map key. @throws RangeError when it does not have 16 bytes */
export function transactionIdText(id: Uint8Array): string {
  if (id.length !== TRANSACTION_ID_BYTES) throw new RangeError('a transaction id has 16 bytes');
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
