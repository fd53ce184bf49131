import { type DynamoDBClient, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import { waitFor } from './wait-for.ts';

const ACKNOWLEDGED_MS_MAX = 60_000;

export interface LoadOutcome {
  /** What the SDK threw after its own retries. */
  readonly failures: readonly string[];
  /** Acknowledged writes that cannot be read. */
  readonly missing: readonly string[];
}

/** Writers that put one new item after the other, each under a partition key of its own. */
export class ClusterLoad {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #name: string;
  readonly #acknowledged: Set<number>[] = [];
  readonly #failures: string[] = [];
  #running: Promise<void>[] = [];
  #isStopping = false;

  /** @param name keeps the items of different loads apart */
  constructor(client: DynamoDBClient, table: string, name: string) {
    this.#client = client;
    this.#table = table;
    this.#name = name;
  }

  start(writersCount: number): void {
    this.#running = Array.from({ length: writersCount }, (_, writer) => this.#write(writer));
  }

  /** Waits for so many further writes of each writer: none is stuck. */
  async acknowledges(count: number): Promise<void> {
    const wished = this.#acknowledged.map(
      ({ size }) => size + Math.ceil(count / this.#running.length),
    );
    await waitFor(
      async () => this.#acknowledged.map(({ size }) => size),
      (sizes) => sizes.every((size, writer) => size >= (wished[writer] ?? 0)),
      ACKNOWLEDGED_MS_MAX,
    );
  }

  /** Ends the writers and reads what they were told was written. */
  async stop(): Promise<LoadOutcome> {
    this.#isStopping = true;
    await Promise.all(this.#running);
    const missing = await Promise.all(this.#acknowledged.map((_, writer) => this.#missing(writer)));
    return { failures: this.#failures, missing: missing.flat() };
  }

  async #write(writer: number): Promise<void> {
    const acknowledged = new Set<number>();
    this.#acknowledged[writer] = acknowledged;
    for (let count = 0; !this.#isStopping; count += 1) {
      const Item = { pk: { S: this.#key(writer) }, sk: { N: String(count) } };
      try {
        await this.#client.send(new PutItemCommand({ TableName: this.#table, Item }));
        acknowledged.add(count);
      } catch (error) {
        this.#failures.push(String(error));
      }
    }
  }

  async #missing(writer: number): Promise<string[]> {
    const found = new Set<number>();
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: this.#key(writer) } },
      },
    );
    for await (const { Items = [] } of pages) for (const { sk } of Items) found.add(Number(sk?.N));
    const acknowledged = this.#acknowledged[writer] ?? new Set<number>();
    return [...acknowledged.difference(found)].map((count) => `${this.#key(writer)}/${count}`);
  }

  #key(writer: number): string {
    return `${this.#name}-${writer}`;
  }
}
