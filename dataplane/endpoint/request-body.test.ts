import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HELD_BODY_BYTES_MAX, REQUEST_BODY_BYTES_MAX } from './limits.ts';
import { HeldBodies, readBody } from './request-body.ts';

const CHUNK = Buffer.alloc(64 * 1024, 0x61);

let server: Server;
let held: HeldBodies;
/** What each request came to: a length, or why its body was refused. */
let outcomes: (number | string)[];
let requestGone: Promise<void>;

beforeEach(async () => {
  held = new HeldBodies();
  outcomes = [];
  let tellGone: () => void = () => undefined;
  requestGone = new Promise((resolve) => {
    tellGone = resolve;
  });
  server = createServer((request, response) => {
    const answer = (outcome: number | string) => {
      outcomes.push(outcome);
      response.end();
    };
    request.on('close', () => tellGone());
    readBody(request, held, {
      complete: (body) => answer(body.length),
      tooLarge: () => answer('tooLarge'),
      overloaded: () => answer('overloaded'),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open() {
  // A listening TCP server has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // cut connections are expected here
  return socket;
}

function head(length: number | 'chunked'): string {
  const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  return `POST / HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n`;
}

async function answered(socket: ReturnType<typeof open>): Promise<void> {
  await new Promise((resolve) => socket.once('data', resolve));
}

async function write(socket: ReturnType<typeof open>, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    const chunk = CHUNK.subarray(0, Math.min(CHUNK.length, bytes - sent));
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
}

describe('request bodies', () => {
  it.each([0, 1, 1000, CHUNK.length, 5 * CHUNK.length + 1])(
    'of %d bytes arrive whole',
    async (length) => {
      const socket = open();
      socket.write(head(length));
      await write(socket, length);
      await answered(socket);
      expect(outcomes).toEqual([length]);
      expect(held.bytes).toBe(0);
      socket.destroy();
    },
  );

  it('of exactly 16 MB arrive whole', async () => {
    const socket = open();
    socket.write(head(REQUEST_BODY_BYTES_MAX));
    await write(socket, REQUEST_BODY_BYTES_MAX);
    await answered(socket);
    expect(outcomes).toEqual([REQUEST_BODY_BYTES_MAX]);
    socket.destroy();
  });

  it('are refused before a byte of them when they declare more', async () => {
    const socket = open();
    socket.write(head(REQUEST_BODY_BYTES_MAX + 1));
    await answered(socket);
    expect(outcomes).toEqual(['tooLarge']);
    socket.destroy();
  });

  it('are refused when they turn out to be more, and nothing of them is kept', async () => {
    const socket = open();
    const answer = answered(socket);
    socket.write(head('chunked'));
    for (let sent = 0; sent <= REQUEST_BODY_BYTES_MAX; sent += CHUNK.length) {
      socket.write(`${CHUNK.length.toString(16)}\r\n`);
      await write(socket, CHUNK.length);
      socket.write('\r\n');
    }
    await answer;
    expect(outcomes).toEqual(['tooLarge']);
    expect(held.bytes).toBe(0);
    socket.destroy();
  });

  it('leave the connection usable when an oversized one ends soon', async () => {
    const socket = open();
    const length = REQUEST_BODY_BYTES_MAX + 100;
    const first = answered(socket);
    socket.write(head(length));
    await write(socket, length);
    await first;
    const second = answered(socket);
    socket.write(`${head(2)}{}`);
    await second;
    expect(outcomes).toEqual(['tooLarge', 2]);
    socket.destroy();
  });

  it('cut the connection when an oversized one does not end', async () => {
    const socket = open();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.write(head(1e12));
    const pump = () => {
      while (!socket.destroyed && socket.write(CHUNK));
    };
    socket.on('drain', pump);
    pump();
    await closed;
    expect(outcomes).toEqual(['tooLarge']);
  });

  it('free what they held when the client goes away', async () => {
    const socket = open();
    socket.write(head(10 * CHUNK.length));
    await write(socket, 5 * CHUNK.length);
    socket.destroy();
    await requestGone;
    expect(outcomes).toEqual([]);
    expect(held.bytes).toBe(0);
  });

  it('are refused while all of them together hold too much', async () => {
    held.bytes = HELD_BODY_BYTES_MAX;
    const socket = open();
    const answer = answered(socket);
    socket.write(head(10 * CHUNK.length));
    await write(socket, 10 * CHUNK.length);
    await answer;
    expect(outcomes).toEqual(['overloaded']);
    expect(held.bytes).toBe(HELD_BODY_BYTES_MAX);
    socket.destroy();
  });
});
