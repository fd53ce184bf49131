import { randomUUID } from 'node:crypto';
import type { StreamViewType } from '../partition/stream.ts';
import type { StreamRecord } from '../partition/stream-record.ts';

/** A change record on its way to the target of a trigger. */
export interface EventRecord {
  readonly sequence: number;
  /** As the API shows it. */
  readonly sequenceNumber: string;
  readonly shardId: string;
  /** ms since 1970. */
  readonly writtenMs: number;
  /** UTF-8 JSON: an element of `Records`. */
  readonly json: Buffer;
}

/** What all records of a stream have in common. */
export interface EventSource {
  readonly streamArn: string;
  readonly region: string;
  readonly viewType: StreamViewType;
}

export interface EventIdentity {
  readonly eventId: string;
  readonly sequenceNumber: string;
}

/**
 * A record as AWS Lambda shows it to a function: that of the API, with `userIdentity` in lower case
 * and the stream's ARN.
 * @see reference/dynamodb.md §10
 */
export function eventJson(
  record: StreamRecord,
  { eventId, sequenceNumber }: EventIdentity,
  { streamArn, region, viewType }: EventSource,
): Buffer {
  const { event, byTimeToLive, writtenMs, sizeBytes, keys, newImage, oldImage } = record;
  const head = {
    eventID: eventId,
    eventName: event,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    ...(byTimeToLive ? { userIdentity: TIME_TO_LIVE_IDENTITY } : {}),
  };
  const createdSecond = Math.floor(writtenMs / 1000);
  const tail = { SequenceNumber: sequenceNumber, SizeBytes: sizeBytes, StreamViewType: viewType };
  const parts: (Uint8Array | string)[] = [
    `${JSON.stringify(head).slice(0, -1)},"dynamodb":{"ApproximateCreationDateTime":${createdSecond},"Keys":`,
    keys,
  ];
  if (newImage !== undefined) parts.push(',"NewImage":', newImage);
  if (oldImage !== undefined) parts.push(',"OldImage":', oldImage);
  parts.push(`,${JSON.stringify(tail).slice(1)},"eventSourceARN":${JSON.stringify(streamArn)}}`);
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

const TIME_TO_LIVE_IDENTITY = { type: 'Service', principalId: 'dynamodb.amazonaws.com' };

const RECORDS_START = Buffer.from('{"Records":[');
const COMMA = Buffer.from(',');
const RECORDS_END = Buffer.from(']}');

/** The event: what is posted to a target. */
export function eventBody(records: readonly EventRecord[]): Buffer {
  const parts: Buffer[] = [RECORDS_START];
  for (const [index, { json }] of records.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(json);
  }
  parts.push(RECORDS_END);
  return Buffer.concat(parts);
}

/** Bytes of an event with these records. */
export function eventBodyBytes(recordsBytes: number, count: number): number {
  return RECORDS_START.length + recordsBytes + Math.max(0, count - 1) + RECORDS_END.length;
}

/** Why records are given up. As Lambda names it. */
export type DiscardReason = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

export interface DiscardedBatch {
  readonly records: readonly EventRecord[];
  readonly reason: DiscardReason;
  /** How often they were sent. */
  readonly attempts: number;
  /** What the target answered the last time; undefined: nothing. */
  readonly status: number | undefined;
  readonly failure: string | undefined;
}

/**
 * Lambda's document for an on-failure destination, with the event itself as `payload`: it may not be
 * in the stream any more when somebody looks.
 * @see AWS Lambda, "Retain discarded batch records for a DynamoDB event source"
 */
export function deadLetterBody(
  batch: DiscardedBatch,
  { streamArn, triggerArn, nowMs }: { streamArn: string; triggerArn: string; nowMs: number },
): Buffer {
  const { records, reason, attempts, status, failure } = batch;
  const [first] = records;
  const last = records.at(-1);
  const document = {
    requestContext: {
      requestId: randomUUID(),
      functionArn: triggerArn,
      condition: reason,
      approximateInvokeCount: attempts,
    },
    responseContext: { statusCode: status ?? null, functionError: failure ?? null },
    version: '1.0',
    timestamp: new Date(nowMs).toISOString(),
    DDBStreamBatchInfo: {
      shardId: first?.shardId,
      startSequenceNumber: first?.sequenceNumber,
      endSequenceNumber: last?.sequenceNumber,
      approximateArrivalOfFirstRecord: timeText(first?.writtenMs),
      approximateArrivalOfLastRecord: timeText(last?.writtenMs),
      batchSize: records.length,
      streamArn,
    },
  };
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(document).slice(0, -1)},"payload":`),
    eventBody(records),
    Buffer.from('}'),
  ]);
}

function timeText(ms: number | undefined): string {
  return new Date(ms ?? 0).toISOString().replace(/\.\d+Z$/, 'Z');
}
