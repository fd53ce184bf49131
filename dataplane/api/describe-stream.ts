import { streamFaults } from '../errors/streams.ts';
import type { KeySchema } from '../partition/schema.ts';
import { sequenceNumberOf } from '../stream/sequence-number.ts';
import { type PlacedShard, shardPage, shardsOf, statusOf } from '../stream/shard-list.ts';
import type { JsonObject, Operation, ResponseBody, StreamContext } from './operation.ts';
import { compileShape, string, structure, type ValueOf } from './shape/shape.ts';
import { checkStreamArn, LIST_COUNT_MAX, listLimit, shardId, streamArn } from './stream-shapes.ts';

const input = structure(
  {
    StreamArn: streamArn,
    Limit: listLimit,
    ExclusiveStartShardId: shardId,
    ShardFilter: structure(
      { Type: string({ enum: ['CHILD_SHARDS'] }), ShardId: shardId },
      { name: 'ShardFilter' },
    ),
  },
  { required: ['StreamArn'] },
);

type Request = ValueOf<typeof input>;

/** Types and constraints. @throws ClientFault */
export const checkDescribeStream = compileShape(input);

async function handle(body: JsonObject, { streams }: StreamContext): Promise<ResponseBody> {
  const {
    StreamArn,
    Limit = LIST_COUNT_MAX,
    ExclusiveStartShardId,
    ShardFilter,
  } = checkDescribeStream(body);
  checkStreamArn(StreamArn);
  const parentId = ShardFilter && parentOf(ShardFilter);
  const stream = await streams.open(StreamArn);
  const all = await shardsOf(stream);
  const { shards, lastId } = shardPage(all, {
    startId: ExclusiveStartShardId,
    limit: Limit,
    parentId,
  });
  return {
    StreamDescription: {
      StreamArn: stream.arn,
      StreamLabel: stream.label,
      StreamStatus: statusOf(stream, all),
      StreamViewType: stream.viewType,
      CreationRequestDateTime: stream.id / 1000,
      TableName: stream.tableName,
      KeySchema: keySchemaElements(stream.key),
      Shards: shards.map(describeShard),
      LastEvaluatedShardId: lastId,
    },
  };
}

/** @throws ClientFault ValidationException for a filter that says only half */
function parentOf({ Type, ShardId }: NonNullable<Request['ShardFilter']>): string {
  if (Type === undefined) throw streamFaults.shardFilterIncomplete('Type');
  if (ShardId === undefined) throw streamFaults.shardFilterIncomplete('ShardId');
  return ShardId;
}

function describeShard({ id, parentId, first, last }: PlacedShard) {
  return {
    ShardId: id,
    SequenceNumberRange: {
      StartingSequenceNumber: sequenceNumberOf(first),
      EndingSequenceNumber: last === undefined ? undefined : sequenceNumberOf(last),
    },
    ParentShardId: parentId,
  };
}

function keySchemaElements({ hash, range }: KeySchema) {
  return [
    ...hash.map(({ name }) => ({ AttributeName: name, KeyType: 'HASH' })),
    ...range.map(({ name }) => ({ AttributeName: name, KeyType: 'RANGE' })),
  ];
}

/** A stream and its shards by id, at most 100 a page. */
export const describeStream: Operation<StreamContext> = {
  name: 'DescribeStream',
  service: 'DynamoDBStreams_20120810',
  handle,
};
