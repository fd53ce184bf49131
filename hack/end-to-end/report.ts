import { writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { CACHE, type KindCluster } from './kind-cluster.ts';
import type { LoadWindow } from './load-messages.ts';

const LOG_LINES_MAX = 400;

interface Row {
  readonly scenario: string;
  readonly seconds: number;
  readonly window: LoadWindow | undefined;
  readonly notes: Readonly<Record<string, string | number>>;
}

/** What the scenarios of one file measured, as a table for people and as JSON. */
export class Report {
  readonly #name: string;
  readonly #rows: Row[] = [];

  /** @param name - of the file: report-<name>.json */
  constructor(name: string) {
    this.#name = name;
    const firstTry = process.env.TRESTLE_E2E_FIRST_TRY ?? '';
    if (firstTry !== '') this.#note('a first try failed', { 'kept in': firstTry });
  }

  add(
    scenario: string,
    startMs: number,
    window?: LoadWindow,
    notes: Readonly<Record<string, string | number>> = {},
  ): void {
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    this.#rows.push({ scenario, seconds, window, notes });
    console.log(lineOf({ scenario, seconds, window, notes }));
    if (window !== undefined) this.noteLost(scenario, window.wrongReads);
  }

  /** How long the work took is a row of its own. */
  async timed<Value>(scenario: string, work: () => Promise<Value>): Promise<Value> {
    const startMs = performance.now();
    const value = await work();
    this.add(scenario, startMs);
    return value;
  }

  /** A test that failed, to be found by those who look for why a second try was needed. */
  failed(test: string, error: string): void {
    this.#note(test, { failed: error });
  }

  /**
   * Acknowledged writes that were not there afterwards are nobody's but the product's fault: hack/test makes no second
   * try when the mark is there. @param missing - one text a write
   */
  noteLost(scenario: string, missing: readonly string[]): void {
    if (missing.length === 0) return;
    const text = `${scenario}\n${missing.join('\n')}\n`;
    writeFileSync(`${CACHE}/lost-writes`, text, { flag: 'a' });
  }

  async write(): Promise<void> {
    await mkdir(CACHE, { recursive: true });
    const path = `${CACHE}/report-${this.#name}.json`;
    await writeFile(path, `${JSON.stringify(this.#rows, null, 2)}\n`);
    console.log(`\n${this.#rows.map(lineOf).join('\n')}\n`);
  }

  #note(scenario: string, notes: Readonly<Record<string, string>>): void {
    this.#rows.push({ scenario, seconds: 0, window: undefined, notes });
  }
}

function lineOf({ scenario, seconds, window, notes }: Row): string {
  const cells = [scenario.padEnd(34), `${seconds.toFixed(1)} s`.padStart(8)];
  if (window !== undefined) {
    const { writesCount, readsCount, errors, longestGapMs } = window;
    const { slowestMs, medianMs, stalledMs } = window;
    cells.push(
      `${writesCount} writes, ${readsCount} reads, ${errors.length} errors`,
      `longest without a write of one key ${Math.round(longestGapMs)} ms`,
      `slowest ${Math.round(slowestMs)} ms, median ${medianMs.toFixed(1)} ms`,
      `load stood still for ${Math.round(stalledMs)} ms`,
    );
  }
  for (const [name, value] of Object.entries(notes)) cells.push(`${name}: ${value}`);
  return cells.join('  ');
}

/** Keeps what people ask for when something failed. @returns the folder */
export async function dump(
  cluster: KindCluster,
  namespace: string,
  scenario: string,
): Promise<string> {
  const folder = `${CACHE}/failure-${scenario.replaceAll(/\W+/g, '-')}`;
  await mkdir(folder, { recursive: true });
  const keep = async (file: string, ...args: readonly string[]): Promise<string> => {
    const text = await cluster.kubectl(...args).catch((error: unknown) => String(error));
    await writeFile(`${folder}/${file}`, text);
    return text;
  };
  const inNamespace = ['-n', namespace];
  await keep('nodes.txt', 'get', 'nodes', '-o', 'wide');
  await keep(
    'objects.txt',
    ...inNamespace,
    'get',
    'all,tables,pvc,secrets,configmaps,pdb,leases',
    '-o',
    'wide',
  );
  await keep('tables.yaml', ...inNamespace, 'get', 'tables', '-o', 'yaml', '--show-managed-fields');
  await keep('tables.txt', ...inNamespace, 'describe', 'tables');
  await keep('events.txt', ...inNamespace, 'get', 'events', '--sort-by=.lastTimestamp');
  await keep('pods.txt', ...inNamespace, 'describe', 'pods');
  const names = await keep('pods.names', ...inNamespace, 'get', 'pods', '-o', 'name');
  for (const pod of names.split('\n').filter((line) => line.startsWith('pod/'))) {
    const log = ['logs', pod, '--all-containers', `--tail=${LOG_LINES_MAX}`, '--timestamps'];
    const file = pod.replace('pod/', '');
    await keep(`${file}.log`, ...inNamespace, ...log);
    await keep(`${file}.previous.log`, ...inNamespace, ...log, '--previous');
  }
  return folder;
}
