import { join } from 'node:path';
import { itemAt } from '../benchmark/dataset.ts';
import { Histogram } from '../benchmark/histogram.ts';
import { fill, median, spreadOf } from '../benchmark/measure.ts';
import { clusterServer } from '../cluster-benchmark/cluster-server.ts';
import { OwnCluster } from '../cluster-benchmark/own-cluster.ts';
import type { Finding } from '../findings/finding.ts';
import { textTable } from '../findings/table.ts';
import { libDaxReader, libDynamoReader } from './client-readers.ts';
import { startDaxNode } from './node-process.ts';
import { type BenchContext, ITEM_BYTES, type Part } from './part.ts';
import { daxReader, httpReader, type Reader, redisReader } from './reader.ts';
import { startRedis } from './redis-process.ts';

/** Items that are read again and again: all in the cache. */
const HOT_ITEMS = 500;
const CACHE_BYTES = 512 * 2 ** 20;
const WARM_UP_CALLS = 2_000;
/** Of items that are read once only. */
const COLD_KINDS = 4;

/** "Client": Amazon's own, its time included. "Bare": sockets that do as little as can be, so that servers are compared. */
const names = {
  clientHit: 'client: hit, lib-dax',
  clientTables: 'client: tables, lib-dynamodb',
  clientCluster: 'client: cluster, strong, lib-dynamodb',
  clientMiss: 'client: miss, lib-dax',
  clientCold: 'client: tables, strong, cold items, lib-dynamodb',
  hit: 'bare: hit, DAX protocol',
  httpHit: "bare: hit, the node's HTTP",
  tables: 'bare: tables, HTTP',
  cluster: 'bare: cluster, strong, HTTP',
  miss: 'bare: miss, DAX protocol',
  cold: 'bare: tables, strong, cold items, HTTP',
  redis: 'Redis GET, ioredis',
} as const;

interface Way {
  readonly name: string;
  readonly reader: Reader;
  /** Which item the given call of the whole run reads. */
  readonly indexOf: (call: number) => number;
}

interface Measured {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly spread: number;
}

/** One call after the other on one connection, in interleaved rounds. */
export const latency: Part = async (context) => {
  const { options, embedded, generator } = context;
  // Each miss is of an item that nobody has read before.
  const coldCount = (options.rounds + 1) * Math.max(options.callsCount, WARM_UP_CALLS);
  const itemCount = HOT_ITEMS + COLD_KINDS * coldCount;
  console.log(
    `\nLatency: ${itemCount} items of ${ITEM_BYTES} B, one connection, ${options.rounds} rounds of ${options.callsCount} calls`,
  );
  await fill(embedded, generator, { itemCount, itemBytes: ITEM_BYTES });
  const ways = await openWays(context, coldCount);
  for (const way of ways) await round(way, 0, WARM_UP_CALLS);
  const found = await measured(ways, context);
  for (const { reader } of ways) reader.close();
  console.log(tableOf(found));
  return findingsOf(found);
};

