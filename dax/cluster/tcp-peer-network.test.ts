import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../dataplane/replication/transport/authority.fixture.ts';
import { listenOn } from '../tables/table-calls.fixture.ts';
import type { Channel, ChannelEvents } from './peer-network.ts';
import { DAX_CERTIFICATE_NAME, type PeerTls, TcpPeerNetwork } from './tcp-peer-network.ts';

const networks: TcpPeerNetwork[] = [];
afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.close()));
});

/** What has happened on a channel, in short. */
class Events implements ChannelEvents {
  readonly all: string[] = [];
  onOpen(): void {
    this.all.push('open');
  }
  onFrame(frame: Buffer): void {
    this.all.push(frame.toString());
  }
  onClosed(reason: string): void {
    this.all.push(`closed: ${reason}`);
  }
}

interface Listening {
  readonly network: TcpPeerNetwork;
  readonly accepted: { readonly channel: Channel; readonly events: Events }[];
  readonly refusals: string[];
}

async function listen(tls?: PeerTls): Promise<Listening> {
  const refusals: string[] = [];
  const network = await TcpPeerNetwork.listen({
    host: '127.0.0.1',
    port: 0,
    tls,
    log: (_event, { reason }) => refusals.push(String(reason)),
  });
  networks.push(network);
  const accepted: { channel: Channel; events: Events }[] = [];
  network.onChannel((channel) => {
    const events = new Events();
    accepted.push({ channel, events });
    return events;
  });
  return { network, accepted, refusals };
}

function dial(from: Listening, to: { readonly port: number }) {
  const events = new Events();
  const channel = from.network.dial({ host: '127.0.0.1', port: to.port }, events);
  return { channel, events };
}

describe('channels', () => {
  it('carry frames in order, both ways, and tell of their end once', async () => {
    const [one, other] = [await listen(), await listen()];
    const dialled = dial(one, other.network);
    expect(dialled.events.all).toEqual([]);
    await expect.poll(() => dialled.events.all).toEqual(['open']);
    for (const text of ['a', '', 'c']) dialled.channel.send(Buffer.from(text));
    await expect.poll(() => other.accepted[0]?.events.all).toEqual(['a', '', 'c']);
    other.accepted[0]?.channel.send(Buffer.from('back'));
    await expect.poll(() => dialled.events.all).toEqual(['open', 'back']);
    // What was sent before still arrives; the closing side hears nothing any more.
    dialled.channel.send(Buffer.from('last'));
    dialled.channel.close();
    await expect
      .poll(() => other.accepted[0]?.events.all.slice(3))
      .toEqual(['last', 'closed: the peer closed the connection']);
    expect(dialled.events.all).toEqual(['open', 'back']);
  });

  it('that nobody answers are closed', async () => {
    const one = await listen();
    const server = createServer();
    const port = await listenOn(server);
    await new Promise((resolve) => server.close(resolve));
    const { events, channel } = dial(one, { port });
    channel.send(Buffer.from('lost'));
    await expect.poll(() => events.all).toEqual(['closed: ECONNREFUSED']);
  });

  it('whose peer takes nothing are given up', async () => {
    const one = await listen();
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.pause());
      socket.on('error', () => undefined);
    });
    const { events, channel } = dial(one, { port: await listenOn(server) });
    await expect.poll(() => events.all).toEqual(['open']);
    const frame = Buffer.alloc(1024 * 1024);
    await expect
      .poll(
        () => {
          channel.send(frame);
          return events.all.at(-1);
        },
        { interval: 1 },
      )
      .toBe('closed: the peer takes nothing');
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

describe('strangers', () => {
  async function raw(port: number, bytes: Uint8Array): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
  }

  it('that announce a large frame are cut off', async () => {
    const { network, accepted } = await listen();
    await raw(network.port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await expect
      .poll(() => accepted[0]?.events.all)
      .toEqual(['closed: the peer sent too large a frame']);
  });

  it('may send any bytes', async () => {
    const { network, accepted } = await listen();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        await raw(network.port, bytes);
      }),
      { numRuns: 50 },
    );
    await expect
      .poll(() => accepted.every(({ events }) => events.all.at(-1)?.startsWith('closed')))
      .toBe(true);
    expect(accepted.length).toBeGreaterThan(40);
  });
});

describe('mutual TLS', () => {
  let authority: Authority;
  let other: Authority;
  beforeAll(() => {
    authority = new Authority();
    other = new Authority();
  });
  afterAll(() => {
    authority.remove();
    other.remove();
  });

  it('lets nodes of dax in', async () => {
    const tls = authority.sign('node-0', DAX_CERTIFICATE_NAME);
    const [one, two] = [await listen(tls), await listen(authority.sign(DAX_CERTIFICATE_NAME))];
    const { channel, events } = dial(one, two.network);
    channel.send(Buffer.from('early'));
    await expect.poll(() => events.all).toEqual(['open']);
    await expect.poll(() => two.accepted[0]?.events.all).toEqual(['early']);
  });

  it('lets in nobody who is something else, or is signed by somebody else', async () => {
    const node = await listen(authority.sign(DAX_CERTIFICATE_NAME));
    const router = await listen(authority.sign('router.trestle.dev'));
    const foreign = await listen({
      ...other.sign(DAX_CERTIFICATE_NAME),
      ca: authority.ca + other.ca,
    });
    for (const from of [router, foreign]) {
      const { events } = dial(from, node.network);
      await expect.poll(() => events.all.at(-1)).toMatch(/^closed/);
    }
    expect(node.accepted).toEqual([]);
    expect(node.refusals).toHaveLength(2);
    // Nor does a node talk to them.
    for (const to of [router, foreign]) {
      const { events } = dial(node, to.network);
      await expect.poll(() => events.all).toEqual([expect.stringMatching(/^closed/)]);
    }
  });

  it('lets in nobody without a certificate, and nobody who speaks plainly', async () => {
    const node = await listen(authority.sign(DAX_CERTIFICATE_NAME));
    const port = node.network.port;
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    const plain = await listen();
    const { channel, events } = dial(plain, node.network);
    channel.send(Buffer.from('hello'));
    await expect.poll(() => events.all.at(-1)).toMatch(/^closed/);
    expect(node.accepted).toEqual([]);
  });

  it('takes new certificates while it runs', async () => {
    const former = authority.sign(DAX_CERTIFICATE_NAME);
    const [one, two] = [await listen(former), await listen(former)];
    const kept = dial(one, two.network);
    await expect.poll(() => kept.events.all).toEqual(['open']);
    const both = authority.ca + other.ca;
    const renewed = other.sign(DAX_CERTIFICATE_NAME);
    for (const { network } of [one, two]) network.setTls({ ...renewed, ca: both });
    const { events } = dial(one, two.network);
    await expect.poll(() => events.all).toEqual(['open']);
    kept.channel.send(Buffer.from('still'));
    await expect.poll(() => two.accepted[0]?.events.all).toEqual(['still']);
  });
});
