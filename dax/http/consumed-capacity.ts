import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { ReturnConsumedCapacity } from '../cache/cached-tables.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';

/** What a request says of `ReturnConsumedCapacity`. */
export type CapacityMode = ReturnConsumedCapacity | undefined;

export function isCapacityMode(value: unknown): value is CapacityMode {
  return value === undefined || value === 'NONE' || value === 'TOTAL' || value === 'INDEXES';
}

/** `ConsumedCapacity` of a read that consumed nothing; undefined where the request did not ask for it. */
export function nothingConsumed(mode: CapacityMode, { name }: TableInfo): JsonObject | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const total = { TableName: name, CapacityUnits: 0 };
  return mode === 'TOTAL' ? total : { ...total, Table: { CapacityUnits: 0 } };
}
