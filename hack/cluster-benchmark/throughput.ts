import { join } from 'node:path';
import { fill, type Measurement, measure, type Setting } from '../benchmark/measure.ts';
import { findEndpoint } from '../benchmark/peers.ts';
import { type RunningServer, startServer } from '../benchmark/server-process.ts';
import { type OperationName, workloads } from '../benchmark/workload.ts';
import type { Finding, Target } from '../findings/finding.ts';
import { textTable } from '../findings/table.ts';
import { type ClusterServer, clusterServer } from './cluster-server.ts';
import type { BenchContext, Part } from './part.ts';

const ITEM_BYTES = 400;
const ITEM_COUNT = 10_000;
/**
 * So many that servers are never without a request: throughput is what they can do. Requests that are
 * there at the same time share work, above all writes, so that each costs less.
 */
const MANY = 256;
const SOME = 64;
/** What the benchmark of the embedded server looks at. */
const FEW = 16;

/** Strong GetItem decides; the others are shown. */
export const reads: Part = (context) =>
  compare(context, [
    { operation: 'get-strong', connections: MANY, target: { side: 'at least', bound: 0.5 } },
    { operation: 'get-strong', connections: SOME, target: undefined },
    { operation: 'get-strong', connections: FEW, target: undefined },
    { operation: 'get', connections: MANY, target: undefined },
    { operation: 'query', connections: MANY, target: undefined },
  ]);

export const writes: Part = (context) =>
  compare(context, [
    { operation: 'put', connections: MANY, target: { side: 'at least', bound: 0.25 } },
    { operation: 'put', connections: SOME, target: undefined },
    { operation: 'put', connections: FEW, target: undefined },
    { operation: 'update', connections: MANY, target: undefined },
  ]);

interface Compared {
  readonly operation: OperationName;
  readonly connections: number;
  readonly target: Target | undefined;
}

/** Operations at a cluster and at the embedded server, side by side, in interleaved rounds. */
async function compare(
  context: BenchContext,
  compared: readonly Compared[],
): Promise<readonly Finding[]> {
  const cluster = await context.startCluster('throughput');
  const server = clusterServer(cluster);
  const embedded = await startEmbedded(context);
  try {
    console.log(
      `\nThroughput: ${ITEM_COUNT} items of ${ITEM_BYTES} B; ` +
        'answers per second of processor time, of all threads of the embedded server, and of the router and three nodes together',
    );
    const stored = { itemBytes: ITEM_BYTES, itemCount: ITEM_COUNT };
    for (const each of [embedded, server]) await fill(each, context.generator, stored);
    const findings: Finding[] = [];
    for (const { target, ...each } of compared) {
      const setting = { ...stored, ...each };
      findings.push(await compareOne(context, setting, { embedded, server, target }));
    }
    return findings;
  } finally {
    await embedded.stop();
    await cluster.close();
  }
}

interface Sides {
  readonly embedded: RunningServer;
  readonly server: ClusterServer;
  readonly target: Target | undefined;
}

async function compareOne(
  { generator, options }: BenchContext,
  setting: Setting,
  { embedded, server, target }: Sides,
): Promise<Finding> {
  const before = server.cpuMsByProcess();
  const rounds = { count: options.rounds, seconds: options.seconds };
  const found = await measure(setting, [embedded, server], generator, rounds);
  const title = `${workloads[setting.operation].title}, ${setting.connections} connections`;
  console.log(`\n${title}\n${measurementTable(found)}\n${shares(before, server.cpuMsByProcess())}`);
  const [alone, replicated] = found;
  return {
    what: `${title}: cluster of embedded, per CPU-second`,
    value: alone === undefined || replicated === undefined ? 0 : alone.cpuUs / replicated.cpuUs,
    unit: '×',
    target,
    spread: Math.max(...found.map(({ spread }) => spread), 0),
  };
}

async function startEmbedded({ folder }: BenchContext): Promise<RunningServer> {
  const found = findEndpoint('trestle', { dynoxide: undefined, before: undefined });
  if ('missing' in found) throw new Error(found.missing);
  return startServer(found.endpoint, join(folder, 'embedded'), undefined);
}

export function measurementTable(found: readonly Measurement[]): string {
  const rows = found.map((row) => [
    row.endpoint,
    Math.round(row.perSecond).toLocaleString('en'),
    Math.round(1e6 / row.cpuUs).toLocaleString('en'),
    row.cpuUs.toFixed(0),
    (row.p50Us / 1000).toFixed(2),
    (row.p99Us / 1000).toFixed(2),
    String(row.errors),
    `${(row.spread * 100).toFixed(0)} %`,
  ]);
  const header = [
    ...['', 'per second', 'per CPU-second', 'CPU µs each'],
    ...['p50 ms', 'p99 ms', 'errors', 'spread'],
  ];
  return textTable([header, ...rows]);
}

/** Which process of the cluster the time went to, its idle time included. */
function shares(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  const used = [...after].map(([id, ms]) => [id, ms - (before.get(id) ?? 0)] as const);
  const sum = used.reduce((total, [, ms]) => total + ms, 0);
  const parts = used.map(([id, ms]) => `${id} ${((ms / sum) * 100).toFixed(0)} %`);
  return `processor time of the cluster: ${parts.join(', ')}`;
}
