import type { NodeId } from '../replication/transport/transport.ts';
import type { SimRandom } from './random.ts';

/** What may happen to one-way messages when the network is `lossy`: worse than TCP ever is. */
export interface Loss {
  /** Probabilities. */
  readonly drop: number;
  readonly duplicate: number;
  /** That a message is held up, so that later ones overtake it. */
  readonly reorder: number;
}

/** Where a one-way message goes wrong, if it does. */
export type Mishap = 'none' | 'drop' | 'duplicate' | 'reorder';

/**
 * The state of all links, each direction on its own: who reaches whom, and how fast.
 *
 * Every direction has a delay of its own, drawn once for a seed, with jitter around it and rare
 * spikes.
 */
export class SimLinks {
  readonly #random: SimRandom;
  readonly #baseUs = new Map<string, number>();
  readonly #blocked = new Set<string>();
  #loss: Loss | undefined;
  #slowness = 1;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  isBlocked(from: NodeId, to: NodeId): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(linkName(from, to));
  }

  /** From now on nothing gets from one to the other. What is on its way arrives. */
  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(linkName(from, to));
  }

  unblockAll(): void {
    this.#blocked.clear();
  }

  /** One-way messages over all links are mistreated like this; undefined: as over TCP. */
  setLoss(loss: Loss | undefined): void {
    this.#loss = loss;
  }

  /** All delays times this; 1 is normal. */
  setSlowness(factor: number): void {
    this.#slowness = factor;
  }

  mishap(): Mishap {
    if (this.#loss === undefined) {
      return 'none';
    }
    const { drop, duplicate, reorder } = this.#loss;
    const none = 1 - drop - duplicate - reorder;
    return this.#random.weighted<Mishap>({ none, drop, duplicate, reorder });
  }

  /** How long something sent now takes. */
  delayUs(from: NodeId, to: NodeId): number {
    const name = linkName(from, to);
    let baseUs = this.#baseUs.get(name);
    if (baseUs === undefined) {
      baseUs = this.#random.fork(name).logBetween(baseUsMin, baseUsMax);
      this.#baseUs.set(name, baseUs);
    }
    const jitterUs = this.#random.exponential(baseUs * jitterShare);
    const spikeUs = this.#random.chance(spikeChance)
      ? this.#random.logBetween(spikeUsMin, spikeUsMax)
      : 0;
    return (baseUs + jitterUs) * this.#slowness + spikeUs;
  }

  /** How much later a message that is overtaken comes. */
  holdUpUs(): number {
    return this.#random.logBetween(spikeUsMin / 10, spikeUsMax);
  }

  /** After an outage TCP sends again with growing pauses, so it notices the end of it late. */
  retransmitUs(): number {
    return this.#random.logBetween(1_000, retransmitUsMax);
  }
}

const baseUsMin = 50;
const baseUsMax = 2_000;
const jitterShare = 0.3;
const spikeChance = 0.001;
const spikeUsMin = 5_000;
const spikeUsMax = 200_000;
const retransmitUsMax = 800_000;

function linkName(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
