import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { systemScheduler } from '../scheduler.ts';
import { type FrameKind, frameKinds, HEADER_BYTES, writeHeader } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { decodeBody, encodeBody } from './message-pack.ts';
import type { Address, TcpTransportOptions } from './options.ts';
import { TcpTransport } from './tcp-transport.ts';

const POLL_MS = 2;
const DEADLINE_MS = 30_000;

/**
 * Limits that make deaths and reconnects quick enough to be waited for. Deaths are counted in beats,
 * so a busy machine causes none; a handshake has a clock, and gets room.
 */
export const quickLimits = {
  pingIdleMs: 40,
  deadMs: 160,
  probeMs: 120,
  helloTimeoutMs: 20_000,
  reconnectMsMin: 5,
  reconnectMsMax: 40,
  heldMs: 50,
  lingerMs: 100,
} as const;

/** Waits for a state that comes about by itself. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not so within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export interface LoggedEvent {
  readonly by: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Transports of one test, on 127.0.0.1; all know each other as nodes, as far as they are named. */
export class TestTransports {
  readonly log: LoggedEvent[] = [];
  readonly #names: readonly string[];
  readonly #addresses = new Map<string, Address>();
  readonly #open: TcpTransport[] = [];
  readonly #sockets: Socket[] = [];
  #processes = 0;

  constructor(names: readonly string[] = ['a', 'b']) {
    this.#names = names;
  }

  /** Nobody listens at the address of a node that was not opened yet. */
  peers(): Map<string, Address> {
    const nowhere = { host: '127.0.0.1', port: 1 };
    return new Map(this.#names.map((id) => [id, this.#addresses.get(id) ?? nowhere]));
  }

  /** A transport that is not open yet, for handlers to be set. */
  make(id: string, options: Partial<TcpTransportOptions> = {}): TcpTransport {
    this.#processes += 1;
    const role = options.self?.role ?? 'node';
    const processId = `process-${this.#processes}`;
    const transport = new TcpTransport({
      self: { id, role, clusterId: 'test', storeId: `store-${id}`, processId },
      listen: role === 'node' ? { host: '127.0.0.1', port: 0 } : undefined,
      peers: this.peers(),
      tls: undefined,
      scheduler: systemScheduler,
      random: Math.random,
      log: (event, fields) => this.log.push({ by: id, event, fields }),
      ...options,
      limits: { ...quickLimits, ...options.limits },
    });
    this.#open.push(transport);
    return transport;
  }

  async open(id: string, options: Partial<TcpTransportOptions> = {}): Promise<TcpTransport> {
    return this.start(this.make(id, options));
  }

  async start(transport: TcpTransport): Promise<TcpTransport> {
    await transport.open();
    if (transport.address !== undefined) this.#addresses.set(transport.self, transport.address);
    return transport;
  }

  /** `a` and `b`, connected; `a` has dialled. */
  async pair(
    optionsOfA: Partial<TcpTransportOptions> = {},
    optionsOfB: Partial<TcpTransportOptions> = {},
  ): Promise<{ a: TcpTransport; b: TcpTransport }> {
    const b = await this.open('b', optionsOfB);
    const a = await this.open('a', optionsOfA);
    await this.connected(a, b);
    return { a, b };
  }

  async connected(one: TcpTransport, other: TcpTransport): Promise<void> {
    await until(
      `${one.self} and ${other.self} are connected`,
      () => one.isConnected(other.self) && other.isConnected(one.self),
    );
  }

  /** A connection to a transport that speaks what the test has it speak. */
  async dialRaw(transport: TcpTransport): Promise<RawPeer> {
    const address = transport.address;
    if (address === undefined) throw new Error(`${transport.self} does not listen`);
    const socket = connect(address.port, address.host);
    this.#sockets.push(socket);
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  /** A raw connection to `b` in the name of `a` that is up. */
  async raw(transport: TcpTransport, fields: Record<string, unknown> = {}): Promise<RawPeer> {
    const peer = await this.dialRaw(transport);
    peer.hello({ dialled: transport.self, ...fields });
    await peer.frame(frameKinds.hello);
    peer.ready();
    await until(`the raw peer is up`, () => transport.isConnected(String(fields.id ?? 'a')));
    return peer;
  }

  events(event: string): Readonly<Record<string, unknown>>[] {
    return this.log.filter((logged) => logged.event === event).map(({ fields }) => fields);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#open.map((transport) => transport.close()));
  }
}

export interface RawFrame {
  readonly kind: FrameKind;
  readonly id: number;
  readonly body: Buffer;
}

/** The other end of a connection by hand, in version 1 unless its hello says otherwise. */
export class RawPeer {
  readonly socket: Socket;
  readonly frames: RawFrame[] = [];
  isClosed = false;
  readonly #reader: FrameReader;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#reader = new FrameReader(
      { bodyBytesMax: 1 << 25, hasChecksum: false },
      (kind, id, source, start, end) =>
        this.frames.push({ kind, id, body: Buffer.from(source.subarray(start, end)) }),
      (error) => socket.destroy(error),
    );
    socket.on('data', (chunk: Buffer) => this.#reader.feed(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  hello(fields: Record<string, unknown> = {}): void {
    const hello = {
      protocolMin: 1,
      protocolMax: 1,
      id: 'a',
      role: 'node',
      clusterId: 'test',
      storeId: 'raw',
      processId: 'raw',
      dialled: 'b',
      ...fields,
    };
    this.socket.write(rawFrame(frameKinds.hello, 0, Buffer.from(JSON.stringify(hello))));
  }

  ready(): void {
    this.socket.write(rawFrame(frameKinds.ready, 0, Buffer.alloc(0)));
  }

  send(kind: FrameKind, id: number, body: unknown): void {
    this.socket.write(rawFrame(kind, id, encodeBody(body).subarray(HEADER_BYTES)));
  }

  /** The first frame of that kind, when it has come. */
  async frame(kind: FrameKind): Promise<RawFrame> {
    await until(`a frame of kind ${kind} has come`, () => this.#find(kind) !== undefined);
    const frame = this.#find(kind);
    if (frame === undefined) throw new Error('it was there');
    return frame;
  }

  async refusal(): Promise<{ readonly code: string; readonly message: string }> {
    const { body } = await this.frame(frameKinds.refusal);
    return JSON.parse(body.toString());
  }

  async closed(): Promise<void> {
    await until('the connection is closed', () => this.isClosed);
  }

  #find(kind: FrameKind): RawFrame | undefined {
    return this.frames.find((frame) => frame.kind === kind);
  }
}

export function rawFrame(kind: number, id: number, body: Buffer): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + body.length);
  writeHeader(frame, { kind: kind as FrameKind, bodyBytes: body.length, id });
  body.copy(frame, HEADER_BYTES);
  return frame;
}

export function bodyOf({ body }: RawFrame): unknown {
  return decodeBody(body, 0, body.length);
}

/** Numbers from 0 to below 1, the same ones for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
