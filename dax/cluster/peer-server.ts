import type { Invalidation } from './coherence.ts';
import type { CoherenceLimits } from './coherence-limits.ts';
import {
  decodeFrame,
  encodeFrame,
  type L2State,
  type PeerFrame,
  PeerFrameError,
} from './peer-frame.ts';
import type { Channel, ChannelEvents, PeerNetwork } from './peer-network.ts';
import type { Scheduler } from './scheduler.ts';

export interface PeerServerEvents {
  /** Of this node, now; empty if it is no member. */
  incarnation(): string;
  epoch(): number;
  onEpoch(epoch: number): void;
  /** These do their work before they return. */
  onInvalidation(message: Invalidation): void;
  onDropAll(): void;
  onL2State(state: L2State): void;
  onBroken(reason: string): void;
}

export interface PeerServerOptions {
  readonly cluster: string;
  readonly network: PeerNetwork;
  readonly limits: CoherenceLimits;
  readonly scheduler: Scheduler;
  readonly events: PeerServerEvents;
}

/** Channels that others opened: all members, a few times over while they reconnect. */
const CHANNELS_MAX = 256;

/**
 * What other nodes send: handled as it arrives, and acknowledged at the end of the turn.
 *
 * Whoever belongs to the cluster is listened to, be he a member or not: dropping a cached value is right in any view.
 */
export class PeerServer {
  readonly #options: PeerServerOptions;
  readonly #channels = new Set<ServedChannel>();

  constructor(options: PeerServerOptions) {
    this.#options = options;
    options.network.onChannel((channel) => this.#accept(channel));
  }

  tick(elapsedMs: number): void {
    for (const served of this.#channels) served.tick(elapsedMs);
  }

  dropAll(): void {
    for (const served of this.#channels) served.close();
    this.#channels.clear();
  }

  #accept(channel: Channel): ChannelEvents {
    const served = new ServedChannel(channel, this.#options, () => this.#channels.delete(served));
    if (this.#channels.size >= CHANNELS_MAX) served.close();
    else this.#channels.add(served);
    return served;
  }
}

class ServedChannel implements ChannelEvents {
  readonly #channel: Channel;
  readonly #options: PeerServerOptions;
  readonly #onGone: () => void;
  #isGreeted = false;
  #isClosed = false;
  #isAckPlanned = false;
  #handledSeq = 0;
  #strangeMs = 0;

  constructor(channel: Channel, options: PeerServerOptions, onGone: () => void) {
    this.#channel = channel;
    this.#options = options;
    this.#onGone = onGone;
  }

  onOpen(): void {}

  onFrame(bytes: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#handle(decodeFrame(bytes));
    } catch (error) {
      if (!(error instanceof PeerFrameError)) throw error;
      this.#options.events.onBroken(error.message);
      this.close();
    }
  }

  onClosed(): void {
    this.#isClosed = true;
    this.#onGone();
  }

  /** A stranger has so long to say who he is. */
  tick(elapsedMs: number): void {
    if (this.#isGreeted) return;
    this.#strangeMs += elapsedMs;
    if (this.#strangeMs >= this.#options.limits.helloMs) this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#channel.close();
    this.onClosed();
  }

  #handle(frame: PeerFrame): void {
    const { events } = this.#options;
    if (!this.#isGreeted && frame.kind !== 'hello')
      throw new PeerFrameError(`a stranger sent ${frame.kind}`);
    switch (frame.kind) {
      case 'hello':
        this.#greet(frame);
        events.onEpoch(frame.epoch);
        return;
      case 'ping':
        events.onEpoch(frame.epoch);
        break;
      case 'invalidate':
        events.onInvalidation(frame.message);
        this.#handled(frame.seq);
        break;
      case 'dropAll':
        events.onDropAll();
        this.#handled(frame.seq);
        break;
      case 'l2':
        events.onL2State(frame);
        this.#handled(frame.seq);
        break;
      case 'welcome':
      case 'ack':
        throw new PeerFrameError(`a peer that dialled does not send ${frame.kind}`);
      default:
        frame satisfies never;
    }
    this.#ackSoon();
  }

  #greet({ cluster, nodeId, to }: PeerFrame & { readonly kind: 'hello' }): void {
    const { events } = this.#options;
    if (this.#isGreeted) throw new PeerFrameError('a peer said hello twice');
    if (cluster !== this.#options.cluster)
      throw new PeerFrameError(`node ${nodeId} of the cluster ${cluster.slice(0, 100)} said hello`);
    const incarnation = events.incarnation();
    this.#channel.send(encodeFrame({ kind: 'welcome', incarnation, epoch: events.epoch() }));
    // Whoever wanted another incarnation hangs up; his invalidations would be acknowledged for the wrong one.
    if (to !== '' && to === incarnation) this.#isGreeted = true;
  }

  /** Holds have no number. */
  #handled(seq: number): void {
    this.#handledSeq = Math.max(this.#handledSeq, seq);
  }

  #ackSoon(): void {
    if (this.#isAckPlanned) return;
    this.#isAckPlanned = true;
    this.#options.scheduler.soon(() => {
      this.#isAckPlanned = false;
      if (this.#isClosed) return;
      const { events } = this.#options;
      this.#channel.send(
        encodeFrame({ kind: 'ack', seq: this.#handledSeq, epoch: events.epoch() }),
      );
    });
  }
}
