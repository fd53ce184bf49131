/** What storage nodes answer at their admin ports, as far as the operator reads it. */

/** A line of `GET /partitions` (dataplane/admin/partition-status.ts). */
export interface ReplicaAnswer {
  readonly partitionId: string;
  readonly table: string | null;
  readonly index: string | null;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
  readonly isReady: boolean;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  /** Names of pods. */
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly items: number | null;
  readonly bytes: number | null;
  readonly failure: string | null;
  /** How far indexes that are being filled have come here; a node of an earlier version does not say. */
  readonly backfills?: readonly BackfillAnswer[];
}

/** As the admin interface has it (dataplane/node/backfill-progress.ts). */
export interface BackfillAnswer {
  readonly index: string;
  /** 0 to 1. */
  readonly walkedShare: number;
}

/** The volume of a node's data (dataplane/admin/node-admin.ts). */
export interface VolumeAnswer {
  readonly usedBytes: number;
  readonly availableBytes: number;
  /** Why nothing is written; absent: all is. */
  readonly writesRefused?: string;
}

/** Range of hashes of a partition, in hexadecimal. */
export interface KeyRange {
  readonly start: string;
  readonly end: string | null;
}

/** A storage node, as it was asked in this pass. */
export type NodeView =
  | { readonly pod: string; readonly kind: 'silent'; readonly reason: string }
  | {
      readonly pod: string;
      readonly kind: 'answered';
      readonly clusterId: string;
      readonly isDraining: boolean;
      /** Partitions here have triggers, or had them a moment ago. */
      readonly hasTriggers: boolean;
      /** Why it takes no part. */
      readonly halted: string | undefined;
      /** Undefined: it does not say, as nodes of an earlier version. */
      readonly volume: VolumeAnswer | undefined;
      /** Other nodes of the cluster, by pod, to which it has no connection. */
      readonly unreached: readonly string[];
      readonly replicas: readonly ReplicaAnswer[];
      /** By partition id. */
      readonly ranges: ReadonlyMap<string, KeyRange>;
    };

export type AnsweringNode = Extract<NodeView, { readonly kind: 'answered' }>;

export function answering(nodes: readonly NodeView[]): readonly AnsweringNode[] {
  return nodes.filter((node) => node.kind === 'answered');
}

/** Partition of the catalog in every cluster. */
export const CATALOG_PARTITION = '0';

export function hasCatalog(node: AnsweringNode): boolean {
  return node.replicas.some(({ partitionId }) => partitionId === CATALOG_PARTITION);
}

/** How many groups the pod leads; undefined when it does not say. */
export function leadershipsOf(nodes: readonly NodeView[], pod: string): number | undefined {
  const node = answering(nodes).find((each) => each.pod === pod);
  return node?.replicas.filter(({ role }) => role === 'leader').length;
}
