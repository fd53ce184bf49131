import { crc32 } from 'node:zlib';
import { StoreError } from '../storage/store.ts';
import { readUint53, writeUint53 } from './key-space.ts';
import {
  SHARD_AGE_MS,
  STREAM_RETENTION_MS,
  type StreamSchema,
  type StreamShard,
} from './stream.ts';

/**
 * The shards of a partition's streams at rest. Big-endian.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 4 | CRC-32 of all that follows |
 * | 5 | 8 | records with a lower sequence have been trimmed |
 * | 13 | | shards, in the order of their sequences, each as follows |
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | flags: 1 closed |
 * | 1 | 8 | stream id |
 * | 9 | 8 | first sequence |
 * | 17 | 8 | last sequence; 0 while it is open |
 * | 25 | 8 | when it was begun, ms since 1970; above that of all shards before |
 * | 33 | 8 | when it was closed, ms since 1970; 0 while it is open |
 * | 41 | 4 | tag, the end of its id |
 * | 45 | 1 | n, length of the parent's id, 0 for none |
 * | 46 | n | parent's id, ASCII |
 */
export interface ShardList {
  readonly trimmedBelow: number;
  /** At most the last one is open. */
  readonly shards: readonly ShardEntry[];
}

export interface ShardEntry {
  readonly streamId: number;
  /** Below 2^32. */
  readonly tag: number;
  readonly parentId: string | undefined;
  readonly first: number;
  readonly startedMs: number;
  /** Undefined while it takes records. */
  readonly closed: { readonly last: number; readonly atMs: number } | undefined;
}

/** Where in the order of a partition's writes its shards are changed. */
export interface ShardPoint {
  /** A shard that is begun here has this as its first sequence, one that is closed ends before it. */
  readonly sequence: number;
  /** As `sequence`, for a stream that has no shard yet: above all that was durable before. */
  readonly sequenceMin: number;
  readonly nowMs: number;
  /** Below 2^32; no other partition of the table has it. */
  readonly tag: number;
}

export const noShards: ShardList = { trimmedBelow: 0, shards: [] };

const FORMAT = 1;
const CRC_OFFSET = 1;
const TRIMMED_OFFSET = 5;
const HEADER_BYTES = 13;
const SHARD_BYTES = 46;
const CLOSED = 1;

/**
 * The shards as they are to be under a schema: one open shard of the stream that is enabled, not
 * older than `SHARD_AGE_MS`, and all others closed. The same list when nothing is to be done.
 */
export function alignedShards(
  list: ShardList,
  stream: StreamSchema | undefined,
  point: ShardPoint,
): ShardList {
  const open = openShardOf(list);
  if (open?.streamId === stream?.id && !isOld(open, point.nowMs)) return list;
  const before = list.shards.map((shard) => (shard === open ? closedAt(shard, point) : shard));
  if (stream === undefined) return { ...list, shards: before };
  return { ...list, shards: [...before, newShard(before, stream.id, point)] };
}

/** Records below `trimmedBelow` are gone, and with them shards that are past their time. */
export function trimmedShards(
  list: ShardList,
  { trimmedBelow, nowMs }: { readonly trimmedBelow: number; readonly nowMs: number },
): ShardList {
  const shards = list.shards.filter(
    (shard) => !(isPast(shard, nowMs) && (shard.closed?.last ?? 0) < trimmedBelow),
  );
  if (shards.length === list.shards.length && trimmedBelow <= list.trimmedBelow) return list;
  return { trimmedBelow: Math.max(list.trimmedBelow, trimmedBelow), shards };
}

/** The shard that takes records. */
export function openShardOf({ shards }: ShardList): ShardEntry | undefined {
  const last = shards.at(-1);
  return last?.closed === undefined ? last : undefined;
}

/** Whether all records of a shard are past their time. */
export function isPast({ closed }: ShardEntry, nowMs: number): boolean {
  return closed !== undefined && closed.atMs + STREAM_RETENTION_MS <= nowMs;
}

