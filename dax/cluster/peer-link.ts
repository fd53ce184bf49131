import type { CoherenceLimits } from './coherence-limits.ts';
import type { InvalidationLog } from './invalidation-log.ts';
import { decodeFrame, encodeFrame, type PeerFrame, PeerFrameError } from './peer-frame.ts';
import type { Channel, PeerNetwork } from './peer-network.ts';
import type { ViewMember } from './view.ts';

export interface PeerLinkOptions {
  readonly member: ViewMember;
  readonly network: PeerNetwork;
  readonly log: InvalidationLog;
  readonly limits: CoherenceLimits;
  readonly random: () => number;
  readonly events: PeerLinkEvents;
}

export interface PeerLinkEvents {
  hello(to: string): PeerFrame;
  epoch(): number;
  /** Frames that a peer gets before all others, unnumbered: what it may not have seen. */
  holds(): Iterable<Buffer>;
  onAck(): void;
  onEpoch(epoch: number): void;
  /** Another incarnation answers in the member's place. */
  onStranger(incarnation: string): void;
  onBroken(reason: string): void;
}

type State = 'down' | 'dialling' | 'greeting' | 'up';

/**
 * This node's connection to one incarnation of a peer, as long as that is a member: sends what is in the log, in order,
 * over one channel after the other, and knows what was acknowledged.
 *
 * What a channel lost is sent again: dropping a cached value twice does no harm.
 */
export class PeerLink {
  readonly member: ViewMember;
  readonly #options: PeerLinkOptions;
  #state: State = 'down';
  #channel: Channel | undefined;
  #ackedSeq: number;
  #ackedBytes: number;
  /** Of this channel. */
  #sentSeq = 0;
  #stateMs = 0;
  #redialMs = 0;
  #redialWaitMs = 0;
  #idleMs = 0;
  #silentMs = 0;
  #overdueMs = 0;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.member = options.member;
    this.#ackedSeq = options.log.goneSeq;
    this.#ackedBytes = options.log.goneBytes;
    this.#dial();
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  /** For how long something has been waiting for the peer's acknowledgement without any progress. */
  get overdueMs(): number {
    return this.#overdueMs;
  }

  /** For how long nothing has come from the peer. */
  get silentMs(): number {
    return this.#silentMs;
  }

  /** Sends what is new in the log, as far as the window is open. */
  pump(): void {
    const { log, limits } = this.#options;
    if (this.#state !== 'up') return;
    while (this.#sentSeq < log.lastSeq) {
      const entry = log.at(this.#sentSeq + 1);
      const isFirst = this.#sentSeq === this.#ackedSeq;
      if (!isFirst && entry.endBytes - this.#ackedBytes > limits.windowBytesMax) return;
      this.#send(entry.frame);
      this.#sentSeq = entry.seq;
    }
  }

  /** Tells the peer of the epoch that this node knows. */
  ping(): void {
    if (this.#state === 'up')
      this.#send(encodeFrame({ kind: 'ping', epoch: this.#options.events.epoch() }));
  }

  /** @param elapsedMs time in which this process did run */
  tick(elapsedMs: number): void {
    const { limits, log } = this.#options;
    this.#stateMs += elapsedMs;
    this.#idleMs += elapsedMs;
    this.#silentMs += elapsedMs;
    this.#overdueMs = this.#ackedSeq < log.lastSeq ? this.#overdueMs + elapsedMs : 0;
    switch (this.#state) {
      case 'down':
        if (this.#stateMs >= this.#redialMs) this.#dial();
        break;
      case 'dialling':
      case 'greeting':
        if (this.#stateMs >= limits.helloMs) this.#lose('no handshake in time');
        break;
      case 'up':
        if (this.#silentMs >= limits.deadMs && this.#stateMs >= limits.deadMs)
          this.#lose('nothing comes from the peer');
        else if (this.#idleMs >= limits.pingMs) this.ping();
        break;
      default:
        this.#state satisfies never;
    }
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
    this.#state = 'down';
    this.#redialMs = Number.POSITIVE_INFINITY;
  }

  #dial(): void {
    const { network, member } = this.#options;
    this.#enter('dialling');
    // A channel that was given up may still have something to say: only the latest counts.
    const channel: Channel = network.dial(
      { host: member.address, port: member.peerPort },
      {
        onOpen: () => this.#ifCurrent(channel, () => this.#greet()),
        onFrame: (frame) => this.#ifCurrent(channel, () => this.#receive(frame)),
        onClosed: (reason) => this.#ifCurrent(channel, () => this.#lose(reason)),
      },
    );
    this.#channel = channel;
  }

  #ifCurrent(channel: Channel, then: () => void): void {
    if (this.#channel === channel) then();
  }

  #greet(): void {
    this.#enter('greeting');
    this.#send(encodeFrame(this.#options.events.hello(this.member.incarnation)));
  }

  #receive(bytes: Buffer): void {
    try {
      this.#onFrame(decodeFrame(bytes));
    } catch (error) {
      if (!(error instanceof PeerFrameError)) throw error;
      this.#options.events.onBroken(error.message);
      this.#lose(error.message);
    }
  }

  #onFrame(frame: PeerFrame): void {
    const { events } = this.#options;
    if (frame.kind === 'welcome' && this.#state === 'greeting') {
      this.#onWelcome(frame.incarnation);
    } else if (frame.kind === 'ack' && this.#state === 'up') {
      this.#onAck(frame.seq);
    } else {
      throw new PeerFrameError(`a peer that was dialled does not send ${frame.kind}`);
    }
    events.onEpoch(frame.epoch);
  }

  #onWelcome(incarnation: string): void {
    const { events } = this.#options;
    if (incarnation !== this.member.incarnation) {
      this.#lose('another incarnation answers');
      events.onStranger(incarnation);
      return;
    }
    this.#enter('up');
    this.#redialWaitMs = 0;
    this.#silentMs = 0;
    this.#sentSeq = this.#ackedSeq;
    for (const frame of events.holds()) this.#send(frame);
    this.pump();
  }

  #onAck(seq: number): void {
    const { log, events } = this.#options;
    if (seq > this.#sentSeq) throw new PeerFrameError('an acknowledgement of what was not sent');
    this.#silentMs = 0;
    if (seq <= this.#ackedSeq) return;
    this.#overdueMs = 0;
    // Whatever has left the log was acknowledged.
    this.#ackedBytes = seq > log.goneSeq ? log.at(seq).endBytes : log.goneBytes;
    this.#ackedSeq = seq;
    this.pump();
    events.onAck();
  }

  #lose(_reason: string): void {
    const { limits, random } = this.#options;
    this.#channel?.close();
    this.#channel = undefined;
    this.#enter('down');
    this.#redialMs = this.#redialWaitMs * (0.5 + random() / 2);
    this.#redialWaitMs = Math.min(limits.redialMsMax, 2 * this.#redialWaitMs + limits.tickMs);
  }

  #send(frame: Buffer): void {
    this.#idleMs = 0;
    this.#channel?.send(frame);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#stateMs = 0;
  }
}
