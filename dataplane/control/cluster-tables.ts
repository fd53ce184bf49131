import type { Log } from '../catalog/background-work.ts';
import type { PartitionRange, TableLayout } from '../partition/schema.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { ManagedTable, StreamTable, TableHost, TableThroughput } from '../routing/table.ts';
import {
  decodeTableConfiguration,
  encodeTableConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { ClusterTable, notHere } from './cluster-table.ts';
import { type ClusterView, type NodeCalls, nextChange } from './cluster-view.ts';
import { ConfigurationPush } from './configuration-push.ts';
import { Founding } from './founding.ts';
import { type CandidateNode, chooseNodes } from './placement.ts';
import type { PlacementBook } from './placement-book.ts';
import type { PlacedReplica, Placement } from './placement-records.ts';
import { triedToDrop } from './replica-drop.ts';
import { Backoff, WorkLimit } from './waiting.ts';

/**
 * A table in creation waits so long for its partitions; then the catalog asks again, every second.
 * It keeps other changes waiting meanwhile, so it is short from the second time on.
 */
const OPEN_PATIENCE_MS = 3_000;
const OPEN_AGAIN_PATIENCE_MS = 50;
/** A table that is deleted waits so long for its nodes; the rest is done with the garbage. */
const DROP_PATIENCE_MS = 500;
const DROP_TIMEOUT_MS = 5_000;
/** A node that is away is looked for again after this time, or when its state changes. */
const LOOK_AGAIN_MS = 5_000;
/** Nodes that are there are known after this time, however new the leader is. */
const NODES_PATIENCE_MS = 2_000;
const NODES_POLL_MS = 100;
const CREATE_CALLS_MAX = 32;
const CONFIGURE_CALLS_MAX = 16;
const DROP_CALLS_MAX = 16;

export interface ClusterTablesOptions {
  readonly book: PlacementBook;
  readonly view: ClusterView;
  readonly calls: NodeCalls;
  /** All nodes of the cluster, whether they have ever reported or not. */
  readonly nodes: () => readonly NodeId[];
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/**
 * The tables of a cluster, as the leader of the catalog opens them: their partitions are replicas on
 * nodes. Where they are, and what they are to know, is written down before it is done; so the next
 * leader of the catalog goes on where this one stopped.
 */
export class ClusterTables implements TableHost {
  readonly #options: ClusterTablesOptions;
  readonly #founding: Founding;
  readonly #configureLimit = new WorkLimit(CONFIGURE_CALLS_MAX);
  readonly #dropLimit = new WorkLimit(DROP_CALLS_MAX);
  readonly #tables = new Set<ClusterTable>();
  readonly #dropping = new Set<bigint>();
  /** Ids of tables in creation that have been waited for. */
  readonly #slow = new Set<string>();
  readonly #closed = new AbortController();
  #nodesKnown: Promise<void> | undefined;

  constructor(options: ClusterTablesOptions) {
    this.#options = options;
    const limit = new WorkLimit(CREATE_CALLS_MAX);
    this.#founding = new Founding({ ...options, limit, chooseNodes: () => this.#chooseNodes() });
    this.#founding.start([...options.book.placements()].map(({ partitionId }) => partitionId));
  }

  /**
   * Opens a table. One that has been open before is at once, whatever state its nodes are in. A new
   * one is when all its partitions have a leader.
   * @throws StoreError `io` while that takes longer: to be called again
   */
  async openTable(layout: TableLayout, throughput: TableThroughput): Promise<ManagedTable> {
    const { book } = this.#options;
    const { configuration, founded } = await this.#save(layout, throughput);
    const { tableId } = layout.schema;
    const record = book.table(tableId);
    if (record?.isOpen !== true) {
      await this.#allLed(configuration);
      await book.save({
        table: { tableId, configuration: encodeTableConfiguration(configuration), isOpen: true },
      });
    }
    this.#closed.signal.throwIfAborted();
    const table = new ClusterTable(configuration, {
      ...this.#options,
      limit: this.#configureLimit,
      save: (...changed) => this.#save(...changed),
      dropSoon: (closed) => this.#dropSoon(closed),
      onClosed: (closed) => this.#tables.delete(closed),
    });
    this.#tables.add(table);
    table.begin(founded);
    return table;
  }

  /** Resolves when every node that has, or may have, a replica has dropped it, however long it is away. */
  async dropPartitions(
    ids: readonly bigint[],
    signal: AbortSignal = this.#closed.signal,
  ): Promise<void> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    for (const id of ids) this.#dropping.add(id);
    await Promise.all(
      ids.map(async (id) => {
        await this.#founding.stop(id);
        await Promise.all(
          this.#replicasOf(id).map((replica) => this.#dropReplica(id, replica, either)),
        );
      }),
    );
    either.throwIfAborted();
    await this.#options.book.drop(ids, this.#options.scheduler.nowMs());
    for (const id of ids) this.#dropping.delete(id);
  }

  /**
   * Has the leaders of the table's partitions drop all but the streams; resolves when all of them know.
   * Placements stay, so replicas are looked after until the partitions are dropped.
   */
  async retireTable(layout: TableLayout, signal: AbortSignal = this.#closed.signal): Promise<void> {
    const record = this.#options.book.table(layout.schema.tableId);
    // Its partitions are gone already.
    if (record === undefined) return;
    const either = AbortSignal.any([signal, this.#closed.signal]);
    const { throughput } = decodeTableConfiguration(record.configuration);
    const { configuration } = await this.#save(layout, throughput);
    const push = new ConfigurationPush({ ...this.#options, limit: this.#configureLimit });
    try {
      push.begin(configuration, Promise.resolve());
      await push.pushed(configuration.version, either);
    } finally {
      push.close();
    }
  }

  /** Routers read them. */
  retiredTable({ partitions }: TableLayout): StreamTable {
    return { partitions, stream: () => Promise.reject(notHere()) };
  }

  /** Whether the partition is on its way out. */
  isDropping(partitionId: bigint): boolean {
    return this.#dropping.has(partitionId);
  }

  /** Ends all that is under way; resolves at once. */
  close(): void {
    this.#closed.abort(new StoreError('closed', 'The catalog is not led from here any more.'));
    this.#founding.close();
    for (const table of this.#tables) void table.close();
  }

  /** Nodes that replicas can be put on, with their loads. */
  candidates(): readonly CandidateNode[] {
    const { book, view } = this.#options;
    const counts = new Map<string, number>();
    for (const { founders, others } of book.placements()) {
      for (const { node } of [...founders, ...others])
        counts.set(node, (counts.get(node) ?? 0) + 1);
    }
    return view.nodes().map(({ node, zone, isConnected, halted }) => ({
      node,
      zone,
      isHealthy: isConnected && halted === undefined,
      replicasCount: counts.get(node) ?? 0,
    }));
  }

  /**
   * Writes down what a table is to be, and where its new partitions are to be, and has them founded.
   * A configuration that is the newest already keeps its version.
   */
  async #save(layout: TableLayout, throughput: TableThroughput) {
    const { book, scheduler } = this.#options;
    const { tableId } = layout.schema;
    const record = book.table(tableId);
    const before = record && decodeTableConfiguration(record.configuration);
    const createdAtMs = before?.createdAtMs ?? book.nextCreatedAtMs(scheduler.nowMs());
    const wanted = { version: before?.version ?? 1, createdAtMs, layout, throughput };
    const isSame =
      record !== undefined && encodeTableConfiguration(wanted).equals(record.configuration);
    const version = before === undefined || isSame ? wanted.version : wanted.version + 1;
    const configuration = { ...wanted, version };
    const places = partitionsOf(layout).filter(
      ({ range }) => book.placement(range.id) === undefined,
    );
    if (places.length > 0) await this.#knowNodes();
    const placements = this.#place(places, configuration);
    if (!isSame || placements.length > 0) {
      const encoded = encodeTableConfiguration(configuration);
      await book.save({
        table: { tableId, configuration: encoded, isOpen: record?.isOpen ?? false },
        ...(placements.length === 0
          ? {}
          : { founding: { tableId, version, configuration: encoded } }),
        ...(before === undefined ? { createdAtMs } : {}),
        placements,
      });
      this.#founding.start(placements.map(({ partitionId }) => partitionId));
    }
    return { configuration, founded: (signal: AbortSignal) => this.#allFounded(layout, signal) };
  }

  /**
   * A leader that has just begun to look may not know the nodes yet; it waits for those that are
   * there. Later a node that has never been seen is taken to be away.
   */
  #knowNodes(): Promise<void> {
    this.#nodesKnown ??= this.#seeNodes();
    return this.#nodesKnown;
  }

  async #seeNodes(): Promise<void> {
    const { nodes, view, scheduler } = this.#options;
    const late = new AbortController();
    const timer = scheduler.after(NODES_PATIENCE_MS, () => late.abort());
    const signal = AbortSignal.any([late.signal, this.#closed.signal]);
    while (!signal.aborted && nodes().some((node) => view.node(node) === undefined)) {
      await view.refresh();
      await nextChange(view, scheduler, { msMax: NODES_POLL_MS, signal });
    }
    timer.cancel();
  }

  /** @throws StoreError when no node is known to put them on */
  #place(places: readonly Place[], { version, layout }: TableConfiguration): readonly Placement[] {
    if (places.length === 0) return [];
    const candidates = this.candidates();
    const load = new Map<string, number>();
    return places.map(({ range, indexId }) => {
      const founders = this.#chooseNodes(candidates, load).map((place, i) => ({
        ...place,
        replicaId: i + 1,
        state: 'open' as const,
      }));
      if (founders.length === 0) throw new StoreError('io', 'No node has reported yet.');
      for (const { node } of founders) load.set(node, (load.get(node) ?? 0) + 1);
      return {
        partitionId: range.id,
        tableId: layout.schema.tableId,
        indexId,
        founders,
        foundingVersion: version,
        isFounded: false,
        others: [],
      };
    });
  }

  /** @param load replicas that are about to come, by node */
  #chooseNodes(
    candidates: readonly CandidateNode[] = this.candidates(),
    load: ReadonlyMap<string, number> = new Map(),
  ): readonly Omit<PlacedReplica, 'replicaId'>[] {
    const loaded = candidates.map((candidate) => ({
      ...candidate,
      replicasCount: candidate.replicasCount + (load.get(candidate.node) ?? 0),
    }));
    return chooseNodes(loaded).flatMap((node) => {
      const storeId = this.#options.view.node(node)?.storeId;
      return storeId === undefined ? [] : [{ node, storeId }];
    });
  }

  async #allFounded(layout: TableLayout, signal: AbortSignal): Promise<void> {
    const founded = partitionsOf(layout).map(({ range }) =>
      this.#founding.founded(range.id, signal),
    );
    await Promise.all(founded);
  }

  async #allLed({ layout }: TableConfiguration): Promise<void> {
    const { tableId } = layout.schema;
    const patienceMs = this.#slow.has(tableId) ? OPEN_AGAIN_PATIENCE_MS : OPEN_PATIENCE_MS;
    const late = new AbortController();
    const timer = this.#options.scheduler.after(patienceMs, () =>
      late.abort(new StoreError('io', 'Not all partitions of the table have a leader yet.')),
    );
    this.#slow.add(tableId);
    try {
      await Promise.all(
        partitionsOf(layout).map(({ range }) => this.#founding.led(range.id, late.signal)),
      );
      this.#slow.delete(tableId);
    } finally {
      timer.cancel();
    }
  }

  /** Every place where a replica of the partition may be. */
  #replicasOf(partitionId: bigint): readonly PlacedReplica[] {
    const { book, view } = this.#options;
    const placement = book.placement(partitionId);
    const written = placement === undefined ? [] : [...placement.founders, ...placement.others];
    const reported = view.nodes().flatMap(({ node, storeId, partitions }) => {
      const replicaId = partitions.get(partitionId)?.replica.replicaId;
      return replicaId === undefined ? [] : [{ node, storeId, replicaId }];
    });
    // A call drops what is there up to its replica's id: one call a data folder is enough.
    const newest = new Map<string, PlacedReplica>();
    for (const { node, storeId, replicaId } of [...written, ...reported]) {
      const name = `${node} ${storeId}`;
      const known = newest.get(name)?.replicaId ?? 0;
      if (replicaId > known) newest.set(name, { node, storeId, replicaId });
    }
    return [...newest.values()];
  }

  async #dropReplica(
    partitionId: bigint,
    replica: PlacedReplica,
    signal: AbortSignal,
  ): Promise<void> {
    const { calls, nodes, scheduler, view } = this.#options;
    const backoff = new Backoff();
    for (;;) {
      signal.throwIfAborted();
      const node = view.node(replica.node);
      // One that has left the cluster takes its replicas with it.
      if (node === undefined && !nodes().includes(replica.node)) return;
      // A data folder that is gone has nothing to be dropped.
      if (node !== undefined && node.storeId !== replica.storeId) return;
      if (node === undefined || !node.isConnected) {
        await nextChange(view, scheduler, { msMax: LOOK_AGAIN_MS, signal });
        continue;
      }
      const options = { timeoutMs: DROP_TIMEOUT_MS, signal };
      const isDropped = await this.#dropLimit.run(() =>
        triedToDrop(calls, partitionId, { replica, options }),
      );
      if (isDropped) return;
      await pause(scheduler, backoff.nextMs(), signal);
    }
  }

  /** The durable record of what is to be dropped follows; this only shortens the wait. */
  async #dropSoon({ configuration }: ClusterTable): Promise<void> {
    const late = new AbortController();
    const timer = this.#options.scheduler.after(DROP_PATIENCE_MS, () => late.abort());
    const signal = AbortSignal.any([late.signal, this.#closed.signal]);
    const ids = partitionsOf(configuration.layout).map(({ range }) => range.id);
    for (const id of ids) this.#dropping.add(id);
    try {
      await Promise.all(
        ids.flatMap((id) =>
          this.#replicasOf(id).map((each) => this.#dropReplica(id, each, signal)),
        ),
      );
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      timer.cancel();
    }
  }
}

interface Place {
  readonly range: PartitionRange;
  readonly indexId: number;
}

/** All partitions of a table and of its indexes. */
function partitionsOf({ partitions, indexPartitions }: TableLayout): readonly Place[] {
  return [[0, partitions] as const, ...indexPartitions].flatMap(([indexId, ranges]) =>
    ranges.map((range) => ({ range, indexId })),
  );
}
