import { pause, type Scheduler, type Timer } from '../replication/scheduler.ts';
import type { NodeId, Transport } from '../replication/transport/transport.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import type { ClusterMap } from './cluster-map.ts';
import type { NodeState } from './node-state.ts';
import { methods, type NodeReport, REPORT_CHANGED_CHANNEL, type ReportCall } from './protocol.ts';

/** Every connected node is asked at least as often, whether it says that something changed or not. */
const ASK_INTERVAL_MS = 1_000;
/** A node that does not answer for so long is held to be silent: others are asked first. */
const ASK_TIMEOUT_MS = 1_000;
/** Refreshes on demand start at most as often. */
const REFRESH_INTERVAL_MS = 50;
/** The longest that a refresh waits for nodes. */
export const REFRESH_TIMEOUT_MS = 500;

export interface MapLearnerOptions {
  readonly map: ClusterMap;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  /** This process is a node itself, and asks itself too. */
  readonly isNode: boolean;
  /** Called after each report that was taken in. */
  readonly onReport: () => void;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** A node's question for its report. */
interface Asking {
  /** Settled when the answer was taken in, or when there was none. Never rejects. */
  readonly done: Promise<void>;
  /** The one behind it, for whoever wants to know what came after this one was asked. */
  next: Promise<void> | undefined;
}

/**
 * Keeps a ClusterMap up to date: asks every connected node for its report when a connection comes
 * up, when the node says that something changed, on demand, and every second. One question a node
 * is under way at a time. What a node that is away has reported stays as it was.
 */
export class MapLearner {
  readonly #options: MapLearnerOptions;
  readonly #asking = new Map<NodeId, Asking>();
  #timer: Timer | undefined;
  /** The refresh that has not started yet. */
  #refresh: Promise<void> | undefined;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: MapLearnerOptions) {
    this.#options = options;
  }

  /** Begins to learn; called once. */
  start(): void {
    const { map, transport, isNode } = this.#options;
    transport.onPeer((peer, isUp) => this.#onPeer(peer, isUp));
    transport.onMessage(REPORT_CHANGED_CHANNEL, (from) => this.#onChanged(from));
    if (isNode) map.node(transport.self).isUp = true;
    this.#tick();
  }

  /**
   * Resolves when all nodes that answer have been asked anew, or after `timeoutMs`. Calls share
   * their questions: they are asked at most every 50 ms.
   */
  refresh(timeoutMs: number = REFRESH_TIMEOUT_MS): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#refresh ??= this.#startRefresh();
    return this.#within(this.#refresh, timeoutMs);
  }

  /** Resolves when this node was asked anew, or does not answer. */
  refreshNode(node: NodeState): Promise<void> {
    return this.#within(this.#ask(node), REFRESH_TIMEOUT_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #tick(): void {
    const { map, transport } = this.#options;
    for (const { id, role } of transport.peers()) if (role === 'node') map.node(id).isUp = true;
    for (const node of this.#connected()) if (!this.#asking.has(node.id)) void this.#ask(node);
    this.#timer = this.#options.scheduler.after(ASK_INTERVAL_MS, () => this.#tick());
  }

  #onPeer(peer: NodeId, isUp: boolean): void {
    const { map, transport } = this.#options;
    if (!isUp) {
      if (map.knows(peer)) map.node(peer).isUp = false;
      return;
    }
    const isNode = transport.peers().some(({ id, role }) => id === peer && role === 'node');
    if (!isNode || this.#isClosed) return;
    const node = map.node(peer);
    node.isUp = true;
    node.isSilent = false;
    node.suspectUntilMs = 0;
    void this.#ask(node);
  }

  #onChanged(from: NodeId): void {
    if (!this.#isClosed) void this.#ask(this.#options.map.node(from));
  }

  *#connected(): Iterable<NodeState> {
    for (const node of this.#options.map.nodes()) if (node.isUp) yield node;
  }

  async #startRefresh(): Promise<void> {
    const { scheduler } = this.#options;
    const waitMs = this.#refreshedAtMs + REFRESH_INTERVAL_MS - scheduler.monotonicMs();
    if (waitMs > 0) await pause(scheduler, waitMs);
    else await Promise.resolve();
    this.#refresh = undefined;
    this.#refreshedAtMs = scheduler.monotonicMs();
    // A silent node is asked every second anyway, and would only be waited for.
    const asked = [...this.#connected()].filter((node) => !node.isSilent);
    await Promise.all(asked.map((node) => this.#ask(node)));
  }

  /** Asks a node anew; resolves when that is answered, or failed. */
  #ask(node: NodeState): Promise<void> {
    const running = this.#asking.get(node.id);
    if (running !== undefined) {
      running.next ??= running.done.then(() => this.#ask(node));
      return running.next;
    }
    const done = this.#askOnce(node).finally(() => this.#asking.delete(node.id));
    this.#asking.set(node.id, { done, next: undefined });
    return done;
  }

  async #askOnce(node: NodeState): Promise<void> {
    if (this.#isClosed || !node.isUp) return;
    const { processId, version } = node;
    const since = version < 0 ? undefined : { processId, version };
    if ((await this.#askSince(node, since)) && !this.#isClosed && since !== undefined) {
      await this.#askSince(node, undefined);
    }
  }

  /** Returns whether the answer lacked something, so that all is to be asked for. */
  async #askSince(node: NodeState, since: ReportCall['since']): Promise<boolean> {
    const { map, transport, scheduler, log } = this.#options;
    try {
      const call: ReportCall = { since };
      const report = (await transport.request(node.id, methods.report, call, {
        timeoutMs: ASK_TIMEOUT_MS,
      })) as NodeReport; // what nodes of the cluster answer
      node.isSilent = false;
      node.suspectUntilMs = 0;
      const nowMs = scheduler.monotonicMs();
      const { isIncomplete, unreadableCount } = map.merge(report, since, nowMs);
      if (unreadableCount > 0) log('configurationsUnreadable', { node: node.id, unreadableCount });
      this.#options.onReport();
      return isIncomplete;
    } catch (error) {
      if (!(error instanceof RequestFailed || error instanceof RemoteFailure)) throw error;
      const isSilent = error instanceof RequestFailed && error.outcome === 'unknown' && node.isUp;
      if (isSilent && !node.isSilent) log('nodeSilent', { node: node.id });
      node.isSilent = isSilent;
      return false;
    }
  }

  async #within(work: Promise<void>, timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.scheduler.after(timeoutMs, resolve);
    try {
      await Promise.race([work, promise]);
    } finally {
      timer.cancel();
    }
  }
}
