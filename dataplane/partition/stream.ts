/**
 * What is asked of a partition about the change records of its table's streams, and what it answers.
 * Plain data.
 *
 * A table has at most one stream that takes records; streams that were disabled are readable for
 * `STREAM_RETENTION_MS` after. Each partition has shards of its own: a shard is closed, and another
 * one begun as its child, after `SHARD_AGE_MS`, and when the stream is disabled it is closed for good.
 *
 * @see reference/dynamodb.md §10
 */
export type StreamViewType = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';

/** The stream that takes the records of writes, as the schema of a table has it. */
export interface StreamSchema {
  /** When it was enabled, ms since 1970: tells the streams of a table apart; its label is made of it. */
  readonly id: number;
  readonly viewType: StreamViewType;
}

export type StreamCall = ShardsCall | RecordsCall;

export interface StreamAnswers {
  readonly shards: ShardsAnswer;
  readonly records: RecordsAnswer;
}

export type StreamAnswerTo<Call extends StreamCall> = StreamAnswers[Call['kind']];

export interface ShardsCall {
  readonly kind: 'shards';
  readonly streamId: number;
}

export interface ShardsAnswer {
  /** In the order of their sequences; those whose records have all been trimmed are left out. */
  readonly shards: readonly StreamShard[];
  /** Sequence of the last write that is durable here: LATEST is behind it. */
  readonly lastSequence: number;
}

/** A stretch of a partition's sequences: records with `first` <= sequence <= `last`. */
export interface StreamShard {
  /** `shardId-<20 digits>-<8 hex>`. Ids of later shards of a partition sort behind. */
  readonly id: string;
  /** May be in another partition, one that was split. */
  readonly parentId: string | undefined;
  readonly first: number;
  /** Undefined while it takes records. */
  readonly last: number | undefined;
  readonly startedMs: number;
}

export interface RecordsCall {
  readonly kind: 'records';
  readonly streamId: number;
  /** Records with a sequence of at least this ... */
  readonly from: number;
  /** ... and at most this; undefined: to the end. */
  readonly to: number | undefined;
  /** 1 or more. */
  readonly limit: number;
  /** The page ends with the record that makes it this large. */
  readonly bytesMax: number;
  /** Records written before this, ms since 1970, are passed over (AT_TIMESTAMP); 0: none. */
  readonly writtenFromMs: number;
}

export interface RecordsAnswer {
  /** UTF-8 of each record as stored (stream-record.ts), in order, with its sequence. */
  readonly records: readonly { readonly sequence: number; readonly record: Uint8Array }[];
  /** All durable records below this were looked at: where to go on. */
  readonly next: number;
  /** Records below this have been trimmed, or are past their time: reading from there is refused. */
  readonly trimmedBelow: number;
}

/** A record is readable for so long, and so is a stream once it is disabled (API: 24 hours). */
export const STREAM_RETENTION_MS = 24 * 3_600_000;
/** About as in the service. */
export const SHARD_AGE_MS = 4 * 3_600_000;
