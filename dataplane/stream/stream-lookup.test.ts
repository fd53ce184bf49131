import { expect, it } from 'vitest';
import { transportFaults } from '../errors/transport.ts';
import type { ForwardedOperation } from '../routing/control-forwarder.ts';
import { StreamLookup } from './stream-lookup.ts';

function lookup(handle: ForwardedOperation['handle']): StreamLookup {
  const operations = () => new Map([['ListStreams', { name: 'ListStreams', handle }]]);
  return new StreamLookup({ operations });
}

const page = (arns: readonly string[], last?: string) =>
  Buffer.from(
    JSON.stringify({
      Streams: arns.map((StreamArn) => ({ StreamArn })),
      LastEvaluatedStreamArn: last,
    }),
  );

it('a stream is looked for on all pages of the catalog', async () => {
  const bodies: object[] = [];
  const paged = lookup(async (body) => {
    bodies.push(body);
    return body.ExclusiveStartStreamArn === undefined ? page(['a', 'b'], 'b') : page(['c']);
  });
  expect(await paged.hasStream('a', 'T')).toBe(true);
  expect(bodies).toEqual([{ TableName: 'T' }]);
  expect(await paged.hasStream('c', 'T')).toBe(true);
  expect(await paged.hasStream('d', 'T')).toBe(false);
});

it('a release that knows of no streams has none; a catalog that cannot be asked says nothing', async () => {
  const older = lookup(() => Promise.reject(transportFaults.unknownOperation()));
  expect(await older.hasStream('a', 'T')).toBe(false);
  const away = lookup(() => Promise.reject(transportFaults.internal()));
  await expect(away.hasStream('a', 'T')).rejects.toMatchObject({ type: 'InternalServerError' });
});
