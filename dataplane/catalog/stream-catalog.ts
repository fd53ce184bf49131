import { streamFaults } from '../errors/streams.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import { streamArnParts } from '../stream/stream-arn.ts';
import {
  type OpenStream,
  openStream,
  type StreamInfo,
  type Streams,
  streamsOf,
} from '../stream/streams.ts';
import { type Place, tableNameOf } from './arn.ts';
import type { CatalogState, TableEntry } from './catalog-state.ts';
import type { TableDescriptor } from './descriptor.ts';
import { layoutOf, retiredLayoutOf } from './layout.ts';

interface StreamCatalogParts {
  readonly state: CatalogState;
  readonly place: Place;
  readonly clock: { nowMs(): number };
}

/** The streams of all tables of a catalog, and of tables that were deleted of late. */
export class StreamCatalog implements Streams {
  readonly #parts: StreamCatalogParts;

  constructor(parts: StreamCatalogParts) {
    this.#parts = parts;
  }

  list(tableName: string | undefined): readonly StreamInfo[] {
    const { state, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const streams: StreamInfo[] = [];
    for (const { retired } of state.retiredEntries()) {
      if (isMeant(retired.table, tableName)) {
        streams.push(...streamsOf(retiredLayoutOf(retired), nowMs));
      }
    }
    for (const { descriptor } of state.entries()) {
      if (isMeant(descriptor, tableName)) streams.push(...streamsOfTable(descriptor, nowMs));
    }
    return streams.sort((a, b) => (a.arn < b.arn ? -1 : 1));
  }

  open(arn: string): OpenStream {
    const { state, place, clock } = this.#parts;
    const parts = streamArnParts(arn);
    if (parts === undefined) throw streamFaults.arn();
    const name = tableNameOf(parts.tableArn, place);
    const nowMs = clock.nowMs();
    const entry = state.entry(name);
    const stream = entry && openOf(entry, arn, nowMs);
    if (stream !== undefined) return stream;
    for (const { retired, streams: table } of state.retiredEntries()) {
      if (retired.table.name !== name) continue;
      const found = openStream(retiredLayoutOf(retired), arn, { table, nowMs });
      if (found !== undefined) return found;
    }
    throw streamFaults.notFound(arn);
  }

  /** Above the ids of all streams that tables of this name have, or had and still show. */
  nextIdOf(tableName: string): number {
    const { state } = this.#parts;
    const tables = [...state.retiredEntries()].map(({ retired }) => retired.table);
    const entry = state.entry(tableName);
    let next = 0;
    for (const table of [...tables, ...(entry === undefined ? [] : [entry.descriptor])]) {
      if (table.name !== tableName) continue;
      for (const { id } of table.endedStreams) next = Math.max(next, id + 1);
      next = Math.max(next, (table.stream?.id ?? 0) + 1);
    }
    return next;
  }
}

/** A table that is being created, or deleted, has its streams and no partitions to read them from. */
function openOf(
  { descriptor, table }: TableEntry,
  arn: string,
  nowMs: number,
): OpenStream | undefined {
  const shown = streamsOfTable(descriptor, nowMs).find((stream) => stream.arn === arn);
  if (shown === undefined) return undefined;
  const source = table ?? {
    // Of a deletion that goes on after a restart: readers are to try again.
    partitions: descriptor.status === 'DELETING' ? layoutOf(descriptor).partitions : [],
    stream: () => Promise.reject(transportFaults.internal(operatingTexts.unavailable)),
  };
  return { ...shown, table: source, secret: descriptor.hashSecret };
}

/** With the states between, which partitions know nothing of. */
function streamsOfTable(descriptor: TableDescriptor, nowMs: number): readonly StreamInfo[] {
  const streams = streamsOf(layoutOf(descriptor), nowMs);
  const latest = streams.at(-1);
  if (latest === undefined) return streams;
  return [...streams.slice(0, -1), { ...latest, status: statusOf(latest, descriptor) }];
}

function statusOf(latest: StreamInfo, table: TableDescriptor): StreamInfo['status'] {
  if (latest.status === 'ENABLED') {
    if (table.status === 'DELETING') return 'DISABLING';
    return table.status === 'CREATING' || table.streamPending ? 'ENABLING' : 'ENABLED';
  }
  return table.streamPending && table.stream === undefined ? 'DISABLING' : 'DISABLED';
}

function isMeant({ name }: TableDescriptor, tableName: string | undefined): boolean {
  return tableName === undefined || name === tableName;
}
