import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../dataplane/kubernetes/table-resource.ts';
import type {
  Condition,
  Placement,
  WrittenTableSpec,
} from '../dataplane/kubernetes/table-types.ts';
import type { Controller } from './controller.ts';
import type { DaxInstall } from './daxcluster/install.ts';
import { FakeCluster } from './kubelet.fixture.ts';
import { Operator } from './operator.ts';
import { TableNames } from './table/names.ts';
import { type NodeClient, NodeSilent } from './table/node-client.ts';

const POLL_MS = 100;
const WAIT_MS_MAX = 60_000;

export const install: DaxInstall = {
  releaseNamespace: 'trestle-system',
  region: 'eu-central-1',
  dataImage: 'trestle:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  upgradePolicy: 'Automatic',
  metricsNamespaces: [],
  daxImage: 'trestle:1',
  redisImage: undefined,
  daxClients: [],
  clusterDomain: 'cluster.local',
};

/** A Table named Music, with defaults written out as the API server does. */
export function music(
  change: Partial<Omit<WrittenTableSpec, 'placement'>> & {
    readonly placement?: Partial<Placement>;
  } = {},
): WrittenTableSpec {
  return {
    tableName: 'Music',
    attributeDefinitions: [
      { attributeName: 'Artist', attributeType: 'S' },
      { attributeName: 'SongTitle', attributeType: 'S' },
    ],
    keySchema: [
      { attributeName: 'Artist', keyType: 'HASH' },
      { attributeName: 'SongTitle', keyType: 'RANGE' },
    ],
    billingMode: 'PAY_PER_REQUEST',
    ...change,
  } as WrittenTableSpec; // The API server adds what is left out of placement.
}

/** An API server with our resources, a machine in each of the zones a, b and c, and a StorageClass. */
export async function startZonedApi(
  storageClass: { readonly allowsExpansion?: boolean } = {},
): Promise<KubeApi> {
  const api = await startKubeApi();
  try {
    await api.applyCrds();
    await makeMachines(api.client, ['a', 'b', 'c']);
    await makeStorageClass(api.client, storageClass.allowsExpansion);
  } catch (error) {
    await api.close();
    throw error;
  }
  return api;
}

/** Machines `machine-1` to `machine-N` in these zones; undefined: without a zone label. */
export async function makeMachines(
  client: KubeClient,
  zones: readonly (string | undefined)[],
): Promise<void> {
  for (const [index, zone] of zones.entries())
    await makeMachine(client, `machine-${index + 1}`, zone);
}

export async function makeMachine(
  client: KubeClient,
  name: string,
  zone: string | undefined,
): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': name,
    ...(zone && { 'topology.kubernetes.io/zone': zone }),
  };
  await client.create(resources.nodes, { metadata: { name, labels } });
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: '',
    lastTransitionTime: now,
    lastHeartbeatTime: now,
  };
  const status = { conditions: [ready] };
  await client.patch(
    resources.nodes,
    { name },
    { status },
    { contentType: 'merge', subresource: 'status' },
  );
  await client.patch(
    resources.nodes,
    { name },
    { spec: { taints: null } },
    { contentType: 'merge' },
  );
}

