import type { Express } from 'express';
import { answer } from './answer.ts';

/** What every process of a cluster tells of itself. */
export interface Health {
  /** Why it should get no traffic; empty when it may. */
  unreadyReasons(): readonly string[];
  /** In Prometheus's text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
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
