import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { isKubeError, KubeError } from '../../dataplane/kubernetes/kube-error.ts';
import { keyOf, nameOf } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import type { TableStatus } from '../../dataplane/kubernetes/table-types.ts';
import type { IssuedCertificates } from '../certificates/issued-certificates.ts';
import type { ReconcileResult } from '../controller.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { Pace } from '../pace.ts';
import { type Applied, applySteps } from './apply.ts';
import { isSameJson } from './canonical.ts';
import { conditionEvents } from './condition-events.ts';
import type { InstallConfig } from './install.ts';
import { FIELD_MANAGER } from './names.ts';
import type { NodeClient } from './node-client.ts';
import { observeTable } from './observe.ts';
import type { ObservedTable } from './observed.ts';
import { OwnWrites } from './own-writes.ts';
import { planTable, SETTLED_MS, type TablePlan } from './plan.ts';
import { RolloutTurn } from './rollout-turn.ts';
import { isSameButCounts, statusOf } from './status.ts';
import type { TableCaches } from './table-caches.ts';

/** While a write is not seen. */
const UNSEEN_MS = 200;
/** What was refused is asked for again after this time. */
const REFUSED_MS = 30_000;
/** Counts of items and bytes alone are written so often, and so often of all tables together. */
const COUNTS_MS = 60_000;
const COUNTS_EVERY_MS = 5_000;
/** With many tables each is looked at less often: so many looks a second at nodes that are well. */
const LOOKS_PER_SECOND = 15;
const LOOK_JITTER = 0.2;

export interface TableControllerOptions {
  readonly client: KubeClient;
  readonly caches: TableCaches;
  readonly certificates: IssuedCertificates;
  readonly nodes: NodeClient;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly install: InstallConfig;
  readonly log: Logger;
  readonly nowMs?: () => number;
  readonly monotonicMs?: () => number;
  readonly random?: () => number;
}

/** Brings tables to what their resources say: observe, plan, apply, tell. */
export class TableController {
  readonly #options: TableControllerOptions;
  readonly #writes: OwnWrites;
  readonly #turn: RolloutTurn;
  readonly #monotonicMs: () => number;
  readonly #nowMs: () => number;
  /** When the status of a table was written last, by key. */
  readonly #toldMs = new Map<string, number>();
  readonly #countsPace: Pace;
  readonly #known = new Map<string, TableResource>();

  constructor(options: TableControllerOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#nowMs = options.nowMs ?? Date.now;
    this.#writes = new OwnWrites(options.caches, this.#monotonicMs);
    this.#turn = new RolloutTurn(options.caches);
    this.#countsPace = new Pace(this.#monotonicMs, COUNTS_EVERY_MS);
  }

  exists(key: string): boolean {
    return this.#options.caches.table(nameOf(key)) !== undefined;
  }

  /** One pass for the table with this key. @throws KubeError */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const table = this.#options.caches.table(nameOf(key));
    if (table === undefined) return this.#forget(key);
    this.#known.set(key, table);
    if (!this.#writes.areSeen(key)) return { requeueAfterMs: UNSEEN_MS };
    const seen = await this.#observe(table, signal);
    // No other pass comes between the question whose turn it is and the answer.
    const observed = { ...seen, rollingElsewhere: this.#turn.rollingBesides(table) };
    const plan = planTable(observed);
    this.#turn.planned(table, plan.rollout?.status?.phase);
    const applied = await this.#apply(observed, plan, signal);
    await this.#tell(observed, { plan, applied }, signal);
    const { failure, refusals } = applied;
    // Of the API: it backs off. What a node does not do, the next look finds undone.
    if (failure?.error instanceof KubeError) throw failure.error;
    const ms = this.#spread(plan.requeueAfterMs);
    return { requeueAfterMs: refusals.length > 0 ? Math.max(ms, REFUSED_MS) : ms };
  }

  #observe(table: TableResource, signal: AbortSignal): ReturnType<typeof observeTable> {
    const { install, caches, certificates, nodes } = this.#options;
    return observeTable(
      table,
      {
        install,
        caches,
        certificates,
        nodes,
        provenanceOf: (children) => this.#writes.provenanceOf(children),
        nowMs: this.#nowMs,
      },
      signal,
    );
  }

  async #apply(observed: ObservedTable, plan: TablePlan, signal: AbortSignal): Promise<Applied> {
    const { client, certificates, nodes, log } = this.#options;
    const parts = { client, certificates, nodes, writes: this.#writes };
    const key = keyOf(observed.table.metadata);
    if (plan.steps.length > 0) {
      log.debug({ key, steps: plan.steps.map(({ kind }) => kind) }, 'steps of a table');
    }
    const applied = await applySteps(plan.steps, observed, { parts, signal });
    const { failure } = applied;
    if (failure !== undefined && !(failure.error instanceof KubeError)) {
      log.info(
        { key, step: failure.step.kind, reason: failure.error.message },
        'a node does not do a step',
      );
    }
    return applied;
  }

  async #tell(
    observed: ObservedTable,
    { plan, applied }: { readonly plan: TablePlan; readonly applied: Applied },
    signal: AbortSignal,
  ): Promise<void> {
    const { table } = observed;
    const status = statusOf(observed, plan, applied.refusals);
    if (this.#isTold(table, status)) return;
    try {
      await this.#writeStatus(table, status, signal);
    } catch (error) {
      // Gone, or another one of the same name: the caches will show it.
      if (!isKubeError(error, 404) && !isKubeError(error, 409)) throw error;
    }
    // Told once: what happened follows from what the status was before.
    const hindrances = plan.isPaused ? [] : conditionEvents(table.status, status);
    for (const { type, reason, message } of [...plan.events, ...hindrances]) {
      this.#options.recorder.record(table, { type, reason, action: 'Reconcile', note: message });
    }
  }

  async #writeStatus(
    table: TableResource,
    status: TableStatus,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace, name, uid } = table.metadata;
    const metadata = { name, ...(namespace && { namespace }), ...(uid && { uid }) };
    const options = { fieldManager: FIELD_MANAGER, force: true, subresource: 'status' } as const;
    const { client } = this.#options;
    const type = resources.tables;
    const written = await client.apply<TableResource>(
      type,
      { metadata, status } as const,
      options,
      signal,
    );
    this.#writes.add(table, type, written);
    this.#toldMs.set(keyOf(table.metadata), this.#monotonicMs());
  }

  #isTold(table: TableResource, status: TableStatus): boolean {
    if (isSameJson(table.status ?? {}, status)) return true;
    if (!isSameButCounts(table.status ?? {}, status)) return false;
    const toldMs = this.#toldMs.get(keyOf(table.metadata));
    if (toldMs !== undefined && this.#monotonicMs() - toldMs < COUNTS_MS) return true;
    return !this.#countsPace.take();
  }

  #spread(ms: number): number {
    if (ms < SETTLED_MS) return ms;
    const { caches, random = Math.random } = this.#options;
    const ownMs = (caches.tablesCount / LOOKS_PER_SECOND) * 1000;
    return Math.max(ms, ownMs) * (1 - LOOK_JITTER * random());
  }

  #forget(key: string): void {
    const table = this.#known.get(key);
    this.#known.delete(key);
    this.#toldMs.delete(key);
    this.#writes.forget(key);
    this.#turn.forget(key);
    if (table?.metadata.uid !== undefined) this.#options.certificates.forget(table.metadata.uid);
  }
}
