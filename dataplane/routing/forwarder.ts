import type { Scheduler } from '../replication/scheduler.ts';
import type { Transport } from '../replication/transport/transport.ts';
import { CallFailed } from './call-failure.ts';
import { type CallBounds, CallGate, defaultCallBounds } from './call-gate.ts';
import type { ClusterMap } from './cluster-map.ts';
import type { MapLearner } from './map-learner.ts';
import type { NodeState } from './node-state.ts';
import {
  type CallContext,
  type CallPlan,
  leaderFirst,
  nearestFirst,
  PartitionCall,
} from './partition-call.ts';
import type { PartitionRoute } from './partition-route.ts';
import { REQUEST_DEADLINE_MS } from './protocol.ts';

/** How long one try may take, unless the call says otherwise. */
export const TRY_MS = 2_000;

export interface ForwarderOptions {
  readonly map: ClusterMap;
  readonly learner: Pick<MapLearner, 'refresh' | 'refreshNode'>;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  /** 0 up to 1, for jitter. */
  readonly random: () => number;
  /** Whose replicas are asked first for eventual reads. */
  readonly zone: string;
  readonly bounds?: CallBounds;
}

export interface CallOptions {
  /** No harm if it is done twice: a read, or a write that carries its request id. */
  readonly isRepeatable: boolean;
  /** When to give up, by the scheduler's monotonic clock; `REQUEST_DEADLINE_MS` from now by default. */
  readonly deadlineMs?: number;
  readonly tryMs?: number;
  readonly signal?: AbortSignal;
}

/** Counts since the start. */
export interface CallMetrics {
  calls: number;
  /** Tries that failed, by failure code or outcome. */
  readonly retries: Map<string, number>;
  /** Calls that ended without an answer, by code. */
  readonly failed: Map<string, number>;
}

/** The body for a try: made with the epoch of the partition and the node that is tried. */
export type BodyOf = (epoch: number, node: NodeState) => unknown;

/**
 * Calls of partitions at the nodes that have them. A call goes to the believed leader, or the
 * nearest replica, at once; only if that fails does it cost more than one request of the transport
 * (see `PartitionCall`). A call whose fate is unknown is repeated only if `isRepeatable`.
 */
export class Forwarder {
  readonly metrics: CallMetrics = { calls: 0, retries: new Map(), failed: new Map() };
  readonly #options: ForwarderOptions;
  readonly #context: CallContext;
  readonly #gate: CallGate;
  readonly #nearest: (route: PartitionRoute) => readonly NodeState[];

  constructor(options: ForwarderOptions) {
    const { scheduler, bounds = defaultCallBounds, zone, random } = options;
    this.#options = options;
    this.#gate = new CallGate(bounds, scheduler);
    this.#nearest = nearestFirst(zone, random);
    this.#context = {
      ...options,
      gate: this.#gate,
      onRetry: (reason) => count(this.metrics.retries, reason),
    };
  }

  /** Calls under way. */
  get callsInFlight(): number {
    return this.#gate.count;
  }

  /**
   * Calls a method at the leader of a partition.
   * @throws ClientFault that the node raised; CallFailed; the signal's reason
   */
  callLeader(
    partition: PartitionRoute | bigint,
    method: string,
    body: BodyOf,
    options: CallOptions,
  ): Promise<unknown> {
    const route = this.#routeOf(partition);
    const plan = { partition, method, body, options, isForLeader: true, order: leaderFirst };
    return this.#call(route?.leader, route, plan);
  }

  /**
   * Calls a method that only reads at the nearest replica that can do it.
   * @throws ClientFault that the node raised; CallFailed; the signal's reason
   */
  callNearest(
    partition: PartitionRoute | bigint,
    method: string,
    body: BodyOf,
    options: CallOptions = repeatable,
  ): Promise<unknown> {
    const route = this.#routeOf(partition);
    const nearest = route === undefined ? undefined : this.#firstUsable(this.#nearest(route));
    const plan = { partition, method, body, options, isForLeader: false, order: this.#nearest };
    return this.#call(nearest, route, plan);
  }

  async #call(
    node: NodeState | undefined,
    route: PartitionRoute | undefined,
    call: OpenPlan,
  ): Promise<unknown> {
    this.metrics.calls += 1;
    const startMs = this.#options.scheduler.monotonicMs();
    if (
      route === undefined ||
      node === undefined ||
      !node.isUsable(startMs) ||
      !this.#gate.tryEnter(node)
    ) {
      return this.#search(route, call, startMs);
    }
    let failure: unknown;
    try {
      const { transport } = this.#options;
      const options = tryOptions(call.options, startMs);
      return await transport.request(node.id, call.method, call.body(route.epoch, node), options);
    } catch (thrown) {
      failure = thrown;
    } finally {
      this.#gate.leave(node);
    }
    return this.#search(route, call, startMs, { node, failure });
  }

  async #search(
    route: PartitionRoute | undefined,
    call: OpenPlan,
    startMs: number,
    first?: { readonly node: NodeState; readonly failure: unknown },
  ): Promise<unknown> {
    const { partition, options, ...rest } = call;
    const plan: CallPlan = {
      ...rest,
      partitionId: typeof partition === 'bigint' ? partition : partition.id,
      isRepeatable: options.isRepeatable,
      tryMs: options.tryMs ?? TRY_MS,
      deadlineMs: options.deadlineMs ?? startMs + REQUEST_DEADLINE_MS,
      signal: options.signal,
    };
    try {
      return await new PartitionCall(this.#context, plan, route).run(first);
    } catch (error) {
      if (error instanceof CallFailed) count(this.metrics.failed, error.code);
      throw error;
    }
  }

  #firstUsable(nodes: readonly NodeState[]): NodeState | undefined {
    const nowMs = this.#options.scheduler.monotonicMs();
    for (const node of nodes) if (node.isUsable(nowMs)) return node;
    return undefined;
  }

  #routeOf(partition: PartitionRoute | bigint): PartitionRoute | undefined {
    return typeof partition === 'bigint' ? this.#options.map.partition(partition) : partition;
  }
}

/** Of reads and of writes that carry their request id. */
export const repeatable: CallOptions = { isRepeatable: true };

/** A plan before it is known to need more than one try. */
type OpenPlan = Pick<CallPlan, 'method' | 'body' | 'order' | 'isForLeader'> & {
  readonly partition: PartitionRoute | bigint;
  readonly options: CallOptions;
};

const usualTry = { timeoutMs: TRY_MS };

function tryOptions({ tryMs = TRY_MS, deadlineMs, signal }: CallOptions, nowMs: number) {
  if (tryMs === TRY_MS && deadlineMs === undefined && signal === undefined) return usualTry;
  const timeoutMs = Math.min(tryMs, (deadlineMs ?? Number.POSITIVE_INFINITY) - nowMs);
  return signal === undefined ? { timeoutMs } : { timeoutMs, signal };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
