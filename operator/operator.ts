import type { Logger } from 'pino';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import type { ListWatch } from '../dataplane/kubernetes/list-watch.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { type AccessWork, accessWork } from './access/access-work.ts';
import { AuthorityRotation } from './certificates/authority-rotation.ts';
import { AuthorityBroken } from './certificates/authority-secret.ts';
import { IssuedCertificates } from './certificates/issued-certificates.ts';
import { NamespaceSecrets } from './certificates/namespace-secrets.ts';
import { Controller } from './controller.ts';
import { type DaxWork, daxWork } from './daxcluster/dax-work.ts';
import type { DaxInstall } from './daxcluster/install.ts';
import { EventRecorder } from './event-recorder.ts';
import { FIELD_MANAGER } from './table/names.ts';
import { HttpsNodeClient, type NodeClient } from './table/node-client.ts';
import { TableCaches } from './table/table-caches.ts';
import { TableController } from './table/table-controller.ts';

/** Passes wait for nodes and the API server most of their time; no more than there are connections to it. */
const TABLE_WORKERS_COUNT = 16;
const BROKEN_MS = 60_000;
/** A cache that has heard nothing for so long is not to be trusted. */
const CACHE_AGE_MS_MAX = 3 * 60_000;

export interface OperatorParts {
  readonly client: KubeClient;
  readonly namespaces: readonly string[];
  readonly install: DaxInstall;
  /** Of this process, in events. */
  readonly instance: string;
  readonly mayAct: () => boolean;
  readonly log: Logger;
  /** Between the operator and the nodes: for tests. */
  readonly nodes?: (real: NodeClient) => NodeClient;
  /** UTC, ms since 1970. */
  readonly nowMs?: () => number;
}

/** The controllers of one process, with what they share. */
export class Operator {
  readonly caches: TableCaches;
  readonly tables: Controller;
  readonly namespaces: Controller;
  readonly access: AccessWork;
  readonly dax: DaxWork;
  readonly secrets: NamespaceSecrets;
  readonly certificates: IssuedCertificates;
  readonly rotation: AuthorityRotation;
  readonly #parts: OperatorParts;
  readonly #recorder: EventRecorder;
  readonly #nodes: HttpsNodeClient;

  /** Fills its caches; begins to act when `act` is called. */
  static start(parts: OperatorParts): Operator {
    return new Operator(parts);
  }

  private constructor(parts: OperatorParts) {
    this.#parts = parts;
    const { client, install, log, mayAct } = parts;
    const secrets = new NamespaceSecrets({ client, fieldManager: FIELD_MANAGER, log });
    const certificates = new IssuedCertificates({ client, secrets, fieldManager: FIELD_MANAGER });
    this.#nodes = new HttpsNodeClient((namespace) => secrets.operatorIdentity(namespace));
    this.#recorder = new EventRecorder({ client, instance: parts.instance, log });
    this.secrets = secrets;
    this.certificates = certificates;
    this.rotation = new AuthorityRotation({
      ...{ client, secrets, log, fieldManager: FIELD_MANAGER },
      recorder: this.#recorder,
    });
    this.caches = TableCaches.start({
      client,
      namespaces: parts.namespaces,
      log,
      onChange: (key) => this.tables.add(key),
      onOtherChange: (object) => this.dax.caches.objectChanged(object),
    });
    const nodes = parts.nodes?.(this.#nodes) ?? this.#nodes;
    const table = new TableController({
      ...{ client, caches: this.caches, certificates, nodes },
      ...{ recorder: this.#recorder, install, log },
      ...(parts.nowMs && { nowMs: parts.nowMs }),
    });
    this.tables = new Controller({
      name: 'table',
      reconcile: (key, signal) => table.reconcile(key, signal),
      exists: (key) => table.exists(key),
      ...{ mayAct, log, workersCount: TABLE_WORKERS_COUNT },
    });
    this.namespaces = new Controller({
      name: 'namespace',
      reconcile: (namespace, signal) => this.#ensureSecrets(namespace, signal),
      exists: () => true,
      ...{ mayAct, log },
    });
    this.access = accessWork({
      ...{ client, namespaces: parts.namespaces, secrets, log, mayAct },
      clusters: (namespace) => this.dax.caches.clusters(namespace),
      ...{ recorder: this.#recorder, region: install.region },
      ...(parts.nowMs && { nowMs: parts.nowMs }),
    });
    this.dax = daxWork({
      ...{ client, namespaces: parts.namespaces, objects: this.caches, certificates },
      ...{ recorder: this.#recorder, install, log, mayAct },
      access: () => this.access.caches,
      onChange: (namespace) => this.access.controller.add(namespace),
      ...(parts.nowMs && { nowMs: parts.nowMs }),
    });
  }

  /** To be called when this process leads. Resolves when the caches are whole and work has begun. */
  async act(): Promise<void> {
    for (const namespace of this.#parts.namespaces) this.namespaces.add(namespace);
    await this.namespaces.start([]);
    const { access, dax } = this;
    await Promise.all([
      this.tables.start(this.caches.all),
      // Each looks at the other's objects.
      access.controller.start([...access.caches.all, ...dax.caches.all]),
      dax.controller.start(this.allCaches),
    ]);
  }

  /** All that it follows of the API server. */
  get allCaches(): readonly ListWatch<KubeObject>[] {
    return [...this.caches.all, ...this.access.caches.all, ...this.dax.caches.all];
  }

  /** Why it does not do its work; empty when it does, or stands by for it. */
  unreadyReasons(): readonly string[] {
    return this.allCaches.flatMap((cache) => {
      if (!cache.isSynced) return [`a list is not read yet: ${cache.failure ?? 'waiting'}`];
      const { ageMs, failure } = cache;
      if (ageMs < CACHE_AGE_MS_MAX) return [];
      return [`nothing heard for ${Math.round(ageMs / 1000)} s: ${failure ?? 'silence'}`];
    });
  }

  async close(): Promise<void> {
    const controllers = [this.tables, this.namespaces, this.access.controller];
    await Promise.all([...controllers.map((controller) => controller.close()), this.dax.close()]);
    this.caches.close();
    this.access.caches.close();
    this.rotation.close();
    await this.#recorder.close();
    this.#nodes.close();
  }

  async #ensureSecrets(
    namespace: string,
    signal: AbortSignal,
  ): Promise<{ readonly requeueAfterMs: number }> {
    try {
      const checkMs = await this.secrets.ensure(namespace, signal);
      const rotationMs = await this.rotation.advance(namespace, signal);
      return { requeueAfterMs: Math.min(checkMs, rotationMs ?? checkMs) };
    } catch (error) {
      if (!(error instanceof AuthorityBroken)) throw error;
      const { log } = this.#parts;
      log.error(
        { namespace, reason: error.message },
        'the certificates of a namespace cannot be made',
      );
      return { requeueAfterMs: BROKEN_MS };
    }
  }
}
