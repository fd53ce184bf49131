import type { SimRandom } from '../../dataplane/simulation/random.ts';
import type { SimProcess } from '../../dataplane/simulation/sim-scheduler.ts';
import type { SimWorld } from '../../dataplane/simulation/sim-world.ts';
import type { Channel, ChannelEvents, PeerAddress, PeerNetwork } from './peer-network.ts';

/** How long one side of a channel that is cut off takes to give up; longer than the protocol itself waits. */
const GIVE_UP_US = 8_000_000;
const RETRY_US = 150_000;

/** Channels between processes of a simulation: delays, lost connections, links that let nothing through. */
export class SimPeerNetworks {
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  readonly #listeners = new Map<string, SimPeerNetwork>();
  readonly #blocked = new Set<string>();
  readonly #connections = new Set<Connection>();

  constructor(world: SimWorld) {
    this.#world = world;
    this.#random = world.random.fork('peer network');
  }

  /** The network as a process has it, which others reach at `address`. */
  of(process: SimProcess, address: PeerAddress): PeerNetwork {
    const network = new SimPeerNetwork(this, process, address.port);
    this.#listeners.set(keyOf(address), network);
    process.onDeath(() => {
      if (this.#listeners.get(keyOf(address)) === network) this.#listeners.delete(keyOf(address));
      for (const connection of this.#connections) connection.onDeath(process);
    });
    return network;
  }

  /** Lets nothing through from one node to another, by the first part of the names of their processes. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`);
  }

  heal(): void {
    this.#blocked.clear();
  }

  /** Connections of that node are reset. */
  reset(node: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.sides.some((side) => nodeOf(side) === node)) connection.reset();
    }
  }

  listenerAt(address: PeerAddress): SimPeerNetwork | undefined {
    return this.#listeners.get(keyOf(address));
  }

  isBlocked(from: SimProcess, to: SimProcess): boolean {
    return this.#blocked.has(`${nodeOf(from)}>${nodeOf(to)}`);
  }

  delayUs(): number {
    return Math.round(this.#random.logBetween(80, this.#random.chance(0.02) ? 200_000 : 2_000));
  }

  get world(): SimWorld {
    return this.#world;
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection);
  }
}

/** `n1` of `n1 #3`. */
function nodeOf(process: SimProcess): string {
  return process.name.split(' ', 1)[0] ?? '';
}

function keyOf({ host, port }: PeerAddress): string {
  return `${host}:${port}`;
}

class SimPeerNetwork implements PeerNetwork {
  readonly port: number;
  readonly process: SimProcess;
  readonly #all: SimPeerNetworks;
  #accept: ((channel: Channel) => ChannelEvents) | undefined;
  #isClosed = false;

  constructor(all: SimPeerNetworks, process: SimProcess, port: number) {
    this.#all = all;
    this.process = process;
    this.port = port;
  }

  dial(address: PeerAddress, events: ChannelEvents): Channel {
    const connection = new Connection(this.#all, this.process, events);
    connection.dial(address);
    return connection.dialled;
  }

  onChannel(handler: (channel: Channel) => ChannelEvents): void {
    this.#accept = handler;
  }

  /** Undefined when nobody listens. */
  accept(channel: Channel): ChannelEvents | undefined {
    return this.#isClosed ? undefined : this.#accept?.(channel);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }
}

/** One way of a connection: what was sent arrives in order, one after the other. */
interface Way {
  readonly from: () => SimProcess | undefined;
  readonly to: () => SimProcess | undefined;
  /** Undefined once that side has closed, or does not exist. */
  events: ChannelEvents | undefined;
  readonly queue: (Uint8Array | 'end')[];
  isMoving: boolean;
  blockedUs: number;
}

class Connection {
  readonly dialled: Channel;
  readonly #all: SimPeerNetworks;
  readonly #dialler: SimProcess;
  #listener: SimProcess | undefined;
  #isOver = false;
  readonly #out: Way;
  readonly #back: Way;

  constructor(all: SimPeerNetworks, dialler: SimProcess, events: ChannelEvents) {
    this.#all = all;
    this.#dialler = dialler;
    const [near, far] = [() => this.#dialler, () => this.#listener];
    const way = { queue: [], isMoving: false, blockedUs: 0 };
    this.#out = { ...way, from: near, to: far, events: undefined, queue: [] };
    this.#back = { ...way, from: far, to: near, events, queue: [] };
    this.dialled = this.#channel(this.#out, this.#back);
    all.add(this);
  }

  get sides(): SimProcess[] {
    return this.#listener === undefined ? [this.#dialler] : [this.#dialler, this.#listener];
  }

  /** Tries for as long as nothing gets through. */
  dial(address: PeerAddress, triedUs = 0): void {
    const delayUs = this.#all.delayUs();
    this.#all.world.schedule(delayUs, 'dial', {
      fn: () => {
        if (this.#isOver || this.#back.events === undefined) return;
        const network = this.#all.listenerAt(address);
        const target = network?.process;
        if (target !== undefined && this.#isCut(this.#dialler, target)) {
          if (triedUs > GIVE_UP_US) this.#tell(this.#back, 'timed out');
          else
            this.#all.world.schedule(RETRY_US, 'dial again', {
              fn: () => this.dial(address, triedUs + RETRY_US),
            });
          return;
        }
        if (network === undefined) this.#tell(this.#back, 'refused');
        else this.#connect(network);
      },
    });
  }

