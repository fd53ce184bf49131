import type { Logger } from 'pino';
import { AccessDenials } from './access/denials.ts';
import { AdminServer } from './admin/admin-server.ts';
import { addHealthRoutes, type Health } from './admin/health-routes.ts';
import { MetricsPage } from './admin/metrics-page.ts';
import { OperationCounts } from './admin/operation-counts.ts';
import { addOperationMetrics } from './admin/operation-metrics.ts';
import type { Operation, ServerContext } from './api/operation.ts';

export interface EmbeddedHealthOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly log: Logger;
}

/** What the embedded server tells of itself: `/livez`, `/readyz`, and the API's `/metrics`. */
export class EmbeddedHealth implements Health {
  readonly denials = new AccessDenials();
  phase: 'starting' | 'serving' | 'stopping' = 'starting';
  readonly #operations = new OperationCounts(() => performance.now());
  readonly #page = new MetricsPage();
  #server: AdminServer | undefined;

  /** Rejects with the system's error when it cannot listen. */
  static async listen(options: EmbeddedHealthOptions): Promise<EmbeddedHealth> {
    const health = new EmbeddedHealth();
    health.#server = await AdminServer.listen({
      ...options,
      tls: undefined,
      takesChanges: false,
      routes: (app) => addHealthRoutes(app, health),
    });
    return health;
  }

  private constructor() {
    addOperationMetrics(this.#page, { operations: this.#operations, denials: this.denials });
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  /** The same operations, counted. */
  counted(
    operations: ReadonlyMap<string, Operation<ServerContext>>,
  ): ReadonlyMap<string, Operation<ServerContext>> {
    return new Map(
      Array.from(operations, ([name, each]) => [name, this.#operations.counted(each)]),
    );
  }

  unreadyReasons(): readonly string[] {
    return this.phase === 'serving' ? [] : [this.phase];
  }

  metrics(): ReturnType<Health['metrics']> {
    return this.#page.text();
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
