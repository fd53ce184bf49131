/** Events since the start of the process; plain numbers, so that counting costs nothing. */
export interface CacheCounters {
  itemHits: number;
  itemMisses: number;
  queryHits: number;
  queryMisses: number;
  scanHits: number;
  scanMisses: number;
  /** For want of room. */
  itemEvictions: number;
  pageEvictions: number;
  evictedBytes: number;
  /** Found, but older than the time to live. */
  itemExpirations: number;
  pageExpirations: number;
  /** Reads that got the answer to a question that was on its way already. */
  joinedReads: number;
  /** Reads of the tables that were not to be kept: of the caller's own will, or because flights were too many. */
  readsThrough: number;
  /** Keys dropped because another node wrote them. */
  invalidatedKeys: number;
  /** Whole tables dropped so. */
  invalidatedTables: number;
  writes: number;
  /** Answers of the table to writes that dropped the keys instead of storing a new value. */
  droppedKeys: number;
  failedWrites: number;
  uncertainWrites: number;
  l2Hits: number;
  l2Misses: number;
  /** Times that Redis was given up: an operation failed or took too long, or the connection was lost. */
  l2Losses: number;
  /** Times that all nodes were told not to use what L2 has. */
  l2Withholdings: number;
}

export function newCounters(): CacheCounters {
  return {
    itemHits: 0,
    itemMisses: 0,
    queryHits: 0,
    queryMisses: 0,
    scanHits: 0,
    scanMisses: 0,
    itemEvictions: 0,
    pageEvictions: 0,
    evictedBytes: 0,
    itemExpirations: 0,
    pageExpirations: 0,
    joinedReads: 0,
    readsThrough: 0,
    invalidatedKeys: 0,
    invalidatedTables: 0,
    writes: 0,
    droppedKeys: 0,
    failedWrites: 0,
    uncertainWrites: 0,
    l2Hits: 0,
    l2Misses: 0,
    l2Losses: 0,
    l2Withholdings: 0,
  };
}

/** What is there at the moment. */
export interface CacheSizes {
  readonly itemsCount: number;
  readonly itemBytes: number;
  readonly itemBytesMax: number;
  readonly pagesCount: number;
  readonly pageBytes: number;
  readonly pageBytesMax: number;
  /** Item collections and tables that pages or flights are about. */
  readonly pageTagsCount: number;
  readonly itemFlightsCount: number;
  readonly pageFlightsCount: number;
  readonly heldKeysCount: number;
}
