import type { KeyAttributeType } from '../item/attribute-value.ts';
import type { StreamSchema } from './stream.ts';
import type { TriggerSchema } from './trigger.ts';

/** What a partition knows of its table: compiled from the descriptor, replaced as a whole when it changes. */
export interface TableSchema {
  readonly tableName: string;
  readonly tableId: string;
  readonly tableArn: string;
  readonly key: KeySchema;
  readonly localIndexes: readonly IndexSchema[];
  /** Global indexes that must be maintained: backfilling and active ones, not those being deleted. */
  readonly globalIndexes: readonly IndexSchema[];
  /** Set while TTL is enabled. */
  readonly timeToLiveAttribute: string | undefined;
  /** The stream that takes the records of writes. */
  readonly stream: StreamSchema | undefined;
  /** 32 bytes; keys the hash that places partition keys (design section 4). */
  readonly hashSecret: Uint8Array;
}

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyAttributeType;
}

/** Tables and local indexes: one hash, at most one range attribute. Global indexes: up to 4 + 4. */
export interface KeySchema {
  readonly hash: readonly KeyAttribute[];
  readonly range: readonly KeyAttribute[];
}

export interface IndexSchema {
  readonly name: string;
  readonly kind: 'local' | 'global';
  /** Never reused inside a table; part of the storage keys. 1 to 65,535. */
  readonly id: number;
  readonly key: KeySchema;
  readonly projection:
    | { readonly type: 'ALL' }
    | { readonly type: 'KEYS_ONLY' }
    | { readonly type: 'INCLUDE'; readonly attributes: readonly string[] };
  /** A backfilling index takes writes but serves no reads. */
  readonly state: 'backfilling' | 'active';
}

/** A range of the hash space: [start, end), both 16 bytes; `end` undefined means 2^128. */
export interface PartitionRange {
  /** Unique on this installation, never reused. */
  readonly id: bigint;
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** The partitions of a table and of each of its global indexes (by index id), each list tiling the hash space in order. */
export interface TableLayout {
  readonly schema: TableSchema;
  readonly partitions: readonly PartitionRange[];
  readonly indexPartitions: ReadonlyMap<number, readonly PartitionRange[]>;
  /** Streams that were disabled and can be read for a while yet, in their order; absent: none. */
  readonly endedStreams?: readonly EndedStream[];
  /** Absent: none. */
  readonly triggers?: readonly TriggerSchema[];
  /**
   * The table was deleted at this time, ms since 1970: its streams can be read for a while yet, and all
   * else is gone. Absent while it is there.
   */
  readonly retiredAtMs?: number;
}

/** A stream that takes no records any more. */
export interface EndedStream extends StreamSchema {
  /** When it was disabled, or its table deleted, ms since 1970. */
  readonly endedAtMs: number;
}
