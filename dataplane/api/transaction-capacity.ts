import type { Capacity } from '../partition/command.ts';
import { type ReturnConsumedCapacity, sumOfCapacities, totalUnits } from './consumed-capacity.ts';
import type { JsonObject } from './operation.ts';

/** What one action of a transaction cost. */
export interface ActionCapacity {
  /** The table as the request names it. */
  readonly name: string;
  readonly capacity: Capacity;
}

/**
 * `ConsumedCapacity` of a transaction: one element a table, in name order. Unlike other operations it
 * says of each number whether it was read or written.
 * @see reference/dynamodb.md §3; nubo-db/dynoxide (captures of August 2026)
 */
export function transactionCapacity(
  mode: ReturnConsumedCapacity | undefined,
  direction: 'Read' | 'Write',
  actions: readonly ActionCapacity[],
): readonly JsonObject[] | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const byTable = Map.groupBy(actions, ({ name }) => name);
  const inNameOrder = [...byTable].sort(([a], [b]) => (a < b ? -1 : 1));
  return inNameOrder.map(([TableName, ofTable]) => {
    const sum = sumOfCapacities(ofTable.map(({ capacity }) => capacity));
    const total = { TableName, ...units(direction, totalUnits(sum)) };
    return mode === 'TOTAL' ? total : { ...total, ...parts(direction, sum) };
  });
}

function parts(direction: 'Read' | 'Write', capacity: Capacity): JsonObject {
  const { table, localIndexes, globalIndexes } = capacity;
  const byIndex = (indexes: ReadonlyMap<string, number>) =>
    Object.fromEntries(Array.from(indexes, ([name, count]) => [name, units(direction, count)]));
  return {
    Table: units(direction, table),
    ...(localIndexes.size > 0 && { LocalSecondaryIndexes: byIndex(localIndexes) }),
    ...(globalIndexes.size > 0 && { GlobalSecondaryIndexes: byIndex(globalIndexes) }),
  };
}

function units(direction: 'Read' | 'Write', count: number): JsonObject {
  return { CapacityUnits: count, [`${direction}CapacityUnits`]: count };
}
