import type { JsonObject, Operation, ResponseBody, StreamContext } from './operation.ts';
import { compileShape, string, structure } from './shape/shape.ts';
import { checkStreamArn, LIST_COUNT_MAX, listLimit, streamArn } from './stream-shapes.ts';
import { NAME_LENGTH_MAX, NAME_LENGTH_MIN, NAME_PATTERN } from './table-name.ts';

const input = structure({
  TableName: string({ min: NAME_LENGTH_MIN, max: NAME_LENGTH_MAX, pattern: NAME_PATTERN }),
  Limit: listLimit,
  ExclusiveStartStreamArn: streamArn,
});

const check = compileShape(input);

async function handle(body: JsonObject, { streams }: StreamContext): Promise<ResponseBody> {
  const { TableName, Limit = LIST_COUNT_MAX, ExclusiveStartStreamArn: startArn } = check(body);
  if (startArn !== undefined) checkStreamArn(startArn);
  const all = await streams.list(TableName);
  const left = startArn === undefined ? all : all.filter(({ arn }) => arn > startArn);
  const page = left.slice(0, Limit);
  return {
    Streams: page.map(({ arn, label, tableName }) => ({
      StreamArn: arn,
      TableName: tableName,
      StreamLabel: label,
    })),
    LastEvaluatedStreamArn: left.length > page.length ? page.at(-1)?.arn : undefined,
  };
}

/** Streams of a table or of all, also of deleted tables, by ARN; at most 100 a page. */
export const listStreams: Operation<StreamContext> = {
  name: 'ListStreams',
  service: 'DynamoDBStreams_20120810',
  handle,
};
