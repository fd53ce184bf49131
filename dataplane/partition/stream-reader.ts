import type { Store } from '../storage/store.ts';
import { afterPrefix, metaKey, readStreamKey, spacePrefix, streamKey } from './key-space.ts';
import {
  type RecordsAnswer,
  type RecordsCall,
  type ShardsAnswer,
  STREAM_RETENTION_MS,
  type StreamAnswers,
  type StreamAnswerTo,
  type StreamCall,
} from './stream.ts';
import { checkStreamRecord, recordWrittenMs } from './stream-record.ts';
import { decodeShards, isPast, type ShardEntry, streamShardOf } from './stream-shards.ts';

export interface StreamReaderParts {
  readonly store: Pick<Store, 'get' | 'iterate'>;
  /** By which the partition's keys begin in this store. */
  readonly partitionId: bigint;
  /** Sequence of the last write that is durable. */
  readonly lastSequence: () => number;
  readonly nowMs: () => number;
  /** When writes ended for good, ms since 1970: what was open then is closed. */
  readonly endedAtMs?: number | undefined;
}

/** A call looks at so many records at most that it does not hand out. */
const PASSED_COUNT_MAX = 10_000;
/** Records read from the store at once. */
const READ_COUNT = 100;

/**
 * Answers what is asked about the streams of one partition, from what is durable: for a partition
 * that takes writes, and for one whose table is gone and whose streams are still there.
 */
export class StreamReader {
  readonly #parts: StreamReaderParts;
  readonly #shardsKey: Buffer;
  readonly #prefix: Buffer;

  constructor(parts: StreamReaderParts) {
    this.#parts = parts;
    this.#shardsKey = metaKey(parts.partitionId, 'shards');
    this.#prefix = spacePrefix(parts.partitionId, 'stream');
  }

  /** @throws StoreError */
  async answer<Call extends StreamCall>(call: Call): Promise<StreamAnswerTo<Call>> {
    const answer: StreamAnswers[StreamCall['kind']] =
      call.kind === 'shards' ? this.#shards(call.streamId) : await this.#records(call);
    // The answer is that of the call's kind, which TypeScript does not follow.
    return answer as StreamAnswerTo<Call>;
  }

  #shards(streamId: number): ShardsAnswer {
    const { store, lastSequence, nowMs, endedAtMs } = this.#parts;
    const last = lastSequence();
    const ended = (shard: ShardEntry): ShardEntry =>
      shard.closed !== undefined || endedAtMs === undefined
        ? shard
        : { ...shard, closed: { last: Math.max(last, shard.first), atMs: endedAtMs } };
    const shards = decodeShards(store.get(this.#shardsKey))
      .shards.filter((shard) => shard.streamId === streamId)
      .map(ended)
      .filter((shard) => !isPast(shard, nowMs()));
    return { shards: shards.map(streamShardOf), lastSequence: last };
  }

  async #records(call: RecordsCall): Promise<RecordsAnswer> {
    const { store, lastSequence, nowMs } = this.#parts;
    // Before the records are read: of what becomes durable meanwhile, some may be missed.
    const last = Math.min(call.to ?? Number.MAX_SAFE_INTEGER, lastSequence());
    const { trimmedBelow } = decodeShards(store.get(this.#shardsKey));
    const page = new Page(call, { trimmedBelow, aliveFromMs: nowMs() - STREAM_RETENTION_MS });
    const from = Math.max(call.from, trimmedBelow);
    if (from > last) return page.answer(last + 1);
    const iterator = store.iterate({
      start: streamKey(this.#prefix, call.streamId, from),
      end: afterPrefix(streamKey(this.#prefix, call.streamId, last)),
      reverse: false,
      limit: undefined,
    });
    try {
      for (;;) {
        const pairs = await iterator.next(READ_COUNT);
        if (pairs.length === 0) return page.answer(last + 1);
        for (const [key, record] of pairs) {
          const { sequence } = readStreamKey(key);
          page.take(sequence, record);
          if (page.isFull) return page.answer(sequence + 1);
        }
      }
    } finally {
      await iterator.close();
    }
  }
}

/** Gathers the records of an answer. */
class Page {
  readonly #call: RecordsCall;
  readonly #aliveFromMs: number;
  readonly #records: { readonly sequence: number; readonly record: Uint8Array }[] = [];
  #trimmedBelow: number;
  #bytes = 0;
  #passedCount = 0;

  constructor(
    call: RecordsCall,
    trim: { readonly trimmedBelow: number; readonly aliveFromMs: number },
  ) {
    this.#call = call;
    this.#trimmedBelow = trim.trimmedBelow;
    this.#aliveFromMs = trim.aliveFromMs;
  }

  /** A record in its turn; those past their time come first. */
  take(sequence: number, record: Buffer): void {
    checkStreamRecord(record);
    const writtenMs = recordWrittenMs(record);
    if (this.#records.length === 0) {
      if (writtenMs <= this.#aliveFromMs) {
        this.#trimmedBelow = sequence + 1;
        this.#passedCount++;
        return;
      }
      if (writtenMs < this.#call.writtenFromMs) {
        this.#passedCount++;
        return;
      }
    }
    this.#records.push({ sequence, record });
    this.#bytes += record.length;
  }

  get isFull(): boolean {
    return (
      this.#records.length >= this.#call.limit ||
      this.#bytes >= this.#call.bytesMax ||
      this.#passedCount >= PASSED_COUNT_MAX
    );
  }

  /** @param next - where the next page begins */
  answer(next: number): RecordsAnswer {
    return {
      records: this.#records,
      next: Math.max(next, this.#call.from),
      trimmedBelow: this.#trimmedBelow,
    };
  }
}
