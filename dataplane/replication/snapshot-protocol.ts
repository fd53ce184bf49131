import type { ReplicaId } from './core/consensus-core.ts';

/** The transport's method for what is below. */
export const SNAPSHOT_METHOD = 'raft.snapshot';

/**
 * How a state gets to another node: `begin` names it and is answered with the number of a stage;
 * `chunk`s fill the stage, in any order; `end` brings raft's own message and is answered when the
 * state is installed, or not wanted. `cancel` may come at any time.
 */
export type SnapshotRequest =
  | {
      readonly op: 'begin';
      readonly partitionId: bigint;
      readonly from: ReplicaId;
      readonly to: ReplicaId;
      readonly index: number;
      readonly term: number;
    }
  | {
      readonly op: 'chunk';
      readonly stage: number;
      /** From 0 on. */
      readonly number: number;
      readonly checksum: number;
      readonly data: Buffer;
    }
  | {
      readonly op: 'end';
      readonly stage: number;
      readonly chunksCount: number;
      readonly pairsCount: number;
      readonly message: Buffer;
    }
  | { readonly op: 'cancel'; readonly stage: number };

export interface BeginAnswer {
  readonly stage: number;
}

export interface EndAnswer {
  /** False: the replica had no need of it. */
  readonly isInstalled: boolean;
}

/** Codes of refusals. */
export type SnapshotRefusal =
  /** No such replica here (any more). */
  | 'noReplica'
  /** As many snapshots as a node takes are under way. */
  | 'busy'
  /** No such stage (any more). */
  | 'noStage'
  /** What came is not what was sent, or not all of it. */
  | 'damaged'
  /** The store does not take it. */
  | 'unavailable';
