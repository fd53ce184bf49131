/** Upper bounds of buckets, ms. */
export const durationBucketsMs: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500,
];
export const countBuckets: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];

/** A histogram as plain numbers: `counts[i]` values were at most `buckets[i]`, and above the one before. */
export class Histogram {
  readonly buckets: readonly number[];
  /** One more than buckets: the last is for what is above all. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
    this.counts = new Array<number>(buckets.length + 1).fill(0);
  }

  observe(value: number): void {
    let i = 0;
    while (i < this.buckets.length && value > (this.buckets[i] ?? 0)) i += 1;
    this.counts[i] = (this.counts[i] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** What one node's replication has done, for whoever exports it. Counters only rise. */
export class ReplicationMetrics {
  /** Synced commits: from the call until it was durable. */
  readonly syncedCommitMs = new Histogram(durationBucketsMs);
  readonly groupsPerCommit = new Histogram(countBuckets);
  readonly entriesPerCommit = new Histogram(countBuckets);
  flushes = 0;
  messagesSent = 0;
  messagesReceived = 0;
  framesSent = 0;
  /** For replicas that are not here, malformed, or inside the guard of a restart. */
  messagesDropped = 0;
  /** Payloads that were no longer in memory. */
  payloadsRead = 0;
  snapshotBytesSent = 0;
  snapshotBytesReceived = 0;
  snapshotsSent = 0;
  snapshotsFailed = 0;
  snapshotsInstalled = 0;
  proposalsRefused = 0;
  entriesApplied = 0;
  entriesCompacted = 0;
  groupsRecreated = 0;
  coresReplaced = 0;
  halts = 0;
}

/** One replica, read when asked. */
export interface ReplicaMetrics {
  readonly partitionId: bigint;
  readonly replicaId: number;
  readonly appliedIndex: number;
  readonly commitIndex: number;
  readonly lastIndex: number;
  readonly logEntries: number;
  readonly logBytes: number;
  readonly proposalsInFlight: number;
  readonly proposalBytesInFlight: number;
}
