import type { Item } from '../item/attribute-value.ts';
import type { LedgerPlace, Participant } from '../partition/transaction.ts';
import type { Table } from '../routing/table.ts';
import type { PartitionPlace } from './partition-calls.ts';

/** What of a request falls to one partition. */
export interface Share extends PartitionPlace {
  /** Of the request's actions, ascending. */
  readonly indexes: readonly number[];
}

/** Where the parts of a transaction are. */
export interface Placement {
  /** In the order in which the request names them. */
  readonly shares: readonly Share[];
  readonly ledger: PartitionPlace;
}

interface Placed {
  readonly table: Table;
  readonly key: Item;
}

/**
 * The partitions with items of a request, and the one that keeps its outcome: of the first table in
 * name order, the owner of the id taken as a hash, so that every repeat with the same token finds it
 * through any router; without a token, the items' own partition if they are all in one.
 */
export function placementOf(
  actions: readonly Placed[],
  id: Uint8Array,
  { hasToken }: { readonly hasToken: boolean },
): Placement {
  const shares = sharesOf(actions);
  const [only] = shares;
  if (!hasToken && shares.length === 1 && only !== undefined) return { shares, ledger: only };
  const table = firstByName(actions);
  return { shares, ledger: { table, partitionId: table.partitionOfHash(id) } };
}

/** Actions by the partition that has their item. */
export function sharesOf(actions: readonly Placed[]): readonly Share[] {
  const shares: { table: Table; partitionId: bigint; indexes: number[] }[] = [];
  const known = new Map<string, Map<bigint, number[]>>();
  for (const [index, { table, key }] of actions.entries()) {
    const { tableId } = table.schema;
    // Two requests' worth of names may be one table; ids of partitions are unique in a cluster only.
    let ofTable = known.get(tableId);
    if (ofTable === undefined) {
      ofTable = new Map();
      known.set(tableId, ofTable);
    }
    const partitionId = table.partitionOf(key);
    const indexes = ofTable.get(partitionId);
    if (indexes !== undefined) {
      indexes.push(index);
      continue;
    }
    const share = { table, partitionId, indexes: [index] };
    ofTable.set(partitionId, share.indexes);
    shares.push(share);
  }
  return shares;
}

/** The elements at these indexes, all of which there are. */
export function elementsAt<Element>(
  elements: readonly Element[],
  indexes: readonly number[],
): Element[] {
  return indexes.map((index) => elements[index]).filter((element) => element !== undefined);
}

function firstByName(actions: readonly Placed[]): Table {
  let first = actions[0]?.table;
  for (const { table } of actions) {
    if (first === undefined || table.schema.tableName < first.schema.tableName) first = table;
  }
  if (first === undefined) throw new RangeError('a transaction has at least one action');
  return first;
}

export function areSamePlace(a: PartitionPlace, b: PartitionPlace): boolean {
  return a.partitionId === b.partitionId && a.table.schema.tableId === b.table.schema.tableId;
}

/** As calls name it: a participant, or a ledger. */
export function namedPlace({ table, partitionId }: PartitionPlace): Participant & LedgerPlace {
  const { tableId, tableName } = table.schema;
  return { tableId, tableName, partitionId };
}
