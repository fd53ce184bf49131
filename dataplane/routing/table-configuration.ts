import { crc32 } from 'node:zlib';
import type {
  EndedStream,
  IndexSchema,
  KeySchema,
  PartitionRange,
  TableLayout,
} from '../partition/schema.ts';
import type { StreamSchema } from '../partition/stream.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import type { TableThroughput, ThroughputLimit } from './table.ts';

/**
 * What partitions and routers of a cluster know of a table: every partition of the table and of its
 * global indexes keeps a copy, replicated with its data, so that routers learn tables from nodes alone.
 */
export interface TableConfiguration {
  /** Rises with each change. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly layout: TableLayout;
  readonly throughput: TableThroughput;
}

/** What one partition keeps. */
export interface PartitionConfiguration {
  readonly partitionId: bigint;
  /** 0: items of the table; else entries of this global index. */
  readonly indexId: number;
  readonly table: TableConfiguration;
}

const FORMAT = 1;

/**
 * UTF-8 JSON: `[1, CRC-32 of the configuration's JSON, configuration]`, with bytes as base64 and
 * partition ids as decimal strings. Members that came with a later release are left out where they
 * say nothing, and whoever does not know them keeps them as they are.
 */
export function encodeTableConfiguration(configuration: TableConfiguration): Buffer {
  return encode(tableJson(configuration));
}

/** @throws RangeError of another format, or when the checksum does not match */
export function decodeTableConfiguration(encoded: Uint8Array): TableConfiguration {
  return tableOf(bodyOf(encoded) as TableJson);
}

export function encodePartitionConfiguration(configuration: PartitionConfiguration): Buffer {
  const { partitionId, indexId, table } = configuration;
  const body: PartitionJson = { partitionId: `${partitionId}`, indexId, table: tableJson(table) };
  return encode(body);
}

/** @throws RangeError of another format, or when the checksum does not match */
export function decodePartitionConfiguration(encoded: Uint8Array): PartitionConfiguration {
  const { partitionId, indexId, table } = bodyOf(encoded) as PartitionJson;
  return { partitionId: BigInt(partitionId), indexId, table: tableOf(table) };
}

/** The partition, of the table or of one of its global indexes, with this id. */
export function rangeOfPartition(
  { layout }: TableConfiguration,
  partitionId: bigint,
): { readonly range: PartitionRange; readonly indexId: number } | undefined {
  const lists = [[0, layout.partitions] as const, ...layout.indexPartitions];
  for (const [indexId, ranges] of lists) {
    const range = ranges.find(({ id }) => id === partitionId);
    if (range !== undefined) return { range, indexId };
  }
  return undefined;
}

function encode(body: TableJson | PartitionJson): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, crc32(JSON.stringify(body)), body]));
}

function bodyOf(encoded: Uint8Array): unknown {
  const json = parsed(Buffer.from(encoded).toString('utf8'));
  if (!Array.isArray(json) || json[0] !== FORMAT) {
    throw new RangeError('The configuration of a table has an unknown format.');
  }
  const [, checksum, body] = json;
  if (crc32(JSON.stringify(body) ?? '') !== checksum) {
    throw new RangeError('The configuration of a table does not match its checksum.');
  }
  return body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RangeError('The configuration of a table is no JSON.', { cause: error });
  }
}

interface RangeJson {
  readonly id: string;
  readonly start: string;
  readonly end: string | null;
}

interface TableJson {
  readonly version: number;
  readonly createdAtMs: number;
  readonly schema: {
    readonly tableName: string;
    readonly tableId: string;
    readonly tableArn: string;
    readonly key: KeySchema;
    readonly localIndexes: readonly IndexSchema[];
    readonly globalIndexes: readonly IndexSchema[];
    readonly timeToLiveAttribute: string | null;
    readonly stream?: StreamSchema | undefined;
    readonly hashSecret: string;
  };
  readonly partitions: readonly RangeJson[];
  readonly indexPartitions: readonly (readonly [number, readonly RangeJson[]])[];
  readonly endedStreams?: readonly EndedStream[];
  readonly triggers?: readonly TriggerSchema[];
  readonly retiredAtMs?: number;
  readonly throughput: {
    readonly mode: TableThroughput['mode'];
    readonly table: LimitJson;
    readonly globalIndexes: readonly (readonly [string, LimitJson])[];
  };
}

type LimitJson = readonly [readUnits: number | null, writeUnits: number | null];

interface PartitionJson {
  readonly partitionId: string;
  readonly indexId: number;
  readonly table: TableJson;
}

function tableJson({ version, createdAtMs, layout, throughput }: TableConfiguration): TableJson {
  const { schema } = layout;
  return {
    version,
    createdAtMs,
    schema: {
      ...schema,
      timeToLiveAttribute: schema.timeToLiveAttribute ?? null,
      hashSecret: Buffer.from(schema.hashSecret).toString('base64'),
    },
    partitions: layout.partitions.map(rangeJson),
    indexPartitions: [...layout.indexPartitions].map(([id, ranges]) => [id, ranges.map(rangeJson)]),
    ...laterMembers(layout),
    throughput: {
      mode: throughput.mode,
      table: limitJson(throughput.table),
      globalIndexes: [...throughput.globalIndexes].map(([name, limit]) => [name, limitJson(limit)]),
    },
  };
}

function tableOf({ version, createdAtMs, schema, ...json }: TableJson): TableConfiguration {
  return {
    version,
    createdAtMs,
    layout: {
      schema: {
        ...schema,
        timeToLiveAttribute: schema.timeToLiveAttribute ?? undefined,
        stream: schema.stream,
        hashSecret: Buffer.from(schema.hashSecret, 'base64'),
      },
      partitions: json.partitions.map(rangeOf),
      indexPartitions: new Map(json.indexPartitions.map(([id, all]) => [id, all.map(rangeOf)])),
      ...laterMembers(json),
    },
    throughput: {
      mode: json.throughput.mode,
      table: limitOf(json.throughput.table),
      globalIndexes: new Map(
        json.throughput.globalIndexes.map(([name, limit]) => [name, limitOf(limit)]),
      ),
    },
  };
}

/** In a table without them nothing changes: neither its encoding, nor what it is compared with. */
function laterMembers({
  endedStreams = [],
  triggers = [],
  retiredAtMs,
}: Pick<TableLayout, 'endedStreams' | 'triggers' | 'retiredAtMs'>) {
  return {
    ...(endedStreams.length === 0 ? {} : { endedStreams }),
    ...(triggers.length === 0 ? {} : { triggers }),
    ...(retiredAtMs === undefined ? {} : { retiredAtMs }),
  };
}

function rangeJson({ id, start, end }: PartitionRange): RangeJson {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return { id: `${id}`, start: hex(start), end: end === undefined ? null : hex(end) };
}

function rangeOf({ id, start, end }: RangeJson): PartitionRange {
  return {
    id: BigInt(id),
    start: Buffer.from(start, 'hex'),
    end: end === null ? undefined : Buffer.from(end, 'hex'),
  };
}

function limitJson({ readUnits, writeUnits }: ThroughputLimit): LimitJson {
  return [readUnits ?? null, writeUnits ?? null];
}

function limitOf([readUnits, writeUnits]: LimitJson): ThroughputLimit {
  return { readUnits: readUnits ?? undefined, writeUnits: writeUnits ?? undefined };
}
