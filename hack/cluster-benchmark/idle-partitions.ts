import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  type DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { cpuMsOf, memoryOf } from '../benchmark/process-usage.ts';
import { clientOf } from '../cluster-cli/demo-table.ts';
import type { Finding } from '../findings/finding.ts';
import type { OwnCluster } from './own-cluster.ts';
import type { BenchContext, Part } from './part.ts';
import { untilWhole } from './wholeness.ts';

/** Warm for so many write units, a table has a partition for each thousand. */
const TABLES = 25;
const PARTITIONS_EACH = 40;
const SETTLE_MS = 30_000;
const WATCH_MS = 60_000;
const QUICK_SETTLE_MS = 10_000;
const QUICK_WATCH_MS = 20_000;
const WHOLE_MS_MAX = 300_000;
const CPU_PERCENT_MAX = 5;
const MEMORY_MB_MAX = 300;

/** A node with 1,000 partitions that nobody uses. */
export const idle: Part = async (context) => {
  const cluster = await context.startCluster('idle');
  const client = clientOf(cluster.router);
  try {
    const partitionsCount = TABLES * PARTITIONS_EACH;
    console.log(
      `\nIdle: ${TABLES} tables of ${PARTITIONS_EACH} partitions, each with a replica on each of three nodes ` +
        `(${partitionsCount} a node), without a client`,
    );
    const startMs = performance.now();
    for (let table = 0; table < TABLES; table += 1) await makeTable(client, `Idle${table}`);
    await untilWhole(cluster.nodes, { voters: 3, lagEntriesMax: 0 }, WHOLE_MS_MAX);
    console.log(`made in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
    return await watch(context, cluster);
  } finally {
    client.destroy();
    await cluster.close();
  }
};

async function watch({ options }: BenchContext, cluster: OwnCluster): Promise<readonly Finding[]> {
  const watchMs = options.isQuick ? QUICK_WATCH_MS : WATCH_MS;
  await delay(options.isQuick ? QUICK_SETTLE_MS : SETTLE_MS);
  const ids = cluster.folder.processes().map(({ id }) => id);
  const before = ids.map((id) => cpuMsOf(cluster.pid(id)));
  const startMs = performance.now();
  await delay(watchMs);
  const elapsedMs = performance.now() - startMs;
  const usages = ids.map((id, index) => {
    const pid = cluster.pid(id);
    const percent = ((cpuMsOf(pid) - (before[index] ?? 0)) / elapsedMs) * 100;
    return { id, percent, ...memoryOf(pid) };
  });
  for (const { id, percent, residentMb, withoutFilesMb } of usages) {
    console.log(
      `  ${id}: ${percent.toFixed(1)} % of a core over ${watchMs / 1_000} s, ` +
        `${residentMb.toFixed(0)} MB resident, ${withoutFilesMb.toFixed(0)} MB without mapped files`,
    );
  }
  const nodes = usages.filter(({ id }) => cluster.nodes.some((node) => node.id === id));
  const most = (pick: (usage: (typeof usages)[number]) => number) => Math.max(...nodes.map(pick));
  const what = '1,000 idle partitions, the busiest node';
  return [
    {
      what: `${what}: processor`,
      value: most(({ percent }) => percent),
      unit: '% of a core',
      target: { side: 'below', bound: CPU_PERCENT_MAX },
      spread: 0,
    },
    {
      what: `${what}: resident memory`,
      value: most(({ residentMb }) => residentMb),
      unit: 'MB',
      target: { side: 'below', bound: MEMORY_MB_MAX },
      spread: 0,
    },
  ];
}

async function makeTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      WarmThroughput: {
        ReadUnitsPerSecond: 12_000,
        WriteUnitsPerSecond: PARTITIONS_EACH * 1_000,
      },
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1 }, { TableName });
}
