import { setTimeout as delay } from 'node:timers/promises';
import { textTable } from '../findings/table.ts';
import { itemAt, keyAt, tableRequest } from './dataset.ts';
import { Caller } from './load-connection.ts';
import { median } from './measure.ts';
import { requestBytes } from './request.ts';
import type { MeasuredServer } from './server-process.ts';
import { BATCH_ITEMS, batchWriteRequest } from './workload.ts';

/** Streams of one endpoint. */
export interface StreamMeasurement {
  readonly endpoint: string;
  /** Pages of GetRecords a second, one after the other on one connection. */
  readonly pagesPerSecond: number;
  readonly recordsPerPage: number;
  /** From sending a write to having its record, of a reader that asks again at once; idle otherwise. */
  readonly visibleMs: number;
  readonly visibleMsMax: number;
}

const TABLE = 'BenchStreamed';
const RECORDS_COUNT = 2_000;
const PAGE_RECORDS = 100;
const ITEM_BYTES = 400;
const WRITES_COUNT = 100;
/** Between two writes that are looked for. */
const PAUSE_MS = 5;
const VISIBLE_MS_MAX = 10_000;

type Json = Record<string, unknown>;

/** @throws Error when the endpoint has no streams, or not as it should */
export async function measureStreams(
  server: MeasuredServer,
  seconds: number,
): Promise<StreamMeasurement> {
  const stream = await StreamCaller.open(server);
  try {
    for (let first = 0; first < RECORDS_COUNT; first += BATCH_ITEMS) {
      const indexes = Array.from({ length: BATCH_ITEMS }, (_, offset) => first + offset);
      await server.call('BatchWriteItem', batchWriteRequest(TABLE, indexes, ITEM_BYTES));
    }
    const pages = await measurePages(stream, seconds);
    return { endpoint: server.endpoint.name, ...pages, ...(await measureVisibility(stream)) };
  } finally {
    stream.close();
  }
}

/** Lines for people. */
export function streamReport(found: readonly StreamMeasurement[]): string {
  if (found.length === 0) return '';
  const rows = found.map((row) => [
    row.endpoint,
    Math.round(row.pagesPerSecond).toLocaleString('en'),
    Math.round(row.pagesPerSecond * row.recordsPerPage).toLocaleString('en'),
    row.visibleMs.toFixed(1),
    row.visibleMsMax.toFixed(1),
  ]);
  const header = ['endpoint', 'GetRecords a second', 'records a second', 'visible ms', 'at most'];
  return `\nStreams: pages of ${PAGE_RECORDS} records of ${ITEM_BYTES} B, one connection; from a write to its record (median)\n${textTable([header, ...rows])}`;
}

/** Calls of one endpoint for one shard: reads and writes on connections of their own. */
class StreamCaller {
  readonly #server: MeasuredServer;
  readonly #reads: Caller;
  readonly #writes: Caller;
  #arn = '';
  #shardId = '';

  static async open(server: MeasuredServer): Promise<StreamCaller> {
    const stream = new StreamCaller(server);
    await stream.#makeTable();
    return stream;
  }

  private constructor(server: MeasuredServer) {
    this.#server = server;
    this.#reads = new Caller(server.port);
    this.#writes = new Caller(server.port);
  }

  async iterator(ShardIteratorType: 'TRIM_HORIZON' | 'LATEST'): Promise<string> {
    const body = { StreamArn: this.#arn, ShardId: this.#shardId, ShardIteratorType };
    const { ShardIterator } = await this.read('GetShardIterator', body);
    return String(ShardIterator);
  }

  async records(ShardIterator: string): Promise<{ records: readonly unknown[]; next: string }> {
    const page = await this.read('GetRecords', { ShardIterator, Limit: PAGE_RECORDS });
    const { Records: records, NextShardIterator: next } = page;
    if (!Array.isArray(records)) throw new Error('GetRecords answers without Records');
    return { records, next: String(next) };
  }

  read(target: string, body: object): Promise<Json> {
    return this.#call(this.#reads, target, body, 'DynamoDBStreams_20120810');
  }

  put(index: number): Promise<Json> {
    const Item = { ...itemAt(index, ITEM_BYTES), ...keyAt(index) };
    return this.#call(this.#writes, 'PutItem', { TableName: TABLE, Item });
  }

  close(): void {
    this.#reads.close();
    this.#writes.close();
  }

  /** One shard: provisioned units for one partition. */
  async #makeTable(): Promise<void> {
    const units = { ReadCapacityUnits: 900, WriteCapacityUnits: 900 };
    await this.#server.call('CreateTable', {
      ...tableRequest(TABLE),
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: units,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
    const deadlineMs = performance.now() + VISIBLE_MS_MAX;
    while (this.#shardId === '') {
      if (performance.now() > deadlineMs) throw new Error('the stream has no shard');
      const { Table: table } = (await this.#server.call('DescribeTable', { TableName: TABLE })) as {
        Table: Json;
      };
      if (table.TableStatus !== 'ACTIVE') continue;
      this.#arn = String(table.LatestStreamArn);
      const { StreamDescription: stream } = (await this.read('DescribeStream', {
        StreamArn: this.#arn,
      })) as { StreamDescription: { Shards?: readonly { ShardId: string }[] } };
      this.#shardId = stream.Shards?.[0]?.ShardId ?? '';
    }
  }

  async #call(
    caller: Caller,
    target: string,
    body: object,
    service?: 'DynamoDBStreams_20120810',
  ): Promise<Json> {
    const { port, endpoint } = this.#server;
    const { accessKey } = endpoint;
    const bytes = requestBytes({ port, target, body, accessKey, ...(service && { service }) });
    const { status, body: text = '' } = await caller.call(bytes);
    if (status !== 200) throw new Error(`answers ${target} with ${status}: ${text.slice(0, 300)}`);
    return JSON.parse(text);
  }
}

/** Through the shard from its horizon on, again and again. */
async function measurePages(
  stream: StreamCaller,
  seconds: number,
): Promise<Pick<StreamMeasurement, 'pagesPerSecond' | 'recordsPerPage'>> {
  const startMs = performance.now();
  let pages = 0;
  let records = 0;
  let iterator = '';
  while (performance.now() - startMs < seconds * 1000) {
    if (pages % (RECORDS_COUNT / PAGE_RECORDS) === 0)
      iterator = await stream.iterator('TRIM_HORIZON');
    const page = await stream.records(iterator);
    iterator = page.next;
    records += page.records.length;
    pages++;
  }
  const pagesPerSecond = pages / ((performance.now() - startMs) / 1000);
  return { pagesPerSecond, recordsPerPage: records / pages };
}

async function measureVisibility(
  stream: StreamCaller,
): Promise<Pick<StreamMeasurement, 'visibleMs' | 'visibleMsMax'>> {
  const found: number[] = [];
  let iterator = await stream.iterator('LATEST');
  for (let write = 0; write < WRITES_COUNT; write++) {
    await delay(PAUSE_MS);
    const startMs = performance.now();
    const writing = stream.put(RECORDS_COUNT + write);
    for (let records: readonly unknown[] = []; records.length === 0; ) {
      const page = await stream.records(iterator);
      ({ records } = page);
      iterator = page.next;
      if (performance.now() - startMs > VISIBLE_MS_MAX) throw new Error('a write is not visible');
    }
    found.push(performance.now() - startMs);
    await writing;
  }
  return { visibleMs: median(found), visibleMsMax: Math.max(...found) };
}
