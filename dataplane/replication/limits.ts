/** Bounds of replication on one node; times in ms, sizes in bytes. */
export interface ReplicationLimits {
  readonly tickMs: number;
  /** A follower that hears nothing for this many ticks, and up to twice as many, campaigns. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Proposals of one group that are not applied yet. */
  readonly proposalEntriesMax: number;
  readonly proposalBytesMax: number;
  /** One proposal, encoded. */
  readonly payloadBytesMax: number;
  readonly messageEntriesMax: number;
  /** A message with more payload than this is sent as several. */
  readonly messageBytesMax: number;
  readonly inflightMessagesMax: number;
  /** Recent payloads of all groups of the node. */
  readonly payloadCacheBytesMax: number;
  /** Payloads that are being applied, of all groups of the node. */
  readonly applyBytesMax: number;
  /** A group's log holds no more than this, whatever a slow follower lacks. */
  readonly logEntriesMax: number;
  readonly logBytesMax: number;
  /** What all members have is dropped beyond this many entries. */
  readonly logEntriesKept: number;
  /**
   * Both bounds are multiplied by this while a snapshot is being sent: what is written meanwhile must
   * not be gone before the state has arrived. A snapshot gives way to nobody once half is used.
   */
  readonly logSnapshotFactor: number;
  readonly snapshotChunkBytes: number;
  /** Chunks of one snapshot that are under way. */
  readonly snapshotWindow: number;
  /** Snapshots that a node sends, and receives, at once. */
  readonly snapshotStreamsMax: number;
  /** Of all snapshots that a node sends: while nobody is held up by them, and at least. */
  readonly snapshotBytesPerSecondMax: number;
  readonly snapshotBytesPerSecondMin: number;
  /** A peer that has not answered a chunk, or sent none, for so long is given up. */
  readonly snapshotTimeoutMs: number;
  /** A core that has grown beyond this is replaced (`core/instance.ts`: CORE_MEMORY_BYTES_BOUND). */
  readonly coreBytesMax: number;
  /** How often a halted node looks whether its store takes writes again. */
  readonly recoverPollMs: number;
}

const MiB = 1024 * 1024;

export const defaultReplicationLimits: ReplicationLimits = {
  tickMs: 100,
  electionTicks: 10,
  heartbeatTicks: 5,
  proposalEntriesMax: 4_096,
  proposalBytesMax: 32 * MiB,
  payloadBytesMax: 16 * MiB,
  messageEntriesMax: 128,
  messageBytesMax: 4 * MiB,
  inflightMessagesMax: 32,
  payloadCacheBytesMax: 64 * MiB,
  applyBytesMax: 16 * MiB,
  logEntriesMax: 10_000,
  logBytesMax: 64 * MiB,
  logEntriesKept: 1_000,
  logSnapshotFactor: 64,
  snapshotChunkBytes: 128 * 1024,
  snapshotWindow: 4,
  snapshotStreamsMax: 2,
  snapshotBytesPerSecondMax: 32 * MiB,
  snapshotBytesPerSecondMin: 2 * MiB,
  snapshotTimeoutMs: 10_000,
  coreBytesMax: 512 * MiB,
  recoverPollMs: 250,
};
