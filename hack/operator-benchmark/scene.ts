import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { ListWatch } from '../../dataplane/kubernetes/list-watch.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { isSettled, music } from '../../operator/operator.fixture.ts';
import { TableCrowd } from '../../operator/table-crowd.fixture.ts';
import { OperatorProcess } from './operator-process.ts';

const CREATORS_COUNT = 8;
const POLL_MS = 250;
let scenesCount = 0;

/** A namespace with Tables, what acts on their objects, and an operator that serves it. */
export class Scene {
  readonly namespace: string;
  readonly api: KubeApi;
  readonly crowd: TableCrowd;
  /** As the API server has them; of each only what is looked at. */
  readonly tables: ListWatch<TableResource>;
  readonly #client: KubeClient;
  readonly #folder: string;
  readonly #operators = new Set<OperatorProcess>();

  static async open(api: KubeApi, folder: string): Promise<Scene> {
    mkdirSync(folder, { recursive: true });
    const namespace = await api.newNamespace('bench');
    scenesCount += 1;
    const address = `127.${100 + (process.pid % 100)}.${1 + (Math.floor(process.pid / 100) % 250)}.${200 + scenesCount}`;
    const client = api.newClient();
    const crowd = await TableCrowd.start(client, { namespace, address });
    return new Scene(api, { namespace, folder, client, crowd });
  }

  private constructor(
    api: KubeApi,
    parts: {
      readonly namespace: string;
      readonly folder: string;
      readonly client: KubeClient;
      readonly crowd: TableCrowd;
    },
  ) {
    this.api = api;
    this.namespace = parts.namespace;
    this.crowd = parts.crowd;
    this.#folder = parts.folder;
    this.#client = parts.client;
    this.tables = ListWatch.start<TableResource>({
      ...{ client: parts.client, type: resources.tables, namespace: parts.namespace },
      log: pino({ level: 'silent' }),
      onChange: () => undefined,
    });
  }

  /** Tables of three replicas without indexes. */
  async create(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `table-${index}`);
    const next = names.values();
    const work = async () => {
      for (const name of next) await this.createOne(name);
    };
    await Promise.all(Array.from({ length: CREATORS_COUNT }, work));
  }

  async createOne(name: string): Promise<void> {
    const metadata = { namespace: this.namespace, name };
    const spec = music({ tableName: name });
    await this.#client.create(resources.tables, { metadata, spec } as never);
  }

  async change(name: string, spec: object): Promise<void> {
    const where = { namespace: this.namespace, name };
    await this.#client.patch(resources.tables, where, { spec }, { contentType: 'merge' });
  }

  /** What `kubectl wait` takes for done. */
  isReady(name: string): boolean {
    const table = this.tables.get({ namespace: this.namespace, name });
    return table !== undefined && isSettled(table);
  }

  readyCount(): number {
    return [...this.tables.items()].filter(isSettled).length;
  }

  async startOperator(): Promise<OperatorProcess> {
    const operator = OperatorProcess.start({
      kubeconfig: this.api.kubeconfig,
      namespace: this.namespace,
      healthPort: await freePort(),
      logFile: join(this.#folder, 'operator.log'),
    });
    this.#operators.add(operator);
    return operator;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#operators].map((operator) => operator.kill()));
    this.tables.close();
    await this.crowd.close();
  }
}

/** Seconds until it is so. @throws Error when it is not within the time */
export async function secondsUntil(
  isSo: () => boolean | Promise<boolean>,
  secondsMax: number,
): Promise<number> {
  const startMs = performance.now();
  const seconds = () => (performance.now() - startMs) / 1000;
  while (!(await isSo())) {
    if (seconds() > secondsMax) throw new Error(`not so within ${secondsMax} s`);
    await delay(POLL_MS);
  }
  return seconds();
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
