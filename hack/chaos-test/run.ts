import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../../dataplane/simulation/faults.ts';
import { OwnCluster } from '../cluster-benchmark/own-cluster.ts';
import { untilWhole } from '../cluster-benchmark/wholeness.ts';
import { outcomeOf, requestOf, TABLE, tableRequest } from './api-operations.ts';
import { lengthOf, longestOutages } from './availability.ts';
import { ClientProcesses } from './client-processes.ts';
import { FaultRunner, VOTERS } from './fault-runner.ts';
import {
  type HistoryLine,
  HistoryWriter,
  nanosecondsSince,
  readHistoryLines,
  recordedOperations,
} from './history-file.ts';
import { HttpClient } from './http-client.ts';
import { indexDifferences } from './index-check.ts';
import type { RunOptions } from './options.ts';
import { replicaDifferences } from './replica-comparison.ts';
import { chaosSchedule } from './schedule.ts';
import { judgeHistory } from './verdict.ts';

const CLIENT_PROCESSES = 3;
const CALL_MS_MAX = 5_000;
const WHOLE_MS_MAX = 180_000;
const INDEX_MS_MAX = 60_000;
const TABLE_MS_MAX = 60_000;
const POLL_MS = 100;
const PROGRESS_MS = 30_000;
const OUTAGES_SHOWN = 5;
/** Faults that began so long before an outage are shown beside it. */
const BEFORE_OUTAGE_MS = 1_000;
const READ_TRIES_MAX = 20;

/** Short logs, so that a node that was away for some seconds gets a snapshot. */
const LIMITS = { replication: { logEntriesMax: 400, logEntriesKept: 50 } };

/** One run: a cluster, its clients, its faults, and what is found in the end. */
export class ChaosRun {
  readonly #options: RunOptions;
  readonly #folder: string;
  /** Of the load: the zero of all times. */
  #beginning = 0n;
  readonly #faults: { readonly atMs: number; readonly fault: Fault }[] = [];
  #cluster: OwnCluster | undefined;
  #clients: ClientProcesses | undefined;

