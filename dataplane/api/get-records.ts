import { streamFaults } from '../errors/streams.ts';
import { readShard } from '../stream/read-shard.ts';
import {
  decodeShardIterator,
  encodeShardIterator,
  splitShardIterator,
} from '../stream/shard-iterator.ts';
import { streamArnParts } from '../stream/stream-arn.ts';
import { wireRecord } from '../stream/wire-record.ts';
import type { JsonObject, Operation, ResponseBody, StreamContext } from './operation.ts';
import { ResponseJson } from './response-json.ts';
import { compileShape, integer, string, structure } from './shape/shape.ts';

/** @see reference/dynamodb.md §2 (streams) */
const RECORDS_COUNT_MAX = 1_000;
const RECORDS_BYTES_MAX = 1024 * 1024;

const input = structure(
  {
    ShardIterator: string({ min: 1, max: 2048 }),
    Limit: integer({ min: 1, max: RECORDS_COUNT_MAX }),
  },
  { required: ['ShardIterator'] },
);

/** Types and constraints. @throws ClientFault */
export const checkGetRecords = compileShape(input);

async function handle(body: JsonObject, context: StreamContext): Promise<ResponseBody> {
  const { streams, clock, region } = context;
  const { ShardIterator, Limit: limit = RECORDS_COUNT_MAX } = checkGetRecords(body);
  const parts = splitShardIterator(ShardIterator);
  if (parts === undefined || streamArnParts(parts.arn) === undefined) throw streamFaults.iterator();
  const stream = await streams.open(parts.arn);
  const iterator = decodeShardIterator(parts.rest, stream);
  if (iterator === undefined) throw streamFaults.iterator();
  const { records, next } = await readShard(stream, iterator, {
    limit,
    bytesMax: RECORDS_BYTES_MAX,
    nowMs: clock.nowMs(),
  });
  const response = new ResponseJson().text('{"Records":');
  response.items(records.map((record) => wireRecord(record, { stream, region })));
  if (next !== undefined) {
    response.text(`,"NextShardIterator":${JSON.stringify(encodeShardIterator(next, stream))}`);
  }
  return response.text('}').toBuffer();
}

/** Records of a shard from an iterator on: at most 1000, or 1 MB. */
export const getRecords: Operation<StreamContext> = {
  name: 'GetRecords',
  service: 'DynamoDBStreams_20120810',
  handle,
};
