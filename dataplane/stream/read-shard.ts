import { streamFaults } from '../errors/streams.ts';
import { ITERATOR_AGE_MS_MAX, type ShardIterator } from './shard-iterator.ts';
import { findShard, type PlacedShard } from './shard-list.ts';
import type { OpenStream } from './streams.ts';
import type { PlacedRecord } from './wire-record.ts';

/** A page of GetRecords. */
export interface RecordsPage {
  readonly records: readonly PlacedRecord[];
  /** Where to go on; undefined at the end of a shard that is closed. */
  readonly next: ShardIterator | undefined;
}

export interface ReadLimits {
  /** 1 or more. */
  readonly limit: number;
  /** The page ends with the record that makes it this large. */
  readonly bytesMax: number;
  readonly nowMs: number;
}

/**
 * Reads a shard from an iterator on.
 * @throws ClientFault ExpiredIteratorException, TrimmedDataAccessException, ResourceNotFoundException
 */
export async function readShard(
  stream: OpenStream,
  iterator: ShardIterator,
  { limit, bytesMax, nowMs }: ReadLimits,
): Promise<RecordsPage> {
  if (nowMs - iterator.givenOutMs > ITERATOR_AGE_MS_MAX) throw streamFaults.iteratorExpired();
  const { partitionId, shardId, sequence, isFromHorizon } = iterator;
  if (!stream.table.partitions.some(({ id }) => id === partitionId)) throw streamFaults.iterator();
  const shard = await findShard(stream, shardId, partitionId);
  if (shard === undefined) {
    // The iterator was given out here, so the shard was there: its records are past their time.
    throw streamFaults.trimmed();
  }
  const answer = await stream.table.stream(partitionId, {
    kind: 'records',
    streamId: stream.id,
    from: sequence,
    to: endOf(shard),
    limit,
    bytesMax,
    writtenFromMs: iterator.writtenFromMs,
  });
  if (!isFromHorizon && answer.trimmedBelow > sequence) throw streamFaults.trimmed();
  const isAtEnd = shard.last !== undefined && answer.next > shard.last;
  return {
    records: answer.records.map((record) => ({ ...record, partitionId })),
    next: isAtEnd ? undefined : nextIterator(iterator, answer, nowMs),
  };
}

/** Whether records at, or behind, a sequence of a shard are gone. */
export async function isTrimmed(
  { table, id: streamId }: OpenStream,
  { partitionId, ...shard }: PlacedShard,
  sequence: number,
): Promise<boolean> {
  const { trimmedBelow } = await table.stream(partitionId, {
    kind: 'records',
    streamId,
    from: sequence,
    to: shard.last ?? shard.lastSequence,
    limit: 1,
    bytesMax: 1,
    writtenFromMs: 0,
  });
  return trimmedBelow > sequence;
}

/**
 * An open shard is read up to what was durable when it was seen to be open: what comes behind may
 * belong to its child already.
 */
function endOf({ last, lastSequence }: PlacedShard): number {
  return last ?? lastSequence;
}

/** Once a record was found, older ones are no concern any more. */
function nextIterator(
  iterator: ShardIterator,
  { records, next }: { readonly records: readonly unknown[]; readonly next: number },
  nowMs: number,
): ShardIterator {
  const isUnderWay = records.length > 0;
  return {
    ...iterator,
    givenOutMs: nowMs,
    sequence: next,
    isFromHorizon: iterator.isFromHorizon && !isUnderWay,
    writtenFromMs: isUnderWay ? 0 : iterator.writtenFromMs,
  };
}
