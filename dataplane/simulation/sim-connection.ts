import {
  type NodeId,
  RemoteFailure,
  type RequestOptions,
} from '../replication/transport/transport.ts';
import { carryBody } from './message-body.ts';
import type { SimNetwork } from './sim-network.ts';
import { PendingCalls, ServedRequest } from './sim-requests.ts';
import type { SimTransport, TransportIdentity } from './sim-transport.ts';

/** A frame on its way: what it is, and what it does at the receiver. */
interface Frame {
  readonly label: string;
  readonly arrive: (end: ConnectionEnd) => void;
}

/**
 * One process's end of a connection. Frames to the other end keep their order. A blocked link does
 * not close it: frames wait, as TCP sends again, until the block ends or someone gives up.
 */
export class ConnectionEnd {
  readonly owner: SimTransport;
  readonly peer: NodeId;
  readonly #network: SimNetwork;
  readonly #calls: PendingCalls;
  /** Requests of the peer that handlers are at work on. */
  readonly #serving = new Map<number, ServedRequest>();
  #other: ConnectionEnd | undefined;
  #isUp = false;
  #isClosed = false;
  /** Earliest arrival of the next frame, for frames arrive in order. */
  #arrivalUs = 0;
  #framesCount = 0;
  /** Sent, not arrived. */
  #travellingCount = 0;
  /** What a block keeps from leaving. */
  #stuck: Frame[] = [];
  /** Since when nothing can have come from the peer; undefined while something may. */
  #silentSinceUs: number | undefined;

