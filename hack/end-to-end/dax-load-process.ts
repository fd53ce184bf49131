import { setServers } from 'node:dns';
import { setTimeout as delay } from 'node:timers/promises';
import { Dax } from '@amazon-dax-sdk/client-dax';
import { type SteeredLoad, serveLoad } from './load-answers.ts';
import { CACHE_REQUEST_MS_MAX, type LoadAnswer, type LoadSettings } from './load-messages.ts';
import { WindowCounts } from './load-window.ts';

/**
 * A program that uses a cache, by Amazon's DAX client for Node with its own retries. Each writer has an
 * item of its own, writes it again and again, and reads it through whatever node the client chooses: it
 * must find what was acknowledged last. DAX_DNS is the DNS server to ask for the names of the cluster.
 */

const dns = process.env.DAX_DNS;
if (dns !== undefined) setServers([dns]);

class DaxLoad implements SteeredLoad {
  readonly #settings: LoadSettings;
  readonly #client: Pick<Dax, 'putItem' | 'getItem'>;
  /** By writer: the number acknowledged last. */
  readonly #acknowledged: number[];
  /** By writer: the item that it uses. */
  readonly #items: number[];
  #acknowledgedCount = 0;
  #counts: WindowCounts;
  #isPaused = false;
  #underWay: Promise<void>[] = [];

  constructor(settings: LoadSettings) {
    this.#settings = settings;
    const { endpoint, region, accessKeyId, secretAccessKey, writersCount } = settings;
    const credentials = { accessKeyId, secretAccessKey };
    this.#client = new Dax({ endpoint, region, credentials });
    this.#acknowledged = new Array<number>(writersCount).fill(0);
    this.#items = new Array<number>(writersCount).fill(0);
    this.#counts = new WindowCounts(writersCount);
    this.resume();
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
    this.#underWay = this.#acknowledged.map((_, writer) => this.#work(writer));
  }

  /** Items hold the last write of each writer alone; that they do was seen all the while. */
  async verify(): Promise<LoadAnswer> {
    return { kind: 'verified', acknowledgedCount: this.#acknowledgedCount, missing: [] };
  }

  #keyOf(writer: number) {
    const sk = { N: String(this.#items[writer] ?? 0) };
    return { pk: { S: `${this.#settings.keyPrefix}-${writer}` }, sk };
  }

  async #work(writer: number): Promise<void> {
    while (!this.#isPaused) {
      if (await this.#write(writer)) {
        for (let read = 0; read < 3; read += 1) await this.#read(writer);
      } else {
        // It may still be done, at any time: what this item holds is not known any more.
        this.#items[writer] = (this.#items[writer] ?? 0) + 1;
      }
      await delay(this.#settings.pauseMs);
    }
  }

  async #write(writer: number): Promise<boolean> {
    const number = (this.#acknowledged[writer] ?? 0) + 1;
    const Item = { ...this.#keyOf(writer), number: { N: String(number) } };
    const ms = await this.#timed('PutItem', () =>
      this.#client.putItem({ TableName: this.#settings.table, Item }),
    );
    this.#acknowledged[writer] = number;
    if (ms === undefined) return false;
    this.#acknowledgedCount += 1;
    this.#counts.wrote(writer, ms);
    return true;
  }

  async #read(writer: number): Promise<void> {
    let found: string | undefined;
    const ms = await this.#timed('GetItem', async () => {
      const Key = this.#keyOf(writer);
      const { Item } = await this.#client.getItem({ TableName: this.#settings.table, Key });
      found = Item?.number?.N;
    });
    if (ms === undefined) return;
    this.#counts.read(ms);
    const number = this.#acknowledged[writer];
    if (found !== String(number)) {
      this.#counts.readWrong(`writer ${writer} wrote ${number} and read ${found ?? 'nothing'}`);
    }
  }

  /** @returns how long it took, ms; undefined when it failed */
  async #timed(name: string, send: () => Promise<unknown>): Promise<number | undefined> {
    const counts = this.#counts;
    const startMs = performance.now();
    try {
      await endingInTime(send());
      return performance.now() - startMs;
    } catch (error) {
      const ms = Math.round(performance.now() - startMs);
      counts.failed(`${new Date().toISOString()} ${name} after ${ms} ms: ${error}`);
      return undefined;
    }
  }
}

/** @throws Error where no answer comes */
async function endingInTime(request: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = delay(CACHE_REQUEST_MS_MAX, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${CACHE_REQUEST_MS_MAX} ms`);
  });
  try {
    await Promise.race([request, late]);
  } finally {
    timer.abort();
  }
}

serveLoad((settings) => new DaxLoad(settings));
