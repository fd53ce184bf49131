import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { AccessDenials } from '../../dataplane/access/denials.ts';
import type { MetricsPage } from '../../dataplane/admin/metrics-page.ts';
import { report } from '../../dataplane/admin/node-admin.fixture.ts';
import { NodeMetrics } from '../../dataplane/admin/node-metrics.ts';
import { OperationCounts } from '../../dataplane/admin/operation-counts.ts';
import { routerMetricsPage } from '../../dataplane/admin/router-metrics.ts';
import { RequestCounts } from '../../dataplane/kubernetes/request-counts.ts';
import { ReplicationMetrics } from '../../dataplane/replication/metrics.ts';
import { TransactionCounts } from '../../dataplane/transaction/metrics.ts';
import { newCounters as newCacheCounters } from '../../dax/cache/counters.ts';
import { daxMetricsPage } from '../../dax/metrics.ts';
import { newCounters as newDaxCounters } from '../../dax/server/counters.ts';
import { operatorMetrics } from '../../operator/metrics.ts';
import { CHART, type Fields } from './rendered-chart.ts';

/** Of others than us: what each kubelet exports. */
const KUBELET = ['kubelet_volume_stats_used_bytes', 'kubelet_volume_stats_capacity_bytes'] as const;

let exported: ReadonlySet<string>;
let alerts: string;
let dashboard: string;

beforeAll(async () => {
  const pages = await Promise.all([nodePage(), routerPage(), operatorPage(), daxPage()]);
  exported = new Set([...KUBELET, ...pages.flatMap(seriesOf)]);
  alerts = await readFile(`${CHART}/alerts/trestle.yaml`, 'utf8');
  dashboard = await readFile(`${CHART}/dashboards/trestle.json`, 'utf8');
});

function nodePage() {
  return new NodeMetrics({
    replication: new ReplicationMetrics(),
    replicas: () => [],
    hosted: () => [],
    report: () => report,
    peers: () => [],
    volume: () => ({ usedBytes: 0, availableBytes: 0 }),
    loadedTls: () => [],
    triggers: () => [],
  }).text();
}

function routerPage() {
  const router = {
    calls: 0,
    retries: new Map(),
    failed: new Map(),
    callsInFlight: 0,
    nodesConnected: 0,
    nodesKnown: 0,
    partitionsCount: 0,
    tablesCount: 0,
    mapAgeMs: 0,
  };
  const operations = new OperationCounts(() => 0);
  const transactions = new TransactionCounts();
  return routerMetricsPage({
    operations,
    denials: new AccessDenials(),
    router: () => router,
    transactions: () => transactions,
    peers: () => [],
    loadedTls: () => [],
  }).text();
}

function operatorPage() {
  const controller = {
    ...{ name: 'table', counts: {}, durationsMs: { buckets: [], counts: [], sum: 0, count: 0 } },
    ...{ depth: 0, failingCount: 0 },
  };
  return operatorMetrics({
    client: { requestsCount: new RequestCounts() },
    // Only what the page reads of it.
    operator: {
      allCaches: [],
      caches: { allTables: () => [] },
      tables: controller,
      namespaces: controller,
      access: { controller, caches: { objects: () => [] } },
      dax: { controller, caches: { allClusters: () => [] } },
      secrets: { expiries: () => [], authorityExpiries: () => new Map() },
      certificates: { expiries: () => [] },
      rotation: { waitedFor: new Map() },
    } as never,
    election: { isLeader: true },
  }).text();
}

function daxPage() {
  return daxMetricsPage({
    ...{ clusterName: 'cache', nodeId: 0, loadedTls: () => [] },
    cache: newCacheCounters,
    sizes: zeros,
    coherence: zeros,
    dax: newDaxCounters,
    http: () => ({ operations: [], denials: new AccessDenials(), connectionsCount: 0 }),
    tables: zeros,
    cluster: () => ({ membersCount: 1, isActive: true, redis: 'up' }),
  }).text();
}

/** Whatever numbers are read of it. */
function zeros(): never {
  return new Proxy({}, { get: () => 0 }) as never;
}

/** Names of series, from the TYPE lines of a page. */
function seriesOf({ text }: Awaited<ReturnType<MetricsPage['text']>>): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
}

/** Names of metrics in a query: words that are no function, keyword, label or string. */
function metricsOf(query: string): string[] {
  const bare = query
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ');
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)]
    .map(([word]) => word)
    .filter(
      (word) => word.includes('_') && !bare.includes(`${word}(`) && !bare.includes(`${word} (`),
    );
}

interface Query {
  readonly of: string;
  readonly query: string;
}

function alertQueries(): Query[] {
  const { groups } = parse(alerts);
  return [groups]
    .flat()
    .flatMap(({ rules }: { rules: { alert: string; expr: string }[] }) =>
      rules.map(({ alert, expr }) => ({ of: alert, query: expr })),
    );
}

function panelQueries(): Query[] {
  const { panels }: { panels: { title: string; targets?: { expr: string }[] }[] } =
    JSON.parse(dashboard);
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ of: title, query: expr })),
  );
}

function isBalanced(query: string): boolean {
  const open: string[] = [];
  const pairs = new Map([
    [')', '('],
    ['}', '{'],
    [']', '['],
  ]);
  for (const character of query.replaceAll(/"[^"]*"/g, '')) {
    if ('({['.includes(character)) open.push(character);
    const opening = pairs.get(character);
    if (opening !== undefined && open.pop() !== opening) return false;
  }
  return open.length === 0;
}

describe.each([
  ['alert rules', alertQueries],
  ['the dashboard', panelQueries],
])('%s', (_name, queries) => {
  it('ask for metrics that are exported', () => {
    const asked = queries().flatMap(({ of, query }) =>
      metricsOf(query).map((metric) => ({ of, metric })),
    );
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter(({ metric }) => !exported.has(metric))).toEqual([]);
  });

  it('close what they open', () => {
    expect(queries().filter(({ query }) => !isBalanced(query))).toEqual([]);
  });
});

describe('alert rules', () => {
  it('each have a severity, a summary and a description', () => {
    const { groups } = parse(alerts);
    const rules: Fields[] = [groups].flat().flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const rule of rules) {
      expect(rule).toMatchObject({
        alert: expect.stringMatching(/^Trestle[A-Z]/),
        labels: { severity: expect.stringMatching(/^(critical|warning)$/) },
        annotations: { summary: expect.any(String), description: expect.any(String) },
      });
    }
  });
});

describe('the dashboard', () => {
  it('has panels that are told apart and do not overlap', () => {
    const { panels }: { panels: { id: number; gridPos: { x: number; y: number } }[] } =
      JSON.parse(dashboard);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length);
  });
});
