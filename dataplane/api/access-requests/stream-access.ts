import { streamFaults } from '../../errors/streams.ts';
import { splitShardIterator } from '../../stream/shard-iterator.ts';
import { streamArnParts } from '../../stream/stream-arn.ts';
import { checkDescribeStream } from '../describe-stream.ts';
import { checkGetRecords } from '../get-records.ts';
import { checkGetShardIterator } from '../get-shard-iterator.ts';
import type { JsonObject } from '../operation.ts';
import { checkStreamArn } from '../stream-shapes.ts';
import type { AccessRule } from './needed-access.ts';
import { textMember } from './raw-members.ts';

/** Streams: an iterator says of which stream it is. */
export const describeStreamAccess = onStream('DescribeStream', checkDescribeStream);
export const getShardIteratorAccess = onStream('GetShardIterator', checkGetShardIterator);

const ARN_CHARACTERS_MAX = 1_024;
const ITERATOR_CHARACTERS_MAX = 2_048;

export const getRecordsAccess: AccessRule = {
  read: (body) => {
    const iterator = textMember(body, 'ShardIterator', ITERATOR_CHARACTERS_MAX);
    const arn = iterator.kind === 'given' ? splitShardIterator(iterator.value)?.arn : undefined;
    if (arn === undefined || streamArnParts(arn) === undefined) return undefined;
    return [{ kind: 'stream', action: 'GetRecords', arn }];
  },
  check: (body) => {
    checkGetRecords(body);
    throw streamFaults.iterator();
  },
};

function onStream(
  action: string,
  check: (body: JsonObject) => { readonly StreamArn: string },
): AccessRule {
  return {
    read: (body) => {
      const arn = textMember(body, 'StreamArn', ARN_CHARACTERS_MAX);
      if (arn.kind !== 'given' || streamArnParts(arn.value) === undefined) return undefined;
      return [{ kind: 'stream', action, arn: arn.value }];
    },
    check: (body) => checkStreamArn(check(body).StreamArn),
  };
}
