import { type Complain, JsonFields } from '../dataplane/json-fields.ts';
import type { CacheParameters } from './cache/cached-tables.ts';
import { jsonIn } from './watched-file.ts';

/** The service's, of both kinds: five minutes. */
export const DEFAULT_PARAMETERS: CacheParameters = {
  recordTtlMillis: 300_000,
  queryTtlMillis: 300_000,
};

/** A year; the service names no limit. */
const TTL_MILLIS_MAX = 365 * 24 * 3_600_000;

/**
 * A cluster's parameter group: `{"recordTtlMillis": 300000, "queryTtlMillis": 300000}`, as the service
 * calls them; what is left out has its default.
 */
export function parseParameters(text: string, complain: Complain): CacheParameters {
  const fields = new JsonFields(jsonIn(text, complain), '', complain);
  fields.only('recordTtlMillis', 'queryTtlMillis');
  const ttl = (name: keyof CacheParameters) =>
    fields.has(name) ? fields.whole(name, 0, TTL_MILLIS_MAX) : DEFAULT_PARAMETERS[name];
  return { recordTtlMillis: ttl('recordTtlMillis'), queryTtlMillis: ttl('queryTtlMillis') };
}
