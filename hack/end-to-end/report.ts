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

/** What the scenarios measured, as a table for people and as JSON. */
export class Report {
  readonly #rows: Row[] = [];

  add(
    scenario: string,
    startMs: number,
    window?: LoadWindow,
    notes: Readonly<Record<string, string | number>> = {},
  ): void {
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    this.#rows.push({ scenario, seconds, window, notes });
    console.log(lineOf({ scenario, seconds, window, notes }));
  }

  async write(): Promise<void> {
    await mkdir(CACHE, { recursive: true });
    await writeFile(`${CACHE}/report.json`, `${JSON.stringify(this.#rows, null, 2)}\n`);
    console.log(`\n${this.#rows.map(lineOf).join('\n')}\n`);
  }
}

function lineOf({ scenario, seconds, window, notes }: Row): string {
  const cells = [scenario.padEnd(34), `${seconds.toFixed(1)} s`.padStart(8)];
  if (window !== undefined) {
    const { writesCount, readsCount, errors, longestGapMs, slowestMs, medianMs } = window;
    cells.push(
      `${writesCount} writes, ${readsCount} reads, ${errors.length} errors`,
      `longest without a write of one key ${Math.round(longestGapMs)} ms`,
      `slowest ${Math.round(slowestMs)} ms, median ${medianMs.toFixed(1)} ms`,
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
