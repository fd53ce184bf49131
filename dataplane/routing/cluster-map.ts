import type { PartitionRange } from '../partition/schema.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import { NodeState } from './node-state.ts';
import { PartitionRoute } from './partition-route.ts';
import type { NodeReport, PartitionReport, ReportCall } from './protocol.ts';
import { decodeTableConfiguration, type TableConfiguration } from './table-configuration.ts';

/** A table that at least one node has a partition of. */
export interface KnownTable {
  readonly tableId: string;
  /** The newest that any node has reported. */
  readonly configuration: TableConfiguration;
  /**
   * All partitions of the table, and of the active indexes that it had at that time, are known and
   * have had a leader. From then on it is read and written: it is so for good. Of one that was
   * deleted (`retiredAtMs` of its layout) only streams are read.
   */
  readonly isReadable: boolean;
}

interface TableEntry extends KnownTable {
  configuration: TableConfiguration;
  isReadable: boolean;
  /** The configuration that listeners were told of last. */
  toldOf: TableConfiguration | undefined;
}

export type TableListener = (table: KnownTable, change: 'changed' | 'gone') => void;

/** What came of a merge. */
export interface MergeOutcome {
  /** Partitions without their table's configuration were reported: all of the report is needed. */
  readonly isIncomplete: boolean;
  /** Configurations of a format that this release does not know: their tables stay as they were. */
  readonly unreadableCount: number;
}

/** The catalog's group: it is no table's partition. */
export const CATALOG_PARTITION_ID = 0n;

/**
 * What this process knows of the nodes, partitions and tables of its cluster, from the reports of
 * nodes and from the answers to its calls. Nodes that are away stay as they were last known.
 *
 * The order in which reports of different nodes come makes no difference (see `viewOf`); those of
 * one node come in order. A partition is there until no node has it, or most of its members dropped
 * it; a table is there as long as one of its partitions.
 */
export class ClusterMap {
  readonly #nodes = new Map<NodeId, NodeState>();
  /** Partitions that each node reports. */
  readonly #reported = new Map<NodeId, Set<bigint>>();
  readonly #partitions = new Map<bigint, PartitionRoute>();
  /** By table id: its partitions and those of its indexes. */
  readonly #partitionsOf = new Map<string, Set<bigint>>();
  readonly #tables = new Map<string, TableEntry>();
  /** By name and by ARN: of several tables of one name the one that was created last; none deleted. */
  readonly #byName = new Map<string, TableEntry>();
  readonly #listeners: TableListener[] = [];

