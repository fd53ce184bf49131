import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AccessDenials } from '../access/denials.ts';
import type { RouterMetrics } from '../routing/router.ts';
import { TransactionCounts } from '../transaction/metrics.ts';
import { AdminServer } from './admin-server.ts';
import { OperationCounts } from './operation-counts.ts';
import { routerMetricsPage } from './router-metrics.ts';
import { addRouterRoutes, type RouterAdmin } from './router-routes.ts';

const counts: RouterMetrics = {
  calls: 7,
  retries: new Map([['notLeader', 2]]),
  failed: new Map([['overloaded', 1]]),
  callsInFlight: 3,
  nodesConnected: 2,
  nodesKnown: 3,
  partitionsCount: 5,
  tablesCount: 1,
  mapAgeMs: Number.POSITIVE_INFINITY,
};

const node = {
  id: 'a-1',
  zone: 'a',
  isUp: true,
  isSilent: false,
  halted: undefined,
  callsCount: 0,
};

let reasons: readonly string[] = [];
const operations = new OperationCounts(() => 0);
const denials = new AccessDenials();
const page = routerMetricsPage({
  operations,
  denials,
  router: () => counts,
  transactions: () => new TransactionCounts(),
  peers: () => [],
  loadedTls: () => [],
});
const router: RouterAdmin = {
  clusterId: 'cluster-1',
  routerId: 'router-1',
  zone: 'a',
  processId: 'process-1',
  unreadyReasons: () => reasons,
  nodes: () => [node],
  peers: () => [{ id: 'a-1', isConnected: true }],
  counts: () => counts,
  metrics: () => page.text(),
  loadedTls: () => [{ use: 'clients' }],
};

let server: AdminServer;
beforeAll(async () => {
  server = await AdminServer.listen({
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'silent' }),
    tls: undefined,
    takesChanges: false,
    routes: (app) => addRouterRoutes(app, router),
  });
});
afterAll(() => server.close());

async function get(path: string): Promise<readonly [number, string]> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return [response.status, await response.text()];
}

it('is ready until there is a reason why not', async () => {
  expect(await get('/readyz')).toEqual([200, '{"isReady":true,"reasons":[]}\n']);
  reasons = ['no node is connected'];
  expect(await get('/readyz')).toEqual([
    503,
    '{"isReady":false,"reasons":["no node is connected"]}\n',
  ]);
  expect((await get('/livez'))[0]).toBe(200);
});

it('tells what it knows', async () => {
  const [status, text] = await get('/status');
  expect([status, JSON.parse(text)]).toEqual([
    200,
    {
      clusterId: 'cluster-1',
      router: 'router-1',
      zone: 'a',
      processId: 'process-1',
      calls: 7,
      callsInFlight: 3,
      nodesConnected: 2,
      nodesKnown: 3,
      partitionsCount: 5,
      tablesCount: 1,
      mapAgeMs: null,
      retries: { notLeader: 2 },
      failed: { overloaded: 1 },
      nodes: [{ id: 'a-1', zone: 'a', isUp: true, isSilent: false, callsCount: 0 }],
      peers: [{ id: 'a-1', isConnected: true }],
    },
  ]);
});

it('counts operations and calls', async () => {
  operations.counted({ name: 'GetItem', handle: () => ({}) });
  denials.add('GetItem', 'policy');
  const [status, text] = await get('/metrics');
  expect(status).toBe(200);
  for (const line of [
    'trestle_requests_in_flight{operation="GetItem"} 0',
    'trestle_access_denials_total{operation="GetItem",reason="policy"} 1',
    'trestle_partition_calls_total 7',
    'trestle_partition_call_retries_total{reason="notLeader"} 2',
    'trestle_partition_calls_failed_total{code="overloaded"} 1',
    'trestle_nodes_connected 2',
    // There is no report yet.
    'trestle_map_age_seconds +Inf',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

it('makes no changes', async () => {
  const response = await fetch(`http://127.0.0.1:${server.port}/drain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  expect([response.status, await response.text()]).toEqual([
    404,
    '{"error":"there is no POST /drain"}\n',
  ]);
});
