import type { PartitionMetrics } from '../node/metrics.ts';
import type { HostedMetrics } from '../node/storage-node.ts';
import type { ReplicationMetrics } from '../replication/metrics.ts';
import type { Replica } from '../replication/replica.ts';
import type { NodeReport, PartitionReport } from '../routing/protocol.ts';
import type { VolumeUsage } from '../storage/volume-usage.ts';
import type { TriggerReading } from '../trigger/trigger-counts.ts';
import { addExpiryMetric, type LoadedTls } from './certificate-report.ts';
import { MetricsPage, type Sample } from './metrics-page.ts';
import type { PeerStatus } from './node-admin.ts';
import { ownersOf, type PartitionOwner } from './partition-status.ts';
import { addPeerMetrics } from './peer-metrics.ts';
import { addTriggerMetrics } from './trigger-metrics.ts';

export interface NodeMetricsSources {
  readonly replication: ReplicationMetrics;
  readonly replicas: () => Iterable<Replica>;
  readonly hosted: () => readonly HostedMetrics[];
  readonly report: () => NodeReport;
  readonly peers: () => readonly PeerStatus[];
  readonly volume: () => VolumeUsage;
  readonly triggers: () => readonly TriggerReading[];
  readonly loadedTls: () => readonly LoadedTls[];
}

const LABELS = ['partition', 'table', 'index'];

/** The metrics of a storage node; README.md lists them. */
export class NodeMetrics {
  readonly #page = new MetricsPage();
  readonly #partitions: LabelledPartitions;

