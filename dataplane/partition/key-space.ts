/**
 * Where a partition keeps what: keys are `[partition id u64 BE][space u8][...]`, so that a partition
 * is one range of the store and each space one range inside it.
 *
 * | space | key behind the prefix | value |
 * |---|---|---|
 * | item | hash 16 B, sort key encoding (none without a range attribute) | record |
 * | localIndex | index id u16, hash 16 B, index sort key, base sort key | record |
 * | pendingIndex | index id u16, sequence u64 | index change |
 * | stream | stream id u64, sequence u64 | change record (stream-record.ts) |
 * | expiry | second u64, item key | empty |
 * | transaction | part u8, ... | see `transactionParts` below |
 * | meta | name u8, ... | see `metaNames` below |
 * | request | version u64 | writes done, by their request ids (node/request-log.ts) |
 *
 * A global index has partitions of its own; its entries are in their item space, with the key
 * hash of the index's HASH attributes 16 B, encodings of its RANGE attributes, hash and sort key of
 * the base item. Integers are big-endian.
 */
export const spaces = {
  item: 0x01,
  localIndex: 0x02,
  pendingIndex: 0x03,
  stream: 0x04,
  expiry: 0x05,
  transaction: 0x06,
  meta: 0x07,
  /** Raft entries and hard state (replication/README.md). */
  log: 0x08,
  /** Writes done of late, by the ids of their requests. */
  request: 0x09,
} as const;

export type Space = keyof typeof spaces;

const PARTITION_ID_BYTES = 8;
/** Partition id and space. */
export const PREFIX_BYTES = PARTITION_ID_BYTES + 1;
export const HASH_BYTES = 16;
export const INDEX_ID_BYTES = 2;
export const SEQUENCE_BYTES = 8;
const STREAM_ID_BYTES = 8;
const SECOND_BYTES = 8;

/**
 * First byte behind the prefix of the meta space. From 0x10 on it is the catalog's, whose records are in
 * partition 0 (catalog/catalog-store.ts) and are checked by whoever reads them.
 */
export const metaNames = {
  counters: 0x01,
  /** + hash: bytes of an item collection. */
  collection: 0x02,
  /** Log index and membership that the state reflects (replication/README.md). */
  applied: 0x03,
  /** Of a replicated partition: its PartitionConfiguration (routing/table-configuration.ts). */
  configuration: 0x04,
  /** Of a global index's partition, + base partition id: last sequence taken from there. */
  fed: 0x05,
  /** + index id: how far a backfill has come. */
  backfill: 0x06,
  /** How far a rebuild of expiry entries has come. */
  expiryRebuild: 0x07,
  /** Greatest timestamp of deletions, us since 1970 (partition-state.ts). */
  deleted: 0x08,
  /** The shards of the streams (stream-shards.ts). */
  shards: 0x09,
  /** + name of a trigger: how far it has come (trigger/progress-record.ts). */
  trigger: 0x0a,
} as const;

/** First byte behind the prefix of the transaction space. Ids have 16 bytes. */
export const transactionParts = {
  /** + item key without prefix: what a transaction is to do with the item (mark-record.ts). */
  mark: 0x01,
  /** + transaction id: what has become of it (ledger-record.ts). */
  ledger: 0x02,
  /** + ms u64, transaction id: when its ledger record may be forgotten; empty. */
  due: 0x03,
  /** + transaction id: it is due, and not known to have finished everywhere; empty. */
  unfinished: 0x04,
} as const;

/** The first bytes of all keys of one space of a partition. */
export function spacePrefix(partitionId: bigint, space: Space): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeBigUInt64BE(partitionId, 0);
  prefix[PARTITION_ID_BYTES] = spaces[space];
  return prefix;
}

/** All keys of a partition: [start, end). */
export function partitionRange(partitionId: bigint): { start: Buffer; end: Buffer } {
  const start = Buffer.alloc(PARTITION_ID_BYTES);
  start.writeBigUInt64BE(partitionId, 0);
  return { start, end: afterPrefix(start) };
}

/** All keys of a partition but those of its streams, and of what is needed to read them. */
export function rangesBesideStreams(partitionId: bigint): { start: Buffer; end: Buffer }[] {
  const { start, end } = partitionRange(partitionId);
  const stream = spacePrefix(partitionId, 'stream');
  const meta = spacePrefix(partitionId, 'meta');
  return [
    { start, end: stream },
    { start: afterPrefix(stream), end: meta },
    { start: afterPrefix(meta), end },
  ];
}

/** The least key above every key that starts with `prefix`. */
export function afterPrefix(prefix: Uint8Array): Buffer {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) throw new RangeError('no key is above every key');
  const after = Buffer.from(prefix.subarray(0, length));
  after[length - 1] = (after[length - 1] ?? 0) + 1;
  return after;
}

/** The least key above `key`. */
export function afterKey(key: Uint8Array): Buffer {
  const after = Buffer.alloc(key.length + 1);
  after.set(key);
  return after;
}

