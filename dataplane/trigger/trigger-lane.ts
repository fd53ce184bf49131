import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import { pause } from '../replication/scheduler.ts';
import { outcomeOf } from './batch-answer.ts';
import { BatchDelivery, backOffMs } from './batch-delivery.ts';
import {
  type DiscardedBatch,
  deadLetterBody,
  type EventRecord,
  eventBody,
  eventBodyBytes,
} from './event-record.ts';
import { Signal } from './signal.ts';
import type { TriggerContext } from './trigger-context.ts';
import type { TriggerCounts } from './trigger-counts.ts';

/** What Lambda hands to a function at most, synchronously. */
export const EVENT_BYTES_MAX = 6 * 1024 * 1024;
/** A dead-letter address is tried so often at least, however old the records are. */
const DEAD_LETTER_TRIES_MIN = 10;
/** Of failures in a row, the log tells the first, and one in so many. */
const LOGGED_ONE_IN = 20;

export interface TriggerLaneParts {
  readonly context: TriggerContext;
  readonly trigger: TriggerSchema;
  readonly counts: TriggerCounts;
  readonly streamArn: () => string;
  readonly triggerArn: string;
  readonly partitionId: bigint;
  /** The reader can go on only when records go: a batch need not wait for more. */
  readonly isPressed: () => boolean;
  /** Some records are done. */
  readonly onProgress: () => void;
  /** Ends it at once, with the event that is under way. */
  readonly signal: AbortSignal;
}

interface QueuedRecord {
  readonly record: EventRecord;
  /** By the monotonic clock. */
  readonly queuedMs: number;
}

/**
 * Delivers records of one partition in order, batch by batch: the next when the last one is done.
 * A trigger has several, each for other partition keys.
 */
export class TriggerLane {
  readonly #parts: TriggerLaneParts;
  readonly #changed = new Signal();
  #queue: QueuedRecord[] = [];
  #delivery: BatchDelivery | undefined;
  #running: Promise<void> | undefined;
  #isFinishing = false;
  #heldCount = 0;
  #heldBytes = 0;

  constructor(parts: TriggerLaneParts) {
    this.#parts = parts;
  }

  /** The first record that is not done; undefined: all are. */
  get first(): EventRecord | undefined {
    return this.#delivery?.first ?? this.#queue[0]?.record;
  }

  /** Records that wait or are under way, and their bytes. */
  get held(): { readonly count: number; readonly bytes: number } {
    return { count: this.#heldCount, bytes: this.#heldBytes };
  }

  push(record: EventRecord): void {
    const { memory, scheduler } = this.#parts.context;
    this.#queue.push({ record, queuedMs: scheduler.monotonicMs() });
    this.#heldCount += 1;
    this.#heldBytes += record.json.length;
    memory.add(record.json.length);
    this.#changed.raise();
    this.#running ??= this.#run();
  }

  /** `isPressed` may be another now. */
  look(): void {
    this.#changed.raise();
  }

  /**
   * Begins nothing any more; resolves when the event under way has been answered, or been ended by
   * the signal.
   */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    this.#changed.raise();
    await this.#running;
    this.#letGo(this.#heldCount, this.#heldBytes);
  }

