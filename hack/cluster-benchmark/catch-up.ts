import { setTimeout as delay } from 'node:timers/promises';
import { tableRequest, tables } from '../benchmark/dataset.ts';
import type { Histogram } from '../benchmark/histogram.ts';
import { type Memory, memoryOf } from '../benchmark/process-usage.ts';
import type { Finding } from '../findings/finding.ts';
import { clusterServer } from './cluster-server.ts';
import type { OwnCluster } from './own-cluster.ts';
import { type Latencies, PacedLoad } from './paced-load.ts';
import type { BenchContext, Part } from './part.ts';
import { type ClusterState, clusterState, untilWhole } from './wholeness.ts';

const ITEM_BYTES = 4096;
const FILL_CONNECTIONS = 8;
const WIPED = 'c-1';
const VOTERS = 3;
const WHOLE_MS_MAX = 900_000;
const SETTLE_MS = 20_000;
const CALM_MS = 30_000;
/** Others have taken the dead node's leaderships over by then. */
const FAILED_OVER_MS = 10_000;
const SAMPLE_MS = 100;
const LAG_ENTRIES_MAX = 200;
const MEMORY_MB_MAX = 256;
const SLOWER_MAX = 2;

/** A node loses its data, comes back empty, and gets everything anew while clients go on. */
export const catchUp: Part = async (context) => {
  const { megabytes } = context.options;
  const cluster = await context.startCluster('catch-up');
  try {
    const itemCount = Math.ceil((megabytes * 2 ** 20) / ITEM_BYTES);
    console.log(
      `\nCatch-up: the node ${WIPED} with replicas of ${megabytes} MB (${itemCount} items of ${ITEM_BYTES} B) is ` +
        'wiped; a light load (50 strong GetItem and 50 PutItem a second) goes on',
    );
    const newborn = memoryOf(cluster.pid(WIPED));
    await fillTables(context, cluster, itemCount);
    await delay(SETTLE_MS);
    const load = new PacedLoad({
      port: cluster.router.port,
      readsTable: tables.reads,
      writesTable: tables.writes,
      itemCount,
      itemBytes: 400,
    });
    load.start();
    try {
      return await wipeAndWatch(cluster, load, newborn);
    } finally {
      await load.stop();
    }
  } finally {
    await cluster.close();
  }
};

async function wipeAndWatch(
  cluster: OwnCluster,
  load: PacedLoad,
  newborn: Memory,
): Promise<readonly Finding[]> {
  const senders = cluster.nodes.filter(({ id }) => id !== WIPED).map(({ id }) => id);
  await delay(CALM_MS / 3);
  load.take();
  await delay(CALM_MS);
  const before = load.take();
  const idle = new Map(senders.map((id) => [id, memoryOf(cluster.pid(id))]));
  idle.set(WIPED, newborn);
  await cluster.wipe(WIPED);
  await delay(FAILED_OVER_MS);
  load.take();
  const peaks = new MemoryPeaks(cluster);
  cluster.start(WIPED);
  const startMs = performance.now();
  peaks.start();
  const state = await untilWhole(
    cluster.nodes,
    { voters: VOTERS, lagEntriesMax: LAG_ENTRIES_MAX },
    WHOLE_MS_MAX,
  );
  const seconds = (performance.now() - startMs) / 1_000;
  peaks.stop();
  const during = load.take();
  console.log(
    `whole again ${seconds.toFixed(1)} s after its start, with ${bytesOf(state, WIPED).toFixed(0)} MB in its replicas`,
  );
  printLatencies('before', before);
  printLatencies('during', during);
  return [
    {
      what: `catch-up of ${bytesOf(state, WIPED).toFixed(0)} MB`,
      value: seconds,
      unit: 's',
      target: undefined,
      spread: 0,
    },
    ...memoryFindings(peaks, idle),
    slowdown('GetItem', before.gets, during.gets),
    slowdown('PutItem', before.puts, during.puts),
  ];
}

