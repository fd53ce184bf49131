import { join } from 'node:path';
import { fill, median, spreadOf } from '../benchmark/measure.ts';
import type { Finding } from '../findings/finding.ts';
import { textTable } from '../findings/table.ts';
import { startDaxNode } from './node-process.ts';
import { ITEM_BYTES, type Part } from './part.ts';
import { daxReader, httpReader, type Reader } from './reader.ts';

const HOT_ITEMS = 1_000;
const CONNECTIONS = 32;
const CACHE_BYTES = 256 * 2 ** 20;
/** Processor time is counted in steps of 10 ms: a round is many of them. */
const CALLS_PER_ROUND = 10;

interface Side {
  readonly name: string;
  readonly readers: readonly Reader[];
  readonly cpuMs: () => number;
  readonly perCpuSecond: number[];
}

/** Calls a second of the server's processor time, on many connections. */
export const throughput: Part = async ({ options, embedded, generator, folder, atEnd }) => {
  const calls = options.callsCount * CALLS_PER_ROUND;
  console.log(
    `\nThroughput: ${HOT_ITEMS} items of ${ITEM_BYTES} B, ${CONNECTIONS} connections, ${options.rounds} rounds of ${calls} calls; ` +
      'calls per second of processor time, of all threads of the server',
  );
  await fill(embedded, generator, { itemCount: HOT_ITEMS, itemBytes: ITEM_BYTES });
  const node = await startDaxNode({
    folder: join(folder, 'dax-throughput'),
    tables: `http://127.0.0.1:${embedded.port}`,
    cacheBytes: CACHE_BYTES,
  });
  atEnd(() => node.stop());
  const many = (open: () => Reader) => Array.from({ length: CONNECTIONS }, open);
  const eventual = { isStrong: false };
  const sides: readonly Side[] = [
    {
      name: 'hit, DAX protocol',
      readers: many(() => daxReader(node.port)),
      cpuMs: () => node.cpuMs(),
      perCpuSecond: [],
    },
    {
      name: 'hit, HTTP of the node',
      readers: many(() => httpReader(node.httpPort, eventual)),
      cpuMs: () => node.cpuMs(),
      perCpuSecond: [],
    },
    {
      name: 'tables over HTTP',
      readers: many(() => httpReader(embedded.port, eventual)),
      cpuMs: () => embedded.cpuMs(),
      perCpuSecond: [],
    },
  ];
  for (const side of sides) await run(side, calls);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const side of sides) side.perCpuSecond.push(await run(side, calls));
  }
  for (const { readers } of sides) for (const reader of readers) reader.close();
  await node.stop();
  console.log(tableOf(sides));
  return findingsOf(sides);
};

/** @returns calls for each second of processor time */
async function run({ readers, cpuMs }: Side, calls: number): Promise<number> {
  const before = cpuMs();
  let next = 0;
  await Promise.all(
    readers.map(async (reader) => {
      while (next < calls) {
        next += 1;
        await reader.read(next % HOT_ITEMS);
      }
    }),
  );
  return next / ((cpuMs() - before) / 1_000);
}

function tableOf(sides: readonly Side[]): string {
  const rows = sides.map(({ name, perCpuSecond }) => [
    name,
    Math.round(median(perCpuSecond)).toLocaleString('en'),
    (1e6 / median(perCpuSecond)).toFixed(1),
    `${(spreadOf(perCpuSecond) * 100).toFixed(0)} %`,
  ]);
  return textTable([['GetItem', 'per CPU-second', 'CPU µs each', 'spread'], ...rows]);
}

function findingsOf([hit, , direct]: readonly Side[]): readonly Finding[] {
  if (hit === undefined || direct === undefined) return [];
  return [
    {
      what: `hits by the DAX protocol of GetItem over HTTP, per CPU-second, ${CONNECTIONS} connections`,
      value: median(hit.perCpuSecond) / median(direct.perCpuSecond),
      unit: '×',
      target: { side: 'at least', bound: 2 },
      spread: Math.max(spreadOf(hit.perCpuSecond), spreadOf(direct.perCpuSecond)),
    },
  ];
}