  #isCut(a: SimProcess, b: SimProcess): boolean {
    return this.#all.isBlocked(a, b) || this.#all.isBlocked(b, a);
  }

  #connect(network: SimPeerNetwork): void {
    this.#listener = network.process;
    network.process.afterUs(0, 'accept', () => {
      if (this.#isOver) return;
      const events = network.accept(this.#channel(this.#back, this.#out));
      if (events === undefined) {
        this.#tell(this.#back, 'refused');
        return;
      }
      // An accepting side may have closed the channel in the same turn.
      if (this.#isOver) return;
      this.#out.events = events;
      this.#dialler.afterUs(this.#all.delayUs(), 'open', () => this.#back.events?.onOpen());
    });
  }

  /** @param out what this side sends by @param back what it receives by */
  #channel(out: Way, back: Way): Channel {
    return {
      send: (frame) => {
        if (this.#isOver || back.events === undefined) return;
        out.queue.push(frame);
        this.#move(out);
      },
      close: () => {
        back.events = undefined;
        if (this.#isOver) return;
        out.queue.push('end');
        this.#move(out);
      },
    };
  }

  #move(way: Way): void {
    if (way.isMoving || this.#isOver) return;
    const to = way.to();
    const from = way.from();
    // Before it is accepted there is nobody to send to: what is closed then is just forgotten.
    if (to === undefined || from === undefined) {
      this.#end();
      return;
    }
    way.isMoving = true;
    this.#all.world.schedule(this.#all.delayUs(), 'frame on its way', {
      fn: () => this.#arrive(way, from, to),
    });
  }

  #arrive(way: Way, from: SimProcess, to: SimProcess): void {
    if (this.#isOver) return;
    if (this.#all.isBlocked(from, to)) {
      way.blockedUs += RETRY_US;
      if (way.blockedUs > GIVE_UP_US) this.reset();
      else
        this.#all.world.schedule(RETRY_US, 'frame again', {
          fn: () => this.#arrive(way, from, to),
        });
      return;
    }
    way.isMoving = false;
    way.blockedUs = 0;
    for (const frame of way.queue.splice(0)) {
      to.afterUs(0, 'frame', () => {
        if (frame === 'end') this.#tellNow(way, 'the peer closed it');
        else way.events?.onFrame(Buffer.from(frame));
      });
      if (frame === 'end') {
        this.#end();
        return;
      }
    }
  }

  /** Both sides notice, in their own time. */
  reset(): void {
    if (this.#isOver) return;
    this.#end();
    this.#tell(this.#back, 'reset');
    if (this.#listener !== undefined) this.#tell(this.#out, 'reset');
  }

  onDeath(process: SimProcess): void {
    if (this.#isOver) return;
    const other = process === this.#dialler ? this.#listener : this.#dialler;
    if (process !== this.#dialler && process !== this.#listener) return;
    // Behind a link that is cut nobody hears of it.
    if (other !== undefined && this.#all.isBlocked(process, other)) return;
    this.reset();
  }

  #tell(way: Way, reason: string): void {
    way.to()?.afterUs(this.#all.delayUs(), 'closed', () => this.#tellNow(way, reason));
    this.#end();
  }

  #tellNow(way: Way, reason: string): void {
    const { events } = way;
    way.events = undefined;
    events?.onClosed(reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#all.remove(this);
  }
}