  constructor(network: SimNetwork, owner: SimTransport, peer: NodeId) {
    this.#network = network;
    this.owner = owner;
    this.peer = peer;
    this.#calls = new PendingCalls(peer, owner.process, (id) => this.#sendCancel(id));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Who is at the other end: the process of that time, not one that goes by its name now. */
  get peerIdentity(): TransportIdentity | undefined {
    return this.#other?.owner.identity;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Begins: this end is up after `delayUs`, and nothing arrives here before. */
  open(other: ConnectionEnd, delayUs: number): void {
    this.#other = other;
    other.#arrivalUs = this.#network.world.nowUs + delayUs;
    this.owner.process.afterUs(delayUs, 'net.up', () => {
      if (!this.#isClosed) {
        this.#isUp = true;
        this.owner.peerChanged(this, true);
      }
    });
  }

  send(channel: string, body: unknown): boolean {
    if (this.#isFull) {
      return false;
    }
    const take = carryBody(body, this.#network.bodyMode);
    const frame: Frame = {
      label: `net.${channel}`,
      arrive: (end) => end.owner.deliver(this.owner.self, channel, take()),
    };
    const { links } = this.#network;
    const mishap = links.mishap();
    if (mishap === 'drop') {
      return true;
    }
    if (mishap === 'reorder') {
      this.#sendLate(frame);
      return true;
    }
    if (mishap === 'duplicate') {
      // A body may be taken once only.
      const again = carryBody(body, this.#network.bodyMode);
      this.#sendLate({
        label: frame.label,
        arrive: (end) => end.owner.deliver(this.owner.self, channel, again()),
      });
    }
    this.#add(frame);
    return true;
  }

  request(method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    return this.#calls.start(method, options, (id) => {
      if (this.#isFull) {
        return undefined;
      }
      const take = carryBody(body, this.#network.bodyMode);
      return this.#add({
        label: `net.${method}`,
        arrive: (end) => end.#serve(id, method, take()),
      });
    });
  }

  /** The link to the peer is open again: what was stuck leaves, in order. */
  unstick(): void {
    const { world, links } = this.#network;
    if (this.#stuck.length > 0 && this.#canSend) {
      world.schedule(links.retransmitUs(), 'net.retransmit', {
        fn: () => {
          if (this.#canSend && !links.isBlocked(this.owner.self, this.peer)) {
            const stuck = this.#stuck;
            this.#stuck = [];
            for (const frame of stuck) {
              this.#travel(frame);
            }
          }
        },
      });
    }
  }

  /** Ends this end: calls fail, handlers are told. The other one learns of it if the link lets it. */
  close(reason: string): void {
    if (this.#isClosed) {
      return;
    }
    const wasUp = this.#isUp;
    this.#isClosed = true;
    this.#isUp = false;
    if (!this.owner.process.isAlive) {
      return; // Nobody is there who could be told.
    }
    this.tellOther('the peer closed the connection');
    // What the socket holds may still get out; what waits before it is certain not to.
    const unhandedCount = Math.max(0, this.#stuck.length - this.#network.socketFrames());
    this.#stuck = [];
    this.#calls.failAll(this.#framesCount - unhandedCount, reason);
    for (const request of this.#serving.values()) {
      request.giveUp();
    }
    if (wasUp) {
      this.owner.peerChanged(this, false);
    }
    this.#network.onEndClosed(this);
  }

  /** Closes in an event of its process, which may be paused. */
  closeSoon(reason: string): void {
    if (!this.#isClosed) {
      this.owner.process.afterUs(0, 'net.down', () => this.close(reason));
    }
  }

  /** The end of the connection, as a frame behind all others; or ahead of them, as resets are. */
  tellOther(reason: string): void {
    const other = this.#other;
    const { links, world } = this.#network;
    if (other === undefined || other.#isClosed || links.isBlocked(this.owner.self, this.peer)) {
      return;
    }
    const inOrderUs = Math.max(
      this.#arrivalUs,
      world.nowUs + links.delayUs(this.owner.self, this.peer),
    );
    const aheadUs = this.#network.resetUs(world.nowUs, inOrderUs);
    other.owner.process.afterUs(aheadUs - world.nowUs, 'net.down', () => other.close(reason));
  }

  /** Now and then: has the peer been silent for too long? */
  watch(deadUs: number): void {
    const { world, links } = this.#network;
    const other = this.#other;
    // A paused process reads what has come meanwhile before it judges.
    if (other === undefined || !this.#canSend || this.owner.process.isPaused) {
      return;
    }
    const { process } = other.owner;
    const isSilent =
      other.#isClosed ||
      !process.isAlive ||
      process.isPaused ||
      links.isBlocked(this.peer, this.owner.self);
    if (!isSilent) {
      this.#silentSinceUs = undefined;
      return;
    }
    this.#silentSinceUs ??= world.nowUs;
    if (world.nowUs - this.#silentSinceUs > deadUs) {
      this.closeSoon('not heard of for too long');
    }
  }

  /** Neither closed nor the end of a process that is gone. */
  get #canSend(): boolean {
    return !this.#isClosed && this.owner.process.isAlive;
  }

  get #isFull(): boolean {
    return this.#isClosed || this.#travellingCount + this.#stuck.length >= queueFramesMax;
  }

  #serve(id: number, method: string, body: unknown): void {
    const request = new ServedRequest(this.peer);
    this.#serving.set(id, request);
    this.owner.methods.run(method, body, request, (failure, result) => {
      this.#serving.delete(id);
      if (!request.isGivenUp) {
        this.#answer(id, failure, result);
      }
    });
  }

  #answer(id: number, failure: RemoteFailure | undefined, result: unknown): void {
    const data = failure === undefined ? result : failure.data;
    const take = carryBody(data, this.#network.bodyMode);
    this.#add({
      label: 'net.answer',
      arrive: (end) => {
        const received = take();
        const error =
          failure === undefined
            ? undefined
            : new RemoteFailure(failure.code, failure.message, received);
        end.#calls.answered(id, error, received);
      },
    });
  }

  #sendCancel(id: number): void {
    this.#add({ label: 'net.cancel', arrive: (end) => end.#serving.get(id)?.giveUp() });
  }

  /** Returns the frame's place in the order of all. */
  #add(frame: Frame): number {
    const place = this.#framesCount;
    this.#framesCount += 1;
    if (!this.#canSend) {
      return place;
    }
    if (this.#stuck.length > 0 || this.#network.links.isBlocked(this.owner.self, this.peer)) {
      this.#stuck.push(frame);
    } else {
      this.#travel(frame);
    }
    return place;
  }

  #travel(frame: Frame): void {
    const { world, links } = this.#network;
    const delayUs = links.delayUs(this.owner.self, this.peer);
    this.#arrivalUs = Math.max(this.#arrivalUs, world.nowUs + delayUs);
    this.#arriveAfter(this.#arrivalUs - world.nowUs, frame);
  }

  /** Outside the order: in a lossy network only. */
  #sendLate(frame: Frame): void {
    const { links } = this.#network;
    if (!links.isBlocked(this.owner.self, this.peer)) {
      this.#arriveAfter(links.holdUpUs(), frame);
    }
  }

  #arriveAfter(delayUs: number, { label, arrive }: Frame): void {
    const other = this.#other;
    this.#travellingCount += 1;
    other?.owner.process.afterUs(delayUs, label, () => {
      this.#travellingCount -= 1;
      if (other.#isUp) {
        arrive(other);
      }
    });
  }
}

/** As `queueFramesMax` of the real transport. */
const queueFramesMax = 100_000;
