import { createHash } from 'node:crypto';
import { decodeStreamRecord, type StreamRecord } from '../partition/stream-record.ts';
import { sequenceNumberOf } from './sequence-number.ts';
import type { StreamInfo } from './streams.ts';

/** A record where it was read. */
export interface PlacedRecord {
  readonly partitionId: bigint;
  readonly sequence: number;
  /** As stored (partition/stream-record.ts). */
  readonly record: Uint8Array;
}

export interface WireRecordContext {
  readonly stream: Pick<StreamInfo, 'arn' | 'viewType'>;
  readonly region: string;
}

/**
 * UTF-8 JSON of a record as GetRecords hands it out. Keys and images are copied, not parsed.
 * @throws StoreError `damaged`
 * @see reference/dynamodb.md §10
 */
export function wireRecord(placed: PlacedRecord, { stream, region }: WireRecordContext): Buffer {
  const record = decodeStreamRecord(placed.record);
  const { keys, newImage, oldImage } = record;
  const parts: Uint8Array[] = [Buffer.from(headOf(placed, record, { stream, region })), keys];
  if (newImage !== undefined) parts.push(NEW_IMAGE, newImage);
  if (oldImage !== undefined) parts.push(OLD_IMAGE, oldImage);
  const sequenceNumber = sequenceNumberOf(placed.sequence);
  parts.push(
    Buffer.from(
      `,"SequenceNumber":"${sequenceNumber}","SizeBytes":${record.sizeBytes}` +
        `,"StreamViewType":"${stream.viewType}"}}`,
    ),
  );
  return Buffer.concat(parts);
}

/** The same wherever and whenever the record is read; 32 hex digits. */
export function eventIdOf(streamArn: string, { partitionId, sequence }: PlacedRecord): string {
  const place = `${streamArn} ${partitionId} ${sequence}`;
  return createHash('sha256').update(place).digest('hex').slice(0, 32);
}

const NEW_IMAGE = Buffer.from(',"NewImage":');
const OLD_IMAGE = Buffer.from(',"OldImage":');
const TIME_TO_LIVE_IDENTITY =
  ',"userIdentity":{"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"}';

/** Up to the keys. */
function headOf(
  placed: PlacedRecord,
  { event, byTimeToLive, writtenMs }: StreamRecord,
  { stream, region }: WireRecordContext,
): string {
  return (
    `{"eventID":"${eventIdOf(stream.arn, placed)}","eventName":"${event}","eventVersion":"1.1"` +
    `,"eventSource":"aws:dynamodb","awsRegion":${JSON.stringify(region)}` +
    `${byTimeToLive ? TIME_TO_LIVE_IDENTITY : ''}` +
    `,"dynamodb":{"ApproximateCreationDateTime":${Math.floor(writtenMs / 1000)},"Keys":`
  );
}
