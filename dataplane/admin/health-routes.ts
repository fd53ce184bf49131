import type { Express } from 'express';
import { answer } from './answer.ts';

/** What every process of a cluster tells of itself. */
export interface Health {
  /** Why it should get no traffic; empty when it may. */
  unreadyReasons(): readonly string[];
  /** In Prometheus's text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Who a process is, and whom else its cluster has. */
export interface ClusterIdentity {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly zone: string;
  /** Of its data folder. */
  readonly storeId: string;
  /** Of a cluster that is there for one table. */
  readonly tableName: string | undefined;
  readonly nodes: readonly {
    readonly id: string;
    readonly zone: string;
    readonly host: string;
    readonly port: number;
  }[];
}

/** `/identity`: for routers that learn from the nodes themselves which tables there are. */
export function addIdentityRoute(app: Express, identity: () => ClusterIdentity): void {
  app.get('/identity', (_request, response) => answer(response, identity()));
}

/**
 * `/livez`: the process answers; when it does not, it is to be restarted. `/readyz`: it can do its
 * work, or why not. `/metrics`: for Prometheus.
 */
export function addHealthRoutes(app: Express, health: Health): void {
  app.get('/livez', (_request, response) => answer(response, { isLive: true }));
  app.get('/readyz', (_request, response) => {
    const reasons = health.unreadyReasons();
    const isReady = reasons.length === 0;
    answer(response, { isReady, reasons }, isReady ? 200 : 503);
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await health.metrics();
    response.set('content-type', contentType).send(text);
  });
}
