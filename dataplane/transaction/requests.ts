import type { Projection } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import type { Capacity } from '../partition/command.ts';
import type { TransactionCommand } from '../partition/transaction.ts';
import type { Table } from '../routing/table.ts';

/**
 * Transactions as the API operations ask for them, and what came of them. Plain data but for the
 * tables.
 */
export interface Transactions {
  /**
   * All of the actions or none.
   * @throws ClientFault when no outcome can be told per action: TransactionInProgressException,
   *   IdempotentParameterMismatchException, ResourceNotFoundException, ThrottlingException when too
   *   many transactions run, InternalServerError when its fate is unknown; StoreError
   */
  write(request: TransactionWriteRequest): Promise<TransactionWriteResult>;

  /**
   * All items as they were at one moment.
   * @throws ClientFault as `write` does; StoreError
   */
  read(gets: readonly TransactionGet[]): Promise<TransactionReadResult>;
}

export interface TransactionWriteRequest {
  /** 1 to TRANSACTION_ACTIONS_MAX, each of another item: the caller has checked both. */
  readonly actions: readonly TransactionAction[];
  /** `ClientRequestToken`. Undefined: every call is a transaction of its own. */
  readonly token: string | undefined;
  /**
   * SHA-256 of what the request means (`requestDigest`): with the same token, equal for a repeat and
   * different for another request. Not looked at without a token.
   */
  readonly digest: Uint8Array;
}

export interface TransactionAction {
  readonly table: Table;
  readonly command: TransactionCommand;
  /** A failed condition's reason has the item (ReturnValuesOnConditionCheckFailure ALL_OLD). */
  readonly returnsItemOnFailure: boolean;
}

export type TransactionWriteResult =
  | {
      readonly kind: 'committed';
      /** One an action, in their order. */
      readonly actions: readonly CommittedAction[];
    }
  /** A request with the same token has committed it before: nothing was done now. */
  | {
      readonly kind: 'repeated';
      /** One an action, in their order: read units, as the repeat is charged. */
      readonly capacities: readonly Capacity[];
    }
  | Cancelled;

export interface CommittedAction {
  /** What the transaction is charged: twice the units of a plain write. */
  readonly capacity: Capacity;
  /** Bytes of the item collection after the write; only for tables with local indexes. */
  readonly collectionBytes: number | undefined;
}

export interface TransactionGet {
  readonly table: Table;
  /** The key attributes of the table, and nothing else. */
  readonly key: Item;
  readonly projection: Projection | undefined;
}

export type TransactionReadResult =
  | {
      readonly kind: 'read';
      /** One a get, in their order. */
      readonly items: readonly TransactionReadItem[];
    }
  | Cancelled;

export interface TransactionReadItem {
  /** UTF-8 wire JSON of the (projected) item; undefined: there is none. */
  readonly json: Uint8Array | undefined;
  /** Of the whole item, in the service's count; 0 without one. */
  readonly bytes: number;
  /** Twice the units of a strong read. */
  readonly capacity: Capacity;
}

/** Nothing was done, or read. */
export interface Cancelled {
  readonly kind: 'cancelled';
  /** One an action, in their order. */
  readonly reasons: readonly CancellationReason[];
}

/** Why an action stands in the way; `none` of those that do not. */
export type CancellationReason =
  | { readonly kind: 'none' }
  /** `item`: UTF-8 wire JSON, where the action wants it and there is one. */
  | { readonly kind: 'conditionFailed'; readonly item: Uint8Array | undefined }
  /** PartiQL's INSERT, of an item that is there. The coordinator does not answer it. */
  | { readonly kind: 'duplicateItem'; readonly item: Uint8Array | undefined }
  | { readonly kind: 'conflict' }
  /** Texts are those of the faults of single operations. */
  | { readonly kind: 'throttled'; readonly message: string }
  | { readonly kind: 'provisionedThroughput'; readonly message: string }
  | { readonly kind: 'itemCollectionSize'; readonly message: string }
  | { readonly kind: 'validation'; readonly message: string };

/** Actions of one transaction. @see service model dynamodb 2012-08-10, TransactItems */
export const TRANSACTION_ACTIONS_MAX = 100;
