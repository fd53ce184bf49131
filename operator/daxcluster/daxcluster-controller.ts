import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import type { DaxClusterStatus } from '../../dataplane/kubernetes/daxcluster-types.ts';
import { isKubeError } from '../../dataplane/kubernetes/kube-error.ts';
import { nameOf } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { KnownSecrets } from '../access/known-secrets.ts';
import type { IssuedCertificates } from '../certificates/issued-certificates.ts';
import type { ReconcileResult } from '../controller.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { isSameJson } from '../table/canonical.ts';
import { FIELD_MANAGER } from '../table/names.ts';
import { OwnWrites } from '../table/own-writes.ts';
import { applySteps } from './apply.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxCaches } from './dax-caches.ts';
import type { DaxInstall } from './install.ts';
import type { DaxNodeClient } from './node-view.ts';
import { observeCluster } from './observe.ts';
import type { ObservedCluster, RoleView } from './observed.ts';
import { type DaxPlan, planCluster } from './plan.ts';
import { DaxRolloutTurn } from './rollout-turn.ts';
import { statusOf } from './status.ts';

/** While a write is not seen. */
const UNSEEN_MS = 200;
/** What was refused is asked for again after this time. */
const REFUSED_MS = 30_000;

export interface DaxClusterControllerOptions {
  readonly client: KubeClient;
  readonly caches: DaxCaches;
  readonly certificates: IssuedCertificates;
  readonly nodes: DaxNodeClient;
  /** What `roleRef` names. */
  readonly roleOf: (cluster: DaxClusterResource) => RoleView;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly install: DaxInstall;
  readonly log: Logger;
  /** UTC, ms since 1970. */
  readonly nowMs?: () => number;
  readonly monotonicMs?: () => number;
}

/** Brings DaxClusters to what their resources say: observe, plan, apply, tell. */
export class DaxClusterController {
  readonly #options: DaxClusterControllerOptions;
  readonly #secrets: KnownSecrets;
  readonly #writes: OwnWrites;
  readonly #turn: DaxRolloutTurn;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, DaxClusterResource>();

  constructor(options: DaxClusterControllerOptions) {
    const { client, caches, monotonicMs = () => performance.now() } = options;
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#secrets = new KnownSecrets(client, monotonicMs);
    this.#writes = new OwnWrites(caches, monotonicMs);
    this.#turn = new DaxRolloutTurn(caches);
  }

  exists(key: string): boolean {
    return this.#options.caches.cluster(nameOf(key)) !== undefined;
  }

  /** One pass for the DaxCluster with this key. @throws KubeError */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const cluster = this.#options.caches.cluster(nameOf(key));
    if (cluster === undefined) return this.#forget(key);
    this.#known.set(key, cluster);
    if (!this.#writes.areSeen(key)) return { requeueAfterMs: UNSEEN_MS };
    const seen = await this.#observe(cluster, signal);
    // No other pass comes between the question whose turn it is and the answer.
    const observed = { ...seen, rollingElsewhere: this.#turn.rollingBesides(cluster) };
    const plan = planCluster(observed);
    this.#turn.planned(cluster, plan.rollout?.phase);
    const { client, certificates } = this.#options;
    const parts = { client, certificates, secrets: this.#secrets, writes: this.#writes };
    const { refusals, failure } = await applySteps(plan.steps, observed, { parts, signal });
    const obstacles = [...plan.obstacles, ...refusals];
    await this.#tell(observed, { ...plan, obstacles }, signal);
    if (failure !== undefined) throw failure;
    const { requeueAfterMs } = plan;
    return { requeueAfterMs: Math.max(requeueAfterMs, refusals.length > 0 ? REFUSED_MS : 0) };
  }

  #observe(cluster: DaxClusterResource, signal: AbortSignal): ReturnType<typeof observeCluster> {
    const { client, install, caches, certificates, nodes, roleOf } = this.#options;
    return observeCluster(
      cluster,
      {
        ...{ client, install, caches, certificates, nodes, roleOf },
        secrets: this.#secrets,
        provenanceOf: (children) => this.#writes.provenanceOf(children),
        nowMs: this.#nowMs,
      },
      signal,
    );
  }

  async #tell(observed: ObservedCluster, plan: DaxPlan, signal: AbortSignal): Promise<void> {
    const { cluster } = observed;
    const status = statusOf(observed, plan);
    if (!isSameJson(cluster.status ?? {}, status)) {
      try {
        await this.#writeStatus(cluster, status, signal);
      } catch (error) {
        // Gone, or another one of the same name: the caches will show it.
        if (!isKubeError(error, 404) && !isKubeError(error, 409)) throw error;
      }
    }
    for (const { type, reason, message } of plan.events) {
      this.#options.recorder.record(cluster, { type, reason, action: 'Reconcile', note: message });
    }
  }

  async #writeStatus(
    cluster: DaxClusterResource,
    status: DaxClusterStatus,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace, name, uid } = cluster.metadata;
    const metadata = { name, ...(namespace && { namespace }), ...(uid && { uid }) };
    const options = { fieldManager: FIELD_MANAGER, force: true, subresource: 'status' } as const;
    const type = resources.daxClusters;
    const written = await this.#options.client.apply<DaxClusterResource>(
      type,
      { metadata, status } as const,
      options,
      signal,
    );
    this.#writes.add(cluster, type, written);
  }

  #forget(key: string): void {
    const cluster = this.#known.get(key);
    this.#known.delete(key);
    this.#writes.forget(key);
    this.#turn.forget(key);
    if (cluster === undefined) return;
    const { namespace = '', uid = '' } = cluster.metadata;
    this.#options.certificates.forget(uid);
    const own = [...this.#options.caches.clusters(namespace)].map(namesOf);
    const names = own.flatMap(({ role, redis }) => [role, redis]);
    this.#secrets.retain(namespace, new Set(names));
  }
}
