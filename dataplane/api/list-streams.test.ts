import { describe, expect, it } from 'vitest';
import type { Json } from './server.fixture.ts';
import { makeTable, server, useServer } from './streams.fixture.ts';

useServer();

describe('ListStreams', () => {
  it('comes in pages, by ARN, of all tables or of one', async () => {
    const arns = [await makeTable('Bbb'), await makeTable('Aaa'), await makeTable('Ccc')].sort();
    const first = await server().call('ListStreams', { Limit: 2 });
    expect(first.Streams.map(({ StreamArn }: Json) => StreamArn)).toEqual(arns.slice(0, 2));
    expect(first.LastEvaluatedStreamArn).toBe(arns[1]);
    const second = await server().call('ListStreams', {
      Limit: 2,
      ExclusiveStartStreamArn: first.LastEvaluatedStreamArn,
    });
    expect(second).toEqual({
      Streams: [{ StreamArn: arns[2], TableName: 'Ccc', StreamLabel: '2026-11-21T00:00:00.000' }],
    });
    const { Streams } = await server().call('ListStreams', { TableName: 'Aaa' });
    expect(Streams.map(({ StreamArn }: Json) => StreamArn)).toEqual([arns[0]]);
    expect(await server().call('ListStreams', { TableName: 'Absent' })).toEqual({ Streams: [] });
  });

  it.each([
    [
      { Limit: 0 },
      /'limit' failed to satisfy constraint: Member must have value greater than or equal to 1/,
    ],
    [
      { Limit: 101 },
      /'limit' failed to satisfy constraint: Member must have value less than or equal to 100/,
    ],
    [{ TableName: 'ab' }, /'tableName' failed to satisfy constraint/],
    [{ ExclusiveStartStreamArn: 'x'.repeat(40) }, /^Invalid StreamArn$/],
  ])('refuses %j', async (body, message) => {
    const fault = await server().faultOf('ListStreams', body);
    expect(fault.type).toBe('ValidationException');
    expect(fault.message?.toLowerCase()).toMatch(new RegExp(message.source, 'i'));
  });
});
