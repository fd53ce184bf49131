import type { RouterMetrics } from '../routing/router.ts';
import type { TransactionMetrics } from '../transaction/metrics.ts';
import { addExpiryMetric, type LoadedTls } from './certificate-report.ts';
import { MetricsPage, type Sample } from './metrics-page.ts';
import type { PeerStatus } from './node-admin.ts';
import { addOperationMetrics, type OperationMetricsSources } from './operation-metrics.ts';
import { addPeerMetrics } from './peer-metrics.ts';

export interface RouterMetricsSources extends OperationMetricsSources {
  readonly router: () => RouterMetrics;
  readonly transactions: () => TransactionMetrics;
  readonly peers: () => readonly PeerStatus[];
  readonly loadedTls: () => readonly LoadedTls[];
}

/** The metrics of a router; README.md lists them. */
export function routerMetricsPage(sources: RouterMetricsSources): MetricsPage {
  const page = new MetricsPage();
  addOperationMetrics(page, sources);
  addCallMetrics(page, sources.router);
  addTransactionMetrics(page, sources.transactions);
  addPeerMetrics(page, sources.peers);
  addExpiryMetric(page, sources.loadedTls);
  return page;
}

function addCallMetrics(page: MetricsPage, read: () => RouterMetrics): void {
  const one = (pick: (metrics: RouterMetrics) => number) => (): Sample[] => [
    { value: pick(read()) },
  ];
  page.counter(
    { name: 'partition_calls_total', help: 'Calls of partitions at their nodes.' },
    one(({ calls }) => calls),
  );
  page.counter(
    {
      name: 'partition_call_retries_total',
      help: 'Tries of these calls that failed and were repeated, by reason.',
      labels: ['reason'],
    },
    () => byLabel('reason', read().retries),
  );
  page.counter(
    {
      name: 'partition_calls_failed_total',
      help: 'Calls that ended without an answer; code overloaded: shed because too many waited.',
      labels: ['code'],
    },
    () => byLabel('code', read().failed),
  );
  page.gauge(
    { name: 'partition_calls_in_flight', help: 'Calls under way.' },
    one(({ callsInFlight }) => callsInFlight),
  );
  page.gauge(
    { name: 'nodes_connected', help: 'Storage nodes with a connection.' },
    one(({ nodesConnected }) => nodesConnected),
  );
  page.gauge(
    { name: 'partitions_known', help: 'Partitions in the map.' },
    one(({ partitionsCount }) => partitionsCount),
  );
  page.gauge(
    { name: 'tables_known', help: 'Tables in the map.' },
    one(({ tablesCount }) => tablesCount),
  );
  page.gauge(
    { name: 'map_age_seconds', help: 'Since the oldest report of a connected node.' },
    one(({ mapAgeMs }) => mapAgeMs / 1_000),
  );
}

function addTransactionMetrics(page: MetricsPage, read: () => TransactionMetrics): void {
  const one = (pick: (metrics: TransactionMetrics) => number) => (): Sample[] => [
    { value: pick(read()) },
  ];
  page.counter(
    {
      name: 'transactions_total',
      help: 'Transactions of this router that have ended, by outcome; failed: status 500.',
      labels: ['outcome'],
    },
    () => byLabel('outcome', read().outcomes),
  );
  page.gauge(
    { name: 'transactions_in_flight', help: 'Transactions under way.' },
    one(({ inFlight }) => inFlight),
  );
  page.counter(
    {
      name: 'transaction_conflicts_total',
      help: 'Actions of transactions that met an item of another one.',
    },
    one(({ conflicts }) => conflicts),
  );
  page.counter(
    {
      name: 'transaction_retries_total',
      help: 'Calls of transactions that were repeated, rounds of reads, and runs begun anew.',
    },
    one(({ retries }) => retries),
  );
  page.counter(
    {
      name: 'transactions_recovered_total',
      help: 'Transactions finished at a partition for a coordinator that had stopped, by outcome.',
      labels: ['outcome'],
    },
    () => byLabel('outcome', read().recoveries),
  );
  page.counter(
    {
      name: 'transaction_recovery_failures_total',
      help: 'Tries of that which failed and will be made again.',
    },
    one(({ recoveryFailures }) => recoveryFailures),
  );
}

function byLabel(label: string, counts: ReadonlyMap<string, number>): Sample[] {
  return Array.from(counts, ([key, value]) => ({ labels: { [label]: key }, value }));
}
