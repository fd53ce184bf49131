import type { Store } from '../storage/store.ts';
import type { CommandQueue } from './command-queue.ts';
import type { GroupHandle } from './core/consensus-core.ts';
import type { Group } from './group.ts';
import type { ReplicationLimits } from './limits.ts';
import type { ReplicationMetrics } from './metrics.ts';
import type { PayloadCache } from './payload-cache.ts';
import type { ReplicationLog } from './replication-log.ts';
import type { Scheduler } from './scheduler.ts';
import type { StorageId } from './state-storage.ts';
import type { StoreCommits } from './store-commits.ts';
import type { NodeId, Transport } from './transport/transport.ts';

/** What the parts of one node's MultiRaft share. */
export interface ReplicationContext {
  readonly nodeId: NodeId;
  readonly store: Store;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  readonly randomU32: () => number;
  readonly limits: ReplicationLimits;
  readonly metrics: ReplicationMetrics;
  readonly log: ReplicationLog;
  /** Marks that a rare branch was taken (names: README). */
  readonly probe: (branch: string) => void;
  readonly checkPair: (key: Buffer, value: Buffer) => void;
  readonly payloads: PayloadCache;
  readonly commands: CommandQueue;
  readonly commits: StoreCommits;
  /** Nothing is to be written: what is on disk is about to be read again. */
  isHalted(): boolean;
  groupOf(partitionId: bigint): Group | undefined;
  groupByHandle(handle: GroupHandle): Group | undefined;
  allGroups(): Iterable<Group>;
  /** Its storage says what cannot be: it takes no part any more. */
  damaged(group: Group, error: Error): void;
  /** The core lost it, or holds what must not be: it begins anew from disk. */
  recreate(group: Group, reason: string): void;
  /** A new storage id, and the record that keeps it from being given out again. */
  takeStorageId(): StorageId;
  /** Removes a state in the background. */
  clearState(storageId: bigint): void;
}

export function electionTimeoutMs(limits: ReplicationLimits): number {
  return limits.tickMs * limits.electionTicks;
}