  /** @param folder where histories and the cluster's data go */
  constructor(options: RunOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  get historyFile(): string {
    return join(this.#folder, 'history.jsonl');
  }

  /** @returns whether everything is as it must be */
  async run(signal: AbortSignal): Promise<boolean> {
    mkdirSync(this.#folder, { recursive: true });
    const folder = join(this.#folder, 'cluster');
    const cluster = await OwnCluster.start({ folder, limits: LIMITS, table: 'Demo' });
    this.#cluster = cluster;
    const http = this.#client(cluster);
    await makeTable(http);
    await this.#breakUnderLoad(cluster, signal);
    if (signal.aborted) return false;
    await untilWhole(cluster.nodes, { lagEntriesMax: 0, voters: VOTERS }, WHOLE_MS_MAX);
    console.log('every partition is whole again');
    const lines = await this.#wholeHistory(http);
    this.#reportLoad(lines);
    const verdicts = [
      this.#judge(lines),
      await this.#checkIndex(http),
      await this.#checkReplicas(cluster),
    ];
    http.close();
    return verdicts.every((isGood) => isGood);
  }

  /** Ends all processes; data and logs stay. */
  async end(): Promise<void> {
    this.#clients?.kill();
    await this.#cluster?.killAll();
  }

  async #breakUnderLoad(cluster: OwnCluster, signal: AbortSignal): Promise<void> {
    const { seed, durationMs, gapMs, faultMsMax } = this.#options;
    this.#beginning = process.hrtime.bigint();
    const clients = new ClientProcesses(this.#clientSettings(cluster));
    this.#clients = clients;
    const runner = new FaultRunner({
      cluster,
      wholeMsMax: WHOLE_MS_MAX,
      onFault: (fault) => this.#noteFault(fault),
    });
    const schedule = chaosSchedule({
      seed,
      nodes: cluster.nodes.map(({ id }) => id),
      routers: [cluster.router.id],
      durationMs,
      gapMs,
      faultMsMax,
    });
    const timer = setInterval(() => this.#reportProgress(clients), PROGRESS_MS);
    try {
      await runner.run(schedule, signal);
    } finally {
      clearInterval(timer);
    }
    await clients.stop();
  }

  #clientSettings(cluster: OwnCluster) {
    const { seed, clientsCount, keysCount, epochMs, thinkMs } = this.#options;
    const { host, port } = cluster.router;
    return Array.from({ length: CLIENT_PROCESSES }, (_, index) => ({
      name: 'abc'.charAt(index),
      ...{ host, port, seed, keysCount, epochMs, thinkMs },
      timeoutMs: CALL_MS_MAX,
      beginning: String(this.#beginning),
      historyFile: join(this.#folder, `history-${index + 1}.jsonl`),
      clientsCount: Math.ceil(clientsCount / CLIENT_PROCESSES),
    }));
  }

  #client({ router: { host, port } }: OwnCluster): HttpClient {
    return new HttpClient({ host, port, timeoutMs: CALL_MS_MAX });
  }

  #noteFault(fault: Fault): void {
    const atMs = this.#nowMs();
    this.#faults.push({ atMs, fault });
    const line = JSON.stringify({ atMs, ...fault });
    appendFileSync(join(this.#folder, 'faults.jsonl'), `${line}\n`);
    if (this.#options.isVerbose) console.log(line);
  }

  #faultCounts(): ReadonlyMap<string, number> {
    const byKind = Map.groupBy(this.#faults, ({ fault }) => fault.kind);
    return new Map([...byKind].map(([kind, all]) => [kind, all.length]));
  }

  #nowMs(): number {
    return Math.round(nanosecondsSince(this.#beginning) / 1e6);
  }

  #reportProgress(clients: ClientProcesses): void {
    const sum = [...clients.counts().values()].reduce((total, count) => total + count, 0);
    const seconds = Math.round(this.#nowMs() / 1000);
    console.log(`${seconds} s: ${sum} operations; faults: ${listOf(this.#faultCounts())}`);
  }

  /** What clients have written down, and a strong read of every item in the end: nothing may be lost. */
  async #wholeHistory(http: HttpClient): Promise<readonly HistoryLine[]> {
    const seen = await readHistoryLines(this.#clients?.historyFiles ?? []);
    const keys = new Set(seen.map(({ key }) => key));
    const last: HistoryLine[] = [];
    for (const key of keys) last.push(await this.#readAtEnd(http, key));
    const lines = [...seen, ...last].toSorted((one, other) => one.calledNs - other.calledNs);
    const writer = new HistoryWriter(this.historyFile);
    for (const line of lines) writer.write(line);
    await writer.close();
    return lines;
  }

  async #readAtEnd(http: HttpClient, key: string): Promise<HistoryLine> {
    const operation = { kind: 'get' } as const;
    for (let tries = 0; tries < READ_TRIES_MAX; tries += 1) {
      const calledNs = nanosecondsSince(this.#beginning);
      const answer = await http.call(requestOf(key, operation));
      const returnedNs = nanosecondsSince(this.#beginning);
      const outcome = outcomeOf(operation, answer);
      if (outcome.kind === 'ok') {
        return { client: 'final', key, operation, outcome, calledNs, returnedNs };
      }
      await delay(POLL_MS);
    }
    throw new Error(`the item ${key} cannot be read in a cluster that is whole`);
  }

  #reportLoad(lines: readonly HistoryLine[]): void {
    const outcomes = new Map<string, number>();
    for (const { operation, outcome } of lines) {
      const name = `${operation.kind} ${outcome.kind}`;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    }
    console.log(`operations: ${lines.length}: ${listOf(outcomes)}`);
    console.log(`faults: ${listOf(this.#faultCounts())}`);
    console.log('longest times without an acknowledged write:');
    for (const outage of longestOutages(lines, OUTAGES_SHOWN)) {
      const { fromMs, untilMs } = outage;
      const faults = this.#faults
        .filter(({ atMs }) => atMs > fromMs - BEFORE_OUTAGE_MS && atMs < untilMs)
        .map(({ fault }) => ('node' in fault ? `${fault.kind} ${fault.node}` : fault.kind));
      const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
      console.log(
        `  ${seconds(lengthOf(outage))} from ${seconds(fromMs)} on: ${faults.join(', ')}`,
      );
    }
  }

  #judge(lines: readonly HistoryLine[]): boolean {
    const surprises = this.#clients?.surprises() ?? [];
    for (const surprise of new Set(surprises)) console.log(`strange refusal: ${surprise}`);
    const { isGood, lines: findings } = judgeHistory(recordedOperations(lines));
    console.log(findings.join('\n'));
    return isGood && surprises.length === 0;
  }

  async #checkIndex(http: HttpClient): Promise<boolean> {
    const { itemsCount, differences } = await indexDifferences(http, INDEX_MS_MAX);
    const verdict = differences.length === 0 ? 'equal' : 'different';
    console.log(
      [`global index and table, ${itemsCount} items: ${verdict}`, ...differences].join('\n  '),
    );
    return differences.length === 0;
  }

  async #checkReplicas(cluster: OwnCluster): Promise<boolean> {
    const { partitionsCount, pairsCount, differences } = await replicaDifferences(cluster);
    const verdict = differences.length === 0 ? 'equal' : 'different';
    const what = `replicas of ${partitionsCount} partitions, byte by byte, ${pairsCount} pairs`;
    console.log([`${what}: ${verdict}`, ...differences].join('\n  '));
    return differences.length === 0;
  }
}

async function makeTable(http: HttpClient): Promise<void> {
  const endMs = performance.now() + TABLE_MS_MAX;
  await http.call({ target: 'CreateTable', body: tableRequest });
  for (;;) {
    const answer = await http.call({ target: 'DescribeTable', body: { TableName: TABLE } });
    const text = JSON.stringify(answer);
    const isActive =
      text.includes('"TableStatus":"ACTIVE"') && text.includes('"IndexStatus":"ACTIVE"');
    if (isActive) return;
    if (performance.now() > endMs) throw new Error(`the table does not become active: ${text}`);
    await delay(POLL_MS);
  }
}

function listOf(counts: ReadonlyMap<string, number>): string {
  return (
    [...counts]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  );
}
