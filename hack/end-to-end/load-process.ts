import { Agent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { type SteeredLoad, serveLoad } from './load-answers.ts';
import type { LoadAnswer, LoadSettings } from './load-messages.ts';
import { WindowCounts } from './load-window.ts';

/**
 * An application under way, as a process of its own: writers that put one item after the other and
 * read back what they wrote before. The client is the SDK's with its own retries. Time-outs are set, as
 * each client of a load balancer needs them: without, a connection to a node that is gone hangs for minutes.
 * By TLS, every other writer makes a connection and a whole handshake for each request, so that each judges
 * the certificate of that moment; the others keep theirs.
 */

const CONNECTION_MS_MAX = 1_000;
const REQUEST_MS_MAX = 5_000;

class Load implements SteeredLoad {
  readonly #settings: LoadSettings;
  /** Writers take them in turn. */
  readonly #clients: readonly DynamoDBClient[];
  /** By writer: sort keys of acknowledged writes. */
  readonly #acknowledged: number[][];
  #counts: WindowCounts;
  #isPaused = false;
  #underWay: Promise<void>[] = [];

  constructor(settings: LoadSettings) {
    this.#settings = settings;
    const { writersCount, tls } = settings;
    const agents =
      tls === undefined
        ? [undefined]
        : [new Agent({ ...tls, keepAlive: true }), new Agent({ ...tls, maxCachedSessions: 0 })];
    this.#clients = agents.map((agent) => clientOf(settings, agent));
    this.#acknowledged = Array.from({ length: writersCount }, () => []);
    this.#counts = new WindowCounts(writersCount);
    this.#start();
  }

  begin(): void {
    this.#counts = new WindowCounts(this.#settings.writersCount);
  }

  end(): LoadAnswer {
    return { kind: 'window', window: this.#counts.summary() };
  }

  async pause(): Promise<void> {
    this.#isPaused = true;
    await Promise.all(this.#underWay);
  }

  resume(): void {
    this.#isPaused = false;
    this.begin();
    this.#start();
  }

  async verify(): Promise<LoadAnswer> {
    const missing = await Promise.all(this.#acknowledged.map((_, writer) => this.#missing(writer)));
    const acknowledgedCount = this.#acknowledged.reduce((sum, { length }) => sum + length, 0);
    return { kind: 'verified', acknowledgedCount, missing: missing.flat() };
  }

  #keyOf(writer: number, number: number) {
    return { pk: { S: `${this.#settings.keyPrefix}-${writer}` }, sk: { N: String(number) } };
  }

  #client(writer: number): DynamoDBClient {
    const client = this.#clients[writer % this.#clients.length];
    if (client === undefined) throw new Error('there is no client');
    return client;
  }

  #start(): void {
    this.#underWay = this.#acknowledged.map((_, writer) => this.#work(writer));
  }

  async #work(writer: number): Promise<void> {
    const { pauseMs } = this.#settings;
    while (!this.#isPaused) {
      await this.#write(writer);
      await delay(pauseMs);
      await this.#readOne(writer);
      await delay(pauseMs);
    }
  }

  async #write(writer: number): Promise<void> {
    const acknowledged = this.#acknowledged[writer] ?? [];
    const number = (acknowledged.at(-1) ?? 0) + 1;
    const Item = { ...this.#keyOf(writer, number), value: { S: textOf(writer, number) } };
    const command = new PutItemCommand({ TableName: this.#settings.table, Item });
    const ms = await this.#timed('PutItem', () => this.#client(writer).send(command));
    if (ms === undefined) return;
    acknowledged.push(number);
    this.#counts.wrote(writer, ms);
  }

  async #readOne(writer: number): Promise<void> {
    const acknowledged = this.#acknowledged[writer] ?? [];
    const number = acknowledged[Math.floor(Math.random() * acknowledged.length)];
    if (number === undefined) return;
    const Key = this.#keyOf(writer, number);
    const command = new GetItemCommand({
      TableName: this.#settings.table,
      Key,
      ConsistentRead: true,
    });
    let found: string | undefined;
    const ms = await this.#timed('GetItem', async () => {
      found = (await this.#client(writer).send(command)).Item?.value?.S;
    });
    if (ms === undefined) return;
    this.#counts.read(ms);
    if (found !== textOf(writer, number)) {
      this.#counts.readWrong(`${writer}/${number} is ${found ?? 'absent'}`);
    }
  }

  /** @returns how long it took, ms; undefined when it failed */
  async #timed(name: string, send: () => Promise<unknown>): Promise<number | undefined> {
    const counts = this.#counts;
    const startMs = performance.now();
    try {
      await send();
      return performance.now() - startMs;
    } catch (error) {
      const ms = Math.round(performance.now() - startMs);
      counts.failed(`${new Date().toISOString()} ${name} after ${ms} ms: ${error}`);
      return undefined;
    }
  }

  async #missing(writer: number): Promise<string[]> {
    const found = new Set<number>();
    const pages = paginateQuery(
      { client: this.#client(writer) },
      {
        TableName: this.#settings.table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': this.#keyOf(writer, 0).pk },
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk, value } of Items) {
        const number = Number(sk?.N);
        if (value?.S === textOf(writer, number)) found.add(number);
      }
    }
    const acknowledged = this.#acknowledged[writer] ?? [];
    return acknowledged
      .filter((number) => !found.has(number))
      .map((number) => `${writer}/${number}`);
  }
}

function clientOf(
  { endpoint, region, accessKeyId, secretAccessKey }: LoadSettings,
  httpsAgent: Agent | undefined,
): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    requestHandler: {
      connectionTimeout: CONNECTION_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
      ...(httpsAgent && { httpsAgent }),
    },
  });
}

function textOf(writer: number, number: number): string {
  return `${writer}-${number}-`.padEnd(100, 'x');
}

serveLoad((settings) => new Load(settings));
