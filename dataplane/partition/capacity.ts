import type { Capacity } from './command.ts';

/** Capacity units (reference/dynamodb.md section 3). Sizes are in the service's count. */

const READ_UNIT_BYTES = 4096;
const WRITE_UNIT_BYTES = 1024;

/** Strong reads cost twice the eventual ones. */
export type Consistency = { readonly consistentRead: boolean };

/** Units to read this many bytes, rounded once; nothing read costs as much as the least. */
export function readUnits(bytes: number, { consistentRead }: Consistency): number {
  const units = bytes <= READ_UNIT_BYTES ? 1 : Math.ceil(bytes / READ_UNIT_BYTES);
  return consistentRead ? units : units / 2;
}

/** Units to write one item; `bytes` is the larger of its sizes before and after. */
export function writeUnits(bytes: number): number {
  return bytes <= WRITE_UNIT_BYTES ? 1 : Math.ceil(bytes / WRITE_UNIT_BYTES);
}

/** What a write does to one index entry; sizes undefined where there is or was no entry. */
export interface EntryChange {
  readonly bytesBefore: number | undefined;
  readonly bytesAfter: number | undefined;
  /** The entry's key changes: it is deleted in one place and put in another. */
  readonly isMoved: boolean;
}

/** Units to maintain an index whose entry changes; an untouched entry costs nothing and is not asked about. */
export function indexWriteUnits({ bytesBefore, bytesAfter, isMoved }: EntryChange): number {
  if (bytesBefore === undefined) return writeUnits(bytesAfter ?? 0);
  if (bytesAfter === undefined) return writeUnits(bytesBefore);
  return isMoved
    ? writeUnits(bytesBefore) + writeUnits(bytesAfter)
    : writeUnits(Math.max(bytesBefore, bytesAfter));
}

const noUnits: ReadonlyMap<string, number> = new Map();

/** Halves up to 100 units: nearly all single reads and writes, so they share their objects. */
const SHARED_HALVES = 200;
const shared: (Capacity | undefined)[] = new Array(SHARED_HALVES + 1).fill(undefined);

/** Units on the table and on no index. */
export function tableCapacity(units: number): Capacity {
  const halves = units * 2;
  if (halves > SHARED_HALVES) return newTableCapacity(units);
  let capacity = shared[halves];
  if (capacity === undefined) {
    capacity = newTableCapacity(units);
    shared[halves] = capacity;
  }
  return capacity;
}

function newTableCapacity(units: number): Capacity {
  return { table: units, localIndexes: noUnits, globalIndexes: noUnits };
}

/** Units on the table (0 or more) and on indexes by name. */
export function capacityOf(parts: {
  readonly table: number;
  readonly localIndexes?: ReadonlyMap<string, number>;
  readonly globalIndexes?: ReadonlyMap<string, number>;
}): Capacity {
  return {
    table: parts.table,
    localIndexes: parts.localIndexes ?? noUnits,
    globalIndexes: parts.globalIndexes ?? noUnits,
  };
}

/** A Capacity as plain lists, to be stored and sent: units of the table, and by name of indexes. */
export type ListedCapacity = readonly [
  table: number,
  localIndexes: readonly (readonly [string, number])[],
  globalIndexes: readonly (readonly [string, number])[],
];

export function listCapacity({ table, localIndexes, globalIndexes }: Capacity): ListedCapacity {
  return [table, listUnits(localIndexes), listUnits(globalIndexes)];
}

export function capacityOfList([table, localIndexes, globalIndexes]: ListedCapacity): Capacity {
  if (localIndexes.length + globalIndexes.length === 0) return tableCapacity(table);
  return capacityOf({
    table,
    localIndexes: new Map(localIndexes),
    globalIndexes: new Map(globalIndexes),
  });
}

const noListed: ListedCapacity[1] = [];

function listUnits(units: ReadonlyMap<string, number>): ListedCapacity[1] {
  return units.size === 0 ? noListed : [...units];
}
