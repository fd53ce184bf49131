import { COLLECTION_BYTES_MAX } from '../partition/collection.ts';

/** Bounds of one storage node; times in ms, sizes in bytes. What is beyond them is refused at once. */
export interface NodeLimits {
  /** Memory for items that are read often, of all partitions. */
  readonly itemCacheBytes: number;
  readonly collectionBytesMax: number;
  /** Writes, and bytes of their commands, that are not answered yet. */
  readonly partitionWritesMax: number;
  readonly partitionWriteBytesMax: number;
  readonly nodeWritesMax: number;
  readonly nodeWriteBytesMax: number;
  /**
   * Bytes of effects proposed by one partition that are not applied yet: half of what replication
   * takes, since one more group and its largest write may come on top.
   */
  readonly proposedBytesMax: number;
  /** Groups of writes of one partition that are being committed, before further writes gather. */
  readonly groupsUnderWayMax: number;
  /** Pages being read at once. */
  readonly nodePagesMax: number;
  /** Reads that wait for leadership to be confirmed. */
  readonly nodeConfirmationsMax: number;
  /** How long a read, or a write without effects, waits for that. */
  readonly confirmMsMax: number;
  /** Writes of the last while that are remembered, of all led partitions; some 100 bytes each. */
  readonly requestsRememberedMax: number;
  /** A write waits so long for a global index that is behind. */
  readonly roomMsMax: number;
  /** Changes, and bytes of them, that wait for one global index before writes have to wait. */
  readonly feedChangesMax: number;
  readonly feedBytesMax: number;
  /** One call to an index partition. */
  readonly feedBatchChangesMax: number;
  readonly feedBatchBytesMax: number;
  readonly feedCallMsMax: number;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** Calls, and bytes of changes, that wait at the leader of an index partition. */
  readonly fedCallsMax: number;
  readonly fedBytesMax: number;
  /** Changes, and bytes of them, in one proposal of an index partition, beside those of one call. */
  readonly fedBatchChangesMax: number;
  readonly fedBatchBytesMax: number;
  /** A call that works through a partition answers after this, done or not. */
  readonly workMsMax: number;
  /** Between two looks at partitions where nothing had expired. */
  readonly sweepIdleMs: number;
  /** Between two looks at the streams of a led partition for records that are past their time. */
  readonly streamTrimMs: number;
  /** How long a node that is being drained tries to hand its leaderships over. */
  readonly drainMsMax: number;
}

const MiB = 1024 * 1024;

export const defaultNodeLimits: NodeLimits = {
  itemCacheBytes: 48 * MiB,
  collectionBytesMax: COLLECTION_BYTES_MAX,
  partitionWritesMax: 4_096,
  partitionWriteBytesMax: 32 * MiB,
  nodeWritesMax: 16_384,
  nodeWriteBytesMax: 128 * MiB,
  proposedBytesMax: 16 * MiB,
  groupsUnderWayMax: 2,
  nodePagesMax: 256,
  nodeConfirmationsMax: 16_384,
  confirmMsMax: 2_000,
  requestsRememberedMax: 1_000_000,
  roomMsMax: 5_000,
  feedChangesMax: 10_000,
  feedBytesMax: 64 * MiB,
  feedBatchChangesMax: 500,
  feedBatchBytesMax: 2 * MiB,
  feedCallMsMax: 5_000,
  retryMsMin: 50,
  retryMsMax: 2_000,
  fedCallsMax: 1_024,
  fedBytesMax: 64 * MiB,
  fedBatchChangesMax: 2_000,
  fedBatchBytesMax: 4 * MiB,
  workMsMax: 4_000,
  sweepIdleMs: 2_000,
  streamTrimMs: 60_000,
  drainMsMax: 10_000,
};
