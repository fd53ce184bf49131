import { Agent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { ROUTER_SECRET } from '../../operator/certificates/namespace-secrets.ts';
import { CHART } from '../chart/rendered-chart.ts';
import type { KindCluster } from './kind-cluster.ts';
import type { TlsTrust } from './load-messages.ts';
import { until } from './until.ts';

export const RELEASE = 'trestle';
const NODE_PORT = 30_800;
const TLS_NODE_PORT = 30_843;
const READY_MS_MAX = 5 * 60_000;

const UNPROTECTED = '{"spec":{"deletionProtectionEnabled":false,"deletionPolicy":"Delete"}}';
const FREE = '{"metadata":{"finalizers":null}}';

export interface AccessKeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A pod as scenarios look at it. */
export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly node: string | undefined;
  readonly image: string | undefined;
  readonly address: string | undefined;
  readonly isReady: boolean;
  readonly isGoing: boolean;
  /** Of its containers, together. */
  readonly restartsCount: number;
}

interface PodJson {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { image: string }[] };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { type: string; status: string }[];
    readonly containerStatuses?: readonly { restartCount: number }[];
  };
}

/** One release of the chart in one namespace. */
export class Installation {
  readonly cluster: KindCluster;
  readonly namespace: string;

  constructor(cluster: KindCluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** With ports of the nodes for the endpoint. @param values as `--set` takes them */
  async install(values: readonly string[]): Promise<void> {
    const fixed = [
      'router.service.type=NodePort',
      `router.service.nodePorts.http=${NODE_PORT}`,
      `router.service.nodePorts.https=${TLS_NODE_PORT}`,
    ];
    await this.installPlain([...fixed, ...values]);
  }

  /** With the Service as it is by default. */
  async installPlain(values: readonly string[]): Promise<void> {
    const set = values.flatMap((value) => ['--set', value]);
    await this.#helm('install', RELEASE, CHART, ...set, '--create-namespace');
  }

  async upgrade(values: readonly string[]): Promise<void> {
    const set = values.flatMap((value) => ['--set', value]);
    await this.#helm('upgrade', RELEASE, CHART, '--reuse-values', ...set);
  }

  async uninstall(): Promise<void> {
    await this.#helm('uninstall', RELEASE, '--wait');
  }

  /** The namespace with all that is in it, if it is there; also where the operator is gone already. */
  async remove(): Promise<void> {
    const namespaces = await this.cluster.kubectl('get', 'namespaces', '-o', 'name');
    if (!namespaces.split('\n').includes(`namespace/${this.namespace}`)) return;
    const tables = await this.kubectl('get', 'tables', '-o', 'name').catch(() => '');
    for (const table of tables.split('\n').filter((line) => line !== '')) {
      await this.kubectl('patch', table, '--type=merge', '-p', UNPROTECTED);
      await this.kubectl('delete', table, '--wait=false');
      // Nobody may be there to take the finalizer away.
      await this.kubectl('patch', table, '--type=merge', '-p', FREE).catch(() => '');
    }
    await this.uninstall().catch(() => undefined);
    await this.cluster.kubectl('delete', 'namespace', this.namespace, '--timeout=300s');
  }

  test(): Promise<string> {
    return this.#helm('test', RELEASE, '--timeout', '5m');
  }

  #helm(...args: readonly string[]): Promise<string> {
    return this.cluster.helm(...args, '--namespace', this.namespace);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.cluster.kubectl('-n', this.namespace, ...args);
  }

  async rolledOut(deployment: 'operator' | 'router'): Promise<void> {
    const name = `deployment/${RELEASE}-${deployment}`;
    await this.kubectl('rollout', 'status', name, `--timeout=${READY_MS_MAX / 1_000}s`);
  }

  /** Operator and routers are there, all of them. */
  async running(): Promise<void> {
    await this.rolledOut('operator');
    await this.rolledOut('router');
  }

  async endpoint(): Promise<string> {
    return `http://${await this.cluster.controlPlaneAddress()}:${NODE_PORT}`;
  }

  /** Where programs of the cluster find it; from here where there are routes (KindCluster.routeToPods). */
  async serviceEndpoint(): Promise<string> {
    const path = '-o=jsonpath={.spec.clusterIP}';
    return `http://${await this.kubectl('get', 'service', 'trestle', path)}:8000`;
  }

  async accessKey(): Promise<AccessKeyPair> {
    const text = await this.kubectl('get', 'secret', 'trestle-credentials', '-o', 'json');
    const { data }: { data: Readonly<Record<string, string>> } = JSON.parse(text);
    const decode = (name: string) => Buffer.from(data[name] ?? '', 'base64').toString('utf8');
    return { accessKeyId: decode('accessKeyId'), secretAccessKey: decode('secretAccessKey') };
  }

  /** An SDK's client as applications make it. */
  async client(): Promise<DynamoDBClient> {
    return this.clientOf(await this.accessKey());
  }

  /** The same with another access key, or at another endpoint. */
  async clientOf(credentials: AccessKeyPair, endpoint?: string): Promise<DynamoDBClient> {
    return new DynamoDBClient({
      endpoint: endpoint ?? (await this.endpoint()),
      region: 'us-east-1',
      credentials,
    });
  }

  async tlsEndpoint(): Promise<string> {
    return `https://${await this.cluster.controlPlaneAddress()}:${TLS_NODE_PORT}`;
  }

  /** What clients by TLS trust, the namespace's authority and no other, and whom they call. */
  async tls(): Promise<TlsTrust> {
    const path = '-o=jsonpath={.data.ca\\.crt}';
    const encoded = await this.kubectl('get', 'secret', ROUTER_SECRET, path);
    const ca = Buffer.from(encoded, 'base64').toString('utf8');
    return { ca, servername: `trestle.${this.namespace}.svc` };
  }

