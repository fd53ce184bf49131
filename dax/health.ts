import type { Express } from 'express';
import { answer } from '../dataplane/admin/answer.ts';
import { addCertificatesRoute, type LoadedTls } from '../dataplane/admin/certificate-report.ts';
import { addHealthRoutes } from '../dataplane/admin/health-routes.ts';
import type { MetricsPage } from '../dataplane/admin/metrics-page.ts';
import type { CacheParameters } from './cache/cached-tables.ts';
import type { Member } from './cluster/coherence.ts';

/** Redis as this node sees it; none: it was started without. */
export type RedisState = 'up' | 'down' | 'none';

/** What a node tells of itself at `GET /status`. */
export interface NodeStatus {
  readonly clusterName: string;
  readonly nodeId: number;
  readonly zone: string;
  /** It may give out what it has cached. */
  readonly isActive: boolean;
  readonly isDraining: boolean;
  readonly uptimeSeconds: number;
  readonly redis: { readonly state: RedisState };
  /** In force now. */
  readonly parameters: CacheParameters;
  /** Whom clients are told of. */
  readonly members: readonly Pick<Member, 'nodeId' | 'name' | 'zone' | 'address'>[];
}

export interface HealthParts {
  readonly unreadyReasons: () => readonly string[];
  readonly metrics: MetricsPage;
  readonly status: () => NodeStatus;
  readonly loadedTls: () => readonly LoadedTls[];
}

/** It tells nobody anything that is secret, and takes no changes, so it asks nobody who they are. */
export function addNodeRoutes(
  app: Express,
  { unreadyReasons, metrics, status, loadedTls }: HealthParts,
): void {
  addHealthRoutes(app, { unreadyReasons, metrics: () => metrics.text() });
  app.get('/status', (_request, response) => answer(response, status()));
  addCertificatesRoute(app, loadedTls);
}
