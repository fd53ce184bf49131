import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  callHeaders,
  callOperation,
  rawCall,
  send,
  sendRaw,
  startServer,
  type TestServer,
} from './endpoint.fixture.ts';

/** Short enough for tests, long enough for a loaded machine to answer a request. */
const TIMEOUTS = {
  headersMs: 300,
  requestMs: 400,
  keepAliveMs: 300,
  // Cuts without a word: far behind those that say why.
  inactivityMs: 1_500,
  checkMs: 50,
};

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let server: TestServer;
let hurried: TestServer;
let finishWaiting: () => void = () => undefined;
const waiting = { begun: Promise.resolve() };

beforeAll(async () => {
  let tellBegun: () => void = () => undefined;
  waiting.begun = new Promise((resolve) => {
    tellBegun = resolve;
  });
  server = await startServer({
    operations: {
      Wait: () =>
        new Promise((resolve) => {
          finishWaiting = () => resolve({});
          tellBegun();
        }),
    },
  });
  hurried = await startServer({
    timeouts: TIMEOUTS,
    operations: { Large: () => ({ text: 'x'.repeat(8_000_000) }) },
  });
});

afterAll(async () => {
  await server.close();
  await hurried.close();
});

async function expectAlive(port: number): Promise<void> {
  const answer = await send(port, { method: 'GET' });
  expect(answer.text).toBe('healthy: dynamodb.us-east-1.amazonaws.com ');
}

const REFUSED =
  /^HTTP\/1\.1 400 Bad Request\r\nx-amzn-RequestId: [A-Z0-9]{52}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/;

describe('malformed HTTP', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a line feed for a header name', 'POST / HTTP/1.1\r\nHost: h\r\n\n: x\r\n\r\n'],
    ['a blank in a header name', 'POST / HTTP/1.1\r\nHost: h\r\na b: c\r\n\r\n'],
    ['a bad length', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an unknown version', 'POST / HTTP/9.9\r\nHost: h\r\n\r\n'],
    ['headers beyond 16 KB', `POST / HTTP/1.1\r\nHost: h\r\na: ${'x'.repeat(17_000)}\r\n\r\n`],
    ['a path beyond 16 KB', `POST /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: h\r\n\r\n`],
  ])('%s is refused and cut', async (_, bytes) => {
    expect(await sendRaw(server.port, bytes)).toMatch(REFUSED);
  });

  it('a bad chunk is refused and cut', async () => {
    const bytes = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
    expect(await sendRaw(server.port, bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('no Host is refused', async () => {
    expect(await sendRaw(server.port, 'POST / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('an upgrade is ignored; a tunnel is cut', async () => {
    const upgrade =
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n';
    expect(await sendRaw(server.port, upgrade)).toContain('healthy');
    expect(await sendRaw(server.port, 'CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n')).toBe('');
  });

  const ANY_ANSWER = /^$|^HTTP\/1\.1 (100|200|400|404|408|417) /;
  const ANY_ANSWER_OR_500 =
    /^$|^HTTP\/1\.1 (100|200|400|404|408|417) |^HTTP\/1\.1 500 [\s\S]*does not decompress/;

  it('any bytes leave the server alive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.constantFrom('POST / HTTP/1.1\r\n', 'Host: h\r\n', '\r\n', 'Content-Length: 3\r\n'),
            fc.constantFrom(
              'Transfer-Encoding: chunked\r\n',
              '0\r\n\r\n',
              'Expect: 100-continue\r\n',
            ),
            fc.constantFrom('Content-Encoding: gzip\r\n', 'Connection: close\r\n', '{}', ': '),
            fc.string({ unit: 'binary', maxLength: 20 }),
          ),
          { maxLength: 12 },
        ),
        async (parts) => {
          const answer = await sendAndEnd(server.port, parts.join(''));
          // That nothing does not decompress is answered as the service does.
          const isBroken = parts.includes('Content-Encoding: gzip\r\n');
          expect(answer).toMatch(isBroken ? ANY_ANSWER_OR_500 : ANY_ANSWER);
        },
      ),
      { numRuns: 200 },
    );
    await expectAlive(server.port);
  });
});