  /** An SDK's client by TLS. */
  async tlsClient(): Promise<DynamoDBClient> {
    const credentials = await this.accessKey();
    const requestHandler = { httpsAgent: new Agent(await this.tls()) };
    const endpoint = await this.tlsEndpoint();
    return new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, requestHandler });
  }

  async table(name: string): Promise<TableResource> {
    return JSON.parse(await this.kubectl('get', 'table', name, '-o', 'json'));
  }

  /** The Table resource of a table, whoever named it. */
  async tableNamed(tableName: string): Promise<TableResource | undefined> {
    const text = await this.kubectl('get', 'tables', '-o', 'json');
    const { items }: { items: readonly TableResource[] } = JSON.parse(text);
    return items.find(({ spec }) => spec.tableName === tableName);
  }

  /** Serves, as its newest manifest says, with all of its replicas. */
  async tableWhole(name: string, deadlineMs = READY_MS_MAX): Promise<void> {
    await until(
      async () => whatLacks(await this.table(name)),
      (lacks) => lacks.length === 0,
      deadlineMs,
    );
  }

  pods(selector: string): Promise<readonly Pod[]> {
    return this.#podsOf(['-l', selector]);
  }

  storagePods(table: string): Promise<readonly Pod[]> {
    return this.#podsOf(['-l', `trestle.dev/table=${table}`]);
  }

  /** The containers of a pod were started again since it was looked at, and serve. */
  async restarted({ name, uid, restartsCount }: Pod): Promise<void> {
    await until(
      () => this.#podsOf(['--field-selector', `metadata.name=${name}`]),
      (pods) =>
        pods.some((pod) => pod.uid === uid && pod.restartsCount > restartsCount && pod.isReady),
      READY_MS_MAX,
    );
  }

  async #podsOf(args: readonly string[]): Promise<readonly Pod[]> {
    const { items }: { items: readonly PodJson[] } = JSON.parse(
      await this.kubectl('get', 'pods', '-o', 'json', ...args),
    );
    return items.map(podOf).toSorted((one, other) => one.name.localeCompare(other.name));
  }

  /** The pod that leads most partitions of a table. */
  async leader(table: string): Promise<Pod> {
    const { status } = await this.table(table);
    const counts = new Map<string, number>();
    for (const { leader } of status?.partitionList ?? []) {
      if (leader !== undefined) counts.set(leader, (counts.get(leader) ?? 0) + 1);
    }
    const [first] = [...counts].toSorted(([, one], [, other]) => other - one);
    const pod = (await this.storagePods(table)).find(({ name }) => name === first?.[0]);
    if (pod === undefined) throw new Error(`no pod leads ${table}: ${JSON.stringify([...counts])}`);
    return pod;
  }

  /** Requests that all operators have made to the API server since they started. */
  async operatorRequestsCount(): Promise<number> {
    const pods = await this.pods('app.kubernetes.io/component=operator');
    const pages = await Promise.all(
      pods.map(({ name }) => {
        const path = `/api/v1/namespaces/${this.namespace}/pods/${name}:8004/proxy/metrics`;
        return this.cluster.kubectl('get', '--raw', path);
      }),
    );
    return pages
      .flatMap((page) => page.split('\n'))
      .filter((line) => line.startsWith('trestle_operator_kubernetes_requests_total{'))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** An operator has led since then: what it says is not of before. @param sinceMs - by Date.now() */
  async operatorLeads(sinceMs: number): Promise<void> {
    const lease = ['get', 'lease', `${RELEASE}-operator`, '-o', 'jsonpath={.spec.renewTime}'];
    await until(
      () => this.kubectl(...lease),
      (renewed) => Date.parse(renewed) > sinceMs,
      READY_MS_MAX,
    );
  }

  /** The operator's pod that leads, by its Lease. */
  async operatorLeader(): Promise<Pod> {
    const holder = await this.kubectl(
      ...['get', 'lease', `${RELEASE}-operator`, '-o', 'jsonpath={.spec.holderIdentity}'],
    );
    const pods = await this.pods('app.kubernetes.io/component=operator');
    const pod = pods.find(({ name }) => holder.startsWith(name));
    if (pod === undefined) throw new Error(`the Lease is held by '${holder}', which is no pod`);
    return pod;
  }
}

function podOf({ metadata, spec, status }: PodJson): Pod {
  const isReady = status.conditions?.some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
  return {
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName,
    image: spec.containers[0]?.image,
    address: status.podIP,
    isReady: isReady ?? false,
    isGoing: metadata.deletionTimestamp !== undefined,
    restartsCount: (status.containerStatuses ?? []).reduce(
      (sum, { restartCount }) => sum + restartCount,
      0,
    ),
  };
}

/** Empty when the table is as it should be. */
function whatLacks({ metadata, status }: TableResource): readonly string[] {
  if (status?.observedGeneration !== metadata.generation) return ['the status is of before'];
  const conditions = status?.conditions ?? [];
  const lacks = ['Ready', 'QuorumHealthy'].flatMap((type) => {
    const condition = conditions.find((each) => each.type === type);
    if (condition?.status === 'True') return [];
    return [`${type}: ${condition?.reason ?? 'absent'} ${condition?.message ?? ''}`];
  });
  const busy = conditions.filter(
    ({ type, status: state }) => ['Reconciling', 'Stalled'].includes(type) && state === 'True',
  );
  return [...lacks, ...busy.map(({ type, reason, message }) => `${type}: ${reason} ${message}`)];
}
