import { streamFaults } from '../errors/streams.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import type { ClusterMap, KnownTable } from '../routing/cluster-map.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { RemoteTables } from '../routing/remote-tables.ts';
import type { Router } from '../routing/router.ts';
import type { StreamTable } from '../routing/table.ts';
import { streamArnParts } from './stream-arn.ts';
import { StreamLookup } from './stream-lookup.ts';
import {
  type OpenStream,
  openStream,
  type StreamInfo,
  type Streams,
  streamsOf,
} from './streams.ts';

export interface RemoteStreamsParts {
  readonly map: Pick<ClusterMap, 'table' | 'tables'>;
  readonly tables: Pick<RemoteTables, 'tableById'>;
  readonly clock: { nowMs(): number };
  /** The name that a table's ARN means here. @throws ClientFault for an ARN of another place */
  readonly tableNameOf: (arn: string) => string;
  /** Resolves when the nodes were asked what there is. */
  readonly refresh: () => Promise<void>;
  /** Whether the catalog has such a stream. @throws ClientFault when it cannot be asked */
  readonly hasStream: (arn: string, tableName: string) => Promise<boolean>;
}

/**
 * The streams of a cluster's tables, as a router knows them: nodes tell of tables that are there, and of
 * those that were deleted and have streams. A stream that is not known is looked for once more; that
 * there is none is said by the catalog alone, for a client does not try again after it.
 */
export class RemoteStreams implements Streams {
  readonly #parts: RemoteStreamsParts;

  /** Those that a router knows. `refresh`: by default its own. */
  static of(
    router: Pick<Router, 'map' | 'tables' | 'learner' | 'control'>,
    parts: Pick<RemoteStreamsParts, 'clock' | 'tableNameOf'> &
      Partial<Pick<RemoteStreamsParts, 'refresh'>>,
  ): RemoteStreams {
    const { map, tables, learner, control } = router;
    const lookup = new StreamLookup(control);
    const refresh = () => learner.refresh();
    const hasStream = lookup.hasStream.bind(lookup);
    return new RemoteStreams({ map, tables, refresh, hasStream, ...parts });
  }

  constructor(parts: RemoteStreamsParts) {
    this.#parts = parts;
  }

  async list(tableName: string | undefined): Promise<readonly StreamInfo[]> {
    const { map, clock, refresh } = this.#parts;
    await refresh();
    const nowMs = clock.nowMs();
    const streams = [...map.tables()].flatMap(({ configuration: { layout } }) =>
      tableName === undefined || layout.schema.tableName === tableName
        ? streamsOf(layout, nowMs)
        : [],
    );
    return streams.sort((a, b) => (a.arn < b.arn ? -1 : 1));
  }

  /** Without a promise for a stream that is known. */
  open(arn: string): OpenStream | Promise<OpenStream> {
    const tableArn = this.#tableArnOf(arn);
    return this.#find(arn, tableArn) ?? this.#look(arn, tableArn);
  }

  /** @throws ClientFault when it is no ARN of a stream of this place */
  #tableArnOf(arn: string): string {
    const parts = streamArnParts(arn);
    if (parts === undefined) throw streamFaults.arn();
    this.#parts.tableNameOf(parts.tableArn);
    return parts.tableArn;
  }

  #find(arn: string, tableArn: string): OpenStream | undefined {
    const { map } = this.#parts;
    const live = map.table(tableArn);
    const found = live && this.#openOf(live, arn);
    if (found !== undefined) return found;
    for (const table of map.tables()) {
      if (table.configuration.layout.schema.tableArn !== tableArn) continue;
      const ended = this.#openOf(table, arn);
      if (ended !== undefined) return ended;
    }
    return undefined;
  }

  #openOf({ tableId, configuration }: KnownTable, arn: string): OpenStream | undefined {
    const { tables, clock } = this.#parts;
    const table = tables.tableById(tableId);
    if (table === undefined) return undefined;
    return openStream(configuration.layout, arn, {
      table: this.#sourceOf(table, arn),
      nowMs: clock.nowMs(),
    });
  }

  async #look(arn: string, tableArn: string): Promise<OpenStream> {
    const { refresh } = this.#parts;
    await refresh();
    const second = this.#find(arn, tableArn);
    if (second !== undefined) return second;
    await this.#assertThere(arn);
    await refresh();
    const third = this.#find(arn, tableArn);
    if (third !== undefined) return third;
    throw transportFaults.internal(operatingTexts.unavailable);
  }

  /** The table's partitions may go while the stream is read. */
  #sourceOf(table: StreamTable, arn: string): StreamTable {
    return {
      partitions: table.partitions,
      stream: async (partitionId, call) => {
        try {
          return await table.stream(partitionId, call);
        } catch (error) {
          if (!(error instanceof UnknownTableFault)) throw error;
          await this.#assertThere(arn);
          throw transportFaults.internal(operatingTexts.unavailable);
        }
      },
    };
  }

  /** @throws ClientFault ResourceNotFoundException, or InternalServerError when it is not certain */
  async #assertThere(arn: string): Promise<void> {
    const { hasStream, tableNameOf } = this.#parts;
    const tableName = tableNameOf(this.#tableArnOf(arn));
    if (!(await hasStream(arn, tableName))) throw streamFaults.notFound(arn);
  }
}
