import type { Logger } from 'pino';
import { certificatesOf } from '../dataplane/pem-certificates.ts';
import type { Undo } from '../dataplane/undo.ts';
import { CachedTables, type CacheParameters, type RedisOptions } from './cache/cached-tables.ts';
import type { AttributeLists } from './cluster/attribute-lists.ts';
import type { ClusterSide } from './cluster-side.ts';
import type { DaxOptions } from './options.ts';
import { DEFAULT_PARAMETERS, parseParameters } from './parameters.ts';
import type { TableCalls } from './tables/table-calls.ts';
import { TableDescriptions } from './tables/table-descriptions.ts';
import { type WatchedFile, watchFile } from './watched-file.ts';

/** What the cache stands on. */
export interface CacheParts {
  readonly calls: TableCalls;
  readonly cluster: ClusterSide;
  readonly lists: AttributeLists;
  readonly log: Logger;
  readonly undo: Undo;
}

export interface CacheSide {
  readonly tables: CachedTables;
  /** In force now. */
  readonly parameters: () => CacheParameters;
}

/**
 * The caches, with the parameters of the file, which is read again when it changes.
 * @throws UsageError
 */
export function openCache(options: DaxOptions, parts: CacheParts): CacheSide {
  const { calls, cluster, lists, log, undo } = parts;
  let parameters = DEFAULT_PARAMETERS;
  let apply = (_changed: CacheParameters) => {};
  if (options.parametersFile !== undefined) {
    const { content, close } = watchFile({
      path: options.parametersFile,
      what: 'parameters file',
      parse: parseParameters,
      onChange: (changed) => apply(changed),
      log,
    });
    undo.push(close);
    parameters = content;
  }
  const redis = redisOf(options, parts);
  const descriptions = new TableDescriptions(calls);
  undo.push(() => descriptions.close());
  const tables = new CachedTables({
    calls,
    descriptions,
    lists,
    coherence: cluster.coherence,
    cacheBytes: options.cacheBytes,
    parameters,
    redis,
    log: (event, fields) => log.info(fields, event),
  });
  undo.push(() => tables.close());
  apply = (changed) => {
    parameters = changed;
    tables.setParameters(changed);
  };
  return { tables, parameters: () => parameters };
}

function redisOf(
  { redis, clusterName }: DaxOptions,
  { cluster, log, undo }: CacheParts,
): RedisOptions | undefined {
  if (redis === undefined) return undefined;
  const common = {
    url: redis.url,
    prefix: `trestle-dax:${clusterName}`,
    generationSettleMs: cluster.settleMs,
  };
  const watching = { log, undo };
  const password = textIn(
    {
      path: redis.passwordFile,
      what: 'Redis password file',
      // Editors end a file with a line feed, which is no part of the password.
      parse: (text, complain) => text.trimEnd() || complain('is empty'),
    },
    watching,
  );
  // Not among the loaded certificates: whoever replaces the cluster's own authority waits until all of these trust it.
  const ca = textIn(
    {
      path: redis.ca,
      what: 'CA file of Redis',
      parse: (text, complain) =>
        certificatesOf(text).length > 0 ? text : complain('has no certificate (PEM)'),
    },
    watching,
  );
  return { ...common, ...(password && { password }), ...(ca && { ca }) };
}

/** What a file says, now and later; undefined where there is none. @throws UsageError */
function textIn(
  { path, what, parse }: Pick<WatchedFile<string>, 'what' | 'parse'> & { path: string | undefined },
  { log, undo }: Pick<CacheParts, 'log' | 'undo'>,
): (() => string) | undefined {
  if (path === undefined) return undefined;
  let text = '';
  const onChange = (changed: string) => {
    text = changed;
  };
  const { content, close } = watchFile({ path, what, parse, onChange, log });
  undo.push(close);
  text = content;
  return () => text;
}