/** Sends bytes and the end of the stream; resolves with the answer. */
function sendAndEnd(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () =>
      socket.end(Buffer.from(bytes, 'utf8')),
    );
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => undefined); // a reset is an answer too
    socket.on('close', () => resolve(text));
  });
}

describe('slow clients', () => {
  const SLOW = /^HTTP\/1\.1 408 Request Timeout\r\n/;

  it('that do not finish their headers are cut', async () => {
    expect(await sendRaw(hurried.port, 'POST / HTTP/1.1\r\nHost: h\r\n')).toMatch(SLOW);
  });

  it('that drip their headers are cut', async () => {
    const socket = connect(hurried.port, '127.0.0.1');
    const drip = setInterval(() => socket.write('a: b\r\n'), 20);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined); // the drip after the cut
    socket.write('POST / HTTP/1.1\r\nHost: h\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
    expect(text).toMatch(SLOW);
  });

  it('that do not finish their body are cut', async () => {
    const bytes = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{';
    expect(await sendRaw(hurried.port, bytes)).toMatch(SLOW);
  });

  it('that say nothing at all are cut', async () => {
    expect(await sendRaw(hurried.port, '')).toMatch(/^$|408/);
  });

  it('that keep a connection without using it are cut', async () => {
    const text = await sendRaw(hurried.port, rawCall('ListTables', '{}'));
    expect(text).toContain('{"TableNames":[]}');
  });

  it('that do not read their answer are cut', async () => {
    const socket = connect(hurried.port, '127.0.0.1');
    socket.pause();
    // A socket that is not read learns of the cut when it writes.
    const cut = new Promise((resolve) => socket.once('error', resolve));
    // Far more than socket buffers take: the server is left with the rest.
    socket.write(rawCall('Large', '{}').repeat(4));
    const probe = setInterval(() => socket.write('\r\n'), 500 + TIMEOUTS.inactivityMs);
    expect(await cut).toMatchObject({ code: expect.stringMatching(/EPIPE|ECONNRESET/) });
    clearInterval(probe);
    await expectAlive(hurried.port);
  });
});

describe('clients that go away', () => {
  it('in the middle of their headers or body leave nothing behind', async () => {
    const call = rawCall('ListTables', '{}');
    for (let length = 1; length < call.length; length += 7) {
      await sendAndEnd(server.port, call.slice(0, length));
    }
    await expectAlive(server.port);
  });

  it('while an operation runs do not trouble it', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(rawCall('Wait', '{}'));
    await waiting.begun;
    socket.resetAndDestroy();
    await expectAlive(server.port);
    finishWaiting();
    await expectAlive(server.port);
    expect(server.logged).toEqual([]);
  });

  it('by the hundred with large bodies half sent leave memory as it was', async () => {
    await callOperation(server.port, 'ListTables', {});
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          const head = rawCall('ListTables', '', { 'content-length': '10000000' });
          await sendAndEnd(server.port, head + ' '.repeat(1_000_000));
        }),
      );
    }
    const kept = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before;
    };
    await expect.poll(kept).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('hostile bodies', () => {
  it.each(['{},', '[', '{"a":', '{"L":[]},', '"'])(
    'of 16 MB of %j are ordinary errors',
    async (text) => {
      const body = `[${text.repeat(16_000_000 / text.length)}`;
      const answer = await send(server.port, { headers: callHeaders('GetItem'), body });
      expect(answer.status).toBe(400);
      expect(answer.text).toBe('{"__type":"com.amazon.coral.service#SerializationException"}');
    },
  );

  it('of any JSON and near-JSON are answered, never with 5xx', async () => {
    const operation = fc.constantFrom(
      'ListTables',
      'DescribeTable',
      'CreateTable',
      'GetItem',
      'Query',
    );
    const nearJson = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.string({ maxLength: 2 }))
      .map(([json, at, noise]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + noise + json.slice(place + noise.length);
      });
    await fc.assert(
      fc.asyncProperty(operation, fc.oneof(fc.json(), nearJson), async (name, body) => {
        const answer = await send(server.port, { headers: callHeaders(name), body });
        expect([200, 400]).toContain(answer.status);
        expect(() => JSON.parse(answer.text)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });
});
