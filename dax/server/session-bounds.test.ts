import { afterEach, describe, expect, it } from 'vitest';
import { HELD_BYTES_MAX, SESSION_TIMEOUTS } from './limits.ts';
import { getItem, PREAMBLE, type RawClient } from './raw-client.fixture.ts';
import { SessionBench } from './session.fixture.ts';

const open = { bench: undefined as SessionBench | undefined };

async function newBench(): Promise<SessionBench> {
  open.bench = await SessionBench.open();
  return open.bench;
}

afterEach(async () => {
  await open.bench?.close();
  open.bench = undefined;
});

const text = async (client: RawClient, bytes: number) => (await client.take(bytes)).toString();

/** The kernel's buffers are full, and no further request is looked at. */
async function whenStuck({ asked }: SessionBench): Promise<void> {
  let before = 0;
  await expect
    .poll(() => {
      const isStill = asked.length > 4 && asked.length === before;
      before = asked.length;
      return isStill;
    })
    .toBe(true);
}

describe('bounds', () => {
  it('a client that sends on and on while it waits is not read from any more', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const first = Promise.withResolvers<Buffer>();
    bench.reply = (key) => (key === 'a' ? first.promise : Buffer.from(`<${key}>`));
    const packet = Buffer.concat(Array.from({ length: 10_000 }, () => getItem('T', 'b')));
    client.send(getItem('T', 'a'));
    for (let index = 0; index < 60; index++) client.send(packet);
    // The kernel's buffers fill, and then nothing moves.
    await expect.poll(() => client.socket.writableLength).toBeGreaterThan(500_000);
    await expect.poll(() => bench.counters.bytesIn).toBeGreaterThan(64 * 1024);
    expect(bench.held.bytes).toBeLessThan(512 * 1024);
    first.resolve(Buffer.from('<a>'));
    await client.take(3 * 600_001);
    expect(bench.held.bytes).toBe(0);
  });

  it('a client that takes no answers is asked no further', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    bench.reply = () => Buffer.alloc(128 * 1024);
    client.socket.pause();
    client.send(...Array.from({ length: 400 }, () => getItem('T', 'b')));
    await whenStuck(bench);
    expect(bench.counters.bytesOut).toBeLessThan(16 * 1024 * 1024);
    client.socket.resume();
    await client.take(400 * 128 * 1024);
  });

  it('and is cut off in the end', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    bench.reply = () => Buffer.alloc(256 * 1024);
    client.socket.pause();
    client.send(...Array.from({ length: 1000 }, () => getItem('T', 'b')));
    await whenStuck(bench);
    bench.nowMs = SESSION_TIMEOUTS.unsentMs;
    bench.checkTimeouts();
    expect(bench.counters.connectionsCut).toBe(0);
    bench.nowMs += 1;
    bench.checkTimeouts();
    client.socket.resume();
    expect(await client.end()).not.toBe(undefined);
    expect(bench.counters.connectionsCut).toBe(1);
  });

  it('a request that does not arrive whole in time ends its connection', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(getItem('T', 'a').subarray(0, 8));
    await expect.poll(() => bench.held.bytes).toBe(8);
    bench.nowMs = SESSION_TIMEOUTS.requestMs;
    bench.checkTimeouts();
    client.send(getItem('T', 'a').subarray(8, 9));
    await expect.poll(() => bench.held.bytes).toBe(9);
    bench.nowMs += 1;
    bench.checkTimeouts();
    expect(await client.end()).toBe('fin');
    expect(bench.held.bytes).toBe(0);
  });

  it('the time is that of one request: others that went through before do not count', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const asked = getItem('T', 'a');
    client.send(asked.subarray(0, 8));
    await expect.poll(() => bench.held.bytes).toBe(8);
    bench.nowMs = SESSION_TIMEOUTS.requestMs;
    client.send(asked.subarray(8), asked.subarray(0, 9));
    expect(await text(client, 3)).toBe('<a>');
    bench.nowMs += SESSION_TIMEOUTS.requestMs;
    bench.checkTimeouts();
    client.send(asked.subarray(9));
    expect(await text(client, 3)).toBe('<a>');
  });

  it('a connection that does not begin ends', async () => {
    const bench = await newBench();
    const client = await bench.client();
    bench.nowMs = SESSION_TIMEOUTS.preambleMs + 1;
    bench.checkTimeouts();
    expect(await client.end()).toBe('fin');
  });

  it('an idle connection never ends', async () => {
    const bench = await newBench();
    const greeted = await bench.client();
    greeted.send(PREAMBLE);
    const known = await bench.knownClient();
    known.send(getItem('T', 'a'));
    expect(await text(known, 3)).toBe('<a>');
    await expect.poll(() => bench.counters.bytesIn).toBeGreaterThan(2 * PREAMBLE.length);
    bench.nowMs = 30 * 24 * 3600_000;
    bench.checkTimeouts();
    known.send(bench.signed(), getItem('T', 'b'));
    greeted.send(bench.signed(), getItem('T', 'c'));
    expect(await text(known, 3)).toBe('<b>');
    expect(await text(greeted, 3)).toBe('<c>');
  });

  it('who makes the unfinished requests of all connections too many is sent away', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
    bench.held.bytes = HELD_BYTES_MAX;
    client.send(getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
    client.send(getItem('T', 'a').subarray(0, 8));
    expect(await client.fault()).toMatchObject({ errorCode: 'ThrottlingException' });
    expect(await client.end()).toBe('fin');
    expect(bench.held.bytes).toBe(HELD_BYTES_MAX);
  });
});