  constructor(sources: NodeMetricsSources) {
    this.#partitions = new LabelledPartitions(sources);
    addTrafficMetrics(this.#page, this.#partitions);
    addSizeMetrics(this.#page, this.#partitions);
    addReplicaMetrics(this.#page, this.#partitions);
    addReplicationMetrics(this.#page, sources.replication);
    addVolumeMetrics(this.#page, sources.volume);
    addPeerMetrics(this.#page, sources.peers);
    addTriggerMetrics(this.#page, sources.triggers);
    addExpiryMetric(this.#page, sources.loadedTls);
  }

  text() {
    this.#partitions.look();
    return this.#page.text();
  }
}

/** Reads the node's parts, and names the table and index of each partition. */
class LabelledPartitions {
  readonly #sources: NodeMetricsSources;
  #reports: readonly PartitionReport[] = [];
  #owners: ReadonlyMap<bigint, PartitionOwner> = new Map();

  constructor(sources: NodeMetricsSources) {
    this.#sources = sources;
  }

  /** Once a scrape: a report of many partitions is some work. */
  look(): void {
    const report = this.#sources.report();
    this.#reports = report.partitions;
    this.#owners = ownersOf(report);
  }

  replicas(pick: (replica: Replica) => number | undefined): Sample[] {
    return [...this.#sources.replicas()].flatMap((replica) =>
      sampleOf(replica.partitionId, this.#owners, pick(replica)),
    );
  }

  hosted(pick: (metrics: PartitionMetrics) => number): Sample[] {
    return this.#sources
      .hosted()
      .flatMap(({ partitionId, metrics }) => sampleOf(partitionId, this.#owners, pick(metrics)));
  }

  reported(pick: (report: PartitionReport) => number): Sample[] {
    return this.#reports.flatMap((each) => sampleOf(each.partitionId, this.#owners, pick(each)));
  }
}

function sampleOf(
  partitionId: bigint,
  owners: ReadonlyMap<bigint, PartitionOwner>,
  value: number | undefined,
): Sample[] {
  if (value === undefined) return [];
  const { table, index } = owners.get(partitionId) ?? {};
  const labels = { partition: `${partitionId}`, table: table ?? '', index: index ?? '' };
  return [{ labels, value }];
}

function addTrafficMetrics(page: MetricsPage, partitions: LabelledPartitions): void {
  const counter = (name: string, help: string, pick: (metrics: PartitionMetrics) => number) =>
    page.counter({ name, help, labels: LABELS }, () => partitions.hosted(pick));
  counter(
    'consumed_read_capacity_units_total',
    'Read units of what this replica has answered.',
    ({ readUnits }) => readUnits,
  );
  counter(
    'consumed_write_capacity_units_total',
    'Write units of what was written here while it led.',
    ({ writeUnits }) => writeUnits,
  );
  counter(
    'write_throttle_events_total',
    'Writes refused because a global index had no units left.',
    ({ writeThrottles }) => sumOf(writeThrottles),
  );
  counter('shed_calls_total', 'Calls refused because too much was under way.', ({ shed }) => shed);
  counter('gets_total', 'Items read by key.', ({ gets }) => gets);
  counter('writes_total', 'Writes answered.', ({ writes }) => writes);
  counter(
    'repeated_writes_total',
    'Of these: answered from memory, since they had been done before.',
    ({ repeatedWrites }) => repeatedWrites,
  );
  counter('pages_total', 'Pages of queries and scans.', ({ pages }) => pages);
  addTransactionMetrics(counter);
  addStreamMetrics(counter);
  counter(
    'index_changes_total',
    'Changes of global indexes that were taken here.',
    ({ fedChanges }) => fedChanges,
  );
  counter(
    'time_to_live_deleted_item_count_total',
    'Items deleted because their time to live was over.',
    ({ expired }) => expired,
  );
}

type AddCounter = (name: string, help: string, pick: (metrics: PartitionMetrics) => number) => void;

function addTransactionMetrics(counter: AddCounter): void {
  counter(
    'transaction_calls_total',
    'Calls of transactions: of participants, and of ledgers.',
    ({ transactionCalls }) => transactionCalls,
  );
  counter(
    'transaction_mark_conflicts_total',
    'Actions of transactions that met an item of another one.',
    ({ transactionConflicts }) => transactionConflicts,
  );
}

function addStreamMetrics(counter: AddCounter): void {
  counter('stream_reads_total', 'Reads of streams.', ({ streamReads }) => streamReads);
  counter(
    'stream_records_total',
    'Change records that they were answered with.',
    ({ streamRecords }) => streamRecords,
  );
  counter('stream_record_bytes_total', 'Bytes of those records.', ({ streamBytes }) => streamBytes);
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function addSizeMetrics(page: MetricsPage, partitions: LabelledPartitions): void {
  page.gauge(
    { name: 'item_count', help: 'Items, or entries of an index, as applied here.', labels: LABELS },
    () => partitions.reported(({ items }) => items),
  );
  page.gauge(
    { name: 'table_size_bytes', help: 'Their bytes in the count of the service.', labels: LABELS },
    () => partitions.reported(({ bytes }) => bytes),
  );
}

function addVolumeMetrics(page: MetricsPage, volume: NodeMetricsSources['volume']): void {
  page.gauge(
    { name: 'volume_used_bytes', help: 'Bytes in use on the volume of the data folder.' },
    () => [{ value: volume().usedBytes }],
  );
  page.gauge(
    { name: 'volume_available_bytes', help: 'Bytes that may still be written there.' },
    () => [{ value: volume().availableBytes }],
  );
}

function addReplicaMetrics(page: MetricsPage, partitions: LabelledPartitions): void {
  const gauge = (name: string, help: string, pick: (replica: Replica) => number | undefined) =>
    page.gauge({ name, help, labels: LABELS }, () => partitions.replicas(pick));
  gauge('raft_is_leader', '1: this replica leads.', ({ isReady }) => (isReady ? 1 : 0));
  gauge('raft_term', 'Term of the group, as known here.', ({ term }) => term);
  gauge(
    'raft_log_lag_entries',
    'Entries in the log here that are not applied.',
    ({ lastIndex, appliedIndex }) => lastIndex - appliedIndex,
  );
  gauge(
    'raft_follower_lag_entries',
    'At the leader: entries that the slowest member lacks.',
    followerLag,
  );
  gauge('raft_replica_failed', '1: the replica takes no part.', ({ failure }) =>
    failure === undefined ? 0 : 1,
  );
}

function followerLag(replica: Replica): number | undefined {
  if (replica.role !== 'leader') return undefined;
  const members = new Set(replica.membership.members.map(({ replicaId }) => replicaId));
  const lags = replica
    .progress()
    .filter(({ replicaId }) => members.has(replicaId))
    .map(({ matchIndex }) => replica.lastIndex - matchIndex);
  return Math.max(0, ...lags);
}

function addReplicationMetrics(page: MetricsPage, metrics: ReplicationMetrics): void {
  page.histogram(
    { name: 'fsync_seconds', help: 'Synced commits, from the call until they were on disk.' },
    1e-3,
    () => [{ histogram: metrics.syncedCommitMs }],
  );
  page.histogram(
    { name: 'raft_groups_per_commit', help: 'Groups whose entries shared a synced commit.' },
    1,
    () => [{ histogram: metrics.groupsPerCommit }],
  );
  page.histogram(
    { name: 'raft_entries_per_commit', help: 'Entries in a synced commit.' },
    1,
    () => [{ histogram: metrics.entriesPerCommit }],
  );
  const counters: readonly (readonly [string, string, () => number])[] = [
    ['raft_messages_sent_total', 'Messages to other replicas.', () => metrics.messagesSent],
    ['raft_messages_received_total', 'Messages from them.', () => metrics.messagesReceived],
    ['raft_messages_dropped_total', 'Of these: not taken.', () => metrics.messagesDropped],
    ['raft_entries_applied_total', 'Entries applied.', () => metrics.entriesApplied],
    ['raft_entries_compacted_total', 'Entries dropped from logs.', () => metrics.entriesCompacted],
    ['raft_snapshots_sent_total', 'Snapshots sent whole.', () => metrics.snapshotsSent],
    ['raft_snapshots_failed_total', 'Snapshots given up.', () => metrics.snapshotsFailed],
    ['raft_snapshots_installed_total', 'Snapshots taken over.', () => metrics.snapshotsInstalled],
    ['raft_snapshot_sent_bytes_total', 'Bytes of snapshots sent.', () => metrics.snapshotBytesSent],
    [
      'raft_snapshot_received_bytes_total',
      'Bytes of snapshots received.',
      () => metrics.snapshotBytesReceived,
    ],
    ['raft_proposals_refused_total', 'Proposals not taken.', () => metrics.proposalsRefused],
    ['raft_halts_total', 'Times that this node stopped taking part.', () => metrics.halts],
  ];
  for (const [name, help, read] of counters) {
    page.counter({ name, help }, () => [{ value: read() }]);
  }
}
