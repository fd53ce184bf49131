import { crc32 } from 'node:zlib';
import type { Item } from '../item/attribute-value.ts';
import type { StreamSchema } from '../partition/stream.ts';
import { decodeStreamRecord, type StreamRecord } from '../partition/stream-record.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import { pause } from '../replication/scheduler.ts';
import { StoreError } from '../storage/store.ts';
import { sequenceNumberOf } from '../stream/sequence-number.ts';
import { streamArn } from '../stream/stream-arn.ts';
import { eventIdOf } from '../stream/wire-record.ts';
import { backOffMs } from './batch-delivery.ts';
import { type EventRecord, eventJson } from './event-record.ts';
import { FilterPattern } from './filter-pattern.ts';
import type { TriggerProgress } from './progress-record.ts';
import type { ProgressSaver } from './progress-saver.ts';
import { Signal } from './signal.ts';
import type { TriggerContext } from './trigger-context.ts';
import type { TriggerCounts } from './trigger-counts.ts';
import { TriggerLane } from './trigger-lane.ts';
import type { TriggerSource } from './trigger-source.ts';

export interface TriggerWorkerParts {
  readonly context: TriggerContext;
  readonly trigger: TriggerSchema;
  readonly table: TriggeredTable;
  readonly source: TriggerSource;
  readonly saver: ProgressSaver;
  /** LATEST is behind this sequence, for a trigger without a progress. */
  readonly lastSequence: number;
}

/** What triggers know of their table. */
export interface TriggeredTable {
  readonly name: string;
  readonly arn: string;
  /** By whose value records are spread over lanes. */
  readonly partitionKey: string;
  /**
   * Whether a trigger's id says which of several triggers of that name it is. If not, it goes on where
   * any of that name has stopped.
   */
  readonly hasLastingIds: boolean;
}

const PAGE_RECORDS_MAX = 1_000;
const PAGE_BYTES_MAX = 1024 * 1024;
/** Of one trigger at one partition: room for an event under way, and for the next one. */
const HELD_BYTES_MAX = 12 * 1024 * 1024;

/** Where the reading goes on. */
interface Position {
  readonly streamId: number;
  readonly next: number;
}

/**
 * Delivers one trigger's records of one partition: reads the streams of the table in the order of their
 * age, each from shard to shard, and hands what passes the filters to the lanes. Records of one
 * partition key go through one lane, and no record of a shard is sent before all of the shard before
 * it are done.
 *
 * Invariant: all below `#checkpoint` is delivered, given up, or filtered out. That is what is saved, so
 * whoever goes on from there skips nothing.
 */
export class TriggerWorker {
  readonly #parts: TriggerWorkerParts;
  readonly #counts: TriggerCounts;
  readonly #filters: readonly FilterPattern[];
  readonly #lanes: readonly TriggerLane[];
  readonly #end = new AbortController();
  readonly #news = new Signal();
  readonly #progress = new Signal();
  readonly #leave: () => void;
  #position: Position | undefined;
  #isFinishing = false;
  #isWaitingForLanes = false;
  /** When the newest record was written that was read, while there may be more. */
  #behindMs: number | undefined;
  #shardId: string | undefined;
  #running: Promise<void> | undefined;

