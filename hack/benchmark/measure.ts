import { itemAt, tableRequest, tables } from './dataset.ts';
import type { LoadGenerator } from './load-generator.ts';
import type { RunResult } from './load-job.ts';
import type { MeasuredServer } from './server-process.ts';
import { type OperationName, workloads } from './workload.ts';

/** What is measured: one row of results has one of these for each endpoint. */
export interface Setting {
  readonly operation: OperationName;
  readonly itemBytes: number;
  readonly connections: number;
  readonly itemCount: number;
}

/** Medians over the rounds of one endpoint in one setting. */
export interface Measurement extends Setting {
  /** Its name. */
  readonly endpoint: string;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
  readonly answerBytes: number;
  /** Processor time of the server for one answer, all threads. */
  readonly cpuUs: number;
  readonly generatorLoad: number;
  /** After the rounds. */
  readonly residentMb: number;
  /** Of the rounds: what the medians are made of. */
  readonly roundsPerSecond: readonly number[];
  /** See `spreadOf`. */
  readonly spread: number;
}

export interface Rounds {
  readonly count: number;
  readonly seconds: number;
}

/** The first round warms up just-in-time compilers; later ones only open connections. */
const FIRST_WARM_UP_MS = 1500;
const WARM_UP_MS = 300;
/** More wrong answers than this make figures of the rest meaningless. */
const ERRORS_PART_MAX = 0.01;
const FILL_CONNECTIONS = 4;

interface Round {
  readonly run: RunResult;
  readonly cpuUs: number;
}

/**
 * Measures one setting at all servers, in interleaved rounds. A server that cannot do it is left out of this
 * setting and says why.
 */
export async function measure(
  setting: Setting,
  servers: readonly MeasuredServer[],
  generator: LoadGenerator,
  rounds: Rounds,
): Promise<Measurement[]> {
  const found = new Map<MeasuredServer, Round[]>(servers.map((server) => [server, []]));
  for (let round = 0; round < rounds.count; round += 1) {
    for (const [server, done] of found) {
      try {
        const warmUpMs = round === 0 ? FIRST_WARM_UP_MS : WARM_UP_MS;
        done.push(await measureOnce(setting, server, generator, { ...rounds, warmUpMs }));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        console.log(`  ${server.endpoint.name} is left out: ${error.message}`);
        found.delete(server);
      }
    }
  }
  return [...found].map(([server, done]) => summary(setting, server, done));
}

async function measureOnce(
  setting: Setting,
  server: MeasuredServer,
  generator: LoadGenerator,
  { seconds, warmUpMs }: { readonly seconds: number; readonly warmUpMs: number },
): Promise<Round> {
  await server.setAnswer(workloads[setting.operation].answer(setting.itemBytes));
  const cpuMsBefore = server.cpuMs();
  const run = await generator.run({
    ...setting,
    kind: 'run',
    port: server.port,
    accessKey: server.endpoint.accessKey,
    seed: 1,
    warmUpMs,
    measureMs: seconds * 1000,
  });
  if (run.errors > run.answers * ERRORS_PART_MAX) {
    throw new Error(`${run.errors} of ${run.answers} answers are wrong`);
  }
  return { run, cpuUs: ((server.cpuMs() - cpuMsBefore) * 1000) / run.answers };
}

function summary(setting: Setting, server: MeasuredServer, rounds: readonly Round[]): Measurement {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  return {
    ...setting,
    endpoint: server.endpoint.name,
    perSecond: middle(({ run }) => run.perSecond),
    p50Us: middle(({ run }) => run.p50Us),
    p99Us: middle(({ run }) => run.p99Us),
    errors: rounds.reduce((sum, { run }) => sum + run.errors, 0),
    answerBytes: middle(({ run }) => run.answerBytes),
    cpuUs: middle(({ cpuUs }) => cpuUs),
    generatorLoad: middle(({ run }) => run.generatorLoad),
    residentMb: server.memory().residentMb,
    roundsPerSecond: rounds.map(({ run }) => run.perSecond),
    spread: spreadOf(rounds.map(({ run }) => run.perSecond)),
  };
}

/** How far values that should be equal are apart, as part of their median: 0 when they agree. */
export function spreadOf(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle;
}

/** The middle value; of an even number of values the mean of the middle two; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? upper;
  return (lower + upper) / 2;
}

/** Makes the benchmark's tables anew and stores its items. @returns items stored a second */
export async function fill(
  server: MeasuredServer,
  generator: LoadGenerator,
  { itemCount, itemBytes }: Pick<Setting, 'itemCount' | 'itemBytes'>,
): Promise<number> {
  if (server.endpoint.mode === 'ceiling') return 0;
  let perSecond = 0;
  for (const table of Object.values(tables)) {
    await makeTable(server, table);
    const isReads = table === tables.reads;
    const { accessKey } = server.endpoint;
    const run = await generator.run({
      kind: 'fill',
      port: server.port,
      table,
      connections: FILL_CONNECTIONS,
      // Writes overwrite: a table of a thousand collections is enough for them.
      itemCount: isReads ? itemCount : Math.min(itemCount, 10_000),
      itemBytes,
      accessKey,
    });
    if (isReads) perSecond = run.perSecond;
  }
  await checkLast(server, itemCount - 1, itemBytes);
  return perSecond;
}

async function makeTable(server: MeasuredServer, table: string): Promise<void> {
  const { TableNames: names } = await server.call('ListTables', {});
  if (Array.isArray(names) && names.includes(table)) {
    await server.call('DeleteTable', { TableName: table });
    await waitFor(async () => {
      const { TableNames: left } = await server.call('ListTables', {});
      return Array.isArray(left) && !left.includes(table);
    });
  }
  await server.call('CreateTable', tableRequest(table));
  await waitFor(async () => {
    const { Table: description } = await server.call('DescribeTable', { TableName: table });
    return JSON.stringify(description).includes('"TableStatus":"ACTIVE"');
  });
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error('a table does not reach its state');
  }
}

/** The last item must be there whole: otherwise figures would be of a server that forgets. */
async function checkLast(server: MeasuredServer, index: number, bytes: number): Promise<void> {
  const { pk, sk, note } = itemAt(index, bytes);
  const { Item: item } = await server.call('GetItem', { TableName: tables.reads, Key: { pk, sk } });
  if (!JSON.stringify(item ?? {}).includes(JSON.stringify(note))) {
    throw new Error(`${server.endpoint.name} does not hold the item stored last`);
  }
}
