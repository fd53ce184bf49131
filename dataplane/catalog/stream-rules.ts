import { tableRequestFaults } from '../errors/table-requests.ts';
import { tableFaults } from '../errors/tables.ts';
import type { EndedStream } from '../partition/schema.ts';
import {
  STREAM_RETENTION_MS,
  type StreamSchema,
  type StreamViewType,
} from '../partition/stream.ts';
import { type TableDescriptor, tableStatus } from './descriptor.ts';
import type { CreateTableRequest, StreamSpecification } from './table-request.ts';

/** What a new stream takes from outside. */
export interface StreamContext {
  readonly nowMs: number;
  /** No stream of this name has this id or a higher one. */
  readonly streamIdMin: number;
}

/** @throws ClientFault ValidationException */
export function checkCreateStream(stream: StreamSpecification | undefined): void {
  if (stream === undefined) return;
  const { StreamEnabled: isEnabled, StreamViewType: viewType } = stream;
  if (isEnabled && viewType === undefined) throw tableRequestFaults.createStreamNeedsView();
  if (!isEnabled && viewType !== undefined) {
    throw tableRequestFaults.createStreamViewWhileDisabled();
  }
}

/** @throws ClientFault ValidationException */
export function checkUpdateStream(stream: StreamSpecification | undefined): void {
  if (stream === undefined) return;
  const { StreamEnabled: isEnabled, StreamViewType: viewType } = stream;
  if (isEnabled && viewType === undefined) throw tableRequestFaults.streamNeedsView();
  if (!isEnabled && viewType !== undefined) throw tableRequestFaults.streamViewWhileDisabled();
}

/** The stream of a new table. The request has passed `checkCreateStream`. */
export function createdStream(
  { StreamSpecification: wanted }: CreateTableRequest,
  context: StreamContext,
): StreamSchema | undefined {
  return wanted?.StreamEnabled === true ? newStream(wanted, context) : undefined;
}

/**
 * The table after its stream was enabled or disabled; the partitions follow. The request has passed
 * `checkUpdateStream`.
 * @throws ClientFault ResourceInUseException, ValidationException
 * @see reference/dynamodb.md §8, §10
 */
export function planStream(
  table: TableDescriptor,
  wanted: StreamSpecification | undefined,
  context: StreamContext,
): TableDescriptor {
  if (wanted === undefined) return table;
  if (tableStatus(table) !== 'ACTIVE') throw tableFaults.beingUpdated(table.name);
  const { stream } = table;
  if (wanted.StreamEnabled) {
    if (stream !== undefined) throw tableRequestFaults.streamEnabled(table.name);
    return { ...table, stream: newStream(wanted, context), streamPending: true };
  }
  if (stream === undefined) throw tableRequestFaults.noStream(table.name);
  return { ...endStream(table, stream, context.nowMs), streamPending: true };
}

/** The stream takes no more records. Of those that ended before, what nobody can read is forgotten. */
export function endStream(
  table: TableDescriptor,
  stream: StreamSchema,
  nowMs: number,
): TableDescriptor {
  const readable = table.endedStreams.filter((ended) => isReadable(ended, nowMs));
  const endedStreams = [...readable, { ...stream, endedAtMs: nowMs }];
  return { ...table, stream: undefined, endedStreams };
}

/** Whether a stream that ended can be read yet. */
export function isReadable({ endedAtMs }: EndedStream, nowMs: number): boolean {
  return nowMs < endedAtMs + STREAM_RETENTION_MS;
}

/** The stream that DescribeTable tells of: one that is enabled, or the last that was. */
export function latestStream({ stream, endedStreams }: TableDescriptor): StreamSchema | undefined {
  return stream ?? endedStreams.at(-1);
}

function newStream(
  { StreamViewType: viewType }: StreamSpecification,
  { nowMs, streamIdMin }: StreamContext,
): StreamSchema {
  // The request's shape knows the view types, and its rules ask for one.
  return { id: Math.max(nowMs, streamIdMin), viewType: viewType as StreamViewType };
}
