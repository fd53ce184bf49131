import type { CoherenceLimits } from './coherence-limits.ts';
import type { InvalidationLog } from './invalidation-log.ts';
import { PeerLink, type PeerLinkEvents } from './peer-link.ts';
import type { PeerNetwork } from './peer-network.ts';
import { PeerServer, type PeerServerEvents } from './peer-server.ts';
import type { Scheduler } from './scheduler.ts';
import type { View } from './view.ts';

export interface PeerLinksOptions {
  readonly cluster: string;
  readonly network: PeerNetwork;
  readonly log: InvalidationLog;
  readonly limits: CoherenceLimits;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly events: PeerLinkEvents & PeerServerEvents;
}

/** A link to every other member of the view, and what others send over theirs. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #links = new Map<string, PeerLink>();
  readonly #server: PeerServer;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#server = new PeerServer(options);
  }

  get all(): Iterable<PeerLink> {
    return this.#links.values();
  }

  get count(): number {
    return this.#links.size;
  }

  get upCount(): number {
    let count = 0;
    for (const link of this.all) if (link.isUp) count += 1;
    return count;
  }

  /** Up to this number every other member has acknowledged everything. */
  get ackedSeq(): number {
    let seq = this.#options.log.lastSeq;
    for (const link of this.all) seq = Math.min(seq, link.ackedSeq);
    return seq;
  }

  /** Has links to exactly the members of the view that are not this incarnation. */
  follow(view: View, self: string): void {
    const wanted = new Set<string>();
    for (const member of view.members.values()) {
      const { incarnation } = member;
      if (incarnation === self) continue;
      wanted.add(incarnation);
      if (this.#links.has(incarnation)) continue;
      this.#links.set(incarnation, new PeerLink({ ...this.#options, member }));
    }
    for (const [incarnation, link] of this.#links) {
      if (wanted.has(incarnation)) continue;
      link.close();
      this.#links.delete(incarnation);
    }
  }

  /** Sends what is new in the log. */
  pump(): void {
    for (const link of this.all) link.pump();
  }

  /** Tells everybody of the epoch that this node knows. */
  ping(): void {
    for (const link of this.all) link.ping();
  }

  tick(elapsedMs: number): void {
    for (const link of this.all) link.tick(elapsedMs);
    this.#server.tick(elapsedMs);
  }

  /** Those who dialled another incarnation of this node have to dial again. */
  renameSelf(): void {
    this.#server.dropAll();
  }

  close(): void {
    for (const link of this.all) link.close();
    this.#links.clear();
    this.#server.dropAll();
  }
}
