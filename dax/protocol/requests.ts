/**
 * Requests as they arrive (reference/dax-protocol.md sections 3 to 10). Texts are decoded; what needs
 * a key schema, an attribute list or an expression decoder to be read is left as bytes.
 *
 * Every Buffer is a view into received bytes, not a copy: keep it no longer than the request.
 */
export type DaxRequest =
  | AuthorizeConnectionRequest
  | EndpointsRequest
  | DefineKeySchemaRequest
  | DefineAttributeListIdRequest
  | DefineAttributeListRequest
  | GetItemRequest
  | PutItemRequest
  | UpdateItemRequest
  | DeleteItemRequest
  | QueryRequest
  | ScanRequest
  | BatchGetItemRequest
  | BatchWriteItemRequest
  | TransactGetItemsRequest
  | TransactWriteItemsRequest;

/** Names of the fifteen methods, as the reference calls them. */
export type MethodName = DaxRequest['method'];

/** Has no reply, whether good or bad. */
export interface AuthorizeConnectionRequest {
  readonly method: 'authorizeConnection';
  readonly accessKeyId: string;
  /** 64 lower-case hex digits, unless the sender is none of the known clients. */
  readonly signature: string;
  readonly stringToSign: string;
  readonly sessionToken: string | undefined;
  readonly userAgent: string | undefined;
}

export interface EndpointsRequest {
  readonly method: 'endpoints';
}

export interface DefineKeySchemaRequest {
  readonly method: 'defineKeySchema';
  readonly table: string;
}

/** Names in the sender's order, which is the list's. */
export interface DefineAttributeListIdRequest {
  readonly method: 'defineAttributeListId';
  readonly names: readonly string[];
}

export interface DefineAttributeListRequest {
  readonly method: 'defineAttributeList';
  readonly id: number;
}

export interface GetItemRequest {
  readonly method: 'getItem';
  readonly table: string;
  /** Key bytes: `keys.ts`. */
  readonly key: Buffer;
  readonly options: RequestOptions;
}

export interface PutItemRequest {
  readonly method: 'putItem';
  readonly table: string;
  readonly key: Buffer;
  /** Item values without the key attributes: `decodeItemValues`. */
  readonly values: Buffer;
  readonly options: RequestOptions;
}

export interface UpdateItemRequest {
  readonly method: 'updateItem';
  readonly table: string;
  readonly key: Buffer;
  readonly options: RequestOptions;
}

export interface DeleteItemRequest {
  readonly method: 'deleteItem';
  readonly table: string;
  readonly key: Buffer;
  readonly options: RequestOptions;
}

export interface QueryRequest {
  readonly method: 'query';
  readonly table: string;
  /** `decodeCondition(bytes, 'KeyConditionExpression')`. */
  readonly keyCondition: Buffer | undefined;
  readonly options: RequestOptions;
}

export interface ScanRequest {
  readonly method: 'scan';
  readonly table: string;
  readonly options: RequestOptions;
}

export interface BatchGetItemRequest {
  readonly method: 'batchGetItem';
  readonly tables: readonly BatchGetTable[];
  /** ReturnConsumedCapacity only. */
  readonly options: RequestOptions;
}

export interface BatchGetTable {
  readonly table: string;
  readonly consistentRead: boolean;
  readonly projection: Buffer | undefined;
  readonly keys: readonly Buffer[];
}

export interface BatchWriteItemRequest {
  readonly method: 'batchWriteItem';
  readonly tables: readonly BatchWriteTable[];
  readonly options: RequestOptions;
}

export interface BatchWriteTable {
  readonly table: string;
  readonly writes: readonly BatchWrite[];
}

/** `values` undefined: a delete. */
export interface BatchWrite {
  readonly key: Buffer;
  readonly values: Buffer | undefined;
}

export interface TransactGetItemsRequest {
  readonly method: 'transactGetItems';
  readonly gets: readonly TransactGet[];
  readonly options: RequestOptions;
}

export interface TransactGet {
  readonly table: string;
  readonly key: Buffer;
  readonly projection: Buffer | undefined;
}

export interface TransactWriteItemsRequest {
  readonly method: 'transactWriteItems';
  readonly writes: readonly TransactWrite[];
  readonly options: RequestOptions;
}

export type TransactWriteOperation = 'Put' | 'Delete' | 'Update' | 'ConditionCheck';

export interface TransactWrite {
  readonly operation: TransactWriteOperation;
  readonly table: string;
  readonly key: Buffer;
  /** Item values of a Put. */
  readonly values: Buffer | undefined;
  readonly condition: Buffer | undefined;
  /** The update expression of an Update. */
  readonly update: Buffer | undefined;
  readonly returnValuesOnConditionCheckFailure: 'NONE' | 'ALL_OLD' | undefined;
}

export type ReturnConsumedCapacity = 'NONE' | 'TOTAL' | 'INDEXES';
export type ReturnItemCollectionMetrics = 'NONE' | 'SIZE';
export type ReturnValues = 'NONE' | 'ALL_OLD' | 'UPDATED_OLD' | 'ALL_NEW' | 'UPDATED_NEW';
export type Select =
  | 'ALL_ATTRIBUTES'
  | 'ALL_PROJECTED_ATTRIBUTES'
  | 'COUNT'
  | 'SPECIFIC_ATTRIBUTES';

/** The options map of section 9, as sent: a member is there exactly when its key was. */
export interface RequestOptions {
  readonly projection?: Buffer;
  readonly consistentRead?: boolean;
  readonly returnConsumedCapacity?: ReturnConsumedCapacity;
  /** `decodeCondition(bytes, 'ConditionExpression')`. */
  readonly condition?: Buffer;
  readonly returnItemCollectionMetrics?: ReturnItemCollectionMetrics;
  readonly returnValues?: ReturnValues;
  readonly update?: Buffer;
  /** Key bytes; with an index the bytes that `decodeIndexKey` reads. */
  readonly exclusiveStartKey?: Buffer;
  /** `decodeCondition(bytes, 'FilterExpression')`. */
  readonly filter?: Buffer;
  readonly indexName?: string;
  readonly limit?: number;
  readonly scanIndexForward?: boolean;
  /** Go sends ALL_ATTRIBUTES unasked: not given whenever an index or a projection makes it wrong. */
  readonly select?: Select;
  readonly segment?: number;
  readonly totalSegments?: number;
  readonly clientRequestToken?: string;
}
