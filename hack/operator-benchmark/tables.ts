import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../findings/finding.ts';
import { textTable } from '../findings/table.ts';
import {
  type OperatorProcess,
  REQUESTS,
  requestsBetween,
  type Sample,
  sumOf,
} from './operator-process.ts';
import type { Part } from './part.ts';
import { Scene, secondsUntil } from './scene.ts';

const SECONDS_TARGET = 300;
const MEMORY_TARGET = 512;
const SECONDS_MAX = 1800;
/** Until events are told and connections to nodes have closed. */
const SETTLING_MS = 30_000;

/** Many Tables: made from nothing, seen anew by another operator, and left alone. */
export const tables: Part = async ({ options, api, folder }) => {
  const { tablesCount, idleSeconds } = options;
  const scene = await Scene.open(api, folder);
  try {
    await scene.create(tablesCount);
    const made = await fromNothing(scene, tablesCount);
    const operator = await scene.startOperator();
    const cold = await coldStart(operator, tablesCount);
    const idle = await leftAlone(operator, idleSeconds);
    return [...made, ...cold, ...idle];
  } finally {
    await scene.close();
  }
};

async function fromNothing(scene: Scene, count: number): Promise<readonly Finding[]> {
  const operator = await scene.startOperator();
  const seconds = await secondsUntil(() => scene.readyCount() === count, SECONDS_MAX);
  const samples = (await operator.metrics()) ?? [];
  showRequests(`${count} Tables from nothing`, requestsBetween([], samples));
  console.log(`passes: ${sumOf(samples, PASSES, TABLES)}`);
  const findings = [
    ...usage(`${count} Tables from nothing`, operator, seconds),
    finding('  requests to the API', sumOf(samples, REQUESTS), 'requests'),
  ];
  await operator.kill();
  return findings;
}

const PASSES = 'operator_reconciles_total';
const TABLES = 'controller="table"';

async function coldStart(operator: OperatorProcess, count: number): Promise<readonly Finding[]> {
  let samples: readonly Sample[] = [];
  let ledAtMs: number | undefined;
  const startMs = performance.now();
  const seconds = await secondsUntil(async () => {
    samples = (await operator.metrics()) ?? [];
    if (sumOf(samples, 'operator_is_leader') === 1) ledAtMs ??= performance.now();
    return (
      sumOf(samples, PASSES, TABLES) >= count &&
      sumOf(samples, 'operator_queue_depth', TABLES) === 0
    );
  }, SECONDS_MAX);
  showRequests(`${count} Tables, cold start`, requestsBetween([], samples));
  return [
    ...usage(`${count} Tables, cold start`, operator, seconds),
    finding('  of that waiting for the Lease', ((ledAtMs ?? startMs) - startMs) / 1000, 's'),
    finding('  requests to the API', sumOf(samples, REQUESTS), 'requests'),
  ];
}

async function leftAlone(operator: OperatorProcess, seconds: number): Promise<readonly Finding[]> {
  await delay(SETTLING_MS);
  const [before, cpuMs, startMs] = [await operator.metrics(), operator.cpuMs(), performance.now()];
  await delay(seconds * 1000);
  const elapsedMs = performance.now() - startMs;
  const usedMs = operator.cpuMs() - cpuMs;
  const requests = requestsBetween(before ?? [], (await operator.metrics()) ?? []);
  showRequests(`idle for ${seconds} s`, requests);
  const count = requests.reduce((sum, each) => sum + each.count, 0);
  return [
    {
      ...finding('idle: requests', (count * 1000) / elapsedMs, 'requests/s'),
      target: { side: 'below', bound: 1 },
    },
    finding('  processor', (usedMs / elapsedMs) * 100, '% of a core'),
    finding('  most memory so far', operator.peakMb(), 'MB'),
  ];
}

function usage(what: string, operator: OperatorProcess, seconds: number): readonly Finding[] {
  return [
    { ...finding(what, seconds, 's'), target: { side: 'at most', bound: SECONDS_TARGET } },
    {
      ...finding('  most memory', operator.peakMb(), 'MB'),
      target: { side: 'below', bound: MEMORY_TARGET },
    },
    finding('  processor time', operator.cpuMs() / 1000, 's'),
  ];
}

export function finding(what: string, value: number, unit: Finding['unit']): Finding {
  return { what, value, unit, target: undefined, spread: 0 };
}

function showRequests(title: string, requests: ReturnType<typeof requestsBetween>): void {
  const rows = requests.map(({ what, count }) => [what, String(count)]);
  console.log(`\n${textTable([[title, 'requests'], ...rows])}`);
}
