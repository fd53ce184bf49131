/** A process of clients: each sends one operation after the other and writes down what came of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { SimRandom } from '../../dataplane/simulation/random.ts';
import { outcomeOf, requestOf, surpriseOf } from './api-operations.ts';
import type { ClientReport, ClientSettings } from './client-settings.ts';
import { HistoryWriter, nanosecondsSince } from './history-file.ts';
import { HttpClient } from './http-client.ts';
import { Workload } from './workload.ts';

const REPORT_MS = 1_000;
/** Before a next try where nobody answers. */
const REFUSED_PAUSE_MS = 50;
const SURPRISES_MAX = 20;

class Clients {
  readonly #settings: ClientSettings;
  readonly #beginning: bigint;
  readonly #http: HttpClient;
  readonly #writer: HistoryWriter;
  readonly #counts = new Map<string, number>();
  readonly #surprises: string[] = [];
  #isStopping = false;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#beginning = BigInt(settings.beginning);
    this.#http = new HttpClient(settings);
    this.#writer = new HistoryWriter(settings.historyFile);
  }

  async run(): Promise<void> {
    const { name, clientsCount } = this.#settings;
    const timer = setInterval(() => void this.#report(), REPORT_MS);
    await Promise.all(
      Array.from({ length: clientsCount }, (_, index) => this.#runOne(`${name}${index + 1}`)),
    );
    clearInterval(timer);
    this.#http.close();
    await this.#writer.close();
    await this.#report();
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #runOne(client: string): Promise<void> {
    const { seed, keysCount, epochMs, thinkMs } = this.#settings;
    const random = new SimRandom(seed).fork(client);
    const workload = new Workload(random, { keysCount, epochMs, client });
    while (!this.#isStopping) {
      const { key, operation } = workload.next(nanosecondsSince(this.#beginning) / 1e6);
      const calledNs = nanosecondsSince(this.#beginning);
      const answer = await this.#http.call(requestOf(key, operation));
      const returnedNs = nanosecondsSince(this.#beginning);
      const outcome = outcomeOf(operation, answer);
      this.#writer.write({ client, key, operation, outcome, calledNs, returnedNs });
      workload.learn(key, operation, outcome);
      this.#count(`${operation.kind} ${outcome.kind}`);
      const surprise = surpriseOf(answer);
      if (surprise !== undefined && this.#surprises.length < SURPRISES_MAX) {
        this.#surprises.push(surprise);
      }
      const pauseMs = answer.kind === 'notSent' ? REFUSED_PAUSE_MS : 0;
      await delay(pauseMs + random.exponential(thinkMs));
    }
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Resolves when it is on its way. */
  #report(): Promise<void> {
    const report: ClientReport = { counts: [...this.#counts], surprises: this.#surprises };
    return new Promise((resolve) => {
      if (process.send === undefined) resolve();
      else process.send(report, () => resolve());
    });
  }
}

let clients: Clients | undefined;

process.on('message', (message: ClientSettings | 'stop') => {
  if (message === 'stop') {
    clients?.stop();
    return;
  }
  clients = new Clients(message);
  clients.run().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// The run has ended without a word: nobody will read what is written.
process.on('disconnect', () => process.exit(1));
