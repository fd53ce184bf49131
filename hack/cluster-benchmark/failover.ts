import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { median } from '../benchmark/measure.ts';
import { clientOf } from '../cluster-cli/demo-table.ts';
import type { Finding } from '../findings/finding.ts';
import type { OwnCluster } from './own-cluster.ts';
import type { BenchContext, Part } from './part.ts';
import { clusterState, leaderOf, untilWhole } from './wholeness.ts';

const TABLE = 'Failover';
const WRITERS = 8;
/** Of a writer, between an answer and its next write. */
const PAUSE_MS = 10;
const WHOLE_MS_MAX = 120_000;
const WRITTEN_MS_MAX = 60_000;
const VOTERS = 3;
const LAG_ENTRIES_MAX = 100;
/** Between a cluster that is whole and the next kill, so that kills come at different moments. */
const CALM_MS_MIN = 500;
const CALM_MS_SPREAD = 1_000;

/** Kills the leader of a table's only partition again and again, under writes of the official SDK. */
export const failover: Part = async (context) => {
  const cluster = await context.startCluster('failover');
  const client = clientOf(cluster.router);
  try {
    await makeTable(client);
    console.log(
      `\nFailover: ${context.options.killsCount} times kill -9 of the leader of a table's only partition; ` +
        `${WRITERS} writers with the AWS SDK and its default retries; time from the kill to the first ` +
        'acknowledgement of a write that was begun after it',
    );
    return await killAgainAndAgain(context, cluster, new SdkLoad(client));
  } finally {
    client.destroy();
    await cluster.close();
  }
};

async function killAgainAndAgain(
  { options }: BenchContext,
  cluster: OwnCluster,
  load: SdkLoad,
): Promise<readonly Finding[]> {
  const timesMs: number[] = [];
  load.start();
  try {
    for (let kill = 0; kill < options.killsCount; kill += 1) {
      await untilWhole(cluster.nodes, wanted, WHOLE_MS_MAX);
      await delay(CALM_MS_MIN + Math.random() * CALM_MS_SPREAD);
      const leader = await leaderOfTable(cluster);
      const killedMs = performance.now();
      process.kill(cluster.pid(leader), 'SIGKILL');
      const writtenMs = await load.nextWrite(killedMs);
      timesMs.push(writtenMs - killedMs);
      await cluster.kill(leader);
      cluster.start(leader);
      console.log(`  ${leader}: ${Math.round(writtenMs - killedMs)} ms`);
    }
    await untilWhole(cluster.nodes, wanted, WHOLE_MS_MAX);
  } finally {
    await load.stop();
  }
  console.log(
    `${load.acknowledgedCount} writes acknowledged, slowest ${Math.round(load.slowestMs)} ms; ` +
      `${load.failures.length} failed${load.failures.length === 0 ? '' : `: ${load.failures[0]}`}`,
  );
  const what = (kind: string) => `failover, ${kind} of ${timesMs.length}`;
  return [
    finding(what('median'), median(timesMs) / 1_000, 's', 2),
    finding(what('worst'), Math.max(...timesMs) / 1_000, 's', 4),
    {
      ...finding('failed requests of the SDK', load.failures.length, 'requests', 0),
      target: { side: 'at most', bound: 0 },
    },
  ];
}

const wanted = { voters: VOTERS, lagEntriesMax: LAG_ENTRIES_MAX };

function finding(what: string, value: number, unit: 's' | 'requests', bound: number): Finding {
  return { what, value, unit, target: { side: 'below', bound }, spread: 0 };
}

async function makeTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      // So many units are one partition.
      ProvisionedThroughput: { ReadCapacityUnits: 1_000, WriteCapacityUnits: 1_000 },
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: TABLE });
}

async function leaderOfTable(cluster: OwnCluster): Promise<string> {
  const state = await clusterState(cluster.nodes);
  const replicas = [...state].flatMap(([node, all]) =>
    (all ?? []).filter(({ table }) => table === TABLE).map((each) => ({ ...each, node })),
  );
  const leader = leaderOf(replicas);
  const found = replicas.find((each) => each === leader);
  if (found === undefined) throw new Error('nobody leads the partition');
  return found.node;
}

/** Writers that go on whatever happens, and note what fails. */
class SdkLoad {
  readonly #client: DynamoDBClient;
  readonly failures: string[] = [];
  acknowledgedCount = 0;
  slowestMs = 0;
  #isStopping = false;
  #writers: Promise<void>[] = [];
  #onWrite: ((begunMs: number, doneMs: number) => void) | undefined;

  constructor(client: DynamoDBClient) {
    this.#client = client;
  }

  start(): void {
    this.#writers = Array.from({ length: WRITERS }, (_, index) => this.#write(index));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#writers);
  }

  /** When the first write that is begun after that moment is acknowledged. */
  nextWrite(afterMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no write for ${WRITTEN_MS_MAX / 1_000} s`)),
        WRITTEN_MS_MAX,
      );
      this.#onWrite = (begunMs, doneMs) => {
        if (begunMs < afterMs) return;
        this.#onWrite = undefined;
        clearTimeout(timer);
        resolve(doneMs);
      };
    });
  }

  async #write(writer: number): Promise<void> {
    for (let count = 0; !this.#isStopping; count += 1) {
      const begunMs = performance.now();
      const Item = { pk: { S: `${writer}-${count % 1_000}` }, count: { N: String(count) } };
      try {
        await this.#client.send(new PutItemCommand({ TableName: TABLE, Item }));
        const doneMs = performance.now();
        this.acknowledgedCount += 1;
        this.slowestMs = Math.max(this.slowestMs, doneMs - begunMs);
        this.#onWrite?.(begunMs, doneMs);
      } catch (error) {
        this.failures.push(
          error instanceof Error ? `${error.name}: ${error.message}` : String(error),
        );
      }
      await delay(PAUSE_MS);
    }
  }
}
