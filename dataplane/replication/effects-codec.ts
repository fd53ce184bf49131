import type { Effect } from '../storage/store.ts';
import { RecordDamaged } from './checked-record.ts';

/**
 * The payload of a normal entry: effects on the state, keys without their first 8 bytes (which
 * differ between replicas). Big-endian.
 *
 * | bytes | field |
 * |---|---|
 * | 1 | version, 1 |
 * | 4 | count |
 * | per effect: 1 | flags: 1 = put, 0 = delete |
 * | 2 | n, length of the key |
 * | 4 | m, length of the value; 0 for a delete |
 * | n, m | key, value |
 */
const VERSION = 1;
const HEAD_BYTES = 5;
const EFFECT_HEAD_BYTES = 7;
const PUT = 1;
const DELETE = 0;
export const STORAGE_ID_BYTES = 8;
const KEY_BYTES_MAX = 0xffff;

/** @throws RangeError when a key is too long or too short */
export function encodeEffects(effects: readonly Effect[]): Buffer {
  let bytes = HEAD_BYTES;
  for (const { key, value } of effects) {
    const keyBytes = key.length - STORAGE_ID_BYTES;
    if (keyBytes < 1 || keyBytes > KEY_BYTES_MAX) throw new RangeError(`key of ${keyBytes} bytes`);
    bytes += EFFECT_HEAD_BYTES + keyBytes + (value?.length ?? 0);
  }
  const payload = Buffer.allocUnsafe(bytes);
  payload[0] = VERSION;
  payload.writeUInt32BE(effects.length, 1);
  let at = HEAD_BYTES;
  for (const { key, value } of effects) {
    const keyBytes = key.length - STORAGE_ID_BYTES;
    payload[at] = value === undefined ? DELETE : PUT;
    payload.writeUInt16BE(keyBytes, at + 1);
    payload.writeUInt32BE(value?.length ?? 0, at + 3);
    at += EFFECT_HEAD_BYTES;
    payload.set(key.subarray(STORAGE_ID_BYTES), at);
    at += keyBytes;
    if (value !== undefined) {
      payload.set(value, at);
      at += value.length;
    }
  }
  return payload;
}

/**
 * The effects with full keys under `storageId`; values are views of the payload.
 * @throws RecordDamaged when the bytes are no payload
 */
export function decodeEffects(payload: Buffer, storageId: Buffer): Effect[] {
  if (payload.length < HEAD_BYTES || payload[0] !== VERSION) {
    throw new RecordDamaged('payload of no known version');
  }
  const count = payload.readUInt32BE(1);
  const effects: Effect[] = [];
  let at = HEAD_BYTES;
  for (let i = 0; i < count; i += 1) {
    if (at + EFFECT_HEAD_BYTES > payload.length) throw new RecordDamaged('payload is cut off');
    const isPut = payload[at] === PUT;
    const keyEnd = at + EFFECT_HEAD_BYTES + payload.readUInt16BE(at + 1);
    const end = keyEnd + payload.readUInt32BE(at + 3);
    if (end > payload.length) throw new RecordDamaged('payload is cut off');
    effects.push({
      key: keyUnder(storageId, payload.subarray(at + EFFECT_HEAD_BYTES, keyEnd)),
      value: isPut ? payload.subarray(keyEnd, end) : undefined,
    });
    at = end;
  }
  if (at !== payload.length) throw new RecordDamaged('bytes are left behind a payload');
  return effects;
}

/** A full key from one without its first 8 bytes. */
export function keyUnder(storageId: Buffer, rest: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(STORAGE_ID_BYTES + rest.length);
  storageId.copy(key);
  key.set(rest, STORAGE_ID_BYTES);
  return key;
}

/** The first 8 bytes of the keys of a state. */
export function storageIdBytes(storageId: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(STORAGE_ID_BYTES);
  bytes.writeBigUInt64BE(storageId);
  return bytes;
}
