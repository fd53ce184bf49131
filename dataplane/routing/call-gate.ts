import type { Scheduler } from '../replication/scheduler.ts';
import type { NodeState } from './node-state.ts';
import type { PartitionRoute } from './partition-route.ts';

/** Bounds on the calls of this process, so that a slow node cannot fill its memory. */
export interface CallBounds {
  /** Under way at one node, and in all. */
  readonly perNodeMax: number;
  readonly totalMax: number;
  /** Waiting for a place, for one partition. */
  readonly waitingPerPartitionMax: number;
}

export const defaultCallBounds: CallBounds = {
  perNodeMax: 1_024,
  totalMax: 4_096,
  waitingPerPartitionMax: 512,
};

interface Waiter {
  readonly route: PartitionRoute;
  readonly settle: (hasEntered: boolean) => void;
}

/** Counts the calls under way, and lets those beyond the bounds wait in order. */
export class CallGate {
  readonly #bounds: CallBounds;
  readonly #scheduler: Scheduler;
  readonly #waiting = new Map<NodeState, Waiter[]>();
  #count = 0;

  constructor(bounds: CallBounds, scheduler: Scheduler) {
    this.#bounds = bounds;
    this.#scheduler = scheduler;
  }

  /** Calls under way. */
  get count(): number {
    return this.#count;
  }

  /** Takes a place at the node, if there is one. */
  tryEnter(node: NodeState): boolean {
    const { perNodeMax, totalMax } = this.#bounds;
    if (node.callsCount >= perNodeMax || this.#count >= totalMax) return false;
    node.callsCount += 1;
    this.#count += 1;
    return true;
  }

  leave(node: NodeState): void {
    node.callsCount -= 1;
    this.#count -= 1;
    if (this.#waiting.size > 0) this.#admitNext(node);
  }

  /** Whether no further call may wait for this partition. */
  isFull(route: PartitionRoute): boolean {
    return route.waitingCount >= this.#bounds.waitingPerPartitionMax;
  }

  /** Waits for a place at the node; false when there was none in time, or the partition moved. */
  wait(node: NodeState, route: PartitionRoute, timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const end = () => {
      this.#remove(node, waiter);
      waiter.settle(false);
    };
    const timer = this.#scheduler.after(timeoutMs, end);
    const forget = route.onceChanged(end);
    const waiter: Waiter = {
      route,
      settle: (hasEntered) => {
        timer.cancel();
        forget();
        resolve(hasEntered);
      },
    };
    route.waitingCount += 1;
    const waiting = this.#waiting.get(node);
    if (waiting === undefined) this.#waiting.set(node, [waiter]);
    else waiting.push(waiter);
    return promise;
  }

  /** The node whose call ended comes first: what frees a place in all may be for any. */
  #admitNext(left: NodeState): void {
    if (this.#admitOne(left)) return;
    for (const node of this.#waiting.keys()) if (this.#admitOne(node)) return;
  }

  #admitOne(node: NodeState): boolean {
    const waiter = this.#waiting.get(node)?.[0];
    if (waiter === undefined || !this.tryEnter(node)) return false;
    this.#remove(node, waiter);
    waiter.settle(true);
    return true;
  }

  #remove(node: NodeState, waiter: Waiter): void {
    const waiting = this.#waiting.get(node);
    const index = waiting?.indexOf(waiter) ?? -1;
    if (waiting === undefined || index < 0) return;
    waiting.splice(index, 1);
    waiter.route.waitingCount -= 1;
    if (waiting.length === 0) this.#waiting.delete(node);
  }
}
