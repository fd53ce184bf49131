import type { Condition, KeyCondition, Projection, Update } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';

/**
 * Requests to a partition, after validation: names resolved, values canonical, keys checked against
 * the schema. Plain data.
 */
export type WriteCommand = PutCommand | UpdateCommand | DeleteCommand;

interface WriteCommon {
  /** The key attributes of the table, and nothing else. */
  readonly key: Item;
  readonly condition: Condition | undefined;
}

export interface PutCommand extends WriteCommon {
  readonly kind: 'put';
  readonly item: Item;
  /** UTF-8 of `JSON.stringify(item)`, where it is at hand: then `item` may cost a parse. */
  readonly json?: Uint8Array;
  /** Size of `item` in the service's count, at most ITEM_BYTES_MAX. */
  readonly itemBytes: number;
}

export interface UpdateCommand extends WriteCommon {
  readonly kind: 'update';
  readonly update: Update;
  /**
   * An absent item stays absent: updates that only remove and delete. Otherwise an update of an
   * absent item creates it.
   */
  readonly keepsAbsent?: boolean;
}

export interface DeleteCommand extends WriteCommon {
  readonly kind: 'delete';
  /** Of an item that is due: the stream says so. */
  readonly byTimeToLive?: boolean;
}

/** Which items the caller of a write will look at in its result; the others may be left out. */
export interface WriteReturns {
  readonly before: boolean;
  readonly after: boolean;
}

/** Units charged, per table part. Zero-valued parts are absent from the maps. */
export interface Capacity {
  readonly table: number;
  readonly localIndexes: ReadonlyMap<string, number>;
  readonly globalIndexes: ReadonlyMap<string, number>;
}

export type WriteResult =
  | {
      readonly kind: 'applied';
      /** The item before and after; undefined where there was or is none. */
      readonly before: Item | undefined;
      readonly after: Item | undefined;
      /** UTF-8 wire JSON of the same, where the result comes from an evaluation. */
      readonly beforeJson?: Uint8Array | undefined;
      readonly afterJson?: Uint8Array | undefined;
      readonly capacity: Capacity;
      /** Bytes of the item collection after the write; only for tables with local indexes. */
      readonly collectionBytes: number | undefined;
    }
  | {
      readonly kind: 'conditionFailed';
      readonly before: Item | undefined;
      readonly beforeJson?: Uint8Array | undefined;
      readonly capacity: Capacity;
    };

/** One item read. `json` is UTF-8 wire JSON of the (projected) item, to be copied into the response. */
export interface ReadResult {
  readonly json: Uint8Array | undefined;
  readonly capacity: Capacity;
}

export interface PageOptions {
  /** Index to read, or undefined for the table itself. */
  readonly indexName: string | undefined;
  readonly consistentRead: boolean;
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
  /** `count` returns no items. */
  readonly output: 'items' | 'count';
  /**
   * Local indexes only: read the whole item from the table where the index entry lacks attributes
   * that the filter, projection or Select asks for.
   */
  readonly fetchFromTable: boolean;
  /** Most items to evaluate, 1 or more. */
  readonly limit: number | undefined;
  /** The page ends with the item that makes it this large; 1 MB unless part of it is read elsewhere. */
  readonly bytesMax?: number;
  /** Key attributes of the table, and of the index when one is read; already checked against the schema. */
  readonly exclusiveStartKey: Item | undefined;
}

export interface QueryRequest extends PageOptions {
  /** One `=` condition per hash attribute in schema order. */
  readonly hashConditions: readonly KeyCondition[];
  /** Conditions on range attributes, left to right without gaps; all but the last are `=`. */
  readonly rangeConditions: readonly KeyCondition[];
  readonly scanIndexForward: boolean;
}

export interface ScanRequest extends PageOptions {
  /** 0-based segment of `totalSegments`; a plain scan is segment 0 of 1. */
  readonly segment: number;
  readonly totalSegments: number;
}

export interface PageResult {
  /** UTF-8 wire JSON, one element an item that passed the filter; empty for `count`. */
  readonly items: readonly Uint8Array[];
  readonly count: number;
  readonly scannedCount: number;
  readonly lastEvaluatedKey: Item | undefined;
  readonly capacity: Capacity;
  /** Bytes evaluated, in the service's count. */
  readonly evaluatedBytes: number;
}
