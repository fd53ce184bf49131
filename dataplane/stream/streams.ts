import type { KeySchema, TableLayout } from '../partition/schema.ts';
import { STREAM_RETENTION_MS, type StreamViewType } from '../partition/stream.ts';
import type { Eventually, StreamTable } from '../routing/table.ts';
import { streamArn, streamLabel } from './stream-arn.ts';

export type StreamStatus = 'ENABLING' | 'ENABLED' | 'DISABLING' | 'DISABLED';

/** What there is to know of a stream besides its records. */
export interface StreamInfo {
  readonly arn: string;
  readonly label: string;
  /** When it was enabled, ms since 1970. */
  readonly id: number;
  readonly status: StreamStatus;
  readonly viewType: StreamViewType;
  readonly tableName: string;
  readonly key: KeySchema;
}

/** A stream that can be read. */
export interface OpenStream extends StreamInfo {
  readonly table: StreamTable;
  /** 32 bytes of its table, known to no client. */
  readonly secret: Uint8Array;
}

/** The streams of an account, as `api/` calls them. Both throw ClientFault. */
export interface Streams {
  /** All of one table, or of all tables, also of deleted ones; by ARN. */
  list(tableName: string | undefined): Eventually<readonly StreamInfo[]>;

  /** @param arn - has the form of a stream's ARN */
  open(arn: string): Eventually<OpenStream>;
}

/** The streams of a table that can be read, the newest last. */
export function streamsOf(layout: TableLayout, nowMs: number): readonly StreamInfo[] {
  const { schema, endedStreams = [] } = layout;
  const { tableName, tableArn, key, stream } = schema;
  const common = { tableName, key };
  const infoOf = (id: number, viewType: StreamViewType, status: StreamStatus): StreamInfo => ({
    ...common,
    arn: streamArn(tableArn, id),
    label: streamLabel(id),
    id,
    viewType,
    status,
  });
  const readable = endedStreams.filter(({ endedAtMs }) => nowMs < endedAtMs + STREAM_RETENTION_MS);
  return [
    ...readable.map(({ id, viewType }) => infoOf(id, viewType, 'DISABLED')),
    ...(stream === undefined ? [] : [infoOf(stream.id, stream.viewType, 'ENABLED')]),
  ];
}

/** A stream of this table. */
export function openStream(
  layout: TableLayout,
  arn: string,
  { table, nowMs }: { readonly table: StreamTable; readonly nowMs: number },
): OpenStream | undefined {
  const info = streamsOf(layout, nowMs).find((stream) => stream.arn === arn);
  return info && { ...info, table, secret: layout.schema.hashSecret };
}
