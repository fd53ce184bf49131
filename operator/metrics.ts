import { MetricsPage, type Sample } from '../dataplane/admin/metrics-page.ts';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import type { TableResource } from '../dataplane/kubernetes/table-resource.ts';
import { clusterNameOf } from './access/principals.ts';
import type { AccessObject } from './access/resources.ts';
import { earliestExpiries } from './certificates/expiries.ts';
import type { Controller } from './controller.ts';
import type { DaxClusterResource } from './daxcluster/cluster-resource.ts';
import type { LeaderElection } from './leader-election.ts';
import type { Operator } from './operator.ts';

export interface OperatorMetricsParts {
  readonly client: Pick<KubeClient, 'requestsCount'>;
  readonly operator: Pick<
    Operator,
    | 'caches'
    | 'allCaches'
    | 'tables'
    | 'namespaces'
    | 'access'
    | 'dax'
    | 'secrets'
    | 'certificates'
    | 'rotation'
  >;
  readonly election: Pick<LeaderElection, 'isLeader'>;
}

/** What Prometheus reads of an operator. Of tables only the leader tells: the others would count them twice. */
export function operatorMetrics({ client, operator, election }: OperatorMetricsParts): MetricsPage {
  const page = new MetricsPage();
  const { tables, namespaces, access, dax } = operator;
  const controllers = [tables, namespaces, access.controller, dax.controller];
  page.gauge({ name: 'operator_is_leader', help: 'Whether this process acts' }, () => [
    { value: election.isLeader ? 1 : 0 },
  ]);
  page.counter(
    {
      name: 'operator_kubernetes_requests_total',
      help: 'Requests to the Kubernetes API, watches among them',
      labels: ['verb', 'resource', 'status'],
    },
    () =>
      Array.from(client.requestsCount, ({ verb, resource, status, count }) => ({
        labels: { verb, resource, status: String(status) },
        value: count,
      })),
  );
  addQueueMetrics(page, controllers);
  page.gauge(
    {
      name: 'operator_cache_age_seconds',
      help: 'Since the stalest cache heard of the Kubernetes API',
    },
    () => [
      {
        value:
          Math.max(...operator.allCaches.map(({ ageMs }) => Math.min(ageMs, 86_400_000))) / 1000,
      },
    ],
  );
  addTableMetrics(page, () => (election.isLeader ? operator.caches.allTables() : []));
  addAccessMetrics(page, () => (election.isLeader ? access.caches.objects() : []));
  addDaxMetrics(page, () => (election.isLeader ? dax.caches.allClusters() : []));
  addCertificateMetrics(page, operator);
  return page;
}

function addQueueMetrics(page: MetricsPage, controllers: readonly Controller[]): void {
  page.counter(
    {
      name: 'operator_reconciles_total',
      help: 'Passes by how they ended',
      labels: ['controller', 'outcome'],
    },
    () =>
      controllers.flatMap(({ name, counts }) =>
        Object.entries(counts).map(([outcome, value]) => ({
          labels: { controller: name, outcome },
          value,
        })),
      ),
  );
  page.histogram(
    { name: 'operator_reconcile_seconds', help: 'Durations of passes', labels: ['controller'] },
    0.001,
    () =>
      controllers.map(({ name, durationsMs }) => ({
        labels: { controller: name },
        histogram: durationsMs,
      })),
  );
  const gauges = {
    operator_queue_depth: ['Objects that wait for a pass', (one: Controller) => one.depth],
    operator_failing: ['Objects whose last pass failed', (one: Controller) => one.failingCount],
  } as const;
  for (const [name, [help, read]] of Object.entries(gauges)) {
    page.gauge({ name, help, labels: ['controller'] }, () =>
      controllers.map((one) => ({ labels: { controller: one.name }, value: read(one) })),
    );
  }
}

