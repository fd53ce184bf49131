import { describe, expect, it } from 'vitest';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import type { Json } from './server.fixture.ts';
import {
  definition,
  iteratorOf,
  keysOf,
  makeTable,
  put,
  read,
  records,
  remove,
  server,
  setStream,
  untilActive,
  useServer,
} from './streams.fixture.ts';

const HOUR_MS = 3_600_000;

useServer();

describe('a table with a stream', () => {
  it('shows it from its creation on', async () => {
    const { TableDescription } = await server().call(
      'CreateTable',
      definition('Music', 'NEW_IMAGE'),
    );
    const { LatestStreamArn: arn, LatestStreamLabel: label } = TableDescription;
    expect(label).toBe('2026-11-21T00:00:00.000');
    expect(arn).toBe(`arn:aws:dynamodb:us-east-1:000000000000:table/Music/stream/${label}`);
    await untilActive('Music');
    const { Table } = await server().call('DescribeTable', { TableName: 'Music' });
    expect(Table).toMatchObject({
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      LatestStreamArn: arn,
      LatestStreamLabel: label,
    });
    expect(await server().call('DescribeStream', { StreamArn: arn })).toEqual({
      StreamDescription: {
        StreamArn: arn,
        StreamLabel: label,
        StreamStatus: 'ENABLED',
        StreamViewType: 'NEW_IMAGE',
        CreationRequestDateTime: Date.UTC(2026, 10, 21) / 1000,
        TableName: 'Music',
        KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
        Shards: [
          {
            ShardId: expect.stringMatching(/^shardId-[0-9]{20}-[0-9a-f]{8}$/),
            SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^[0-9]{21}$/) },
          },
        ],
      },
    });
  });

  it('shows none without one, also when it is asked for no stream', async () => {
    await server().createTable({
      ...definition('Music', undefined),
      StreamSpecification: { StreamEnabled: false },
    });
    const { Table } = await server().call('DescribeTable', { TableName: 'Music' });
    expect(Object.keys(Table).filter((member) => member.includes('Stream'))).toEqual([]);
    expect(await server().call('ListStreams', { TableName: 'Music' })).toEqual({ Streams: [] });
  });

  it('is UPDATING while it is enabled, and another stream begins each time', async () => {
    await server().createTable(definition('Music', undefined));
    await put('before');
    const enabled = await setStream({ StreamEnabled: true, StreamViewType: 'KEYS_ONLY' });
    expect(enabled).toMatchObject({
      TableStatus: 'UPDATING',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    await put('during');
    const disabled = await setStream({ StreamEnabled: false });
    expect(disabled).toMatchObject({
      TableStatus: 'UPDATING',
      LatestStreamArn: enabled.LatestStreamArn,
    });
    expect(disabled.StreamSpecification).toBeUndefined();
    await put('between');
    const again = await setStream({ StreamEnabled: true, StreamViewType: 'KEYS_ONLY' });
    expect(again.LatestStreamArn > enabled.LatestStreamArn).toBe(true);
    await put('after');
    expect(keysOf(await records(enabled.LatestStreamArn))).toEqual(['during']);
    expect(keysOf(await records(again.LatestStreamArn))).toEqual(['after']);
    const statuses = [];
    for (const { StreamArn } of (await server().call('ListStreams', {})).Streams) {
      const { StreamDescription } = await server().call('DescribeStream', { StreamArn });
      statuses.push(StreamDescription.StreamStatus);
    }
    expect(statuses).toEqual(['DISABLED', 'ENABLED']);
  });

  it.each([
    [{ StreamEnabled: true, StreamViewType: 'KEYS_ONLY' }],
    [{ StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' }],
  ])('is not given another: %j', async (StreamSpecification) => {
    await makeTable();
    expect(
      await server().faultOf('UpdateTable', { TableName: 'Music', StreamSpecification }),
    ).toMatchObject({
      type: 'ValidationException',
      message: 'Table already has an enabled stream: TableName: Music',
    });
  });

  it('has no stream to disable twice', async () => {
    await makeTable();
    await setStream({ StreamEnabled: false });
    expect(
      await server().faultOf('UpdateTable', {
        TableName: 'Music',
        StreamSpecification: { StreamEnabled: false },
      }),
    ).toMatchObject({
      type: 'ValidationException',
      message: 'Table has no stream to disable: TableName: Music',
    });
  });
});

describe('a stream that has ended', () => {
  it('is readable for a day after it was disabled', async () => {
    const arn = await makeTable();
    await put('a');
    const iterator = await iteratorOf(arn);
    await setStream({ StreamEnabled: false });
    expect(keysOf((await read(iterator)).Records)).toEqual(['a']);
    server().advanceMs(STREAM_RETENTION_MS - 1);
    expect(keysOf(await records(arn))).toEqual(['a']);
    server().advanceMs(1);
    expect(await server().faultOf('DescribeStream', { StreamArn: arn })).toMatchObject({
      type: 'ResourceNotFoundException',
    });
    expect(await server().call('ListStreams', {})).toEqual({ Streams: [] });
    const { Table } = await server().call('DescribeTable', { TableName: 'Music' });
    expect(Table.LatestStreamArn).toBe(arn);
  });

  it('is readable for a day after its table was deleted, beside a new one of that name', async () => {
    const arn = await makeTable();
    await put('a');
    const held = await iteratorOf(arn);
    await remove();
    const { StreamDescription } = await server().call('DescribeStream', { StreamArn: arn });
    expect(StreamDescription).toMatchObject({ StreamStatus: 'DISABLED', TableName: 'Music' });
    expect(StreamDescription.Shards[0].SequenceNumberRange).toHaveProperty('EndingSequenceNumber');
    const page = await read(held);
    expect([keysOf(page.Records), page.NextShardIterator]).toEqual([['a'], undefined]);

    // In the same millisecond.
    const second = await makeTable();
    expect(second > arn).toBe(true);
    await put('b');
    expect(keysOf(await records(arn))).toEqual(['a']);
    expect(keysOf(await records(second))).toEqual(['b']);
    const { Streams } = await server().call('ListStreams', { TableName: 'Music' });
    expect(Streams.map(({ StreamArn }: Json) => StreamArn)).toEqual([arn, second]);

    const foreign = held.replace(arn, second);
    expect(await server().faultOf('GetRecords', { ShardIterator: foreign })).toMatchObject({
      type: 'ValidationException',
      message: 'Invalid ShardIterator',
    });
    server().advanceMs(STREAM_RETENTION_MS);
    expect(await server().faultOf('DescribeStream', { StreamArn: arn })).toMatchObject({
      type: 'ResourceNotFoundException',
    });
    await server().call('DescribeStream', { StreamArn: second });
  });

  it('is readable all the while its table is being deleted', async () => {
    const arn = await makeTable();
    await put('a');
    const held = await iteratorOf(arn);
    await server().call('DeleteTable', { TableName: 'Music' });
    for (let isThere = true; isThere; ) {
      isThere = (await server().call('ListTables', {})).TableNames.includes('Music');
      expect(keysOf((await read(held)).Records)).toEqual(['a']);
      expect(keysOf(await records(arn))).toEqual(['a']);
      await new Promise(setImmediate);
    }
  });

  it('is readable when it was disabled before its table was deleted, for a day from then', async () => {
    const arn = await makeTable();
    await put('a');
    await setStream({ StreamEnabled: false });
    server().advanceMs(HOUR_MS);
    await remove();
    expect(keysOf(await records(arn))).toEqual(['a']);
    server().advanceMs(STREAM_RETENTION_MS - HOUR_MS);
    expect(await server().faultOf('DescribeStream', { StreamArn: arn })).toMatchObject({
      type: 'ResourceNotFoundException',
    });
  });
});
