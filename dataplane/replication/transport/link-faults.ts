import type { Scheduler } from '../scheduler.ts';
import type { OutboxFaults } from './outbox.ts';
import type { NodeId } from './transport.ts';

export type Direction = 'in' | 'out' | 'both';

/**
 * Breaks links of one transport on purpose, for tests and `hack/cluster partition`. A blocked
 * connection stays up, as one does when a cable is pulled: what is sent that way is lost without
 * a word until either side notices the silence, and no new connection comes about.
 */
export class LinkFaults {
  readonly #blocked = new Map<NodeId, Direction>();
  readonly #delaysMs = new Map<NodeId, number>();

  /** Replaces what was blocked of this link before. */
  block(peer: NodeId, direction: Direction): void {
    this.#blocked.set(peer, direction);
  }

  /** Keeps everything that is sent to the peer back for this long; order is kept. */
  delay(peer: NodeId, delayMs: number): void {
    this.#delaysMs.set(peer, delayMs);
  }

  /** Ends blocks and delays of this link. */
  heal(peer: NodeId): void {
    this.#blocked.delete(peer);
    this.#delaysMs.delete(peer);
  }

  blocks(peer: NodeId, direction: 'in' | 'out'): boolean {
    const blocked = this.#blocked.get(peer);
    return blocked === 'both' || blocked === direction;
  }

  /** A handshake takes both directions. */
  blocksAny(peer: NodeId): boolean {
    return this.#blocked.has(peer);
  }

  delayMs(peer: NodeId): number {
    return this.#delaysMs.get(peer) ?? 0;
  }
}

/** One link's faults, applied to what is written to it. */
export class FaultyWrites implements OutboxFaults {
  readonly #faults: LinkFaults;
  readonly #peer: NodeId;
  readonly #scheduler: Scheduler;
  #delayed: (() => void)[] = [];
  #lastDueMs = 0;

  constructor(faults: LinkFaults, peer: NodeId, scheduler: Scheduler) {
    this.#faults = faults;
    this.#peer = peer;
    this.#scheduler = scheduler;
  }

  isLost(): boolean {
    return this.#faults.blocks(this.#peer, 'out');
  }

  delay(write: () => void): void {
    const nowMs = this.#scheduler.monotonicMs();
    const dueMs = Math.max(nowMs + this.#faults.delayMs(this.#peer), this.#lastDueMs);
    if (dueMs <= nowMs && this.#delayed.length === 0) {
      write();
      return;
    }
    this.#lastDueMs = dueMs;
    // Timers of different lengths may fire out of order: each takes the oldest write.
    this.#delayed.push(write);
    this.#scheduler.after(dueMs - nowMs, () => this.#delayed.shift()?.());
  }
}
