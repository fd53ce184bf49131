import { startKeyFaults } from '../errors/items.ts';
import type { PageResult, ScanRequest } from '../partition/command.ts';
import { narrow, rangeOfPrefix, type StorageRange } from '../partition/key-range.ts';
import { afterKey, HASH_BYTES, joinKey } from '../partition/key-space.ts';
import type { PartitionRange } from '../partition/schema.ts';
import {
  newPage,
  pageResult,
  type ReadAccess,
  type ReadPart,
  readTarget,
  recordKeyOf,
} from './read-access.ts';

/**
 * Reads one page of a scan: the partitions that the segment touches, in order of hashes, until the
 * page is full. Each partition entered costs the minimum at least.
 * @throws ClientFault when the start key belongs to another segment; StoreError
 */
export async function readScan(access: ReadAccess, request: ScanRequest): Promise<PageResult> {
  const target = readTarget(access, request.indexName);
  const segment = segmentHashes(request);
  const { exclusiveStartKey } = request;
  const startKey =
    exclusiveStartKey === undefined ? undefined : recordKeyOf(access, target, exclusiveStartKey);
  if (startKey !== undefined) {
    checkSegment(hashAt(startKey, target.parts[0].prefix.length), request);
  }
  const page = newPage(access, target, request);
  let units = 0;
  for (const part of target.parts) {
    if (page.isFull) break;
    if (!overlaps(part.range, segment)) continue;
    if (startKey !== undefined && isBehind(part.range, hashAt(startKey, part.prefix.length)))
      continue;
    const range = rangeInSegment(part, segment);
    const isStart = startKey?.subarray(0, part.prefix.length).equals(part.prefix) === true;
    const rest =
      isStart && startKey !== undefined ? narrow(range, { start: afterKey(startKey) }) : range;
    units += await page.take(rest, false);
  }
  return pageResult(access, target, { page, units });
}

/** Hashes [start, end) of a segment; `end` undefined means the end of the hash space. */
export interface SegmentHashes {
  readonly start: Buffer;
  readonly end: Buffer | undefined;
}

const HASHES = 1n << 128n;

/** Segments divide the hash space into equal parts. */
export function segmentHashes({
  segment,
  totalSegments,
}: Pick<ScanRequest, 'segment' | 'totalSegments'>): SegmentHashes {
  return {
    start: hashBytes((HASHES * BigInt(segment)) / BigInt(totalSegments)),
    end:
      segment + 1 === totalSegments
        ? undefined
        : hashBytes((HASHES * BigInt(segment + 1)) / BigInt(totalSegments)),
  };
}

function hashBytes(hash: bigint): Buffer {
  return Buffer.from(hash.toString(16).padStart(HASH_BYTES * 2, '0'), 'hex');
}

/** Whether a partition holds any hash of a segment. */
export function overlaps(range: PartitionRange, { start, end }: SegmentHashes): boolean {
  const startsBefore = end === undefined || Buffer.compare(range.start, end) < 0;
  const endsBehind = range.end === undefined || Buffer.compare(range.end, start) > 0;
  return startsBefore && endsBehind;
}

/** Whether the whole partition lies before the hash that a scan goes on from. */
export function isBehind({ end }: PartitionRange, startHash: Buffer): boolean {
  return end !== undefined && Buffer.compare(startHash, end) >= 0;
}

function rangeInSegment({ prefix }: ReadPart, { start, end }: SegmentHashes): StorageRange {
  return narrow(rangeOfPrefix(prefix), {
    start: joinKey(prefix, start),
    ...(end === undefined ? {} : { end: joinKey(prefix, end) }),
  });
}

/** @throws ClientFault when the hash of the start key is in another segment */
export function checkSegment(hash: Buffer, request: ScanRequest): void {
  const { start, end } = segmentHashes(request);
  const isInside =
    Buffer.compare(hash, start) >= 0 && (end === undefined || Buffer.compare(hash, end) < 0);
  if (!isInside) throw startKeyFaults.otherSegment(request.segment, request.totalSegments);
}

function hashAt(key: Buffer, offset: number): Buffer {
  return key.subarray(offset, offset + HASH_BYTES);
}
