import type { Direction, LinkFaults } from '../replication/transport/link-faults.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { BrokenLink, FaultSwitch } from './node-admin.ts';

/** Breaks links of the transport, and remembers which ones, so that people can be told. */
export class LinkSwitch implements FaultSwitch {
  readonly #faults: LinkFaults;
  readonly #peers: () => readonly NodeId[];
  readonly #links = new Map<NodeId, BrokenLink>();

  /** @param peers of now: the topology may change */
  constructor(faults: LinkFaults, peers: () => readonly NodeId[]) {
    this.#faults = faults;
    this.#peers = peers;
  }

  get links(): readonly BrokenLink[] {
    return [...this.#links.values()];
  }

  get peers(): readonly NodeId[] {
    return this.#peers();
  }

  block(peer: NodeId, direction: Direction): void {
    this.#faults.block(peer, direction);
    this.#links.set(peer, { ...this.#links.get(peer), peer, direction });
  }

  delay(peer: NodeId, delayMs: number): void {
    this.#faults.delay(peer, delayMs);
    this.#links.set(peer, { ...this.#links.get(peer), peer, delayMs });
  }

  heal(peer: NodeId): void {
    this.#faults.heal(peer);
    this.#links.delete(peer);
  }
}