describe('the end', () => {
  it('a client that has ended its side still gets its answers, then FIN', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const first = Promise.withResolvers<Buffer>();
    bench.reply = (key) => (key === 'a' ? first.promise : Buffer.from(`<${key}>`));
    client.send(getItem('T', 'a'), getItem('T', 'b'));
    client.socket.end();
    await expect.poll(() => bench.asked).toEqual(['a']);
    first.resolve(Buffer.from('<a>'));
    expect(await text(client, 6)).toBe('<a><b>');
    expect(await client.end()).toBe('fin');
  });

  it('a server that finishes ends idle connections with FIN', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
    bench.sessions[0]?.finish();
    expect(await client.end()).toBe('fin');
  });

  it('and busy ones after their answer', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const first = Promise.withResolvers<Buffer>();
    bench.reply = () => first.promise;
    client.send(getItem('T', 'a'));
    await expect.poll(() => bench.asked).toEqual(['a']);
    bench.sessions[0]?.finish();
    first.resolve(Buffer.from('<a>'));
    expect(await text(client, 3)).toBe('<a>');
    expect(await client.end()).toBe('fin');
  });

  it('and waits for a request that has begun to arrive', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const asked = getItem('T', 'a');
    client.send(asked.subarray(0, 8));
    await expect.poll(() => bench.held.bytes).toBe(8);
    bench.sessions[0]?.finish();
    client.send(asked.subarray(8));
    expect(await text(client, 3)).toBe('<a>');
    expect(await client.end()).toBe('fin');
  });

  it('what a client still sends does not cost it the last reply', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send('011a00000001', ...Array.from({ length: 50 }, () => Buffer.alloc(64 * 1024)));
    expect(await client.fault()).toMatchObject({ codes: [4, 37, 38, 44] });
    expect(await client.end()).toBe('fin');
  });

  it('a connection that breaks while its answer is made disturbs nobody', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const other = await bench.knownClient();
    const first = Promise.withResolvers<Buffer>();
    bench.reply = (key) => (key === 'a' ? first.promise : Buffer.from(`<${key}>`));
    client.send(getItem('T', 'a'));
    await expect.poll(() => bench.asked).toEqual(['a']);
    client.socket.resetAndDestroy();
    other.send(getItem('T', 'b'));
    expect(await text(other, 3)).toBe('<b>');
    first.resolve(Buffer.from('<a>'));
    other.send(getItem('T', 'c'));
    expect(await text(other, 3)).toBe('<c>');
    expect(bench.held.bytes).toBe(0);
  });
});
