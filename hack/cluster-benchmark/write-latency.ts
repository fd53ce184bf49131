import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fill, measure, median } from '../benchmark/measure.ts';
import type { Finding } from '../findings/finding.ts';
import { clusterServer } from './cluster-server.ts';
import type { OwnCluster } from './own-cluster.ts';
import type { BenchContext, Part } from './part.ts';
import { histogramOf, medianOf, since, sumOf } from './prometheus.ts';
import { measurementTable } from './throughput.ts';

const WRITERS = 64;
const FSYNCS_MAX = 2.5;
const SLOW_FSYNC_MS = 20;
const STORED = { itemBytes: 400, itemCount: 10_000 };

/**
 * The median latency of PutItem with many writers, in fsyncs. Where an fsync costs less than the
 * processor's part of a write, the median says nothing of how many are waited for in a row: so it is
 * measured again with fsyncs that are slow on purpose, and that is what the target looks at.
 */
export const latency: Part = async (context) => {
  console.log(`\nLatency: PutItem of 400 B, ${WRITERS} writers, through the router`);
  const plain = await measureAt(context, 'latency', {});
  const library = slowFsync(context);
  if (library === undefined) {
    console.log('without a C compiler (cc) the part with slow fsyncs is left out');
    return findingsOf('', plain);
  }
  const slowed = await measureAt(context, 'latency-slow', {
    LD_PRELOAD: library,
    SLOW_FSYNC_US: String(SLOW_FSYNC_MS * 1_000),
  });
  return [...findingsOf('', plain), ...findingsOf(`, fsync + ${SLOW_FSYNC_MS} ms`, slowed)];
};

interface Latency {
  readonly p50Ms: number;
  /** Median synced commit of all nodes meanwhile, by their own metrics: with what it waits in line. */
  readonly commitMs: number;
  /** Median fsync of another process meanwhile, on the same disk; not slowed. */
  readonly probeMs: number;
  readonly spread: number;
}

function findingsOf(how: string, found: Latency): readonly Finding[] {
  const { p50Ms, commitMs, probeMs, spread } = found;
  const what = `PutItem, ${WRITERS} writers${how}: median`;
  const median: Finding = { what, value: p50Ms, unit: 'ms', target: undefined, spread };
  return how === ''
    ? [
        median,
        {
          what: `${what}, of the nodes' median synced commit`,
          value: p50Ms / commitMs,
          unit: 'commits',
          target: undefined,
          spread,
        },
      ]
    : [
        median,
        {
          what: `${what}, of one slowed fsync`,
          value: p50Ms / (SLOW_FSYNC_MS + probeMs),
          unit: 'fsyncs',
          target: { side: 'at most', bound: FSYNCS_MAX },
          spread,
        },
      ];
}

async function measureAt(
  context: BenchContext,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Latency> {
  const cluster = await context.startCluster(name, env);
  const server = clusterServer(cluster);
  const probe = fork(join(import.meta.dirname, 'fsync-probe.ts'), [join(context.folder, 'probe')]);
  try {
    const { generator, options } = context;
    await fill(server, generator, STORED);
    const setting = { ...STORED, operation: 'put', connections: WRITERS } as const;
    // Just-in-time compilers warm up before the nodes' figures begin.
    await measure(setting, [server], generator, { count: 1, seconds: options.seconds });
    await medianOfProbe(probe);
    const before = await fsyncsOf(cluster);
    const rounds = { count: options.rounds, seconds: options.seconds };
    const found = await measure(setting, [server], generator, rounds);
    const commitMs = medianOf(since(before, await fsyncsOf(cluster))) * 1_000;
    const probeMs = await medianOfProbe(probe);
    console.log(`\n${measurementTable(found)}`);
    console.log(
      `meanwhile: median synced commit of the nodes ${commitMs.toFixed(2)} ms (their metric fsync_seconds: ` +
        `with waiting in line), median fsync of another process ${probeMs.toFixed(2)} ms`,
    );
    const p50Ms = median(found.map(({ p50Us }) => p50Us / 1_000));
    return { p50Ms, commitMs, probeMs, spread: found[0]?.spread ?? 0 };
  } finally {
    probe.disconnect();
    await cluster.close();
  }
}

async function medianOfProbe(probe: ReturnType<typeof fork>): Promise<number> {
  const answered = once(probe, 'message');
  probe.send('median');
  const [median] = await answered;
  return Number(median);
}

async function fsyncsOf({ nodes }: OwnCluster) {
  const pages = await Promise.all(
    nodes.map(async ({ host, adminPort }) => {
      const response = await fetch(`http://${host}:${adminPort}/metrics`);
      return response.text();
    }),
  );
  return sumOf(pages.map((page) => histogramOf(page, 'trestle_fsync_seconds')));
}

/** The path of the library, built here; undefined where that cannot be. */
function slowFsync({ folder }: BenchContext): string | undefined {
  const library = join(folder, 'slow-fsync.so');
  const source = join(import.meta.dirname, 'slow-fsync.c');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], {
      stdio: 'ignore',
    });
    return library;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
