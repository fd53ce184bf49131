import { streamFaults } from '../errors/streams.ts';
import { isTrimmed } from '../stream/read-shard.ts';
import { sequenceOf } from '../stream/sequence-number.ts';
import { encodeShardIterator, type ShardIterator } from '../stream/shard-iterator.ts';
import { findShard, type PlacedShard } from '../stream/shard-list.ts';
import type { JsonObject, Operation, ResponseBody, StreamContext } from './operation.ts';
import { compileShape, string, structure, timestamp, type ValueOf } from './shape/shape.ts';
import { checkStreamArn, sequenceNumber, shardId, streamArn } from './stream-shapes.ts';

const input = structure(
  {
    StreamArn: streamArn,
    ShardId: shardId,
    ShardIteratorType: string({
      enum: [
        'TRIM_HORIZON',
        'LATEST',
        'AT_SEQUENCE_NUMBER',
        'AFTER_SEQUENCE_NUMBER',
        'AT_TIMESTAMP',
      ],
    }),
    SequenceNumber: sequenceNumber,
    Timestamp: timestamp(),
  },
  { required: ['StreamArn', 'ShardId', 'ShardIteratorType'] },
);

type Request = ValueOf<typeof input>;

/** Types and constraints. @throws ClientFault */
export const checkGetShardIterator = compileShape(input);

async function handle(body: JsonObject, { streams, clock }: StreamContext): Promise<ResponseBody> {
  const request = checkGetShardIterator(body);
  checkStreamArn(request.StreamArn);
  const nowMs = clock.nowMs();
  checkPosition(request, nowMs);
  const stream = await streams.open(request.StreamArn);
  const shard = await findShard(stream, request.ShardId, undefined);
  if (shard === undefined) throw streamFaults.shardNotFound();
  const position = positionOf(request, shard);
  const { isFromHorizon, sequence } = position;
  if (!isFromHorizon && (await isTrimmed(stream, shard, sequence))) throw streamFaults.trimmed();
  const iterator: ShardIterator = {
    ...position,
    givenOutMs: nowMs,
    partitionId: shard.partitionId,
    shardId: shard.id,
  };
  return { ShardIterator: encodeShardIterator(iterator, stream) };
}

/** Members that do not go with the type. @throws ClientFault ValidationException */
function checkPosition(
  { ShardIteratorType: type, SequenceNumber, Timestamp }: Request,
  nowMs: number,
): void {
  const isBySequence = type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER';
  if (isBySequence && SequenceNumber === undefined) throw streamFaults.sequenceMissing(type);
  if (!isBySequence && SequenceNumber !== undefined) throw streamFaults.sequenceUnexpected(type);
  const isByTime = type === 'AT_TIMESTAMP';
  if (isByTime && Timestamp === undefined) throw streamFaults.timestampMissing();
  if (!isByTime && Timestamp !== undefined) throw streamFaults.timestampUnexpected(type);
  if (isByTime && msOf(Timestamp) > nowMs) throw streamFaults.timestampInFuture();
}

/** @throws ClientFault ValidationException */
function positionOf(
  { ShardIteratorType, SequenceNumber = '', Timestamp }: Request,
  shard: PlacedShard,
): Pick<ShardIterator, 'sequence' | 'isFromHorizon' | 'writtenFromMs'> {
  const behindLast = (shard.last ?? shard.lastSequence) + 1;
  const at = (sequence: number) => ({ sequence, isFromHorizon: false, writtenFromMs: 0 });
  switch (ShardIteratorType) {
    case 'TRIM_HORIZON':
      return { sequence: shard.first, isFromHorizon: true, writtenFromMs: 0 };
    case 'AT_TIMESTAMP':
      return { sequence: shard.first, isFromHorizon: true, writtenFromMs: msOf(Timestamp) };
    case 'LATEST':
      return at(Math.max(behindLast, shard.first));
    case 'AT_SEQUENCE_NUMBER':
    case 'AFTER_SEQUENCE_NUMBER': {
      const sequence = sequenceOf(SequenceNumber);
      // Behind the newest record there is nothing to begin at: what comes first would be passed over.
      const newest = shard.last ?? Math.max(shard.lastSequence, shard.first);
      const isInside = sequence !== undefined && sequence >= shard.first && sequence <= newest;
      if (!isInside) throw streamFaults.sequenceOutside(SequenceNumber);
      return at(ShardIteratorType === 'AT_SEQUENCE_NUMBER' ? sequence : sequence + 1);
    }
  }
}

/** Of seconds since 1970. */
function msOf(timestampSeconds: number | undefined): number {
  return Math.max(0, Math.floor((timestampSeconds ?? 0) * 1000));
}

/** A place in a shard for GetRecords; good for 15 minutes. */
export const getShardIterator: Operation<StreamContext> = {
  name: 'GetShardIterator',
  service: 'DynamoDBStreams_20120810',
  handle,
};