  /** @throws StoreError when its progress cannot be read */
  constructor(parts: TriggerWorkerParts) {
    const { context, trigger, table, source } = parts;
    this.#parts = parts;
    this.#counts = context.register.counts(table.name, trigger.name);
    this.#filters = trigger.filterPatterns.map((text) => FilterPattern.parse(text));
    const lane = () =>
      new TriggerLane({
        context,
        trigger,
        counts: this.#counts,
        streamArn: () => streamArn(table.arn, this.#position?.streamId ?? 0),
        triggerArn: `${table.arn}/trigger/${trigger.name}`,
        partitionId: source.partitionId,
        isPressed: () => this.#isWaitingForLanes,
        onProgress: () => this.#onProgress(),
        signal: this.#end.signal,
      });
    this.#lanes = Array.from({ length: trigger.parallelizationFactor }, lane);
    this.#position = savedProgress(parts);
    this.#leave = context.register.add(table.name, trigger.name, this);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** There are more records, or other streams. */
  wake(): void {
    this.#news.raise();
  }

  /** When the oldest record was written that is not done; undefined: none is known. */
  get oldestMs(): number | undefined {
    const first = this.#firstLeft();
    return first?.writtenMs ?? this.#behindMs;
  }

  /** Ends at once, with the events under way: nothing of them is saved. */
  stop(): void {
    this.#end.abort();
    void this.finish();
  }

  /** Begins nothing any more; resolves when the events under way have been answered. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    this.#leave();
    this.#news.raise();
    this.#progress.raise();
    await Promise.all([this.#running, ...this.#lanes.map((lane) => lane.finish())]);
  }

  get #isStopped(): boolean {
    return this.#isFinishing || this.#end.signal.aborted;
  }

  /** Tries again whatever the store says. Rejects for bugs only. */
  async #run(): Promise<void> {
    const { context } = this.#parts;
    for (let failures = 0; !this.#isStopped; ) {
      try {
        await this.#advance();
        failures = 0;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failures += 1;
        if (failures === 1) this.#log('triggerRecordsUnreadable', { message: error.message });
        await pause(context.scheduler, backOffMs(failures, context.random()), this.#end.signal);
      }
    }
  }

  /** Reads a page, or waits until there is one. */
  async #advance(): Promise<void> {
    const news = this.#news.next();
    this.#position ??= this.#first();
    const position = this.#position;
    if (position === undefined) return news;
    const stream = this.#streamAt(position);
    if (stream === undefined) return news;
    if (stream.id !== position.streamId) {
      this.#position = { streamId: stream.id, next: 0 };
      return;
    }
    if (!this.#hasRoom()) return this.#untilLanes(() => this.#hasRoom());
    const isEmpty = await this.#readPage(stream, position);
    if (!isEmpty || this.#isStopped) return;
    this.#behindMs = undefined;
    if (!(await this.#goOn(position))) await news;
  }

  /** Where a trigger begins that the partition does not know. */
  #first(): Position | undefined {
    const { source, saver, trigger, lastSequence } = this.#parts;
    const position = firstPosition(trigger, source, lastSequence);
    if (position === undefined) return undefined;
    // In front of all writes to come: where ids do not last, whoever goes on after a crash could not tell
    // that the trigger was there before them.
    saver.setAtOnce(trigger.name, { triggerId: trigger.id, ...position });
    return position;
  }

  /** The stream to be read: if that of the position is no more, the one behind it. */
  #streamAt({ streamId }: Position): StreamSchema | undefined {
    return this.#parts.source.streams().all.find(({ id }) => id >= streamId);
  }

  /** Whether nothing was there. */
  async #readPage(stream: StreamSchema, { streamId, next: from }: Position): Promise<boolean> {
    const { source, trigger } = this.#parts;
    const { batchSize, parallelizationFactor } = trigger;
    const page = await source.read({
      kind: 'records',
      streamId,
      from,
      to: undefined,
      limit: Math.min(PAGE_RECORDS_MAX, batchSize * parallelizationFactor),
      bytesMax: PAGE_BYTES_MAX,
      writtenFromMs: 0,
    });
    if (this.#isStopped) return true;
    if (from > 0 && page.trimmedBelow > from) {
      const lost = { from: sequenceNumberOf(from), to: sequenceNumberOf(page.trimmedBelow) };
      this.#log('triggerRecordsTrimmed', lost);
    }
    if (page.records.length === 0) {
      this.#position = { streamId, next: page.next };
      return true;
    }
    // Read behind the records, so that theirs are among them.
    const { shards } = await source.read({ kind: 'shards', streamId });
    for (const { sequence, record } of page.records) {
      const shard = shards.findLast(({ first }) => first <= sequence);
      await this.#take(stream, { sequence, shardId: shard?.id ?? '', record });
      if (this.#isStopped) return true;
      this.#position = { streamId, next: sequence + 1 };
    }
    this.#position = { streamId, next: page.next };
    this.#onProgress();
    return false;
  }

  async #take(stream: StreamSchema, { sequence, shardId, record: encoded }: ReadRecord) {
    const { table, source } = this.#parts;
    const { partitionId } = source;
    const record = decodeStreamRecord(encoded);
    this.#behindMs = record.writtenMs;
    const sequenceNumber = sequenceNumberOf(sequence);
    const arn = streamArn(table.arn, stream.id);
    const eventId = eventIdOf(arn, { partitionId, sequence, record: encoded });
    const region = table.arn.split(':')[3] ?? '';
    const json = eventJson(
      record,
      { eventId, sequenceNumber },
      { streamArn: arn, region, viewType: stream.viewType },
    );
    if (!this.#passes(json)) {
      this.#counts.filtered += 1;
      return;
    }
    // What came of the shard before must be done first.
    if (shardId !== this.#shardId) await this.#untilLanes(() => this.#firstLeft() === undefined);
    if (this.#isStopped) return;
    this.#shardId = shardId;
    const event: EventRecord = {
      sequence,
      sequenceNumber,
      shardId,
      writtenMs: record.writtenMs,
      json,
    };
    this.#laneOf(record)?.push(event);
  }

  #passes(json: Buffer): boolean {
    if (this.#filters.length === 0) return true;
    const event: unknown = JSON.parse(json.toString('utf8'));
    return this.#filters.some((filter) => filter.matches(event));
  }

  #laneOf({ keys }: StreamRecord): TriggerLane | undefined {
    if (this.#lanes.length === 1) return this.#lanes[0];
    // Keys are stored as wire JSON.
    const item = JSON.parse(Buffer.from(keys).toString('utf8')) as Item;
    const partitionKey = JSON.stringify(item[this.#parts.table.partitionKey]);
    return this.#lanes[crc32(partitionKey) % this.#lanes.length];
  }

  /** Takes up the next stream, if this one is at its end. */
  async #goOn({ streamId }: Position): Promise<boolean> {
    const { source } = this.#parts;
    const following = source.streams().all.find(({ id }) => id > streamId);
    if (following === undefined) return false;
    const { shards } = await source.read({ kind: 'shards', streamId });
    // Its end is told when it is durable; until then there may be records.
    if (shards.some(({ last }) => last === undefined)) return false;
    await this.#untilLanes(() => this.#firstLeft() === undefined);
    if (this.#isStopped) return true;
    this.#position = { streamId: following.id, next: 0 };
    return true;
  }

  #hasRoom(): boolean {
    const { context, trigger } = this.#parts;
    const countMax = 2 * trigger.batchSize * trigger.parallelizationFactor;
    let count = 0;
    let bytes = 0;
    for (const { held } of this.#lanes) {
      count += held.count;
      bytes += held.bytes;
    }
    if (bytes === 0) return true;
    return count < countMax && bytes < HELD_BYTES_MAX && !context.memory.isFull;
  }

  /** Waits for the lanes, which then wait for nothing themselves. */
  async #untilLanes(holds: () => boolean): Promise<void> {
    this.#isWaitingForLanes = true;
    for (const lane of this.#lanes) lane.look();
    while (!holds() && !this.#isStopped) await this.#progress.next();
    this.#isWaitingForLanes = false;
  }

  #firstLeft(): EventRecord | undefined {
    let first: EventRecord | undefined;
    for (const lane of this.#lanes) {
      const ofLane = lane.first;
      if (ofLane === undefined) continue;
      if (first === undefined || ofLane.sequence < first.sequence) first = ofLane;
    }
    return first;
  }

  #onProgress(): void {
    this.#progress.raise();
    const position = this.#position;
    if (position === undefined || this.#end.signal.aborted) return;
    const next = this.#firstLeft()?.sequence ?? position.next;
    this.#save({ streamId: position.streamId, next });
  }

  #save({ streamId, next }: Position): void {
    const { saver, trigger } = this.#parts;
    const latest = saver.latest(trigger.name);
    if (latest?.triggerId === trigger.id && latest.streamId === streamId && latest.next === next) {
      return;
    }
    saver.set(trigger.name, { triggerId: trigger.id, streamId, next });
  }

  #log(event: string, fields: object): void {
    const { context, table, trigger, source } = this.#parts;
    const place = { partitionId: `${source.partitionId}` };
    context.log(event, { trigger: `${table.arn}/trigger/${trigger.name}`, ...place, ...fields });
  }
}

/**
 * How far a trigger has come at a partition; undefined for one that is new there.
 * @throws StoreError
 */
export function savedProgress({
  saver,
  source,
  trigger,
  table,
}: Pick<TriggerWorkerParts, 'saver' | 'source' | 'trigger' | 'table'>):
  | TriggerProgress
  | undefined {
  const saved = saver.latest(trigger.name) ?? source.progress(trigger.name);
  if (saved === undefined) return undefined;
  return saved.triggerId === trigger.id || !table.hasLastingIds ? saved : undefined;
}

/** Where a trigger begins that is new at a partition; undefined while there is no stream. */
export function firstPosition(
  trigger: TriggerSchema,
  source: TriggerSource,
  lastSequence: number,
): Position | undefined {
  const { all, isEnabled } = source.streams();
  const stream = isEnabled ? all.at(-1) : undefined;
  if (stream === undefined) return undefined;
  // All that is in a stream which is younger than the trigger came after that.
  const isWhole = trigger.startingPosition === 'TRIM_HORIZON' || stream.id >= trigger.id;
  return { streamId: stream.id, next: isWhole ? 0 : lastSequence + 1 };
}

interface ReadRecord {
  readonly sequence: number;
  readonly shardId: string;
  readonly record: Uint8Array;
}
