import type { Scheduler } from '../replication/scheduler.ts';
import type { Transport } from '../replication/transport/transport.ts';
import { RequestFailed } from '../replication/transport/transport.ts';
import {
  CallFailed,
  finalError,
  leaderHintOf,
  reasonOf,
  type Verdict,
  verdictOf,
} from './call-failure.ts';
import type { CallGate } from './call-gate.ts';
import type { ClusterMap } from './cluster-map.ts';
import type { MapLearner } from './map-learner.ts';
import type { NodeState } from './node-state.ts';
import type { PartitionRoute } from './partition-route.ts';

/** A node that did not answer in time is asked after others for so long. */
const SUSPECT_MS = 1_000;
const BACK_OFF_MS_MIN = 10;
const BACK_OFF_MS_MAX = 300;
/** How often in a row a node may say that the time of a call is not of its clock. */
const CLOCK_TRIES_MAX = 3;

/** What all calls of a process share. */
export interface CallContext {
  readonly map: ClusterMap;
  readonly learner: Pick<MapLearner, 'refresh' | 'refreshNode'>;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  readonly gate: CallGate;
  /** 0 up to 1, for jitter. */
  readonly random: () => number;
  /** Told of each try that failed. */
  readonly onRetry: (reason: string) => void;
}

/** A call of a method at one of the replicas of a partition. */
export interface CallPlan {
  readonly partitionId: bigint;
  readonly method: string;
  /** The body for a try; may be made several times. */
  readonly body: (epoch: number, node: NodeState) => unknown;
  /** Who is asked, the first first. */
  readonly order: (route: PartitionRoute) => readonly NodeState[];
  /** Only the leader answers. */
  readonly isForLeader: boolean;
  /** No harm if it is done twice: a read, or a write that carries its request id. */
  readonly isRepeatable: boolean;
  readonly tryMs: number;
  /** By the scheduler's monotonic clock. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A call that did not succeed at once: asks one member of the partition after the other, in rounds
 * with growing pauses between, until one answers, the failure is final, or time is up.
 *
 * In a round each node is asked once, so that nodes which send a call to each other end nothing but
 * the round. A change of what is known of the partition ends the pause.
 */
export class PartitionCall {
  readonly #context: CallContext;
  readonly #plan: CallPlan;
  #route: PartitionRoute | undefined;
  #round = 0;
  readonly #triedInRound = new Set<NodeState>();
  /** Who is to be asked next, before all others. */
  #wanted: NodeState | undefined;
  #clockTries = 0;
  /** A try may have been done, or may still be. */
  #hasUnknown = false;
  #hasRefreshed = false;
  #lastFailure: unknown;

  constructor(context: CallContext, plan: CallPlan, route: PartitionRoute | undefined) {
    this.#context = context;
    this.#plan = plan;
    this.#route = route;
  }

