import type { KeyAttributeType } from '../../dataplane/item/attribute-value.ts';

/** A key attribute and its type. */
export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyAttributeType;
}

/** The primary key of a table, or the key of an index. */
export interface KeySchema {
  readonly hash: KeyAttribute;
  readonly range: KeyAttribute | undefined;
}
