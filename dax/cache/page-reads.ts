import { createHash } from 'node:crypto';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import type { PageCall } from './calls.ts';
import type { Clock } from './clock.ts';
import type { CacheCounters } from './counters.ts';
import type { Page, PageCache, PageFlight } from './page-cache.ts';
import { collectionTag, type TableSpace, type TableSpaces, tableTag } from './table-spaces.ts';

export interface PageReadOptions {
  readonly cache: PageCache;
  readonly spaces: TableSpaces;
  readonly calls: TableCalls;
  readonly coherence: { readonly mayServe: boolean };
  readonly counters: CacheCounters;
  readonly clock: Clock;
}

/**
 * Query and Scan: from this process's memory, else from the table; never from L2 (README.md says why).
 */
export class PageReads {
  readonly #options: PageReadOptions;

  constructor(options: PageReadOptions) {
    this.#options = options;
  }

  /** A hit is answered in this turn of the event loop. */
  page(call: PageCall): Eventually<Buffer> {
    const { cache, spaces, coherence, counters } = this.#options;
    if (call.consistentRead || !coherence.mayServe) return this.#readThrough(call);
    const space = spaces.of(call.table.id);
    if (!space.mayKeep) return this.#readThrough(call);
    const key = pageKeyOf(space, call);
    const page = cache.get(key);
    if (page !== undefined) {
      counters[call.operation === 'Query' ? 'queryHits' : 'scanHits'] += 1;
      return bytesOf(page);
    }
    counters[call.operation === 'Query' ? 'queryMisses' : 'scanMisses'] += 1;
    const under = cache.flightOf(key);
    if (under !== undefined) {
      counters.joinedReads += 1;
      return under.join().then(bytesOf);
    }
    const tag = call.hash === undefined ? tableTag(space) : collectionTag(space, call.hash);
    const flight = cache.startFlight(key, tag);
    return flight === undefined ? this.#readThrough(call) : this.#fly(flight, space, call);
  }

  async #fly(flight: PageFlight, space: TableSpace, call: PageCall): Promise<Buffer> {
    const { cache, clock } = this.#options;
    const beganMs = clock.nowMs();
    try {
      const answer = await this.#ask(call);
      const { ConsumedCapacity, ...kept } = answer;
      const bytes = await call.encode(answer);
      const keptBytes = ConsumedCapacity === undefined ? bytes : await call.encode(kept);
      const isSettled = !isOfGlobalIndex(call) || space.areIndexesSettled(beganMs);
      cache.land(flight, keptBytes.toString('latin1'), isSettled);
      return bytes;
    } catch (error) {
      cache.crash(flight, error);
      throw error;
    }
  }

  async #readThrough(call: PageCall): Promise<Buffer> {
    this.#options.counters.readsThrough += 1;
    return await call.encode(await this.#ask(call));
  }

  /** Global indexes have no consistent reads: they follow the table. */
  #ask(call: PageCall): Promise<JsonObject> {
    const { ConsistentRead, ...body } = call.body;
    const isConsistent = !isOfGlobalIndex(call) || ConsistentRead === true;
    return this.#options.calls.call(
      call.operation,
      isConsistent ? { ...body, ConsistentRead: true } : body,
    );
  }
}

function isOfGlobalIndex({ table, index }: PageCall): boolean {
  return index !== undefined && table.globalIndexes.has(index);
}

/**
 * One-byte characters in one piece, like `cacheKeyOf`: table, form, operation, and the request as the
 * door names it, or its digest.
 */
function pageKeyOf(space: TableSpace, { form, operation, requestKey }: PageCall): string {
  const request = Buffer.from(requestKey, 'utf8');
  const isLong = request.length > REQUEST_KEY_BYTES_MAX;
  const named = isLong ? createHash('sha256').update(request).digest() : request;
  const kind = `${form[0]}${operation[0]}${isLong ? '#' : '='}`;
  return `${space.prefix}${kind}${named.toString('latin1')}`;
}

/** It is kept as long as the answer. */
const REQUEST_KEY_BYTES_MAX = 512;

function bytesOf(page: Page): Buffer {
  return Buffer.from(page, 'latin1');
}
