/** Bounds of the caches, with their units. */

/** What is left of --cache-bytes belongs to queries and scans. */
export const ITEM_CACHE_SHARE = 0.75;

/**
 * What an item costs beside the bytes of its key and value: two string headers, a place in the map and
 * in five arrays (130 B), and what the garbage collector keeps free. Measured by `memory.fixture.ts`
 * as the growth of the whole process.
 */
export const ITEM_OVERHEAD_BYTES = 230;
/** The same for a page, with its place among the tags. Measured alike. */
export const PAGE_OVERHEAD_BYTES = 1000;

/** Reads of tables that others may join, at one time; further reads go to the table by themselves. */
export const ITEM_FLIGHTS_COUNT_MAX = 20_000;
export const PAGE_FLIGHTS_COUNT_MAX = 5_000;

/** Tables that are told apart; beyond, the one known for longest is forgotten, with what is cached of it. */
export const TABLES_COUNT_MAX = 100_000;

/** A write with unknown outcome may still be done by the table for so long. */
export const UNCERTAIN_HOLD_MS = 30_000;
/** Keys and item collections that are held so, singly; beyond, whole tables are. */
export const HOLDS_COUNT_MAX = 10_000;

/** Global indexes have a write of their table after this time, for all we can know. */
export const INDEX_SETTLE_MS = 1000;

/** Keys of one BatchGetItem call (API model). */
export const BATCH_KEYS_COUNT_MAX = 100;
/** Values of the items of one BatchGetItem answer; further keys are left unprocessed, as by the service. */
export const BATCH_ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** Attempts for what a batch leaves unprocessed, the first one included. */
export const BATCH_ATTEMPTS_COUNT = 6;
/** Before the second attempt; doubled for each further one. */
export const BATCH_BACK_OFF_MS = 25;

/** How long a table's first user waits until other nodes know of it; what is read then is not kept. */
export const TABLE_TOLD_MS_MAX = 100;

/** How often a write is told anew because the keys of L2 have changed. */
export const TELLING_ROUNDS_MAX = 5;
