import type { Express } from 'express';
import type { RouterMetrics } from '../routing/router.ts';
import { answer } from './answer.ts';
import { addCertificatesRoute, type LoadedTls } from './certificate-report.ts';
import { addHealthRoutes, type Health } from './health-routes.ts';
import type { PeerStatus } from './node-admin.ts';

/** A node as a router knows it. */
export interface KnownNode {
  readonly id: string;
  readonly zone: string;
  readonly isUp: boolean;
  /** Does not answer although a connection is up. */
  readonly isSilent: boolean;
  readonly halted: string | undefined;
  readonly callsCount: number;
}

/** A router, as its admin interface needs it. */
export interface RouterAdmin extends Health {
  readonly clusterId: string;
  readonly routerId: string;
  readonly zone: string;
  readonly processId: string;
  nodes(): readonly KnownNode[];
  peers(): readonly PeerStatus[];
  counts(): RouterMetrics;
  /** Certificates that it goes by now. */
  loadedTls(): readonly LoadedTls[];
}

/** What a router answers; README.md lists it. */
export function addRouterRoutes(app: Express, router: RouterAdmin): void {
  addRouterHealthRoutes(app, router);
  app.get('/status', (_request, response) => {
    const { clusterId, routerId, zone, processId } = router;
    const { retries, failed, ...counts } = router.counts();
    answer(response, {
      clusterId,
      router: routerId,
      zone,
      processId,
      ...counts,
      retries: Object.fromEntries(retries),
      failed: Object.fromEntries(failed),
      nodes: router.nodes(),
      peers: router.peers(),
    });
  });
}

/** What it answers on its health port, too. */
export function addRouterHealthRoutes(
  app: Express,
  router: Health & Pick<RouterAdmin, 'loadedTls'>,
): void {
  addHealthRoutes(app, router);
  addCertificatesRoute(app, () => router.loadedTls());
}