  /**
   * @param first - a try that has failed already
   * @throws CallFailed, ClientFault, the signal's reason
   */
  async run(first?: { readonly node: NodeState; readonly failure: unknown }): Promise<unknown> {
    if (first !== undefined) {
      this.#triedInRound.add(first.node);
      await this.#takeFailure(first.node, first.failure);
    }
    for (;;) {
      const route = await this.#currentRoute();
      const leftMs = this.#leftMs();
      const node = this.#next(route);
      if (node === undefined) {
        await this.#endRound(route, leftMs);
        continue;
      }
      this.#triedInRound.add(node);
      const { gate } = this.#context;
      if (!gate.tryEnter(node) && !(await this.#waitForPlace(node, route, leftMs))) continue;
      let failure: unknown;
      try {
        return await this.#try(node, route);
      } catch (thrown) {
        failure = thrown;
      } finally {
        gate.leave(node);
      }
      await this.#takeFailure(node, failure);
    }
  }

  async #try(node: NodeState, route: PartitionRoute): Promise<unknown> {
    const { method, body, tryMs, signal, isForLeader } = this.#plan;
    const timeoutMs = Math.min(tryMs, this.#leftMs());
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    const { transport } = this.#context;
    const answer = await transport.request(node.id, method, body(route.epoch, node), options);
    if (isForLeader) route.takeProof(node);
    return answer;
  }

  /** @throws CallFailed when the deadline is past; the signal's reason */
  #leftMs(): number {
    const { deadlineMs, signal, partitionId, method } = this.#plan;
    signal?.throwIfAborted();
    const leftMs = deadlineMs - this.#context.scheduler.monotonicMs();
    if (leftMs > 0) return leftMs;
    const isDamaged = reasonOf(this.#lastFailure) === 'damaged';
    const code = this.#hasUnknown ? 'unknownOutcome' : isDamaged ? 'damaged' : 'unavailable';
    throw new CallFailed(code, `${method} of partition ${partitionId}: gave up`, {
      cause: this.#lastFailure,
    });
  }

  /** @throws CallFailed `noPartition` */
  async #currentRoute(): Promise<PartitionRoute> {
    const { map, learner } = this.#context;
    const { partitionId, method } = this.#plan;
    if (this.#route?.isGone === false) return this.#route;
    this.#route = map.partition(partitionId);
    if (this.#route === undefined && !this.#hasRefreshed) {
      this.#hasRefreshed = true;
      await learner.refresh();
      this.#route = map.partition(partitionId);
    }
    if (this.#route !== undefined) return this.#route;
    const code = this.#hasUnknown ? 'unknownOutcome' : 'noPartition';
    throw new CallFailed(code, `${method} of partition ${partitionId}: no node has it`);
  }

  /** Whom to ask now; undefined when nobody is left in this round. */
  #next(route: PartitionRoute): NodeState | undefined {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted?.isUp && !this.#triedInRound.has(wanted)) return wanted;
    const nowMs = this.#context.scheduler.monotonicMs();
    const nodes = this.#plan.order(route);
    // Nodes that do not answer would hold up the call; they are asked when there are no others.
    const isAnyUsable = nodes.some((node) => node.isUsable(nowMs));
    return nodes.find((node) => {
      const isWorthIt = isAnyUsable ? node.isUsable(nowMs) : node.isUp;
      return isWorthIt && !this.#triedInRound.has(node);
    });
  }

  /** @throws CallFailed when too many wait */
  #waitForPlace(node: NodeState, route: PartitionRoute, leftMs: number): Promise<boolean> {
    const { gate } = this.#context;
    if (gate.isFull(route)) {
      const message = `${this.#plan.method} of partition ${route.id}: too many calls wait`;
      throw new CallFailed(this.#hasUnknown ? 'unknownOutcome' : 'overloaded', message);
    }
    return gate.wait(node, route, Math.min(leftMs, this.#plan.tryMs));
  }

  /** @throws CallFailed, ClientFault when it is final */
  async #takeFailure(node: NodeState, failure: unknown): Promise<void> {
    const { onRetry, scheduler, learner } = this.#context;
    this.#lastFailure = failure;
    const verdict = this.#verdictOf(failure);
    onRetry(reasonOf(failure));
    if (failure instanceof RequestFailed && failure.outcome === 'unknown') {
      node.suspectUntilMs = scheduler.monotonicMs() + SUSPECT_MS;
    }
    switch (verdict) {
      case 'final':
        throw finalError(failure, `${this.#plan.method} of partition ${this.#plan.partitionId}`);
      case 'unknown':
        this.#hasUnknown = true;
        break;
      case 'later':
        await this.#backOff(this.#route);
        this.#askAgain(node);
        break;
      case 'clock':
        this.#clockTries += 1;
        await learner.refreshNode(node);
        if (this.#clockTries < CLOCK_TRIES_MAX) this.#askAgain(node);
        break;
      case 'elsewhere':
        this.#takeRefusal(node, failure);
        break;
    }
  }

  #verdictOf(failure: unknown): Verdict {
    const { isRepeatable, signal } = this.#plan;
    signal?.throwIfAborted();
    const verdict = verdictOf(failure);
    return verdict === 'unknown' && !isRepeatable ? 'final' : verdict;
  }

  #askAgain(node: NodeState): void {
    this.#triedInRound.delete(node);
    this.#wanted = node;
  }

  /** Learns from a node's refusal who may lead. */
  #takeRefusal(node: NodeState, failure: unknown): void {
    const { map, scheduler } = this.#context;
    const route = this.#route;
    if (!this.#plan.isForLeader || route === undefined || failure instanceof RequestFailed) return;
    const hint = leaderHintOf(failure) ?? { leader: undefined, term: 0 };
    const isNews = hint.term > route.leaderTerm;
    const reason = reasonOf(failure);
    if (reason === 'notLeader' || reason === 'noReplica') route.takeDenial(node.id, hint);
    if (hint.leader === undefined) return;
    const leader = map.node(hint.leader);
    // Followers name a leader that stopped answering until they elect another one.
    if (isNews || leader.isUsable(scheduler.monotonicMs())) this.#wanted = leader;
  }

  async #endRound(route: PartitionRoute, leftMs: number): Promise<void> {
    void this.#context.learner.refresh();
    await this.#backOff(route, leftMs);
    this.#triedInRound.clear();
    this.#clockTries = 0;
  }

  /** Waits a little longer each time, but no longer than until the partition is known anew. */
  #backOff(route: PartitionRoute | undefined, leftMs = BACK_OFF_MS_MAX): Promise<void> {
    const { scheduler, random } = this.#context;
    const wholeMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** this.#round);
    this.#round += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const forget = route?.onceChanged(() => end());
    const end = () => {
      timer.cancel();
      forget?.();
      resolve();
    };
    const timer = scheduler.after(Math.min(leftMs, wholeMs * (0.5 + random() / 2)), end);
    return promise;
  }
}

/** For the leader: whom the map believes to lead, then the other members. */
export function leaderFirst(route: PartitionRoute): readonly NodeState[] {
  const { leader, members } = route;
  if (leader === undefined || leader === members[0]) return members;
  return [leader, ...members.filter((member) => member !== leader)];
}

/**
 * For eventual reads: members of this zone, then others, then the leader. Others come in another
 * order each time that the route is learned anew, so that routers without a near replica spread.
 */
export function nearestFirst(
  zone: string,
  random: () => number,
): (route: PartitionRoute) => readonly NodeState[] {
  return (route) => {
    if (route.nearest !== undefined) return route.nearest;
    const { members, leader } = route;
    const turn = Math.floor(random() * members.length);
    const rank = (node: NodeState) => (node.zone === zone ? 0 : node === leader ? 2 : 1);
    route.nearest = [...members.slice(turn), ...members.slice(0, turn)].sort(
      (one, other) => rank(one) - rank(other),
    );
    return route.nearest;
  };
}
