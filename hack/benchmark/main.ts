/** The benchmark: starts endpoints, measures them side by side, prints tables and targets. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cores, coresFor } from './cores.ts';
import type { Endpoint } from './endpoint.ts';
import { type LoadGenerator, startLoadGenerator } from './load-generator.ts';
import { fill, type Measurement, measure, median, type Setting, spreadOf } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { findEndpoint } from './peers.ts';
import { closingReport, settingReport } from './report.ts';
import { type RunningServer, startServer } from './server-process.ts';
import { measureStreams, type StreamMeasurement } from './streams.ts';
import type { LargeMeasurement, Results, StartMeasurement } from './targets.ts';

const STARTS = 3;
/** Long enough for what a server does after its first answer to be done. */
const IDLE_MS = 1500;

interface Bench {
  readonly options: Options;
  readonly endpoints: readonly Endpoint[];
  readonly cores: Cores | undefined;
  readonly generator: LoadGenerator;
  /** On the disk of the project: the folder for temporary files may be in memory, where fsync is free. */
  readonly folder: string;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const cores = coresFor(options.isPinned);
  const folder = join(import.meta.dirname, `../../.cache/bench-${process.pid}`);
  const generator = startLoadGenerator(cores?.generator);
  mkdirSync(folder, { recursive: true });
  try {
    const endpoints = findEndpoints(options);
    const bench = { options, endpoints, cores, generator, folder };
    console.log(opening(bench));
    const results = await runAll(bench);
    console.log(closingReport(results));
    if (options.jsonFile !== undefined) {
      writeFileSync(options.jsonFile, `${JSON.stringify(results, undefined, 2)}\n`);
    }
  } finally {
    generator.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function findEndpoints(options: Options): Endpoint[] {
  return options.endpoints.flatMap((name) => {
    const found = findEndpoint(name, options);
    if ('endpoint' in found) return [found.endpoint];
    console.log(`${name} is left out: ${found.missing}`);
    return [];
  });
}

function opening({ options, endpoints, cores }: Bench): string {
  const pinning =
    cores === undefined
      ? 'processes are not pinned: servers and load generator share all cores'
      : `servers on core ${cores.servers}, load generator on core ${cores.generator} (taskset)`;
  const { rounds, seconds } = options;
  return [
    `${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GB, node ${process.version}`,
    pinning,
    `${rounds} interleaved rounds of ${seconds} s, medians; answers that are wrong are not counted`,
    ...endpoints.map(({ name, note }) => `  ${name}: ${note}`),
  ].join('\n');
}

async function runAll(bench: Bench): Promise<Results> {
  const { options } = bench;
  const base = {
    connections: options.connectionCounts[0] ?? 1,
    itemCount: options.itemCounts[0] ?? 1,
  };
  const starts = await measureStarts(bench);
  const measurements = await measureSettings(bench, base.itemCount);
  const streams = await measureAllStreams(bench);
  const large = await measureLarge(bench, base);
  return { base, measurements, starts, streams, large };
}

async function measureStarts(bench: Bench): Promise<StartMeasurement[]> {
  const found: StartMeasurement[] = [];
  for (const endpoint of bench.endpoints) {
    const starts: { startMs: number; idleMb: number }[] = [];
    for (let index = 0; index < STARTS; index += 1) {
      await withServers(bench, [endpoint], async ([server]) => {
        if (server === undefined) return;
        await delay(IDLE_MS);
        starts.push({ startMs: server.startMs, idleMb: server.memory().residentMb });
      });
    }
    if (starts.length === 0) continue;
    found.push({
      endpoint: endpoint.name,
      startMs: median(starts.map(({ startMs }) => startMs)),
      idleMb: median(starts.map(({ idleMb }) => idleMb)),
    });
  }
  return found;
}

/** Every operation, item size and number of connections at a small number of items. */
async function measureSettings(bench: Bench, itemCount: number): Promise<Measurement[]> {
  const { options, endpoints, generator } = bench;
  const measurements: Measurement[] = [];
  await withServers(bench, endpoints, async (servers) => {
    for (const itemBytes of options.itemBytes) {
      const filled = await fillAll(bench, servers, { itemCount, itemBytes });
      for (const setting of settingsOf(options, { itemCount, itemBytes })) {
        const found = await measure(setting, filled, generator, {
          count: options.rounds,
          seconds: options.seconds,
        });
        console.log(settingReport(setting, found, endpoints));
        measurements.push(...found);
      }
    }
  });
  return measurements;
}

/** All numbers of connections for the first item size, the first number of them for the others. */
function settingsOf(options: Options, stored: Pick<Setting, 'itemCount' | 'itemBytes'>): Setting[] {
  const isFirst = stored.itemBytes === options.itemBytes[0];
  const connectionCounts = isFirst
    ? options.connectionCounts
    : options.connectionCounts.slice(0, 1);
  return options.operations.flatMap((operation) =>
    connectionCounts.map((connections) => ({ ...stored, operation, connections })),
  );
}

/** Those servers that could store the items. */
async function fillAll(
  { generator }: Bench,
  servers: readonly RunningServer[],
  stored: Pick<Setting, 'itemCount' | 'itemBytes'>,
): Promise<RunningServer[]> {
  const filled: RunningServer[] = [];
  for (const server of servers) {
    try {
      await fill(server, generator, stored);
      filled.push(server);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      console.log(`${server.endpoint.name} is left out: ${error.message}`);
    }
  }
  return filled;
}

/** GetRecords, and how soon a write is there, of all that have streams. */
async function measureAllStreams(bench: Bench): Promise<StreamMeasurement[]> {
  const found: StreamMeasurement[] = [];
  for (const endpoint of bench.endpoints) {
    if (endpoint.mode === 'ceiling') continue;
    await withServers(bench, [endpoint], async ([server]) => {
      if (server === undefined) return;
      try {
        found.push(await measureStreams(server, bench.options.seconds));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        console.log(`streams of ${endpoint.name} are left out: ${error.message}`);
      }
    });
  }
  return found;
}

/** GetItem with many items stored, in rounds interleaved with the same server at few items. */
async function measureLarge(
  bench: Bench,
  base: Pick<Setting, 'connections' | 'itemCount'>,
): Promise<LargeMeasurement[]> {
  const { options, generator } = bench;
  const itemBytes = options.itemBytes[0] ?? 400;
  const found: LargeMeasurement[] = [];
  if (!options.operations.includes('get')) return found;
  for (const itemCount of options.itemCounts.slice(1)) {
    for (const endpoint of bench.endpoints) {
      if (!options.largeEndpoints.includes(endpoint.name)) continue;
      console.log(`\n${endpoint.name}: storing ${itemCount.toLocaleString('en')} items`);
      await withServers(bench, [endpoint, endpoint], async ([small, large]) => {
        if (small === undefined || large === undefined) return;
        await fill(small, generator, { itemCount: base.itemCount, itemBytes });
        const fillPerSecond = await fill(large, generator, { itemCount, itemBytes });
        const few: number[] = [];
        const many: number[] = [];
        for (let round = 0; round < options.rounds; round += 1) {
          const once = { count: 1, seconds: options.seconds };
          const setting = { ...base, operation: 'get' as const, itemBytes };
          few.push(...perSecondOf(await measure(setting, [small], generator, once)));
          const larger = { ...setting, itemCount };
          many.push(...perSecondOf(await measure(larger, [large], generator, once)));
        }
        found.push({
          endpoint: endpoint.name,
          itemCount,
          itemBytes,
          fillPerSecond,
          ...large.memory(),
          perSecond: median(many),
          basePerSecond: median(few),
          spread: Math.max(spreadOf(few), spreadOf(many)),
        });
      });
    }
  }
  return found;
}

function perSecondOf(found: readonly Measurement[]): number[] {
  return found.map(({ perSecond }) => perSecond);
}

/** Starts endpoints, each with a folder of its own, and stops all of them whatever happens. */
async function withServers(
  { folder, cores }: Bench,
  endpoints: readonly Endpoint[],
  use: (servers: readonly RunningServer[]) => Promise<void>,
): Promise<void> {
  const servers: RunningServer[] = [];
  try {
    for (const [index, endpoint] of endpoints.entries()) {
      try {
        const own = join(folder, `${endpoint.name}-${index}`);
        servers.push(await startServer(endpoint, own, cores?.servers));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        console.log(`${endpoint.name} is left out: ${error.message}`);
      }
    }
    await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

await main();