  get #isStopped(): boolean {
    return this.#isFinishing || this.#parts.signal.aborted;
  }

  async #run(): Promise<void> {
    // What was read together is sent together.
    await new Promise<void>((resolve) => this.#parts.context.scheduler.soon(resolve));
    while (this.#queue.length > 0 && !this.#isStopped) {
      await this.#untilReady();
      if (this.#isStopped) break;
      const { trigger } = this.#parts;
      const records = this.#queue.splice(0, this.#batchCount()).map(({ record }) => record);
      this.#delivery = new BatchDelivery(records, {
        maximumRetryAttempts: trigger.maximumRetryAttempts,
        recordAgeMsMax: recordAgeMsMax(trigger),
        bisectBatchOnFunctionError: trigger.bisectBatchOnFunctionError,
      });
      await this.#deliver(this.#delivery);
      if (this.#delivery.first !== undefined) break;
      this.#delivery = undefined;
      this.#letGo(records.length, bytesOf(records));
      this.#parts.onProgress();
    }
    this.#running = undefined;
  }

  #letGo(count: number, bytes: number): void {
    this.#heldCount -= count;
    this.#heldBytes -= bytes;
    this.#parts.context.memory.remove(bytes);
  }

  async #untilReady(): Promise<void> {
    const { context, trigger, signal } = this.#parts;
    const { scheduler } = context;
    const windowMs = trigger.maximumBatchingWindowSeconds * 1000;
    while (!this.#isStopped && !this.#parts.isPressed()) {
      const count = this.#batchCount();
      if (count === trigger.batchSize || count < this.#queue.length) return;
      const leftMs = (this.#queue[0]?.queuedMs ?? 0) + windowMs - scheduler.monotonicMs();
      if (leftMs <= 0) return;
      const stop = new AbortController();
      await Promise.race([
        this.#changed.next(),
        pause(scheduler, leftMs, AbortSignal.any([signal, stop.signal])),
      ]);
      stop.abort();
    }
  }

  /** How many records the next event has: of one shard, as many as fit. */
  #batchCount(): number {
    const { batchSize } = this.#parts.trigger;
    const shardId = this.#queue[0]?.record.shardId;
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#queue) {
      bytes += record.json.length;
      const isFull = count >= batchSize || eventBodyBytes(bytes, count + 1) > EVENT_BYTES_MAX;
      if (record.shardId !== shardId || (isFull && count > 0)) break;
      count += 1;
    }
    return count;
  }

  /** Until each record is taken or given up, or the lane stops. */
  async #deliver(delivery: BatchDelivery): Promise<void> {
    const { context, onProgress, signal } = this.#parts;
    const { scheduler, random } = context;
    let failuresInRow = 0;
    while (!this.#isStopped) {
      const step = delivery.next(scheduler.nowMs());
      if (step.kind === 'done') return;
      if (step.kind === 'discard') {
        if (!(await this.#discard(step.batch))) return;
        delivery.onDiscarded(step.batch.records.length);
        onProgress();
        continue;
      }
      const outcome = await this.#send(step.records);
      if (signal.aborted) return;
      const waitMs = delivery.onOutcome(outcome, random());
      if (outcome.kind !== 'failure') onProgress();
      if (outcome.kind === 'success') {
        failuresInRow = 0;
        continue;
      }
      failuresInRow += 1;
      const reason = outcome.kind === 'failure' ? outcome.reason : 'batchItemFailures';
      this.#logFailure(failuresInRow, { reason, count: step.records.length });
      await this.#pause(waitMs);
    }
  }

  async #send(records: readonly EventRecord[]) {
    const { context, trigger, counts, signal } = this.#parts;
    const { target, timeoutSeconds, reportBatchItemFailures } = trigger;
    counts.events += 1;
    const result = await context.poster.post({
      target,
      body: eventBody(records),
      timeoutMs: timeoutSeconds * 1000,
      signal,
    });
    const outcome = outcomeOf(result, records, reportBatchItemFailures);
    if (signal.aborted) return outcome;
    if (outcome.kind === 'success') counts.delivered += records.length;
    else counts.failures += 1;
    if (outcome.kind === 'partial') {
      const left = records.filter(({ sequence }) => sequence >= outcome.fromSequence);
      counts.delivered += records.length - left.length;
    }
    return outcome;
  }

  /**
   * Tells the dead-letter address of records that are given up. While that does not take them,
   * nothing else is delivered here, until the stream has lost them too.
   * @returns whether they are done with; not when the lane stops before
   */
  async #discard(batch: DiscardedBatch): Promise<boolean> {
    const { context, trigger, counts, triggerArn, signal } = this.#parts;
    const { scheduler, poster, random } = context;
    const { deadLetter } = trigger;
    const lostAtMs = (batch.records[0]?.writtenMs ?? 0) + STREAM_RETENTION_MS;
    for (let tries = 1; deadLetter !== undefined; tries++) {
      const nowMs = scheduler.nowMs();
      const body = deadLetterBody(batch, { streamArn: this.#parts.streamArn(), triggerArn, nowMs });
      const timeoutMs = trigger.timeoutSeconds * 1000;
      const result = await poster.post({ target: deadLetter, body, timeoutMs, signal });
      if (signal.aborted) return false;
      if (result.kind === 'answered' && result.status >= 200 && result.status <= 299) {
        counts.deadLetters += batch.records.length;
        this.#log('triggerRecordsDiscarded', { ...summaryOf(batch), isDeadLetter: true });
        return true;
      }
      const reason = result.kind === 'failed' ? result.reason : `it answered ${result.status}`;
      this.#logFailure(tries, { reason: `dead-letter address: ${reason}`, count: 0 });
      if (tries >= DEAD_LETTER_TRIES_MIN && scheduler.nowMs() > lostAtMs) break;
      await this.#pause(backOffMs(tries, random()));
      if (this.#isStopped) return false;
    }
    counts.discarded += batch.records.length;
    this.#log('triggerRecordsDiscarded', { ...summaryOf(batch), isDeadLetter: false });
    return true;
  }

  /** Ends early when the lane stops. */
  async #pause(ms: number): Promise<void> {
    const { context, signal } = this.#parts;
    const stop = new AbortController();
    const over = pause(context.scheduler, ms, AbortSignal.any([signal, stop.signal]));
    const isOver = { yet: false };
    void over.then(() => {
      isOver.yet = true;
    });
    while (!isOver.yet && !this.#isStopped) await Promise.race([over, this.#changed.next()]);
    stop.abort();
  }

  #logFailure(failuresInRow: number, { reason, count }: { reason: string; count: number }): void {
    if (failuresInRow % LOGGED_ONE_IN !== 1) return;
    this.#log('triggerFailed', { reason, failuresInRow, recordsCount: count });
  }

  #log(event: string, fields: object): void {
    const { context, triggerArn, partitionId } = this.#parts;
    context.log(event, { trigger: triggerArn, partitionId: `${partitionId}`, ...fields });
  }
}

function bytesOf(records: readonly EventRecord[]): number {
  return records.reduce((sum, { json }) => sum + json.length, 0);
}

/** Without a bound of its own, a trigger keeps trying for as long as the stream has the record. */
function recordAgeMsMax({ maximumRecordAgeSeconds: seconds }: TriggerSchema): number {
  return seconds < 0 ? STREAM_RETENTION_MS : Math.min(seconds * 1000, STREAM_RETENTION_MS);
}

function summaryOf({ records, reason, attempts, failure }: DiscardedBatch): object {
  return {
    reason,
    attempts,
    failure,
    recordsCount: records.length,
    shardId: records[0]?.shardId,
    firstSequenceNumber: records[0]?.sequenceNumber,
    lastSequenceNumber: records.at(-1)?.sequenceNumber,
  };
}
