import type { Stored } from './calls.ts';

/**
 * A cached item, or that there is none, as one string of one-byte characters: in memory it takes its
 * length and a header of 16 bytes. The time stands in the value, because a table of times beside the
 * values would take as much again for each, and be read from elsewhere in memory.
 *
 * | offset | length | what |
 * |---|---|---|
 * | 0 | 6 | when the table was read or written, milliseconds since 1970, big-endian |
 * | 6 | rest | `encodeItemValues`; nothing: there is no such item |
 */
export type Entry = string;

export const ENTRY_HEAD_LENGTH = 6;

/** @param values `encodeItemValues`; undefined: no such item */
export function entryOf(readAtMs: number, values: Buffer | undefined): Entry {
  const length = ENTRY_HEAD_LENGTH + (values?.length ?? 0);
  const bytes = length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
  bytes.writeUIntBE(readAtMs, 0, ENTRY_HEAD_LENGTH);
  values?.copy(bytes, ENTRY_HEAD_LENGTH);
  // Joined from two strings it would be a rope, which takes more and is copied when read.
  return bytes.toString('latin1', 0, length);
}

export function entryTimeMs(entry: Entry): number {
  const high = (entry.charCodeAt(0) << 16) | (entry.charCodeAt(1) << 8) | entry.charCodeAt(2);
  const low = (entry.charCodeAt(3) << 16) | (entry.charCodeAt(4) << 8) | entry.charCodeAt(5);
  return high * 2 ** 24 + low;
}

/** Undefined: no such item. */
export function storedOf(entry: Entry): Stored | undefined {
  return entry.length === ENTRY_HEAD_LENGTH ? undefined : entry.slice(ENTRY_HEAD_LENGTH);
}

const scratch = Buffer.allocUnsafeSlow(64 * 1024);