function memoryFindings(peaks: MemoryPeaks, idle: ReadonlyMap<string, Memory>): Finding[] {
  return [...idle].map(([id, { residentMb, withoutFilesMb }]) => {
    const peak = peaks.of(id);
    console.log(
      `  ${id}: ${residentMb.toFixed(0)} MB before, at most ${peak.residentMb.toFixed(0)} MB meanwhile; ` +
        `without mapped files ${withoutFilesMb.toFixed(0)} and ${peak.withoutFilesMb.toFixed(0)} MB`,
    );
    return {
      what: `peak memory of the ${id === WIPED ? 'receiver' : 'sender'} ${id} above idle, without mapped files`,
      value: peak.withoutFilesMb - withoutFilesMb,
      unit: 'MB',
      target: { side: 'below', bound: MEMORY_MB_MAX },
      spread: 0,
    };
  });
}

function slowdown(operation: string, before: Histogram, during: Histogram): Finding {
  return {
    what: `${operation} p99 during catch-up, of before`,
    value: during.percentileUs(0.99) / Math.max(1, before.percentileUs(0.99)),
    unit: '×',
    target: { side: 'at most', bound: SLOWER_MAX },
    spread: 0,
  };
}

function printLatencies(when: string, { gets, puts, failuresCount }: Latencies): void {
  const text = (histogram: Histogram): string => {
    const [p50, p99] = [0.5, 0.99].map((part) => histogram.percentileUs(part) / 1_000);
    return `${histogram.count}, p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms`;
  };
  console.log(`  ${when}: GetItem ${text(gets)}; PutItem ${text(puts)}; ${failuresCount} failed`);
}

/** MB in the replicas of a node, in the service's count. */
function bytesOf(state: ClusterState, node: string): number {
  const bytes = (state.get(node) ?? []).reduce((sum, replica) => sum + (replica.bytes ?? 0), 0);
  return bytes / 2 ** 20;
}

async function fillTables(
  { generator }: BenchContext,
  cluster: OwnCluster,
  itemCount: number,
): Promise<void> {
  const server = clusterServer(cluster);
  for (const table of Object.values(tables)) await server.call('CreateTable', tableRequest(table));
  await untilActive(cluster, Object.values(tables));
  const { perSecond } = await generator.run({
    kind: 'fill',
    port: server.port,
    table: tables.reads,
    connections: FILL_CONNECTIONS,
    itemCount,
    itemBytes: ITEM_BYTES,
    accessKey: undefined,
  });
  await untilWhole(cluster.nodes, { voters: VOTERS, lagEntriesMax: 0 }, WHOLE_MS_MAX);
  const megabytes = bytesOf(await clusterState(cluster.nodes), WIPED);
  console.log(`stored ${Math.round(perSecond)} items a second; ${megabytes.toFixed(0)} MB a node`);
}

async function untilActive(cluster: OwnCluster, names: readonly string[]): Promise<void> {
  const server = clusterServer(cluster);
  for (const TableName of names) {
    for (;;) {
      const { Table } = await server.call('DescribeTable', { TableName });
      if (JSON.stringify(Table).includes('"TableStatus":"ACTIVE"')) break;
      await delay(SAMPLE_MS);
    }
  }
}

/** The most memory that each process of a cluster is seen to use. */
class MemoryPeaks {
  readonly #cluster: OwnCluster;
  readonly #peaks = new Map<string, Memory>();
  #timer: NodeJS.Timeout | undefined;

  constructor(cluster: OwnCluster) {
    this.#cluster = cluster;
  }

  start(): void {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  of(id: string): Memory {
    return this.#peaks.get(id) ?? { residentMb: 0, withoutFilesMb: 0 };
  }

  #sample(): void {
    for (const { id } of this.#cluster.nodes) {
      const pid = this.#cluster.processes.pid(id);
      if (pid === undefined) continue;
      const now = memoryOf(pid);
      const { residentMb, withoutFilesMb } = this.of(id);
      this.#peaks.set(id, {
        residentMb: Math.max(residentMb, now.residentMb),
        withoutFilesMb: Math.max(withoutFilesMb, now.withoutFilesMb),
      });
    }
  }
}
