import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { WrittenDaxClusterSpec } from '../../dataplane/kubernetes/daxcluster-types.ts';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { KubeError } from '../../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { Condition } from '../../dataplane/kubernetes/table-types.ts';
import { CREDENTIALS_SECRET } from '../certificates/namespace-secrets.ts';
import { type SecretObject, secretText } from '../certificates/secret-data.ts';
import { TableTrial } from '../operator.fixture.ts';
import { type RouterAccess, RouterProcess } from '../router-process.fixture.ts';
import type { Pod } from '../table/objects.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxClusterNames } from './names.ts';
import { REGISTRY_TABLE } from './registry.ts';

const ROLE = 'cache-role';
const KUBELET_MS = 300;
const REGISTRY_MS_MAX = 120_000;

/** One namespace with what acts in it, and a hand for tests of DaxClusters. */
export class DaxTrial {
  /** Of the same namespace. */
  readonly tables: TableTrial;
  #router: RouterProcess | undefined;
  #kubelet: Promise<void> = Promise.resolve();
  #isClosed = false;

  static async start(api: KubeApi): Promise<DaxTrial> {
    const tables = await TableTrial.start(api);
    const statements = [{ effect: 'Allow', actions: ['dynamodb:*'], resources: ['*'] }];
    const subjects = [{ kind: 'DaxCluster', name: 'cache' }];
    await api.client.create(resources.accessPolicies, {
      metadata: { namespace: tables.namespace, name: ROLE },
      spec: { statements, subjects },
    } as never);
    return new DaxTrial(tables);
  }

  private constructor(tables: TableTrial) {
    this.tables = tables;
  }

  get namespace(): string {
    return this.tables.namespace;
  }

  /** Waits for the registry's table, and puts a router in front of it, which knows whoever the operator publishes. */
  async serveRegistry(): Promise<void> {
    await this.tables.isActive(REGISTRY_TABLE, REGISTRY_MS_MAX);
    let access = await this.#access();
    const router = await RouterProcess.start(this.tables, REGISTRY_TABLE, access);
    this.#router = router;
    const keepUp = async () => {
      while (!this.#isClosed) {
        try {
          const newest = await this.#access();
          if (!isDeepStrictEqual(newest, access)) router.give(newest);
          access = newest;
          await router.refreshTls();
        } catch (error) {
          // The API server is busy: later.
          if (!(error instanceof KubeError)) throw error;
        }
        await delay(KUBELET_MS);
      }
    };
    this.#kubelet = keepUp();
  }

  /** The one in front of the registry. */
  get router(): RouterProcess {
    if (this.#router === undefined) throw new Error('the registry is not served yet');
    return this.#router;
  }

  async #access(): Promise<RouterAccess> {
    const secret = await this.get<SecretObject>(resources.secrets, CREDENTIALS_SECRET);
    const member = (name: string) => secretText(secret, name) ?? '';
    return { credentials: member('credentials'), policies: member('policies') };
  }

  create(name: string, spec: Partial<WrittenDaxClusterSpec> = {}): Promise<DaxClusterResource> {
    const roleRef = { kind: 'AccessPolicy', name: ROLE };
    return this.#client.create<DaxClusterResource>(
      resources.daxClusters,
      { metadata: { namespace: this.namespace, name }, spec: { roleRef, ...spec } } as never,
      { fieldManager: 'kubectl' },
    );
  }

  change(name: string, body: object): Promise<DaxClusterResource> {
    const object = { namespace: this.namespace, name };
    const options = { contentType: 'merge', fieldManager: 'kubectl' } as const;
    return this.#client.patch<DaxClusterResource>(resources.daxClusters, object, body, options);
  }

  async delete(name: string): Promise<void> {
    await this.#client.delete(resources.daxClusters, { namespace: this.namespace, name });
  }

  cluster(name: string): Promise<DaxClusterResource | undefined> {
    const object = { namespace: this.namespace, name };
    return this.#client.get<DaxClusterResource>(resources.daxClusters, object);
  }

  async names(name: string): Promise<DaxClusterNames> {
    const cluster = await this.cluster(name);
    if (cluster === undefined) throw new Error(`there is no DaxCluster ${name}`);
    return namesOf(cluster);
  }

  /** Waits until the DaxCluster is so. */
  becomes(
    name: string,
    isWished: (cluster: DaxClusterResource) => boolean,
    msMax?: number,
  ): Promise<DaxClusterResource> {
    return this.tables.until(
      async () => {
        const cluster = await this.cluster(name);
        return cluster !== undefined && isWished(cluster) ? cluster : undefined;
      },
      () => this.#description(name),
      msMax,
    );
  }

  /** Waits until it is as its spec says. */
  isAvailable(name: string, msMax?: number): Promise<DaxClusterResource> {
    return this.becomes(name, isSettled, msMax);
  }

  /** Pods of the nodes, by name: which pod it is. */
  async pods(name: string): Promise<ReadonlyMap<string, string | undefined>> {
    const { base } = await this.names(name);
    const pods = await this.tables.list<Pod>(resources.pods);
    const own = pods.filter(({ metadata }) => /^-\d+$/.test(metadata.name.slice(base.length)));
    return new Map(own.map(({ metadata }) => [metadata.name, metadata.uid]));
  }

  get<T extends KubeObject>(
    type: (typeof resources)[keyof typeof resources],
    name: string,
  ): Promise<T | undefined> {
    return this.#client.get<T>(type, { namespace: this.namespace, name });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#kubelet;
    await this.tables.close();
    await this.#router?.close();
  }

  get #client() {
    return this.tables.api.client;
  }

  async #description(name: string): Promise<string> {
    const cluster = await this.cluster(name);
    const pods = cluster === undefined ? [] : (cluster.status?.nodes ?? []);
    const outputs = pods.map(({ nodeID }) => this.tables.cluster.outputOf(nodeID).slice(-1500));
    return [JSON.stringify(cluster?.status, undefined, 1), ...outputs].join('\n');
  }
}

export function conditionIn(cluster: DaxClusterResource, type: string): Condition | undefined {
  return cluster.status?.conditions?.find((condition) => condition.type === type);
}

/** What `kubectl wait` and Helm take for done (kstatus), with all nodes serving. */
export function isSettled(cluster: DaxClusterResource): boolean {
  const { status, spec, metadata } = cluster;
  return (
    status?.observedGeneration === metadata.generation &&
    status?.status === 'available' &&
    status.activeNodes === spec.replicationFactor &&
    status.totalNodes === spec.replicationFactor &&
    conditionIn(cluster, 'Ready')?.status === 'True' &&
    conditionIn(cluster, 'Reconciling') === undefined &&
    conditionIn(cluster, 'Stalled') === undefined
  );
}
