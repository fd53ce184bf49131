import type { KeyAttributeType } from '../item/attribute-value.ts';
import type { EndedStream, PartitionRange } from '../partition/schema.ts';
import type { StreamSchema } from '../partition/stream.ts';
import type { TriggerSchema } from '../partition/trigger.ts';

/**
 * What the catalog keeps of a table, durably. Replaced as a whole; never changed in place.
 *
 * A change that takes time is written down twice: when it is accepted (with `pending` or an index
 * status) and when it is finished. So a crash leaves either the old state, or a state that says
 * what is still to be done.
 */
export interface TableDescriptor {
  readonly name: string;
  /** UUID, fresh per creation: the only mark of a table's incarnation. */
  readonly id: string;
  readonly arn: string;
  readonly createdAtMs: number;
  /** `UPDATING` is not stored: it follows from `pending` and the indexes (`tableStatus`). */
  readonly status: 'CREATING' | 'ACTIVE' | 'DELETING';
  /** 32 bytes; keys the hash that places partition keys. */
  readonly hashSecret: Uint8Array;
  readonly partitions: readonly PartitionRange[];

  readonly keySchema: readonly KeySchemaElement[];
  /** Exactly the attributes that key schemas use, by name. */
  readonly attributeDefinitions: readonly AttributeDefinition[];
  readonly localIndexes: readonly LocalIndex[];
  readonly globalIndexes: readonly GlobalIndex[];
  /** Id of the next index; ids are never reused inside a table. */
  readonly indexIdNext: number;

  readonly billingMode: BillingMode;
  /** When the table last became on-demand; undefined if it never was. */
  readonly onDemandSinceMs: number | undefined;
  readonly throughput: ThroughputSettings;
  /** Set while the table is UPDATING for it. */
  readonly pending: PendingChange | undefined;
  /** The warm throughput asked for, while WarmThroughput.Status is UPDATING. */
  readonly warmPending: WarmUnits | undefined;

  readonly tableClass: TableClassSetting | undefined;
  /** Times of changes of class, for the limit per 30 days. */
  readonly tableClassChangesMs: readonly number[];
  readonly deletionProtection: {
    readonly enabled: boolean;
    readonly changedAtMs: number | undefined;
  };
  readonly timeToLive: TimeToLiveSetting;
  /** The stream that takes records. */
  readonly stream: StreamSchema | undefined;
  /** Streams that were disabled, in their order: the last one, and those still readable. */
  readonly endedStreams: readonly EndedStream[];
  /** Absent: none. */
  readonly triggers?: readonly TriggerSchema[];
  /** Highest id of a trigger so far. */
  readonly triggerIdLast?: number;
  /** The partitions have not yet all taken up that a stream was enabled or disabled. */
  readonly streamPending: boolean;
  readonly tags: readonly Tag[];
}

export type BillingMode = 'PROVISIONED' | 'PAY_PER_REQUEST';
export type TableClass = 'STANDARD' | 'STANDARD_INFREQUENT_ACCESS';

export interface KeySchemaElement {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

export interface AttributeDefinition {
  readonly AttributeName: string;
  readonly AttributeType: KeyAttributeType;
}

export interface Projection {
  readonly ProjectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  /** Present for INCLUDE only; by name. */
  readonly NonKeyAttributes?: readonly string[];
}

export interface LocalIndex {
  readonly id: number;
  readonly name: string;
  readonly keySchema: readonly KeySchemaElement[];
  readonly projection: Projection;
}

export interface GlobalIndex extends LocalIndex {
  readonly partitions: readonly PartitionRange[];
  readonly status: 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';
  /** Set only while an index that was added to an existing table is CREATING. */
  readonly backfilling: boolean | undefined;
  readonly throughput: ThroughputSettings;
  /** Provisioned units that hold once the index is ACTIVE again. */
  readonly provisionedPending: ProvisionedSetting | undefined;
  readonly warmPending: WarmUnits | undefined;
}

export interface ThroughputSettings {
  readonly provisioned: ProvisionedSetting;
  readonly warm: WarmUnits;
  readonly onDemand: OnDemandMaximums;
}

/** 0 and 0 in on-demand mode. */
export interface ProvisionedSetting {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly lastIncreaseAtMs: number | undefined;
  readonly lastDecreaseAtMs: number | undefined;
  /** Decreases on the UTC day of `lastDecreaseAtMs`. */
  readonly decreasesCount: number;
}

/** Requests a second that the table can take at once; never falls. */
export interface WarmUnits {
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** Most units a second in on-demand mode; undefined where unlimited. */
export interface OnDemandMaximums {
  readonly readUnits: number | undefined;
  readonly writeUnits: number | undefined;
}

export type PendingChange =
  | {
      readonly kind: 'throughput';
      readonly provisioned: ProvisionedSetting;
      /** A switch of billing mode; the mode itself is set at once, as the service shows it. */
      readonly modeSwitched: boolean;
    }
  | { readonly kind: 'tableClass'; readonly tableClass: TableClassSetting };

export interface TableClassSetting {
  readonly tableClass: TableClass;
  readonly changedAtMs: number | undefined;
}

export interface TimeToLiveSetting {
  readonly status: 'ENABLING' | 'ENABLED' | 'DISABLING' | 'DISABLED';
  /** Undefined when DISABLED. */
  readonly attribute: string | undefined;
  readonly changedAtMs: number | undefined;
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export type TableStatus = 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';

/** The table's status as DescribeTable shows it. @see reference/dynamodb.md §8 */
export function tableStatus(table: TableDescriptor): TableStatus {
  if (table.status !== 'ACTIVE') return table.status;
  const isUpdating =
    table.pending !== undefined || table.streamPending || table.globalIndexes.some(holdsTable);
  return isUpdating ? 'UPDATING' : 'ACTIVE';
}

/** A table that was deleted and had streams: these are readable for a while yet. */
export interface RetiredTable {
  /** As it was, without indexes; its streams have all ended. */
  readonly table: TableDescriptor;
  readonly retiredAtMs: number;
  /** All but the streams is gone. */
  readonly isCleared: boolean;
}

/** Whether the table shows UPDATING because of this index: allocation and deletion, not backfill. */
function holdsTable(index: GlobalIndex): boolean {
  return index.status === 'DELETING' || index.backfilling === false;
}

/** Provisioned decreases on the UTC day of `nowMs`. */
export function decreasesToday(setting: ProvisionedSetting, nowMs: number): number {
  const { lastDecreaseAtMs } = setting;
  if (lastDecreaseAtMs === undefined || utcDay(lastDecreaseAtMs) !== utcDay(nowMs)) return 0;
  return setting.decreasesCount;
}

export function utcDay(ms: number): number {
  return Math.floor(ms / 86_400_000);
}

/** All partitions that hold data of the table or its indexes. */
export function partitionIds(table: TableDescriptor): readonly bigint[] {
  return [...table.partitions, ...table.globalIndexes.flatMap((index) => index.partitions)].map(
    (partition) => partition.id,
  );
}

/** The descriptor with one global index replaced, or removed when `replacement` is undefined. */
export function withGlobalIndex(
  table: TableDescriptor,
  name: string,
  replacement: GlobalIndex | undefined,
): TableDescriptor {
  const globalIndexes = table.globalIndexes.flatMap((index) =>
    index.name !== name ? [index] : replacement === undefined ? [] : [replacement],
  );
  return { ...table, globalIndexes };
}
