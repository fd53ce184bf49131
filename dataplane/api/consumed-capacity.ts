import type { Capacity } from '../partition/command.ts';
import type { JsonObject } from './operation.ts';

export type ReturnConsumedCapacity = 'INDEXES' | 'TOTAL' | 'NONE';

/**
 * `ConsumedCapacity` of one table; undefined where the request did not ask for it.
 * @see reference/dynamodb.md §3 (ConsumedCapacity)
 */
export function consumedCapacity(
  mode: ReturnConsumedCapacity | undefined,
  tableName: string,
  capacity: Capacity,
): JsonObject | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const CapacityUnits = totalUnits(capacity);
  if (mode === 'TOTAL') return { TableName: tableName, CapacityUnits };
  return {
    TableName: tableName,
    CapacityUnits,
    Table: { CapacityUnits: capacity.table },
    ...(capacity.localIndexes.size > 0 && {
      LocalSecondaryIndexes: unitsByIndex(capacity.localIndexes),
    }),
    ...(capacity.globalIndexes.size > 0 && {
      GlobalSecondaryIndexes: unitsByIndex(capacity.globalIndexes),
    }),
  };
}

/** The capacity of several reads or writes on one table. */
export function sumOfCapacities(capacities: readonly Capacity[]): Capacity {
  let table = 0;
  const localIndexes = new Map<string, number>();
  const globalIndexes = new Map<string, number>();
  for (const capacity of capacities) {
    table += capacity.table;
    addUnits(localIndexes, capacity.localIndexes);
    addUnits(globalIndexes, capacity.globalIndexes);
  }
  return { table, localIndexes, globalIndexes };
}

function addUnits(sums: Map<string, number>, units: ReadonlyMap<string, number>): void {
  for (const [index, added] of units) sums.set(index, (sums.get(index) ?? 0) + added);
}

/** Units of the table and of all its indexes. */
export function totalUnits({ table, localIndexes, globalIndexes }: Capacity): number {
  let total = table;
  for (const units of localIndexes.values()) total += units;
  for (const units of globalIndexes.values()) total += units;
  return total;
}

/** By `fromEntries`, so that an index called `__proto__` is shown too. */
function unitsByIndex(units: ReadonlyMap<string, number>): JsonObject {
  return Object.fromEntries(
    Array.from(units, ([index, CapacityUnits]) => [index, { CapacityUnits }]),
  );
}