/** Joins a prefix and parts into one key. */
export function joinKey(prefix: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([prefix, ...parts]);
}

export function indexIdBytes(indexId: number): Buffer {
  const bytes = Buffer.alloc(INDEX_ID_BYTES);
  bytes.writeUInt16BE(indexId, 0);
  return bytes;
}

/** Place of a change that waits for a global index. Sequences are below 2^53. */
export function pendingKey(prefix: Uint8Array, indexId: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + INDEX_ID_BYTES + SEQUENCE_BYTES);
  key.set(prefix);
  key.writeUInt16BE(indexId, PREFIX_BYTES);
  writeUint53(key, sequence, PREFIX_BYTES + INDEX_ID_BYTES);
  return key;
}

export function readPendingKey(key: Buffer): { indexId: number; sequence: number } {
  return {
    indexId: key.readUInt16BE(PREFIX_BYTES),
    sequence: readUint53(key, PREFIX_BYTES + INDEX_ID_BYTES),
  };
}

/** Place of the change record that a write made. */
export function streamKey(prefix: Uint8Array, streamId: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + STREAM_ID_BYTES + SEQUENCE_BYTES);
  key.set(prefix);
  writeUint53(key, streamId, PREFIX_BYTES);
  writeUint53(key, sequence, PREFIX_BYTES + STREAM_ID_BYTES);
  return key;
}

export function readStreamKey(key: Buffer): { streamId: number; sequence: number } {
  return {
    streamId: readUint53(key, PREFIX_BYTES),
    sequence: readUint53(key, PREFIX_BYTES + STREAM_ID_BYTES),
  };
}

/** Expiry entry of the item with this key (its full key in the item space). */
export function expiryKey(prefix: Uint8Array, second: number, itemKey: Buffer): Buffer {
  const key = Buffer.allocUnsafe(itemKey.length + SECOND_BYTES);
  key.set(prefix);
  writeUint53(key, second, PREFIX_BYTES);
  itemKey.copy(key, PREFIX_BYTES + SECOND_BYTES, PREFIX_BYTES);
  return key;
}

/** The item key (without prefix) and the second of an expiry entry. */
export function readExpiryKey(key: Buffer): { second: number; itemKey: Buffer } {
  return {
    second: readUint53(key, PREFIX_BYTES),
    itemKey: key.subarray(PREFIX_BYTES + SECOND_BYTES),
  };
}

export function expirySecondKey(prefix: Uint8Array, second: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + SECOND_BYTES);
  key.set(prefix);
  writeUint53(key, second, PREFIX_BYTES);
  return key;
}

export function countersKey(partitionId: bigint): Buffer {
  return metaKey(partitionId, 'counters');
}

/** A single-valued key of the meta space, or one by a further part. */
export function metaKey(
  partitionId: bigint,
  name: keyof typeof metaNames,
  ...parts: readonly Uint8Array[]
): Buffer {
  return joinKey(spacePrefix(partitionId, 'meta'), Buffer.of(metaNames[name]), ...parts);
}

/** Bytes of one item collection; `hash` are its 16 bytes. */
export function collectionKey(metaPrefix: Uint8Array, hash: Buffer): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + 1 + HASH_BYTES);
  key.set(metaPrefix);
  key[PREFIX_BYTES] = metaNames.collection;
  hash.copy(key, PREFIX_BYTES + 1, 0, HASH_BYTES);
  return key;
}

/**
 * The same bytes, to be kept for long: small buffers are parts of slabs of 64 KB (`Buffer.poolSize`),
 * and one that is kept keeps all of its slab.
 */
export function withOwnMemory(bytes: Buffer): Buffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

const KEPT_SLAB_BYTES = 4_096;
let keptSlab = Buffer.allocUnsafeSlow(KEPT_SLAB_BYTES);
let keptSlabAt = 0;

/**
 * The same bytes, for keys that are kept as long as a partition is: next to each other in slabs of
 * their own, since memory of its own for each costs ten times its length.
 */
export function keptTogether(bytes: Buffer): Buffer {
  if (keptSlabAt + bytes.length > KEPT_SLAB_BYTES) {
    keptSlab = Buffer.allocUnsafeSlow(Math.max(KEPT_SLAB_BYTES, bytes.length));
    keptSlabAt = 0;
  }
  const kept = keptSlab.subarray(keptSlabAt, keptSlabAt + bytes.length);
  keptSlabAt += bytes.length;
  bytes.copy(kept);
  return kept;
}

const TWO_TO_32 = 0x1_0000_0000;

/** Writes an integer below 2^53 as u64: no bigint on the write path. */
export function writeUint53(target: Buffer, value: number, offset: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a u53: ${value}`);
  target.writeUInt32BE(Math.floor(value / TWO_TO_32), offset);
  target.writeUInt32BE(value % TWO_TO_32, offset + 4);
}

export function readUint53(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * TWO_TO_32 + source.readUInt32BE(offset + 4);
}