  /** The node of this name; known from now on, if it was not. */
  readonly node = (id: NodeId): NodeState => {
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = new NodeState(id);
      this.#nodes.set(id, node);
    }
    return node;
  };

  knows(id: NodeId): boolean {
    return this.#nodes.has(id);
  }

  nodes(): Iterable<NodeState> {
    return this.#nodes.values();
  }

  partition(id: bigint): PartitionRoute | undefined {
    return this.#partitions.get(id);
  }

  /** Partitions of tables whose leaders report transactions that wait to be finished. */
  *partitionsWithStalledTransactions(): Generator<{
    readonly tableId: string;
    readonly partitionId: bigint;
  }> {
    for (const { id, tableId, stalledTransactions } of this.#partitions.values()) {
      if (stalledTransactions > 0) yield { tableId, partitionId: id };
    }
  }

  get partitionsCount(): number {
    return this.#partitions.size;
  }

  /** Those that were deleted and whose streams can still be read among them. */
  tables(): Iterable<KnownTable> {
    return this.#tables.values();
  }

  /** By name or ARN. */
  table(nameOrArn: string): KnownTable | undefined {
    return this.#byName.get(nameOrArn);
  }

  tableById(tableId: string): KnownTable | undefined {
    return this.#tables.get(tableId);
  }

  get tablesCount(): number {
    return this.#tables.size;
  }

  /** Has `listener` told of tables that came, changed or went, once a merge is done. */
  onTable(listener: TableListener): void {
    this.#listeners.push(listener);
  }

  /** The most routers that any connected node sees; 1 or more. */
  get routersCount(): number {
    let count = 1;
    for (const node of this.#nodes.values()) {
      if (node.isUp && node.routersCount > count) count = node.routersCount;
    }
    return count;
  }

  /**
   * Takes a node's report in.
   * @param since - what the call asked for
   */
  merge(report: NodeReport, since: ReportCall['since'], nowMs: number): MergeOutcome {
    const node = this.node(report.node);
    const isWhole = report.isWhole || since?.processId !== report.processId;
    if (!isWhole && report.version < node.version) return nothingMissing;
    const hasItsFolder = node.storeId === report.storeId;
    node.takeReport(report, nowMs);
    const changed = new Set<string>();
    const configurations = report.tables.map(readableConfiguration);
    const unreadableCount = configurations.filter((each) => each === undefined).length;
    for (const each of configurations)
      if (each !== undefined) this.#takeConfiguration(each, changed);
    for (const partition of report.partitions) this.#takePartition(node.id, partition, changed);
    for (const id of this.#removed(report, isWhole)) {
      this.#dropReport(node.id, { id, isDropped: hasItsFolder }, changed);
    }
    const isIncomplete = this.#settle(changed);
    // Asking for all would bring the same again.
    return { isIncomplete: isIncomplete && unreadableCount === 0, unreadableCount };
  }

  #takeConfiguration(configuration: TableConfiguration, changed: Set<string>): void {
    const { tableId } = configuration.layout.schema;
    const known = this.#tables.get(tableId);
    if (known === undefined) {
      const entry = { tableId, configuration, isReadable: false, toldOf: undefined };
      this.#tables.set(tableId, entry);
    } else if (configuration.version > known.configuration.version) {
      known.configuration = configuration;
    } else {
      return;
    }
    changed.add(tableId);
  }

  #takePartition(from: NodeId, report: PartitionReport, changed: Set<string>): void {
    const { partitionId, tableId } = report;
    setIn(this.#reported, from).add(partitionId);
    const route = this.#partitions.get(partitionId);
    if (route !== undefined) {
      route.takeReport(from, report);
    } else {
      this.#partitions.set(partitionId, new PartitionRoute(report, from, this.node));
      if (partitionId !== CATALOG_PARTITION_ID) setIn(this.#partitionsOf, tableId).add(partitionId);
    }
    if (partitionId !== CATALOG_PARTITION_ID) changed.add(tableId);
  }

  #removed({ removedPartitions, partitions, node }: NodeReport, isWhole: boolean): bigint[] {
    if (!isWhole) return [...removedPartitions];
    const reported = new Set(partitions.map(({ partitionId }) => partitionId));
    return [...setIn(this.#reported, node)].filter((id) => !reported.has(id));
  }

  #dropReport(
    from: NodeId,
    { id, isDropped }: { readonly id: bigint; readonly isDropped: boolean },
    changed: Set<string>,
  ): void {
    const route = this.#partitions.get(id);
    if (!setIn(this.#reported, from).delete(id) || route === undefined) return;
    if (route.dropReport(from, isDropped)) return;
    this.#partitions.delete(id);
    if (id === CATALOG_PARTITION_ID) return;
    const ofTable = setIn(this.#partitionsOf, route.tableId);
    ofTable.delete(id);
    if (ofTable.size === 0) this.#partitionsOf.delete(route.tableId);
    changed.add(route.tableId);
  }

  /** Brings tables after what was merged; returns whether a configuration is missing. */
  #settle(changed: ReadonlySet<string>): boolean {
    let isIncomplete = false;
    const told: Parameters<TableListener>[] = [];
    for (const tableId of changed) {
      const table = this.#tables.get(tableId);
      const isThere = this.#partitionsOf.has(tableId);
      if (table === undefined) {
        isIncomplete ||= isThere;
      } else if (!isThere) {
        this.#forget(table);
        told.push([table, 'gone']);
      } else if (this.#bringAfter(table)) {
        told.push([table, 'changed']);
      }
    }
    for (const each of told) for (const listener of this.#listeners) listener(...each);
    return isIncomplete;
  }

  /** Returns whether there is something to tell. */
  #bringAfter(table: TableEntry): boolean {
    const { configuration } = table;
    const wasReadable = table.isReadable;
    if (!wasReadable) table.isReadable = this.#isLed(configuration);
    if (table.toldOf === configuration && wasReadable === table.isReadable) return false;
    table.toldOf = configuration;
    for (const name of namesOf(table)) {
      const other = this.#byName.get(name);
      if (isRetired(table)) this.#unname(name, table);
      else if (other === undefined || isNewer(table, other)) this.#byName.set(name, table);
    }
    return true;
  }

  #isLed({ layout }: TableConfiguration): boolean {
    const isLed = ({ id }: PartitionRange) => this.#partitions.get(id)?.hasBeenLed === true;
    const active = layout.schema.globalIndexes.filter(({ state }) => state === 'active');
    return (
      layout.partitions.every(isLed) &&
      active.every(({ id }) => layout.indexPartitions.get(id)?.every(isLed) === true)
    );
  }

  #forget(table: TableEntry): void {
    this.#tables.delete(table.tableId);
    for (const name of namesOf(table)) this.#unname(name, table);
  }

  /** The table has its name no more; another one may. */
  #unname(name: string, table: TableEntry): void {
    if (this.#byName.get(name) !== table) return;
    this.#byName.delete(name);
    for (const other of this.#tables.values()) {
      if (isRetired(other) || !namesOf(other).includes(name)) continue;
      const best = this.#byName.get(name);
      if (best === undefined || isNewer(other, best)) this.#byName.set(name, other);
    }
  }
}

const nothingMissing: MergeOutcome = { isIncomplete: false, unreadableCount: 0 };

/** Undefined when a node of a newer release wrote it. */
function readableConfiguration(encoded: Uint8Array): TableConfiguration | undefined {
  try {
    return decodeTableConfiguration(encoded);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function namesOf({ configuration }: KnownTable): readonly string[] {
  const { tableName, tableArn } = configuration.layout.schema;
  return [tableName, tableArn];
}

function isRetired({ configuration }: KnownTable): boolean {
  return configuration.layout.retiredAtMs !== undefined;
}

/** A table is created anew once the one before is gone; nodes may hear of it in another order. */
function isNewer(one: KnownTable, other: KnownTable): boolean {
  const before = other.configuration.createdAtMs;
  const { createdAtMs } = one.configuration;
  return createdAtMs === before ? one.tableId > other.tableId : createdAtMs > before;
}

function setIn<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  let set = sets.get(key);
  if (set === undefined) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
}
