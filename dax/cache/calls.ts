import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';

/** `encodeItemValues` bytes as latin1 text: how an item lies in the cache. Never empty. */
export type Stored = string;

export type ReturnConsumedCapacity = 'INDEXES' | 'TOTAL' | 'NONE';

export interface GetItemCall {
  readonly table: TableInfo;
  /** Canonical (`canonicalKey`, `encodeKey`). */
  readonly key: Buffer;
  readonly consistentRead: boolean;
  readonly capacity: ReturnConsumedCapacity | undefined;
}

export interface ItemRead {
  /** All attributes but the key; undefined: no such item. */
  readonly values: Stored | undefined;
  /** `ConsumedCapacity` as in JSON; only where asked for, and where this call read the table. */
  readonly consumedCapacity?: JsonObject;
}

export interface BatchGetItemCall {
  /** One for each table; at most 100 keys over all, none twice: the door has checked. */
  readonly requests: readonly BatchGetItemRequest[];
  readonly capacity: ReturnConsumedCapacity | undefined;
}

export interface BatchGetItemRequest {
  readonly table: TableInfo;
  readonly keys: readonly Buffer[];
  readonly consistentRead: boolean;
}

export interface BatchRead {
  /** In step with the call's requests. */
  readonly tables: readonly BatchReadTable[];
  /** One for each table that this call read; empty where nothing was consumed or asked for. */
  readonly consumedCapacity: readonly JsonObject[];
}

export interface BatchReadTable {
  readonly table: TableInfo;
  /** Those that exist, in the order of the request. */
  readonly items: readonly { readonly key: Buffer; readonly values: Stored }[];
  readonly unprocessedKeys: readonly Buffer[];
}

export interface PageCall {
  readonly operation: 'Query' | 'Scan';
  readonly table: TableInfo;
  /** Name of the index, if any. */
  readonly index: string | undefined;
  /**
   * Hash part of the key (its first bytes in canonical form) of a Query on table or local index;
   * undefined: Scan, global index.
   */
  readonly hash: Buffer | undefined;
  readonly consistentRead: boolean;
  /** Whose encoding `encode` gives: answers of one form are not given to the other. */
  readonly form: 'dax' | 'http';
  /** Says all of the request that the answer depends on, but not ReturnConsumedCapacity, ConsistentRead or the table. */
  readonly requestKey: string;
  /** The request for the tables, with TableName; ConsistentRead is set here. */
  readonly body: JsonObject;
  /** Answer of the table to bytes. Called a second time, without ConsumedCapacity, for what is kept. */
  readonly encode: (answer: JsonObject) => Eventually<Buffer>;
}

export interface WriteCall {
  readonly operation: 'PutItem' | 'UpdateItem' | 'DeleteItem';
  readonly table: TableInfo;
  readonly key: Buffer;
  readonly body: JsonObject;
}

/** A write of a batch or transaction. */
export interface KeyWrite {
  readonly table: TableInfo;
  readonly key: Buffer;
  /** As put; `null`: deleted; undefined: not known (an update in a transaction). */
  readonly item: Item | null | undefined;
}

export interface BatchWriteItemCall {
  readonly body: JsonObject;
  /** Every write of the body, each key once. */
  readonly writes: readonly KeyWrite[];
  /**
   * Puts that the table left unprocessed are tried again here; if that does not help the call fails with
   * ProvisionedThroughputExceededException (dax-protocol.md section 10). Else they are in the answer.
   */
  readonly retriesUnprocessedPuts: boolean;
}

export interface TransactWriteItemsCall {
  readonly body: JsonObject;
  /** Puts, deletes and updates of the body; condition checks write nothing. */
  readonly writes: readonly KeyWrite[];
}

/** May change while a node runs. Units as the parameter file has them. */
export interface CacheParameters {
  /** 0: items never expire by time. */
  readonly recordTtlMillis: number;
  /** 0: queries are not cached. */
  readonly queryTtlMillis: number;
}
