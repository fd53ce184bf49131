import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { operations } from './operations.ts';
import {
  ABSENT_ARN,
  iteratorOf,
  makeTable,
  put,
  server,
  shards,
  useServer,
} from './streams.fixture.ts';

useServer();

const names = ['ListStreams', 'DescribeStream', 'GetShardIterator', 'GetRecords'] as const;
const types = [
  'TRIM_HORIZON',
  'LATEST',
  'AT_SEQUENCE_NUMBER',
  'AFTER_SEQUENCE_NUMBER',
  'AT_TIMESTAMP',
];

describe('any request about streams', () => {
  it('is answered, or refused as a fault of the client (the seed is printed on failure)', async () => {
    const arn = await makeTable();
    await put('a');
    const [{ ShardId, SequenceNumberRange }] = await shards(arn);
    const iterator = await iteratorOf(arn);
    const junk = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ maxLength: 80 }));
    const one = (...values: unknown[]) =>
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...values) },
        { weight: 1, arbitrary: junk },
      );
    const body = fc.record(
      {
        StreamArn: one(arn, ABSENT_ARN),
        TableName: one('Music', 'Absent'),
        ExclusiveStartStreamArn: one(arn, ABSENT_ARN),
        ShardId: one(ShardId),
        ExclusiveStartShardId: one(ShardId),
        ShardFilter: one({ Type: 'CHILD_SHARDS', ShardId }, {}),
        ShardIteratorType: one(...types),
        SequenceNumber: one(SequenceNumberRange.StartingSequenceNumber, `1${'9'.repeat(20)}`),
        Timestamp: one(0, 1.5, 1e9, -1, 1e300),
        ShardIterator: one(iterator),
        Limit: one(1, 0, 1_000, 1_001),
      },
      { requiredKeys: [] },
    );
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), body, async (name, request) => {
        const wire = JSON.parse(JSON.stringify(request));
        try {
          await operations.get(name)?.handle(wire, server().context);
          answered++;
        } catch (fault) {
          if (!(fault instanceof ClientFault)) throw fault;
          expect(fault.type).not.toBe('InternalServerError');
        }
      }),
      { numRuns: 2_000 },
    );
    expect(answered).toBeGreaterThan(20);
  });
});
