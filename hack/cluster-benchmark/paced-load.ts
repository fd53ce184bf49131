import { setTimeout as delay } from 'node:timers/promises';
import { itemAt, keyAt } from '../benchmark/dataset.ts';
import { Histogram } from '../benchmark/histogram.ts';
import { Caller } from '../benchmark/load-connection.ts';
import { requestBytes } from '../benchmark/request.ts';

/** Of one connection: far below what it could do. */
const INTERVAL_MS = 40;
const CONNECTIONS_EACH = 2;

export interface PacedLoadOptions {
  readonly port: number;
  /** Holds the items 0 to itemCount - 1. */
  readonly readsTable: string;
  readonly writesTable: string;
  readonly itemCount: number;
  readonly itemBytes: number;
}

export interface Latencies {
  readonly gets: Histogram;
  readonly puts: Histogram;
  /** Answers other than 200. */
  failuresCount: number;
}

/**
 * A light load of strong GetItem and of PutItem at a fixed pace. Latencies count from when a request
 * was due, so that requests that are held up by the one before are not left out.
 */
export class PacedLoad {
  readonly #options: PacedLoadOptions;
  #latencies: Latencies = newLatencies();
  #isStopping = false;
  readonly #loops: Promise<void>[] = [];

  constructor(options: PacedLoadOptions) {
    this.#options = options;
  }

  start(): void {
    for (let index = 0; index < CONNECTIONS_EACH; index += 1) {
      this.#loops.push(this.#run('gets'), this.#run('puts'));
    }
  }

  /** What was measured since the last call. */
  take(): Latencies {
    const taken = this.#latencies;
    this.#latencies = newLatencies();
    return taken;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#loops);
  }

  async #run(kind: 'gets' | 'puts'): Promise<void> {
    const caller = new Caller(this.#options.port);
    let dueMs = performance.now() + Math.random() * INTERVAL_MS;
    while (!this.#isStopping) {
      await delay(Math.max(0, dueMs - performance.now()));
      const { status } = await caller.call(this.#request(kind));
      // A timer may be early by a fraction of a millisecond.
      this.#latencies[kind].record(Math.max(0, performance.now() - dueMs));
      if (status !== 200) this.#latencies.failuresCount += 1;
      dueMs += INTERVAL_MS;
    }
    caller.close();
  }

  #request(kind: 'gets' | 'puts'): Buffer {
    const { port, readsTable, writesTable, itemCount, itemBytes } = this.#options;
    const index = Math.floor(Math.random() * itemCount);
    const call = { port, accessKey: undefined };
    if (kind === 'gets') {
      const body = { TableName: readsTable, Key: keyAt(index), ConsistentRead: true };
      return requestBytes({ ...call, target: 'GetItem', body });
    }
    const body = { TableName: writesTable, Item: itemAt(index, itemBytes) };
    return requestBytes({ ...call, target: 'PutItem', body });
  }
}

function newLatencies(): Latencies {
  return { gets: new Histogram(), puts: new Histogram(), failuresCount: 0 };
}
