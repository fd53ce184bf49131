import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { AttributeValue, Item } from '../../dataplane/item/attribute-value.ts';
import type { ConsumedCapacity, ItemCollectionMetrics } from '../protocol/replies.ts';

/**
 * Answers of the tables, as the API has them. They come from our own tables, by way of the cache, which
 * has checked what it needs of them; their form is theirs to keep.
 */
export interface WriteAnswer {
  readonly Attributes?: Item;
  readonly ConsumedCapacity?: ConsumedCapacity;
  readonly ItemCollectionMetrics?: ItemCollectionMetrics;
}

export interface PageAnswer {
  /** Absent for Select COUNT. */
  readonly Items?: readonly Item[];
  readonly Count: number;
  readonly ScannedCount: number;
  readonly LastEvaluatedKey?: Item;
  readonly ConsumedCapacity?: ConsumedCapacity;
}

export interface BatchWriteAnswer {
  readonly UnprocessedItems?: Readonly<Record<string, readonly UnprocessedWrite[]>>;
  readonly ConsumedCapacity?: readonly ConsumedCapacity[];
  readonly ItemCollectionMetrics?: Readonly<Record<string, readonly ItemCollectionMetrics[]>>;
}

/** The cache sees to it that no put is left over. */
export interface UnprocessedWrite {
  readonly DeleteRequest?: { readonly Key: Item };
}

export interface TransactGetAnswer {
  readonly Responses: readonly { readonly Item?: Item }[];
  readonly ConsumedCapacity?: readonly ConsumedCapacity[];
}

export interface TransactWriteAnswer {
  readonly ConsumedCapacity?: readonly ConsumedCapacity[];
  readonly ItemCollectionMetrics?: Readonly<Record<string, readonly ItemCollectionMetrics[]>>;
}

/** `CancellationReasons` of a TransactionCanceledException: one for each part of the transaction. */
export interface ReasonAnswer {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Readonly<Record<string, AttributeValue>>;
}

/** The one place where an answer gets its type. */
export function answerOf<Answer>(body: JsonObject): Answer {
  return body as unknown as Answer; // see above
}
