import { ITEM_BYTES_MAX } from '../../dataplane/item/limits.ts';

/**
 * Bounds on what arrives. What DynamoDB limits itself (items, keys, numbers, expressions) is in
 * dataplane/item and dataplane/expression.
 */

/** One request of a known caller: 25 items of 400 KB, encoded, with room to spare. */
export const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** One request of a caller who is not known yet: `authorizeConnection` with a session token. */
export const UNKNOWN_CALLER_REQUEST_BYTES_MAX = 16 * 1024;

/** The preamble. User agents may be long: a client's configuration sets them. */
export const PREAMBLE_BYTES_MAX = 4096;

/** A session id; clients send at most 16 bytes. */
export const SESSION_ID_BYTES_MAX = 64;

/** Headers in the preamble; clients send one. */
export const HEADERS_COUNT_MAX = 16;

/** CBOR containers inside each other; an item nests at most 32 levels, its frame three. */
export const NESTING_MAX = 64;

/**
 * Values in one item, or in the values of one expression. Each counts a byte at least for the size
 * of an item, so that no item has more; it bounds what small encodings grow to in memory.
 */
export const VALUES_COUNT_MAX = ITEM_BYTES_MAX;

/** Keys of BatchGetItem over all tables (guide: "Quotas"). */
export const BATCH_GET_KEYS_MAX = 100;

/** Writes of BatchWriteItem over all tables. */
export const BATCH_WRITES_MAX = 25;

/** Parts of a transaction. */
export const TRANSACTION_PARTS_MAX = 100;

/** Names in one attribute list: each takes at least one byte of an item, and so does its value. */
export const LIST_NAMES_MAX = ITEM_BYTES_MAX / 2;

/** Bytes of the integer behind tags 2 and 3. The largest number of the data model takes 53. */
export const BIG_INTEGER_BYTES_MAX = 256;

/**
 * Integers of more digits are sent without their zeros at the end, which the significant digits never
 * are: Python's client refuses numbers of more than 38 digits, and Go's reads them wrong as sort keys.
 */
export const PLAIN_DIGITS_MAX = 38;
