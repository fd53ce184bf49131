import { describe, expect, it } from 'vitest';
import { SHARD_AGE_MS } from '../partition/stream.ts';
import type { Json } from './server.fixture.ts';
import {
  ABSENT_ARN,
  keysOf,
  makeTable,
  put,
  records,
  SHARD_ID,
  server,
  shards,
  useServer,
} from './streams.fixture.ts';

useServer();

describe('DescribeStream', () => {
  it('pages its shards by id, and finds the children of one', async () => {
    const arn = await makeTable();
    for (let round = 0; round < 3; round++) {
      await put(`${round}`);
      server().advanceMs(SHARD_AGE_MS);
    }
    await put('last');
    const all = await shards(arn);
    expect(all).toHaveLength(4);
    expect(all.map(({ ParentShardId }) => ParentShardId)).toEqual([
      undefined,
      ...all.slice(0, -1).map(({ ShardId }) => ShardId),
    ]);
    const isClosed = ({ SequenceNumberRange }: Json) =>
      SequenceNumberRange.EndingSequenceNumber !== undefined;
    expect(all.map(isClosed)).toEqual([true, true, true, false]);
    const page = (body: object) => server().call('DescribeStream', { StreamArn: arn, ...body });
    const first = (await page({ Limit: 3 })).StreamDescription;
    expect([first.Shards.length, first.LastEvaluatedShardId]).toEqual([3, all[2].ShardId]);
    const rest = await page({ ExclusiveStartShardId: first.LastEvaluatedShardId });
    expect(rest.StreamDescription.Shards).toEqual([all[3]]);
    expect(rest.StreamDescription.LastEvaluatedShardId).toBeUndefined();
    const children = await page({
      ShardFilter: { Type: 'CHILD_SHARDS', ShardId: all[0].ShardId },
    });
    expect(children.StreamDescription.Shards).toEqual([all[1]]);
    expect(keysOf(await records(arn))).toEqual(['0', '1', '2', 'last']);
  });

  it.each([
    [{}, 'Type'],
    [{ ShardId: SHARD_ID }, 'Type'],
    [{ Type: 'CHILD_SHARDS' }, 'ShardId'],
  ])('takes no filter of shards that says only half: %j', async (ShardFilter, missing) => {
    const body = { StreamArn: await makeTable(), ShardFilter };
    expect(await server().faultOf('DescribeStream', body)).toMatchObject({
      type: 'ValidationException',
      message: `${missing} must be provided for ShardFilter`,
    });
  });

  it('knows no stream of an absent table, and none that never was', async () => {
    const arn = await makeTable();
    for (const StreamArn of [ABSENT_ARN, arn.replace('2026', '2025')]) {
      expect(await server().faultOf('DescribeStream', { StreamArn })).toMatchObject({
        type: 'ResourceNotFoundException',
        message: `Requested resource not found: Stream: ${StreamArn} not found`,
      });
    }
  });

  it('takes nothing but the ARN of a stream', async () => {
    for (const StreamArn of [
      'fake-stream',
      'sdfadfsdfnlfkajakfgjalksfgklasjklasdjfklasdfasdfgasf',
    ]) {
      expect(await server().faultOf('DescribeStream', { StreamArn })).toMatchObject({
        type: 'ValidationException',
        message: 'Invalid StreamArn',
      });
    }
  });
});
