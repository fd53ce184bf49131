import { decodeRecord, encodeRecord } from '../catalog/descriptor-codec.ts';
import { joinKey, spacePrefix } from '../partition/key-space.ts';
import type { ReplicaId } from '../replication/core/consensus-core.ts';
import type { NodeId } from '../replication/transport/transport.ts';

/** The partition in whose state the catalog is kept. */
export const CATALOG_PARTITION = 0n;

/** A replica that may exist, and the data folder that it is in if it does. */
export interface PlacedReplica {
  /** Never used twice in a partition. */
  readonly replicaId: ReplicaId;
  readonly node: NodeId;
  readonly storeId: string;
}

/** A replica that joins, or joined, a group that lives. */
export interface JoinedReplica extends PlacedReplica {
  /** Its node refuses to make it, since it was there and is not any more. */
  readonly isLost?: boolean;
}

/** A member that a group begins with. */
export interface Founder extends PlacedReplica {
  /**
   * `created`: its node has said so. `lost`: it is gone, or will never be, and is for repair to
   * replace. Everything else is `open`, and to be created.
   */
  readonly state: 'open' | 'created' | 'lost';
}

/**
 * Where a partition is, as far as the control plane has decided it: written before anything is done,
 * so that whoever leads the catalog next does the same and no other. Who belongs to the group now
 * is known to the group alone.
 */
export interface Placement {
  readonly partitionId: bigint;
  readonly tableId: string;
  /** 0: items of the table; else entries of this global index. */
  readonly indexId: number;
  readonly founders: readonly Founder[];
  /** Version of the table's configuration that founders begin with, the same at each. */
  readonly foundingVersion: number;
  /** A quorum of founders has been created: the group lives. */
  readonly isFounded: boolean;
  /** Replicas that joined later, or were about to; also those of an earlier founding that failed. */
  readonly others: readonly JoinedReplica[];
}

/** What the control plane keeps of a table. */
export interface TableRecord {
  readonly tableId: string;
  /** Encoded TableConfiguration: the newest, which every partition is to have. */
  readonly configuration: Uint8Array;
  /** All partitions that the table was created with have come to life. */
  readonly isOpen: boolean;
}

/** A configuration that founders begin with, kept for those that are still to be created. */
export interface FoundingRecord {
  readonly tableId: string;
  readonly version: number;
  /** Encoded TableConfiguration. */
  readonly configuration: Uint8Array;
}

/** A partition that was dropped: a replica of it that turns up later is to go, too. */
export interface DroppedRecord {
  readonly partitionId: bigint;
  readonly droppedAtMs: number;
}

/**
 * Records of the control plane, beside the catalog's own (catalog/catalog-store.ts).
 *
 * | key behind `[0 u64][meta u8]` | value |
 * |---|---|
 * | 0x20, partition id u64 | placement |
 * | 0x21, table id UTF-8 | newest configuration of the table |
 * | 0x22, table id UTF-8, 0x00, version u64 | configuration that founders begin with |
 * | 0x23 | highest time of creation given to a table |
 * | 0x24, partition id u64 | when the partition was dropped |
 *
 * Values are checked records as the catalog's: JSON with version and checksum.
 */
export const recordKinds = {
  placement: 0x20,
  table: 0x21,
  founding: 0x22,
  createdAt: 0x23,
  dropped: 0x24,
} as const;

/** The first bytes of all keys of one kind. */
export function kindPrefix(kind: keyof typeof recordKinds): Buffer {
  return joinKey(spacePrefix(CATALOG_PARTITION, 'meta'), Buffer.of(recordKinds[kind]));
}

export function placementKey(partitionId: bigint): Buffer {
  return joinKey(kindPrefix('placement'), u64(partitionId));
}

export function tableKey(tableId: string): Buffer {
  return joinKey(kindPrefix('table'), Buffer.from(tableId));
}

export function foundingKey(tableId: string, version: number): Buffer {
  const name = Buffer.from(`${tableId}\0`);
  return joinKey(kindPrefix('founding'), name, u64(BigInt(version)));
}

export function droppedKey(partitionId: bigint): Buffer {
  return joinKey(kindPrefix('dropped'), u64(partitionId));
}

/** A Placement in JSON: ids are decimal text. */
type StoredPlacement = Omit<Placement, 'partitionId'> & { readonly partitionId: string };

export function encodePlacement(placement: Placement): Buffer {
  const stored: StoredPlacement = { ...placement, partitionId: `${placement.partitionId}` };
  return encodeRecord(stored);
}

/** @throws StoreError `damaged` or `newerFormat` */
export function decodePlacement(bytes: Uint8Array): Placement {
  // The checksum vouches that this is what encodePlacement wrote; so below.
  const stored = decodeRecord(bytes) as StoredPlacement;
  return { ...stored, partitionId: BigInt(stored.partitionId) };
}

/** Configurations are UTF-8 JSON, which is kept as text. */
type StoredTable = Omit<TableRecord, 'configuration'> & { readonly configuration: string };

export function encodeTable(table: TableRecord): Buffer {
  const stored: StoredTable = { ...table, configuration: text(table.configuration) };
  return encodeRecord(stored);
}

/** @throws StoreError `damaged` or `newerFormat` */
export function decodeTable(bytes: Uint8Array): TableRecord {
  const stored = decodeRecord(bytes) as StoredTable;
  return { ...stored, configuration: Buffer.from(stored.configuration) };
}

type StoredFounding = Omit<FoundingRecord, 'configuration'> & { readonly configuration: string };

export function encodeFounding(founding: FoundingRecord): Buffer {
  const stored: StoredFounding = { ...founding, configuration: text(founding.configuration) };
  return encodeRecord(stored);
}

/** @throws StoreError `damaged` or `newerFormat` */
export function decodeFounding(bytes: Uint8Array): FoundingRecord {
  const stored = decodeRecord(bytes) as StoredFounding;
  return { ...stored, configuration: Buffer.from(stored.configuration) };
}

export function encodeDropped({ partitionId, droppedAtMs }: DroppedRecord): Buffer {
  return encodeRecord({ partitionId: `${partitionId}`, droppedAtMs });
}

/** @throws StoreError `damaged` or `newerFormat` */
export function decodeDropped(bytes: Uint8Array): DroppedRecord {
  const stored = decodeRecord(bytes) as { partitionId: string; droppedAtMs: number };
  return { ...stored, partitionId: BigInt(stored.partitionId) };
}

export function encodeTime(ms: number): Buffer {
  return encodeRecord(ms);
}

/** @throws StoreError `damaged` or `newerFormat` */
export function decodeTime(bytes: Uint8Array): number {
  return decodeRecord(bytes) as number;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
