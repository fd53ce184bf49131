import assert from 'node:assert/strict';
import type { TransportLog } from '../replication/transport/options.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { BodyMode } from './message-body.ts';
import type { SimRandom } from './random.ts';
import { ConnectionEnd } from './sim-connection.ts';
import { SimLinks } from './sim-links.ts';
import type { Death, SimProcess } from './sim-scheduler.ts';
import { SimTransport, type TransportIdentity } from './sim-transport.ts';
import type { SimWorld } from './sim-world.ts';

export interface NetworkOptions {
  readonly bodyMode: BodyMode;
  /** Told what the transports log, e.g. that a handler failed. */
  readonly log: TransportLog;
  /** Sees every one-way message that a process sends. */
  readonly onSend?: SendListener | undefined;
}

export type SendListener = (sender: TransportIdentity, channel: string, body: unknown) => void;

/**
 * The network of a simulated cluster: every node is connected with every other process, routers
 * are not with each other. Connections come about by themselves and are taken up again.
 */
export class SimNetwork {
  readonly world: SimWorld;
  readonly links: SimLinks;
  readonly bodyMode: BodyMode;
  /** For transports. */
  readonly onSend: SendListener | undefined;
  readonly #log: TransportLog;
  readonly #random: SimRandom;
  /** The newest process of each name. */
  readonly #transports = new Map<NodeId, SimTransport>();
  /** Both ends of each connection, until both are closed; by `pairName`. */
  readonly #connections = new Map<string, readonly [ConnectionEnd, ConnectionEnd]>();
  /** Pairs that someone is dialling at. */
  readonly #dialling = new Set<string>();

  constructor(world: SimWorld, { bodyMode, log, onSend }: NetworkOptions) {
    this.world = world;
    this.onSend = onSend;
    this.bodyMode = bodyMode;
    this.#log = log;
    this.#random = world.random.fork('network');
    this.links = new SimLinks(this.#random.fork('links'));
    this.#watchLater();
  }

  /** Gives a process its transport. A name belongs to one living process at a time. */
  attach(identity: TransportIdentity, process: SimProcess): SimTransport {
    const { id } = identity;
    assert(this.#transports.get(id)?.isLive !== true, `${id} is alive already`);
    const transport = new SimTransport(this, identity, { process, log: this.#log });
    this.#transports.set(id, transport);
    process.onDeath((death) => this.#onDeath(transport, death));
    for (const other of this.#transports.values()) {
      this.#dialSoon(transport, other);
    }
    return transport;
  }

  /** For transports: an orderly end. */
  detach(transport: SimTransport): void {
    for (const end of this.#endsOf(transport)) {
      end.close('this process closes');
    }
  }

  /** Nothing gets from any of these to any of those. */
  block(from: readonly NodeId[], to: readonly NodeId[]): void {
    for (const one of from) {
      for (const other of to) {
        if (one !== other) {
          this.links.block(one, other);
        }
      }
    }
  }

  /** Nothing gets from any group to any other; who is in none reaches all. */
  partition(groups: readonly (readonly NodeId[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (other !== group) {
          this.block(group, other);
        }
      }
    }
  }

  /** Everyone reaches everyone again; what was stuck leaves. */
  unblock(): void {
    this.links.unblockAll();
    for (const ends of this.#connections.values()) {
      ends[0].unstick();
      ends[1].unstick();
    }
  }

  /** Ends blocks, loss and slowness. */
  heal(): void {
    this.links.setLoss(undefined);
    this.links.setSlowness(1);
    this.unblock();
  }

  /** Both ends of that connection are closed, as by a firewall that restarts. */
  dropConnection(one: NodeId, other: NodeId): void {
    for (const end of this.#connections.get(pairName(one, other)) ?? []) {
      end.closeSoon('the connection was reset');
    }
  }

  /** For connections: how many frames a socket holds that are not on their way. */
  socketFrames(): number {
    return this.#random.int(socketFramesMax + 1);
  }

  /** For connections: when the end arrives, in order or ahead of what is on its way. */
  resetUs(nowUs: number, inOrderUs: number): number {
    return this.#random.chance(0.5) ? inOrderUs : this.#random.between(nowUs, inOrderUs);
  }

  /** For connections. */
  onEndClosed(end: ConnectionEnd): void {
    const own = this.#transports.get(end.owner.self);
    const peer = this.#transports.get(end.peer);
    if (own === end.owner && peer !== undefined) {
      this.#dialSoon(own, peer);
    }
  }

  #onDeath(transport: SimTransport, death: Death): void {
    for (const end of this.#endsOf(transport)) {
      // Without power nobody says goodbye: the others notice the silence.
      if (death === 'kill') {
        end.tellOther('the connection was reset');
      }
    }
  }

  #endsOf(transport: SimTransport): readonly ConnectionEnd[] {
    return [...this.#connections.values()]
      .flat()
      .filter((end) => end.owner === transport && !end.isClosed);
  }

  #dialSoon(one: SimTransport, other: SimTransport): void {
    const name = pairName(one.self, other.self);
    const areRouters = one.identity.role === 'router' && other.identity.role === 'router';
    if (one === other || areRouters || this.#dialling.has(name)) {
      return;
    }
    this.#dialling.add(name);
    const backOffUs = this.#random.logBetween(dialUsMin, dialUsMax);
    this.world.schedule(backOffUs, 'net.dial', {
      fn: () => {
        this.#dialling.delete(name);
        this.#dial(one.self, other.self);
      },
    });
  }

  /** Connects the processes that now go by these names, or tries again later. */
  #dial(oneId: NodeId, otherId: NodeId): void {
    const one = this.#transports.get(oneId);
    const other = this.#transports.get(otherId);
    // The start of a process dials again.
    if (one?.isLive !== true || other?.isLive !== true) {
      return;
    }
    const name = pairName(oneId, otherId);
    const before = this.#connections.get(name) ?? [];
    if (
      before.length > 0 &&
      before.every((end) => !end.isClosed && (end.owner === one || end.owner === other))
    ) {
      return;
    }
    const isCutOff = this.links.isBlocked(oneId, otherId) || this.links.isBlocked(otherId, oneId);
    if (isCutOff || one.process.isPaused || other.process.isPaused) {
      this.#dialSoon(one, other);
      return;
    }
    for (const end of before) {
      end.close('replaced by a newer connection');
    }
    const ends = [
      new ConnectionEnd(this, one, otherId),
      new ConnectionEnd(this, other, oneId),
    ] as const;
    this.#connections.set(name, ends);
    ends[0].open(ends[1], this.links.delayUs(otherId, oneId));
    ends[1].open(ends[0], this.links.delayUs(oneId, otherId));
  }

  #watchLater(): void {
    this.world.schedule(watchUs, 'net.watch', {
      fn: () => {
        for (const ends of this.#connections.values()) {
          ends[0].watch(deadUs);
          ends[1].watch(deadUs);
        }
        this.#watchLater();
      },
    });
  }
}

/** As `deadMs` of the real transport: a peer that was silent for so long is given up. */
const deadUs = 3_000_000;
const watchUs = 250_000;
/** As `reconnectMsMin` and `reconnectMsMax`. */
const dialUsMin = 20_000;
const dialUsMax = 2_000_000;
const socketFramesMax = 8;

function pairName(one: NodeId, other: NodeId): string {
  return one < other ? `${one}~${other}` : `${other}~${one}`;
}
