import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpDaxNodeClient, viewOf } from './node-view.ts';

/** Of its own: the health port is the same everywhere. */
const ADDRESS = `127.${100 + (process.pid % 100)}.${1 + (Math.floor(process.pid / 100) % 250)}.250`;
const { signal } = new AbortController();

let client: HttpDaxNodeClient;
let server: Server | undefined;

beforeEach(() => {
  client = new HttpDaxNodeClient();
});

afterEach(async () => {
  client.close();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(listener: RequestListener): Promise<void> {
  server = createServer(listener).listen(8004, ADDRESS);
  await once(server, 'listening');
}

const status = {
  clusterName: 'cache',
  isActive: true,
  redis: { state: 'down' },
  parameters: { recordTtlMillis: 1, queryTtlMillis: 2 },
  members: [],
};

test('a node says whether it serves, what it knows of Redis, and its parameters', async () => {
  await serve((request, response) =>
    response.end(JSON.stringify({ ...status, path: request.url })),
  );
  // Within its two seconds, when the machine is not too busy.
  await expect
    .poll(() => client.view(ADDRESS, signal))
    .toEqual({
      kind: 'answered',
      isActive: true,
      redis: 'down',
      parameters: { recordTtlMillis: 1, queryTtlMillis: 2 },
    });
});

test.each<readonly [string, RequestListener]>([
  ['an error', (_, response) => response.writeHead(500).end('{}')],
  ['no JSON', (_, response) => response.end('no')],
  ['half an answer', (_, response) => response.writeHead(200).write('{', () => response.destroy())],
  ['more than anybody reads', (_, response) => response.end('x'.repeat(2 ** 21))],
  ['nothing for too long', () => undefined],
])('a node that answers with %s is silent', async (_, listener) => {
  await serve(listener);
  expect(await client.view(ADDRESS, signal)).toMatchObject({ kind: 'silent' });
});

test('a node that does not listen is silent', async () => {
  const view = await client.view(ADDRESS, signal);
  expect(view).toMatchObject({ kind: 'silent', reason: expect.stringContaining('ECONNREFUSED') });
});

test('a pass that ends does not take silence for an answer', async () => {
  await serve(() => undefined);
  const pass = new AbortController();
  const view = client.view(ADDRESS, pass.signal);
  pass.abort(new Error('the pass ends'));
  await expect(view).rejects.toThrow('the pass ends');
});

test.each([{}, null, 'x', { redis: 1, parameters: { recordTtlMillis: 'x' } }, []])(
  'what another version answers is read as far as it goes: %j',
  (answer) => {
    expect(viewOf(answer)).toEqual({
      kind: 'answered',
      isActive: false,
      redis: 'none',
      parameters: undefined,
    });
  },
);
