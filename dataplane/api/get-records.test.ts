import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import type { Json } from './server.fixture.ts';
import {
  ABSENT_ARN,
  iteratorOf,
  keysOf,
  MINUTE_MS,
  makeTable,
  put,
  read,
  records,
  server,
  setStream,
  shards,
  useServer,
} from './streams.fixture.ts';

useServer();

describe('GetRecords', () => {
  it('has one record a change and none for what changes nothing', async () => {
    const arn = await makeTable();
    await put('a', { x: { S: '1' } });
    await put('a', { x: { S: '1' } });
    const update = (expression: string, values: object) =>
      server().call('UpdateItem', {
        TableName: 'Music',
        Key: { p: { S: 'a' } },
        UpdateExpression: expression,
        ExpressionAttributeValues: values,
      });
    await update('SET x = :v', { ':v': { S: '1' } });
    await update('SET x = :v', { ':v': { S: '2' } });
    await server().call('DeleteItem', { TableName: 'Music', Key: { p: { S: 'absent' } } });
    await server().call('DeleteItem', { TableName: 'Music', Key: { p: { S: 'a' } } });
    await put('key only');
    await put('key only');
    const all = await records(arn);
    expect(
      all.map(({ eventName, dynamodb }) => [eventName, dynamodb.OldImage, dynamodb.NewImage]),
    ).toEqual([
      ['INSERT', undefined, { p: { S: 'a' }, x: { S: '1' } }],
      ['MODIFY', { p: { S: 'a' }, x: { S: '1' } }, { p: { S: 'a' }, x: { S: '2' } }],
      ['REMOVE', { p: { S: 'a' }, x: { S: '2' } }, undefined],
      ['INSERT', undefined, { p: { S: 'key only' } }],
    ]);
    expect(new Set(all.map(({ eventID }) => eventID)).size).toBe(4);
    expect(await records(arn)).toEqual(all);
  });

  it('pages by Limit and by 1 MB, and ends only with a closed shard', async () => {
    const arn = await makeTable();
    for (const p of ['a', 'b', 'c']) await put(p);
    const first = await read(await iteratorOf(arn), { Limit: 2 });
    expect(keysOf(first.Records)).toEqual(['a', 'b']);
    const second = await read(first.NextShardIterator);
    expect(keysOf(second.Records)).toEqual(['c']);
    const third = await read(second.NextShardIterator);
    expect(third).toEqual({ Records: [], NextShardIterator: expect.any(String) });
    for (let large = 0; large < 4; large++)
      await put(`${large}`, { x: { S: 'x'.repeat(350_000) } });
    expect((await read(third.NextShardIterator)).Records).toHaveLength(3);
    await setStream({ StreamEnabled: false });
    const rest = await read(third.NextShardIterator);
    expect(Object.keys(await read(rest.NextShardIterator))).toEqual(['Records']);
  });

  it('marks what time to live has deleted', async () => {
    const arn = await makeTable();
    await server().call('UpdateTimeToLive', {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    const second = Math.floor(server().context.clock.nowMs() / 1000) + 5;
    await put('a', { ttl: { N: `${second}` } });
    server().advanceMs(10_000);
    const { streams, tables } = server().context;
    const table = tables.openTable('Music');
    if (!('sweepExpired' in table)) throw new Error('a local table');
    const signal = new AbortController().signal;
    await (table as Json).sweepExpired(server().context.clock.nowMs(), signal);
    expect(await streams.list('Music')).toHaveLength(1);
    const [, removed] = await records(arn);
    expect(removed).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' },
    });
    await put('b');
    await server().call('DeleteItem', { TableName: 'Music', Key: { p: { S: 'b' } } });
    expect((await records(arn)).at(-1)).not.toHaveProperty('userIdentity');
  });

  it('refuses an iterator after 15 minutes, and what was no iterator', async () => {
    const arn = await makeTable();
    const iterator = await iteratorOf(arn);
    server().advanceMs(15 * MINUTE_MS);
    await read(iterator);
    server().advanceMs(1);
    expect(await server().faultOf('GetRecords', { ShardIterator: iterator })).toMatchObject({
      type: 'ExpiredIteratorException',
      message: 'The provided iterator exceeds the maximum age allowed',
    });
    for (const ShardIterator of ['x', `${arn}|1|x`, iterator.slice(0, -4), `${ABSENT_ARN}|1`]) {
      expect(await server().faultOf('GetRecords', { ShardIterator })).toMatchObject({
        type: 'ValidationException',
        message: 'Invalid ShardIterator',
      });
    }
  });

  it('refuses what is past its time, and goes on with what is left', async () => {
    const arn = await makeTable();
    await put('old');
    const [{ dynamodb }] = await records(arn);
    const at = {
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      SequenceNumber: dynamodb.SequenceNumber,
    };
    server().advanceMs(STREAM_RETENTION_MS - MINUTE_MS);
    await put('young');
    const [{ ShardId }] = await shards(arn);
    const held = await iteratorOf(arn, { ShardId, ...at });
    server().advanceMs(MINUTE_MS);
    const trimmed = {
      type: 'TrimmedDataAccessException',
      message: 'The data you are trying to access has been trimmed',
    };
    expect(await server().faultOf('GetRecords', { ShardIterator: held })).toMatchObject(trimmed);
    const body = { StreamArn: arn, ShardId, ...at };
    expect(await server().faultOf('GetShardIterator', body)).toMatchObject(trimmed);
    expect(keysOf(await records(arn))).toEqual(['young']);
  });
});

describe('any text as a shard iterator', () => {
  it('is answered with records or a fault of the client (the seed is printed on failure)', async () => {
    const arn = await makeTable();
    const second = await makeTable('Other');
    const valid = await iteratorOf(arn);
    const [, , body = ''] = valid.split('|');
    const bytes = fc
      .uint8Array({ maxLength: 100 })
      .map((raw) => Buffer.from(raw).toString('base64'));
    const flipped = fc.tuple(
      fc.nat(body.length - 1),
      fc.base64String({ minLength: 1, maxLength: 4 }),
    );
    const texts = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc
        .tuple(fc.constantFrom(arn, second, ABSENT_ARN, '', 'arn:'), fc.string(), bytes)
        .map((parts) => parts.join('|')),
      bytes.map((text) => `${arn}|1|${text}`),
      flipped.map(
        ([at, text]) => `${arn}|1|${body.slice(0, at)}${text}${body.slice(at + text.length)}`,
      ),
      fc.constant(`${second}|1|${body}`),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        if (text === valid) return;
        const { type } = await server().faultOf('GetRecords', { ShardIterator: text });
        expect([
          'ValidationException',
          'ResourceNotFoundException',
          'AccessDeniedException',
        ]).toContain(type);
      }),
      { numRuns: 500 },
    );
    await read(valid);
  });
});