function addTableMetrics(page: MetricsPage, tables: () => Iterable<TableResource>): void {
  const of = ({ metadata, spec }: TableResource) => ({
    namespace: metadata.namespace ?? '',
    table: spec.tableName,
  });
  page.gauge(
    {
      name: 'operator_table_condition',
      help: '1 for the status that a condition of a Table has',
      labels: ['namespace', 'table', 'condition', 'status', 'reason'],
    },
    () =>
      [...tables()].flatMap((table) =>
        (table.status?.conditions ?? []).map(
          ({ type, status, reason }): Sample => ({
            labels: { ...of(table), condition: type, status, reason },
            value: 1,
          }),
        ),
      ),
  );
  const counts = {
    total: 'operator_table_partitions',
    underReplicated: 'operator_table_partitions_under_replicated',
    leaderless: 'operator_table_partitions_leaderless',
  } as const;
  for (const [member, name] of Object.entries(counts)) {
    const key = member as keyof typeof counts; // As Object.entries gives them.
    page.gauge(
      { name, help: `Partitions of a table, ${key}`, labels: ['namespace', 'table'] },
      () =>
        Array.from(tables(), (table) => ({
          labels: of(table),
          value: table.status?.partitions?.[key] ?? 0,
        })),
    );
  }
}

function addAccessMetrics(page: MetricsPage, objects: () => Iterable<AccessObject>): void {
  page.gauge(
    {
      name: 'operator_access_condition',
      help: '1 for the status that a condition of an AccessKey or AccessPolicy has',
      labels: ['namespace', 'kind', 'name', 'condition', 'status', 'reason'],
    },
    () =>
      [...objects()].flatMap(({ kind, metadata: { namespace = '', name }, status }) =>
        (status?.conditions ?? []).map(
          ({ type, status: holds, reason }): Sample => ({
            labels: { namespace, kind, name, condition: type, status: holds, reason },
            value: 1,
          }),
        ),
      ),
  );
}

/** Only who acts has issued any, and reads them now and then. */
function addCertificateMetrics(
  page: MetricsPage,
  { secrets, certificates, rotation }: Pick<Operator, 'secrets' | 'certificates' | 'rotation'>,
): void {
  page.gauge(
    {
      name: 'operator_certificate_expiry_timestamp_seconds',
      help: 'When the first ends of the certificates that the operator has issued',
      labels: ['namespace', 'component'],
    },
    () => {
      const all = [...certificates.expiries(), ...secrets.expiries()];
      return earliestExpiries(all).map(({ namespace, component, notAfterMs }) => ({
        labels: { namespace, component },
        value: notAfterMs / 1000,
      }));
    },
  );
  const ofNamespaces = (values: ReadonlyMap<string, number>, scale: number) =>
    Array.from(values, ([namespace, value]) => ({ labels: { namespace }, value: value * scale }));
  page.gauge(
    {
      name: 'operator_authority_expiry_timestamp_seconds',
      help: 'When the authority ends that signs the certificates of a namespace',
      labels: ['namespace'],
    },
    () => ofNamespaces(secrets.authorityExpiries(), 0.001),
  );
  page.gauge(
    {
      name: 'operator_authority_rotation_lacking_pods',
      help: 'Pods that the rotation of an authority waits for; from 20 on, there may be more',
      labels: ['namespace'],
    },
    () => ofNamespaces(rotation.waitedFor, 1),
  );
}

function addDaxMetrics(page: MetricsPage, clusters: () => Iterable<DaxClusterResource>): void {
  const of = (cluster: DaxClusterResource) => ({
    namespace: cluster.metadata.namespace ?? '',
    cluster: clusterNameOf(cluster),
  });
  page.gauge(
    {
      name: 'operator_dax_condition',
      help: '1 for the status that a condition of a DaxCluster has',
      labels: ['namespace', 'cluster', 'condition', 'status', 'reason'],
    },
    () =>
      [...clusters()].flatMap((cluster) =>
        (cluster.status?.conditions ?? []).map(
          ({ type, status, reason }): Sample => ({
            labels: { ...of(cluster), condition: type, status, reason },
            value: 1,
          }),
        ),
      ),
  );
  const counts = {
    operator_dax_nodes: ['Nodes of a DaxCluster', 'totalNodes'],
    operator_dax_active_nodes: ['Nodes of a DaxCluster that serve', 'activeNodes'],
  } as const;
  for (const [name, [help, member]] of Object.entries(counts)) {
    page.gauge({ name, help, labels: ['namespace', 'cluster'] }, () =>
      Array.from(clusters(), (cluster) => ({
        labels: of(cluster),
        value: cluster.status?.[member] ?? 0,
      })),
    );
  }
}
