import type { JsonObject } from '../../dataplane/api/operation.ts';
import { type Handle, tableNamed } from './door.ts';

/** Operations that the tables do, and the cache has no part in. */
export const FORWARDED = [
  'CreateTable',
  'DescribeLimits',
  'DescribeTable',
  'DescribeTimeToLive',
  'ListTables',
  'ListTagsOfResource',
  'TagResource',
  'UntagResource',
  'UpdateTimeToLive',
] as const;

/** Operations after which nothing of the table may stay in the caches. */
export const FORGETTING = ['DeleteTable', 'UpdateTable'] as const;

/** How long clients may keep the answer: a day, as the service says. */
const CACHE_PERIOD_MINUTES = 1440;

const NO_BODY = new Uint8Array();

export function forwarded(operation: (typeof FORWARDED)[number]): Handle {
  return async ({ calls }, body) => {
    const answer = await calls.call(operation, body);
    // Where the tables answer without a body, an empty object would not be the same.
    return Object.keys(answer).length === 0 ? NO_BODY : answer;
  };
}

export function forgetting(operation: (typeof FORGETTING)[number]): Handle {
  return async (door, body) => {
    // Asked for before, since afterwards the table may be gone.
    const table = await tableNamed(door, body.TableName);
    try {
      return await door.calls.call(operation, body);
    } finally {
      // Whatever became of it: what was refused may have shown that the description is old.
      if (table !== undefined) await door.tables.dropTable(table, false);
    }
  };
}

/** The endpoint that the client is calling already: there is no other. */
export function describeEndpoints(host: string): JsonObject {
  return { Endpoints: [{ Address: host, CachePeriodInMinutes: CACHE_PERIOD_MINUTES }] };
}
