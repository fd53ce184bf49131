import { createHash } from 'node:crypto';
import type { TransactionAction } from './requests.ts';

const ID_BYTES = 16;

/**
 * SHA-256 of what a request means: two requests with one digest do the same. Attributes may stand in
 * any order; what is only reported (capacity, metrics) is left out.
 * @param operation - requests of different operations are different
 */
export function requestDigest(
  operation: string,
  actions: readonly TransactionAction[],
): Uint8Array {
  const meaning = actions.map(({ table, command, returnsItemOnFailure }) => {
    // The item's bytes say nothing that the item does not.
    const said = command.kind === 'put' ? { ...command, json: undefined } : command;
    return [table.schema.tableId, returnsItemOnFailure, said];
  });
  return createHash('sha256')
    .update(JSON.stringify([operation, meaning], inNameOrder))
    .digest();
}

/** The id of the transaction that a client's token stands for. */
export function tokenId(token: string): Uint8Array {
  return createHash('sha256').update(token).digest().subarray(0, ID_BYTES);
}

/** For JSON.stringify: members of objects sorted. A name may be `__proto__`. */
function inNameOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (entries.every(([name], index) => index === 0 || (entries[index - 1]?.[0] ?? '') <= name)) {
    return value;
  }
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