export async function makeStorageClass(
  client: KubeClient,
  allowVolumeExpansion = false,
): Promise<void> {
  const body = {
    metadata: {
      name: 'standard',
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner: 'tests.trestle.dev/none',
    allowVolumeExpansion,
    volumeBindingMode: 'WaitForFirstConsumer',
  };
  await client.apply(resources.storageClasses, body, { fieldManager: 'tests', force: true });
}

export interface OperatorOptions {
  readonly install?: Partial<DaxInstall>;
  readonly client?: KubeClient;
  readonly nodes?: (real: NodeClient) => NodeClient;
  readonly log?: Logger;
  readonly nowMs?: () => number;
}

/** An operator in this process, leading from the start. */
export async function startOperator(
  api: KubeApi,
  namespace: string,
  options: OperatorOptions = {},
): Promise<Operator> {
  const operator = Operator.start({
    client: options.client ?? api.newClient(),
    namespaces: [namespace],
    install: { ...install, ...options.install },
    instance: 'tests',
    mayAct: () => true,
    log: options.log ?? testLog(),
    ...(options.nodes && { nodes: options.nodes }),
    ...(options.nowMs && { nowMs: options.nowMs }),
  });
  await operator.act();
  return operator;
}

export function testLog(): Logger {
  return pino(
    { level: process.env.TRESTLE_TEST_LOG ?? 'silent' },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** One namespace with what acts in it, and a hand for tests. */
export class TableTrial {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly cluster: FakeCluster;

  static async start(api: KubeApi): Promise<TableTrial> {
    const namespace = await api.newNamespace('tables');
    return new TableTrial(api, namespace, await FakeCluster.start(api.newClient(), namespace));
  }

  private constructor(api: KubeApi, namespace: string, cluster: FakeCluster) {
    this.api = api;
    this.namespace = namespace;
    this.cluster = cluster;
  }

  async create(name: string, spec: WrittenTableSpec): Promise<TableResource> {
    const metadata = { namespace: this.namespace, name };
    const table = await this.api.client.create<TableResource>(
      resources.tables,
      { metadata, spec } as never,
      { fieldManager: 'kubectl' },
    );
    return table;
  }

  async change(name: string, body: object): Promise<TableResource> {
    return this.api.client.patch<TableResource>(
      resources.tables,
      { namespace: this.namespace, name },
      body,
      {
        contentType: 'merge',
        fieldManager: 'kubectl',
      },
    );
  }

  async delete(name: string): Promise<void> {
    await this.api.client.delete(resources.tables, { namespace: this.namespace, name });
  }

  table(name: string): Promise<TableResource | undefined> {
    return this.api.client.get<TableResource>(resources.tables, {
      namespace: this.namespace,
      name,
    });
  }

  async names(name: string): Promise<TableNames> {
    const table = await this.table(name);
    const uid = table?.metadata.uid;
    if (uid === undefined) throw new Error(`there is no Table ${name}`);
    return new TableNames({ namespace: this.namespace, name, uid });
  }

  async list<T extends KubeObject>(
    type: (typeof resources)[keyof typeof resources],
  ): Promise<readonly T[]> {
    const { items } = await this.api.client.listAll<T>(type, { namespace: this.namespace });
    return items;
  }

  /** Waits until the Table is so. */
  async becomes(
    name: string,
    isWished: (table: TableResource) => boolean,
    msMax = WAIT_MS_MAX,
  ): Promise<TableResource> {
    return this.until(
      async () => {
        const table = await this.table(name);
        return table !== undefined && isWished(table) ? table : undefined;
      },
      async () => JSON.stringify((await this.table(name))?.status, undefined, 1),
      msMax,
    );
  }

  async isActive(name: string, msMax = WAIT_MS_MAX): Promise<TableResource> {
    return this.becomes(name, (table) => isSettled(table), msMax);
  }

  /**
   * Waits until an operator has ended at a write, or it is as wished.
   * @returns the write; undefined: it is as wished
   */
  async untilMet(
    interruption: Interruption,
    isWished: () => Promise<boolean>,
    {
      describe,
      msMax,
    }: { readonly describe?: () => Promise<string>; readonly msMax?: number } = {},
  ): Promise<string | undefined> {
    let met: string | undefined;
    void interruption.met.then((write) => {
      met = write;
    });
    await this.until(
      async () => (met !== undefined || (await isWished()) ? true : undefined),
      describe,
      msMax,
    );
    return met;
  }

  /**
   * A finished plan that is looked at again does nothing. A node that answers late, as on a busy machine,
   * may show in the status for a while: of that it is enough that it comes to rest.
   * @param ofOthers resources whose writes have to do with other objects
   */
  async writesNothingMore(
    { requestsCount }: KubeClient,
    controller: Controller,
    { key, ofOthers }: { readonly key: string; readonly ofOthers: RegExp },
  ): Promise<void> {
    const writes = (isStatus: boolean) =>
      [...requestsCount]
        .filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
        .filter(({ resource }) => !ofOthers.test(resource))
        .filter(({ resource }) => resource.endsWith('/status') === isStatus)
        .reduce((sum, { count }) => sum + count, 0);
    const pass = async () => {
      const before = controller.counts.requeued;
      controller.add(key);
      await this.until(async () => (controller.counts.requeued > before ? true : undefined));
    };
    // What the API server shows already may be a write that has no answer yet, and is not counted.
    await pass();
    await pass();
    const before = writes(false);
    await this.until(async () => {
      const statuses = writes(true);
      for (let n = 0; n < 3; n++) await pass();
      return writes(true) === statuses ? true : undefined;
    });
    expect(writes(false)).toBe(before);
  }

  /** Waits until there is an answer. */
  async until<T>(
    ask: () => Promise<T | undefined>,
    describe: () => Promise<string> = async () => '',
    msMax = WAIT_MS_MAX,
  ): Promise<T> {
    const endMs = performance.now() + msMax;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (this.cluster.defect !== undefined) throw this.cluster.defect;
      if (performance.now() > endMs)
        throw new Error(`not so within ${msMax} ms: ${await describe()}`);
      await delay(POLL_MS);
    }
  }

  async close(): Promise<void> {
    await this.cluster.close();
  }
}

export function conditionIn(table: TableResource, type: string): Condition | undefined {
  return table.status?.conditions?.find((condition) => condition.type === type);
}

/** What `kubectl wait` and Helm take for done (kstatus). */
export function isSettled(table: TableResource): boolean {
  return (
    table.status?.observedGeneration === table.metadata.generation &&
    conditionIn(table, 'Ready')?.status === 'True' &&
    conditionIn(table, 'Reconciling') === undefined &&
    conditionIn(table, 'Stalled') === undefined
  );
}

/** The document of a golden file. */
export function readYaml(name: string): unknown {
  return parse(readFileSync(join(import.meta.dirname, 'table/testdata', name), 'utf8'));
}

/** Ends an operator at a write, whatever it is: to the API server, or to a node. */
export class Interruption {
  /** Resolves when the write was met. */
  readonly met: Promise<string>;
  readonly #met = Promise.withResolvers<string>();
  readonly #kind: 'before' | 'after';
  #left: number;

  /**
   * @param kind `before`: the write is not done; `after`: it is done, and its answer lost
   * @param writes how many are done and answered before
   */
  constructor(kind: 'before' | 'after', writes: number) {
    this.#kind = kind;
    this.#left = writes;
    this.met = this.#met.promise;
  }

  client(real: KubeClient): KubeClient {
    const interrupted = new Set(['apply', 'create', 'patch', 'delete', 'replace', 'evict']);
    return new Proxy(real, {
      get: (target, name) => {
        // Private members are the target's own: methods are called on it.
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (!interrupted.has(String(name))) return member.bind(target);
        return (...args: readonly unknown[]) =>
          // Nobody waits for events, and nothing is decided by them.
          args[0] === resources.events
            ? member.apply(target, args)
            : this.#write(
                `${String(name)} ${nameIn(args)}`,
                () => member.apply(target, args),
                (why) => KubeError.unreachable(why, new Error('interrupted')),
              );
      },
    });
  }

  nodes(real: NodeClient): NodeClient {
    return {
      call: (address, request, signal) => {
        const call = () => real.call(address, request, signal);
        const isRead =
          request.method === 'GET' || /\/operations\/(Describe|List)/.test(request.path);
        if (isRead) return call();
        return this.#write(`${request.method} ${request.path}`, call, (why) => new NodeSilent(why));
      },
    };
  }

  async #write<T>(
    what: string,
    write: () => Promise<T>,
    failure: (why: string) => Error,
  ): Promise<T> {
    this.#left -= 1;
    if (this.#left >= 0) return write();
    if (this.#left === -1) {
      try {
        if (this.#kind === 'after') await write();
      } catch (error) {
        // Refused, as an outdated version is: the operator ends here all the same.
        this.#met.resolve(`${what}, refused`);
        throw error;
      }
      this.#met.resolve(what);
    }
    throw failure(what);
  }
}

function nameIn(args: readonly unknown[]): string {
  const [type, object] = args as readonly [
    { readonly kind: string },
    { readonly name?: string; readonly metadata?: { readonly name: string } },
  ];
  return `${type.kind} ${object.metadata?.name ?? object.name}`;
}
