import { describe, expect, it } from 'vitest';
import {
  ABSENT_ARN,
  iteratorOf,
  keysOf,
  makeTable,
  put,
  read,
  records,
  SHARD_ID,
  server,
  shards,
  useServer,
} from './streams.fixture.ts';

useServer();

describe('GetShardIterator', () => {
  it('begins where it is told', async () => {
    const arn = await makeTable();
    await put('a');
    server().advanceMs(10_000);
    await put('b');
    const latest = await iteratorOf(arn, { ShardIteratorType: 'LATEST' });
    await put('c');
    const [, second] = await records(arn);
    const { SequenceNumber, ApproximateCreationDateTime: Timestamp } = second.dynamodb;
    const from = async (more: object) => keysOf((await read(await iteratorOf(arn, more))).Records);
    expect(await from({})).toEqual(['a', 'b', 'c']);
    expect(keysOf((await read(latest)).Records)).toEqual(['c']);
    expect(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber })).toEqual([
      'b',
      'c',
    ]);
    expect(await from({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber })).toEqual([
      'c',
    ]);
    expect(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp })).toEqual(['b', 'c']);
    expect(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: 1 })).toEqual([
      'a',
      'b',
      'c',
    ]);
    const [shard] = await shards(arn);
    const { StartingSequenceNumber } = shard.SequenceNumberRange;
    const start = { SequenceNumber: StartingSequenceNumber };
    expect(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', ...start })).toHaveLength(3);
    expect(await from({ ShardIteratorType: 'LATEST' })).toEqual([]);
  });

  const sequence = '100000000000000000001';
  it.each([
    [{ ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, /SequenceNumber must be provided/],
    [{ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' }, /SequenceNumber must be provided/],
    [{ ShardIteratorType: 'LATEST', SequenceNumber: sequence }, /SequenceNumber must not/],
    [{ ShardIteratorType: 'TRIM_HORIZON', SequenceNumber: sequence }, /SequenceNumber must not/],
    [{ ShardIteratorType: 'AT_TIMESTAMP' }, /Timestamp must be provided/],
    [{ ShardIteratorType: 'LATEST', Timestamp: 1 }, /Timestamp must not be provided/],
    [{ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: 4e9 }, /future/],
    [
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber: '9'.repeat(30) },
      /Invalid SequenceNumber/,
    ],
    [
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber: `1${'0'.repeat(20)}` },
      /Invalid SequenceNumber/,
    ],
    [
      { ShardIteratorType: 'bulle' },
      /failed to satisfy constraint: Member must satisfy enum value set/,
    ],
    [{ ShardId: 'short' }, /failed to satisfy constraint/],
    [{ StreamArn: 'x'.repeat(50) }, /^Invalid StreamArn$/],
  ])('refuses %j', async (more, message) => {
    const arn = await makeTable();
    const [{ ShardId }] = await shards(arn);
    const body = { StreamArn: arn, ShardId, ShardIteratorType: 'LATEST', ...more };
    const fault = await server().faultOf('GetShardIterator', body);
    expect(fault.type).toBe('ValidationException');
    expect(fault.message).toMatch(message);
  });

  it('takes no sequence number that is yet to come, for what comes before it would be passed over', async () => {
    const arn = await makeTable();
    await put('a');
    const [{ dynamodb }] = await records(arn);
    const [{ ShardId, SequenceNumberRange }] = await shards(arn);
    const faultOf = (ShardIteratorType: string, SequenceNumber: string) =>
      server().faultOf('GetShardIterator', {
        ...{ StreamArn: arn, ShardId, ShardIteratorType, SequenceNumber },
      });
    const last = BigInt(dynamodb.SequenceNumber);
    for (const type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER']) {
      expect(await faultOf(type, `${last + 1n}`)).toMatchObject({
        type: 'ValidationException',
        message: `Invalid SequenceNumber: ${last + 1n} is not in the shard`,
      });
      const begun = { StreamArn: arn, ShardId, ShardIteratorType: type };
      for (const SequenceNumber of [`${last}`, SequenceNumberRange.StartingSequenceNumber]) {
        const { ShardIterator } = await server().call('GetShardIterator', {
          ...begun,
          SequenceNumber,
        });
        expect(ShardIterator).toContain(arn);
      }
    }
  });

  it('begins an empty shard at its first sequence number', async () => {
    const arn = await makeTable();
    const [{ ShardId, SequenceNumberRange }] = await shards(arn);
    const { ShardIterator } = await server().call('GetShardIterator', {
      StreamArn: arn,
      ShardId,
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      SequenceNumber: SequenceNumberRange.StartingSequenceNumber,
    });
    await put('a');
    const { Records } = await server().call('GetRecords', { ShardIterator });
    expect(keysOf(Records)).toEqual(['a']);
  });

  it('knows no shard of another stream', async () => {
    const body = { StreamArn: await makeTable(), ShardId: SHARD_ID, ShardIteratorType: 'LATEST' };
    expect(await server().faultOf('GetShardIterator', body)).toMatchObject({
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found: Shard does not exist',
    });
    expect(
      await server().faultOf('GetShardIterator', { ...body, StreamArn: ABSENT_ARN }),
    ).toMatchObject({ type: 'ResourceNotFoundException' });
  });
});
