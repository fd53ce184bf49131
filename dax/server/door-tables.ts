import type { CachedTables } from '../cache/cached-tables.ts';
import type { AttributeLists } from '../cluster/attribute-lists.ts';

/** What this door needs of the tables behind the cache. */
export type DoorTables = Pick<
  CachedTables,
  | 'describe'
  | 'getItem'
  | 'batchGetItem'
  | 'page'
  | 'write'
  | 'batchWriteItem'
  | 'transactGetItems'
  | 'transactWriteItems'
>;

/** And of the registry of attribute lists. */
export type DoorLists = Pick<AttributeLists, 'idOf' | 'namesOf'>;
