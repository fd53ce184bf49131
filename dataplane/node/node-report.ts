import type { NodeId } from '../replication/transport/transport.ts';
import { CATALOG_PARTITION_ID } from '../routing/cluster-map.ts';
import type { NodeReport, PartitionReport, ReportCall } from '../routing/protocol.ts';
import {
  encodeTableConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { NodeContext } from './node-context.ts';

export interface NodeReporterParts {
  readonly node: NodeContext;
  readonly zone: string;
  readonly storeId: string;
  readonly hosted: () => Iterable<HostedPartition>;
  /** Why the node takes no part at present. */
  readonly halted: () => string | undefined;
  readonly routersCount: () => number;
  /** Tells routers and nodes that there is something new. */
  readonly announce: () => void;
}

/** Removals remembered; who has an older version gets the whole report. */
const REMOVALS_MAX = 10_000;

interface ReportedTable {
  readonly table: TableConfiguration;
  readonly encoded: Buffer;
  readonly version: number;
}

/**
 * What the node reports, with a version that rises when leadership, membership, configuration or
 * health change; once for all changes of a turn. Counts do not raise it, but go along fresh.
 */
export class NodeReporter {
  readonly #parts: NodeReporterParts;
  #version = 1;
  /** Version in which each replica changed last. */
  readonly #changed = new Map<bigint, number>();
  #removed: { readonly partitionId: bigint; readonly version: number }[] = [];
  /** Since before this version all removals are remembered. */
  #removalsFrom = 0;
  readonly #tables = new Map<string, ReportedTable>();
  readonly #dirty = new Set<bigint>();
  #isNodeDirty = false;
  #isScheduled = false;
  /** As it was reported: nobody tells when it changes. */
  #halted: string | undefined;

  constructor(parts: NodeReporterParts) {
    this.#parts = parts;
  }

  /** Something about a replica has changed. */
  markPartition(partitionId: bigint): void {
    this.#dirty.add(partitionId);
    this.#schedule();
  }

  markRemoved(partitionId: bigint): void {
    this.#dirty.delete(partitionId);
    this.#changed.delete(partitionId);
    this.#removed.push({ partitionId, version: this.#version + 1 });
    this.markNode();
  }

  /** Something about the node itself has changed. */
  markNode(): void {
    this.#isNodeDirty = true;
    this.#schedule();
  }

  report({ since }: ReportCall): NodeReport {
    const { node, zone, storeId, hosted, halted, routersCount } = this.#parts;
    if (halted() !== this.#halted) this.markNode();
    this.#halted = halted();
    this.#update();
    const from =
      since?.processId === node.processId && since.version >= this.#removalsFrom
        ? since.version
        : 0;
    // Mostly it is asked whether there is anything new, and there is not.
    const all = from === this.#version ? [] : [...hosted()];
    const ids = new Set(all.map(({ replica }) => replica.partitionId));
    const replicas = all.filter(
      ({ replica }) => from === 0 || (this.#changed.get(replica.partitionId) ?? 0) > from,
    );
    const removed = this.#removed.filter(
      ({ partitionId, version }) => version > from && !ids.has(partitionId),
    );
    return {
      node: node.nodeId,
      zone,
      storeId,
      processId: node.processId,
      version: this.#version,
      monotonicMs: node.scheduler.monotonicMs(),
      routersCount: routersCount(),
      halted: this.#halted,
      isWhole: from === 0,
      partitions: replicas.flatMap(partitionReport),
      removedPartitions: from === 0 ? [] : removed.map(({ partitionId }) => partitionId),
      tables: [...this.#tables.values()]
        .filter(({ version }) => version > from)
        .map(({ encoded }) => encoded),
    };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#parts.node.scheduler.soon(() => {
      this.#isScheduled = false;
      this.#update();
      this.#parts.announce();
    });
  }

  /** Takes what is marked into a new version. */
  #update(): void {
    if (this.#dirty.size === 0 && !this.#isNodeDirty) return;
    this.#version += 1;
    for (const partitionId of this.#dirty) this.#changed.set(partitionId, this.#version);
    this.#dirty.clear();
    this.#isNodeDirty = false;
    this.#updateTables();
    const excess = this.#removed.splice(0, Math.max(0, this.#removed.length - REMOVALS_MAX));
    this.#removalsFrom = excess.at(-1)?.version ?? this.#removalsFrom;
  }

  /** The newest configuration of each table, as applied at any replica here. */
  #updateTables(): void {
    const newest = new Map<string, TableConfiguration>();
    for (const { configuration } of this.#parts.hosted()) {
      if (configuration === undefined) continue;
      const { table } = configuration;
      const { tableId } = table.layout.schema;
      if (table.version > (newest.get(tableId)?.version ?? -1)) newest.set(tableId, table);
    }
    for (const id of this.#tables.keys()) if (!newest.has(id)) this.#tables.delete(id);
    for (const [id, table] of newest) {
      if (this.#tables.get(id)?.table.version === table.version) continue;
      const encoded = encodeTableConfiguration(table);
      this.#tables.set(id, { table, encoded, version: this.#version });
    }
  }
}

/**
 * Nothing for a replica without a state: its group's leader tells of it. The catalog's group is no
 * table's: its replicas have no configuration, and are reported all the same, with an empty table id.
 */
function partitionReport(hosted: HostedPartition): PartitionReport[] {
  const { replica, configuration, counters, failure, stalledTransactions } = hosted;
  if (configuration === undefined && replica.partitionId !== CATALOG_PARTITION_ID) return [];
  const { table, indexId = 0 } = configuration ?? {};
  const leader: NodeId | undefined = replica.leader?.node;
  return [
    {
      partitionId: replica.partitionId,
      tableId: table?.layout.schema.tableId ?? '',
      indexId,
      membership: replica.membership,
      term: replica.term,
      leader,
      replica: {
        replicaId: replica.replicaId,
        isReadyLeader: replica.isReady,
        appliedIndex: replica.appliedIndex,
        failure: failure?.message,
      },
      items: counters.items,
      bytes: counters.bytes,
      localIndexes: [...counters.localIndexes].map(([id, { items, bytes }]) => [id, items, bytes]),
      configurationVersion: table?.version ?? 0,
      ...(stalledTransactions > 0 && { stalledTransactions }),
    },
  ];
}
