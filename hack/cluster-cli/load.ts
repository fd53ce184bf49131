import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type DynamoDBClient, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import type { Process } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';
import { assertKeys, clientOf } from './demo-table.ts';
import type { Options } from './options.ts';

const VALUE_BYTES = 200;
const REPORT_MS = 1_000;

/**
 * Writes new items until the time is up, as an application with the SDK's default retries does, and
 * then reads every acknowledged one.
 * @throws Complaint when one is missing
 */
export async function load(
  router: Process,
  { table, seconds, writers }: Pick<Options, 'table' | 'seconds' | 'writers'>,
): Promise<void> {
  const client = clientOf(router);
  try {
    await assertKeys(client, table);
    const run = new LoadRun(client, table);
    await run.write(seconds * 1_000, writers);
    console.log(run.summary());
    const missingCount = await run.verify();
    if (missingCount > 0) {
      throw new Complaint(`${missingCount} acknowledged writes are missing, or not as written`);
    }
    console.log(`every acknowledged write was read back: ${run.acknowledgedCount}`);
  } finally {
    client.destroy();
  }
}

class LoadRun {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  /** Keys of different runs are different, so that each checks its own. */
  readonly #run = randomBytes(4).toString('hex');
  readonly #value = randomBytes(VALUE_BYTES / 2).toString('hex');
  /** Sort keys of acknowledged writes, by writer. */
  readonly #acknowledged: Set<string>[] = [];
  readonly #failures = new Map<string, number>();
  acknowledgedCount = 0;
  #longestGapMs = 0;
  /** Of acknowledged writes, retries included: what the writers of one partition notice. */
  #slowestMs = 0;
  #lastMs = performance.now();

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async write(durationMs: number, writers: number): Promise<void> {
    const startMs = performance.now();
    this.#lastMs = startMs;
    const endMs = startMs + durationMs;
    const all = Promise.all(
      Array.from({ length: writers }, (_, writer) => this.#writeUntil(writer, endMs)),
    );
    const done = new AbortController();
    const report = this.#reportEachSecond(startMs, done.signal);
    try {
      await all;
    } finally {
      done.abort();
      await report;
    }
    // An outage at the end counts like any other.
    this.#noteGap(performance.now());
  }

  summary(): string {
    const failedCount = this.#failedCount;
    const kinds = [...this.#failures].map(([name, count]) => `${name}: ${count}`).join(', ');
    return (
      `${this.acknowledgedCount} writes acknowledged, ${failedCount} failed` +
      `${failedCount === 0 ? '' : ` (${kinds})`}, ` +
      `slowest write ${Math.round(this.#slowestMs)} ms, ` +
      `longest time without any acknowledgement ${Math.round(this.#longestGapMs)} ms`
    );
  }

  /** @returns how many acknowledged writes cannot be read */
  async verify(): Promise<number> {
    const missing = await Promise.all(
      this.#acknowledged.map((keys, writer) => this.#missingOf(keys, writer)),
    );
    return missing.reduce((sum, count) => sum + count, 0);
  }

  get #failedCount(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  async #writeUntil(writer: number, endMs: number): Promise<void> {
    const acknowledged = new Set<string>();
    this.#acknowledged[writer] = acknowledged;
    for (let count = 0; performance.now() < endMs; count += 1) {
      const sortKey = String(count).padStart(9, '0');
      const item = {
        pk: { S: this.#partitionKey(writer) },
        sk: { S: sortKey },
        value: { S: this.#value },
      };
      const startMs = performance.now();
      try {
        await this.#client.send(new PutItemCommand({ TableName: this.#table, Item: item }));
      } catch (error) {
        const name = error instanceof Error ? error.name : String(error);
        this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
        continue;
      }
      acknowledged.add(sortKey);
      this.acknowledgedCount += 1;
      const nowMs = performance.now();
      this.#slowestMs = Math.max(this.#slowestMs, nowMs - startMs);
      this.#noteGap(nowMs);
    }
  }

  #noteGap(nowMs: number): void {
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  async #reportEachSecond(startMs: number, signal: AbortSignal): Promise<void> {
    let before = 0;
    while (!signal.aborted) {
      await delay(REPORT_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const seconds = Math.round((performance.now() - startMs) / 1_000);
      console.log(
        `${String(seconds).padStart(4)} s  ${this.acknowledgedCount - before} writes, ${this.#failedCount} failed so far`,
      );
      before = this.acknowledgedCount;
    }
  }

  async #missingOf(keys: ReadonlySet<string>, writer: number): Promise<number> {
    const found = new Set<string>();
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: this.#partitionKey(writer) } },
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk, value } of Items) {
        if (sk?.S !== undefined && value?.S === this.#value) found.add(sk.S);
      }
    }
    return keys.difference(found).size;
  }

  #partitionKey(writer: number): string {
    return `load-${this.#run}-${writer}`;
  }
}