async function openWays(context: BenchContext, coldCount: number): Promise<readonly Way[]> {
  const { embedded, folder, generator, atEnd } = context;
  const tables = `http://127.0.0.1:${embedded.port}`;
  const node = await startDaxNode({ folder: join(folder, 'dax'), tables, cacheBytes: CACHE_BYTES });
  atEnd(() => node.stop());
  const cluster = await OwnCluster.start({ folder: join(folder, 'cluster'), table: 'Demo' });
  atEnd(() => cluster.close());
  const router = clusterServer(cluster);
  await fill(router, generator, { itemCount: HOT_ITEMS, itemBytes: ITEM_BYTES });
  const redis = await startRedis();
  atEnd(() => redis.stop());
  for (let index = 0; index < HOT_ITEMS; index += 1) {
    await redis.client.set(`item:${index}`, JSON.stringify(itemAt(index, ITEM_BYTES)));
  }
  const hot = (call: number) => call % HOT_ITEMS;
  /** Each kind of cold read has items of its own. */
  const cold = (kind: number) => (call: number) => HOT_ITEMS + kind * coldCount + call;
  const eventual = { isStrong: false };
  const strong = { isStrong: true };
  return [
    { name: names.clientHit, reader: libDaxReader(node.port), indexOf: hot },
    { name: names.clientTables, reader: libDynamoReader(embedded.port, eventual), indexOf: hot },
    { name: names.clientCluster, reader: libDynamoReader(router.port, strong), indexOf: hot },
    { name: names.clientMiss, reader: libDaxReader(node.port), indexOf: cold(0) },
    { name: names.clientCold, reader: libDynamoReader(embedded.port, strong), indexOf: cold(1) },
    { name: names.hit, reader: daxReader(node.port), indexOf: hot },
    { name: names.httpHit, reader: httpReader(node.httpPort, eventual), indexOf: hot },
    { name: names.tables, reader: httpReader(embedded.port, eventual), indexOf: hot },
    { name: names.cluster, reader: httpReader(router.port, strong), indexOf: hot },
    { name: names.miss, reader: daxReader(node.port), indexOf: cold(2) },
    { name: names.cold, reader: httpReader(embedded.port, strong), indexOf: cold(3) },
    { name: names.redis, reader: redisReader(redis), indexOf: hot },
  ];
}

async function round({ reader, indexOf }: Way, first: number, count: number): Promise<Histogram> {
  const histogram = new Histogram();
  for (let call = first; call < first + count; call += 1) {
    const startMs = performance.now();
    await reader.read(indexOf(call));
    histogram.record(performance.now() - startMs);
  }
  return histogram;
}

async function measured(
  ways: readonly Way[],
  { options }: BenchContext,
): Promise<ReadonlyMap<string, Measured>> {
  const rounds = new Map<string, Histogram[]>(ways.map(({ name }) => [name, []]));
  for (let number = 0; number < options.rounds; number += 1) {
    const first = WARM_UP_CALLS + number * options.callsCount;
    for (const way of ways) rounds.get(way.name)?.push(await round(way, first, options.callsCount));
  }
  return new Map(
    [...rounds].map(([name, histograms]) => {
      const halves = histograms.map((histogram) => histogram.percentileUs(0.5));
      return [
        name,
        {
          p50Us: median(halves),
          p99Us: median(histograms.map((histogram) => histogram.percentileUs(0.99))),
          spread: spreadOf(halves),
        },
      ];
    }),
  );
}

function tableOf(found: ReadonlyMap<string, Measured>): string {
  const rows = [...found].map(([name, { p50Us, p99Us, spread }]) => [
    name,
    p50Us.toFixed(0),
    p99Us.toFixed(0),
    `${(spread * 100).toFixed(0)} %`,
  ]);
  return textTable([['GetItem', 'p50 µs', 'p99 µs', 'spread'], ...rows]);
}

function findingsOf(found: ReadonlyMap<string, Measured>): readonly Finding[] {
  const ratio = (over: string, under: string, bound: number | undefined): Finding => {
    const [top, bottom] = [found.get(over), found.get(under)];
    return {
      what: `p50: ${over} / ${under}`,
      value: top === undefined || bottom === undefined ? Number.NaN : top.p50Us / bottom.p50Us,
      unit: '×',
      target: bound === undefined ? undefined : { side: 'at most', bound },
      spread: Math.max(top?.spread ?? 0, bottom?.spread ?? 0),
    };
  };
  return [
    ratio(names.clientHit, names.clientTables, 1 / 4),
    ratio(names.clientHit, names.clientCluster, 1 / 20),
    ratio(names.clientMiss, names.clientCold, 1.3),
    ratio(names.hit, names.tables, 1 / 4),
    ratio(names.hit, names.cluster, 1 / 20),
    ratio(names.miss, names.cold, 1.3),
    ratio(names.httpHit, names.tables, undefined),
    ratio(names.hit, names.redis, undefined),
  ];
}