/** Later ids of a partition sort behind earlier ones, and no two of a table are equal. */
export function shardIdOf({ startedMs, tag }: Pick<ShardEntry, 'startedMs' | 'tag'>): string {
  return `shardId-${`${startedMs}`.padStart(20, '0')}-${tag.toString(16).padStart(8, '0')}`;
}

export function streamShardOf(shard: ShardEntry): StreamShard {
  const { parentId, first, startedMs, closed } = shard;
  return { id: shardIdOf(shard), parentId, first, last: closed?.last, startedMs };
}

export function encodeShards({ trimmedBelow, shards }: ShardList): Buffer {
  const bytes = shards.reduce(
    (sum, { parentId = '' }) => sum + SHARD_BYTES + parentId.length,
    HEADER_BYTES,
  );
  const encoded = Buffer.allocUnsafe(bytes);
  encoded[0] = FORMAT;
  writeUint53(encoded, trimmedBelow, TRIMMED_OFFSET);
  let at = HEADER_BYTES;
  for (const { streamId, tag, parentId = '', first, startedMs, closed } of shards) {
    encoded[at] = closed === undefined ? 0 : CLOSED;
    writeUint53(encoded, streamId, at + 1);
    writeUint53(encoded, first, at + 9);
    writeUint53(encoded, closed?.last ?? 0, at + 17);
    writeUint53(encoded, startedMs, at + 25);
    writeUint53(encoded, closed?.atMs ?? 0, at + 33);
    encoded.writeUInt32BE(tag, at + 41);
    encoded[at + 45] = parentId.length;
    encoded.write(parentId, at + SHARD_BYTES, 'ascii');
    at += SHARD_BYTES + parentId.length;
  }
  encoded.writeUInt32BE(crc32(encoded.subarray(TRIMMED_OFFSET)), CRC_OFFSET);
  return encoded;
}

/** @throws StoreError `damaged` */
export function decodeShards(encoded: Buffer | undefined): ShardList {
  if (encoded === undefined) return noShards;
  if (
    encoded.length < HEADER_BYTES ||
    encoded[0] !== FORMAT ||
    crc32(encoded.subarray(TRIMMED_OFFSET)) !== encoded.readUInt32BE(CRC_OFFSET)
  ) {
    throw new StoreError('damaged', 'The shards of a partition do not match their checksum.');
  }
  const shards: ShardEntry[] = [];
  for (let at = HEADER_BYTES; at < encoded.length; ) {
    const idAt = at + SHARD_BYTES;
    const nextAt = idAt + (encoded[at + 45] ?? 0);
    const isClosed = encoded[at] === CLOSED;
    shards.push({
      streamId: readUint53(encoded, at + 1),
      tag: encoded.readUInt32BE(at + 41),
      parentId: nextAt === idAt ? undefined : encoded.toString('ascii', idAt, nextAt),
      first: readUint53(encoded, at + 9),
      startedMs: readUint53(encoded, at + 25),
      closed: isClosed
        ? { last: readUint53(encoded, at + 17), atMs: readUint53(encoded, at + 33) }
        : undefined,
    });
    at = nextAt;
  }
  return { trimmedBelow: readUint53(encoded, TRIMMED_OFFSET), shards };
}

function isOld(open: ShardEntry | undefined, nowMs: number): boolean {
  return open !== undefined && open.startedMs + SHARD_AGE_MS <= nowMs;
}

function closedAt(shard: ShardEntry, { sequence, nowMs }: ShardPoint): ShardEntry {
  return { ...shard, closed: { last: sequence - 1, atMs: nowMs } };
}

/** The first one of a stream begins early enough for all that is in flight. */
function newShard(
  before: readonly ShardEntry[],
  streamId: number,
  { sequence, sequenceMin, nowMs, tag }: ShardPoint,
): ShardEntry {
  const last = before.at(-1);
  const parent = last?.streamId === streamId ? last : undefined;
  return {
    streamId,
    tag,
    parentId: parent && shardIdOf(parent),
    first: parent === undefined ? Math.max(sequenceMin, (last?.closed?.last ?? 0) + 1) : sequence,
    startedMs: Math.max(nowMs, (last?.startedMs ?? 0) + 1),
    closed: undefined,
  };
}
