import type { AttributeValue } from '../../item/attribute-value.ts';
import type { TableSchema } from '../../partition/schema.ts';
import type { ReturnConsumedCapacity } from '../consumed-capacity.ts';
import type { JsonObject } from '../operation.ts';
import type { ReturnValues } from '../return-values.ts';
import type { Select } from '../select.ts';

/** Something that a request's caller has to be allowed. */
export type NeededAccess = ItemAccess | TableAccess | StreamAccess | TaggedAccess | AccountAccess;

/** Reading or writing items of a table or index. */
export interface ItemAccess {
  readonly kind: 'items';
  /** Without the service: `GetItem`. */
  readonly action: string;
  /** As the request names it: a name or an ARN. */
  readonly table: string;
  readonly index?: string | undefined;
  /** The operation that this is a part of. */
  readonly enclosingOperation?: string;
  /** Which part of the request it is for, if that part alone is refused for want of it. */
  readonly part?: number;
  /**
   * What else conditions may be about; asked for only if a policy has such conditions.
   * @throws ClientFault when the request is not well formed, as its operation would
   */
  readonly use: () => ItemUse;
}

/** What is done to items, as condition keys of policies see it. */
export interface ItemUse {
  /** Partition key values of the table or index; none: the request names no item collection. */
  readonly partitionKeys: (schema: TableSchema) => readonly AttributeValue[];
  /** Names of all top-level attributes that the request names. */
  readonly attributes: () => ReadonlySet<string>;
  /** Which attributes are read, of reads. */
  readonly select?: Select;
  /** What is told of items, of writes. */
  readonly returnValues?: ReturnValues;
  readonly returnConsumedCapacity: ReturnConsumedCapacity;
  /** Of SELECT: no key decides which items are read. */
  readonly isFullTableScan?: (schema: TableSchema) => boolean;
}

/** Doing something to a table as a whole. */
export interface TableAccess {
  readonly kind: 'table';
  readonly action: string;
  /** A name or an ARN. */
  readonly table: string;
}

export interface StreamAccess {
  readonly kind: 'stream';
  readonly action: string;
  readonly arn: string;
}

/** Tags of what an ARN names. */
export interface TaggedAccess {
  readonly kind: 'tagged';
  readonly action: string;
  readonly arn: string;
}

/** Something about no resource. */
export interface AccountAccess {
  readonly kind: 'account';
  readonly action: string;
}

/** How the access that an operation needs is found in the body of a request. */
export interface AccessRule {
  /**
   * What the request needs, one after the other. The body is as it came: of any types.
   * @returns undefined: it is too malformed to tell
   */
  readonly read: (body: JsonObject) => readonly NeededAccess[] | undefined;
  /**
   * The operation's own look at the body, which refuses all that `read` cannot read.
   * @throws ClientFault
   */
  readonly check: (body: JsonObject) => unknown;
}
