import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SignatureVerifier } from '../../dataplane/access/signature-verifier.ts';
import { startServer, type TestServer } from '../../dataplane/endpoint/endpoint.fixture.ts';
import { RelayedFault } from '../../dataplane/errors/client-fault.ts';
import { Authority } from '../../dataplane/replication/transport/authority.fixture.ts';
import type { HttpTableCalls } from './http-table-calls.ts';
import { callsTo, credentialOf, listenOn, outcomeOf, REGION } from './table-calls.fixture.ts';
import { TableCallError } from './table-calls.ts';

const keys = new Map([
  ['AKID', credentialOf('AKID')],
  ['NEXT', credentialOf('NEXT', 'another')],
]);
const table = {
  TableName: 'Tab',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
};
const Key = { pk: { S: 'a' } };
const put = { TableName: 'Tab', Item: Key };

const opened: HttpTableCalls[] = [];
const servers: Server[] = [];
const open = (...args: Parameters<typeof callsTo>) => {
  const calls = callsTo(...args);
  opened.push(calls);
  return calls;
};
afterEach(async () => {
  for (const calls of opened.splice(0)) calls.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('calls of a server that verifies signatures', () => {
  let server: TestServer;
  let endpoint: string;
  let created = '';

  beforeAll(async () => {
    server = await startServer({
      authenticator: new SignatureVerifier({
        credentials: { find: (id) => keys.get(id) },
        region: REGION,
      }),
    });
    endpoint = `http://127.0.0.1:${server.port}`;
    const calls = open(endpoint);
    created = await outcomeOf(calls.call('CreateTable', table));
    await vi.waitFor(
      async () =>
        expect(await outcomeOf(calls.call('DescribeTable', { TableName: 'Tab' }))).toContain(
          '"ACTIVE"',
        ),
      { timeout: 30_000 },
    );
  });
  afterAll(() => server.close());

  it('are signed, and answered with what the table says', async () => {
    expect(created).toContain('TableDescription');
    const calls = open(endpoint);
    const Item = { ...Key, text: { S: 'Füße 👣' } };
    expect(await calls.call('PutItem', { TableName: 'Tab', Item })).toEqual({});
    expect(await calls.call('GetItem', { TableName: 'Tab', Key })).toEqual({ Item });
  });

  it('end in the table’s own faults, with all their members', async () => {
    const calls = open(endpoint);
    await calls.call('PutItem', put);
    const isNew = { ConditionExpression: 'attribute_not_exists(pk)' };
    const showing = { ...isNew, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    expect(await outcomeOf(calls.call('PutItem', { ...put, ...showing }))).toBe(
      'ConditionalCheckFailedException: The conditional request failed {"Item":{"pk":{"S":"a"}}}',
    );
    const TransactItems = [{ Put: { ...put, ...isNew } }];
    expect(await outcomeOf(calls.call('TransactWriteItems', { TransactItems }))).toBe(
      'TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons' +
        ' [ConditionalCheckFailed] {"CancellationReasons":[{"Code":"ConditionalCheckFailed","Message":"The conditional request failed"}]}',
    );
    expect(await outcomeOf(calls.call('GetItem', { TableName: 'nope', Key }))).toBe(
      'ResourceNotFoundException: Requested resource not found',
    );
    expect(calls.metrics).toMatchObject({ callsCount: 4, faultsCount: 3, errorsCount: 0 });
  });

  it('use the key that is current', async () => {
    let id = 'AKID';
    const calls = open(endpoint, { credential: () => keys.get(id) ?? credentialOf(id) });
    expect(await outcomeOf(calls.call('PutItem', put))).toBe('{}');
    id = 'NEXT';
    expect(await outcomeOf(calls.call('PutItem', put))).toBe('{}');
    id = 'GONE';
    expect(await outcomeOf(calls.call('PutItem', put))).toContain('UnrecognizedClientException');
  });

  it('carry answers of any length', async () => {
    const calls = open(endpoint);
    const Item = { pk: { S: 'large' }, text: { S: 'é'.repeat(150_000) } };
    await calls.call('PutItem', { TableName: 'Tab', Item });
    const answer = await calls.call('GetItem', { TableName: 'Tab', Key: { pk: Item.pk } });
    expect(answer).toEqual({ Item });
  });
});

/** A server of HTTP that says whatever the test says; counts connections and requests. */
async function serve(listener: RequestListener) {
  const counts = { connections: 0, requests: 0 };
  const server = createHttpServer((request, response) => {
    counts.requests += 1;
    request.resume();
    listener(request, response);
  });
  server.on('connection', () => {
    counts.connections += 1;
  });
  servers.push(server);
  return { endpoint: `http://127.0.0.1:${await listenOn(server)}`, counts };
}

function notReached(): never {
  throw new Error('it has failed');
}

const answering =
  (status: number, text: string): RequestListener =>
  (_request, response) => {
    response.writeHead(status).end(text);
  };

describe('answers that are none', () => {
  it.each([
    ['500 InternalServerError', 500, '{"__type":"x#InternalServerError"}', 'uncertain'],
    ['503 of a proxy', 503, '<html>', 'uncertain'],
    ['JSON that is cut off', 200, '{"Item":', 'uncertain'],
    ['JSON that is no object', 200, '[]', 'uncertain'],
    ['404 of something else', 404, 'not found', 'not done'],
    ['400 without a type', 400, '{"message":"x"}', 'not done'],
    ['a redirection', 302, '', 'not done'],
  ])('a write is %s', async (_name, status, text, expected) => {
    const { endpoint, counts } = await serve(answering(status, text));
    const calls = open(endpoint);
    expect(await outcomeOf(calls.call('PutItem', put))).toMatch(new RegExp(`^${expected}: `));
    expect(counts.requests).toBe(1);
    expect(calls.metrics.uncertainCount).toBe(expected === 'uncertain' ? 1 : 0);
  });

  it.each([
    [500, 'InternalServerError', undefined],
    [503, 'ServiceUnavailable', 'ServiceUnavailable'],
  ])('what is said with %d is kept for callers', async (status, type, wireName) => {
    const text = `{"__type":"x#${type}","message":"The volume is full.","Reason":1}`;
    const { endpoint } = await serve(answering(status, text));
    const error = await open(endpoint)
      .call('PutItem', put)
      .then(notReached, (thrown) => thrown);
    expect(error).toBeInstanceOf(TableCallError);
    expect(error.isUncertain).toBe(true);
    expect(error.fault).toMatchObject({
      type: 'InternalServerError',
      message: 'The volume is full.',
      members: { Reason: 1 },
      ...(wireName && { wireType: `x#${wireName}`, wireName, status }),
    });
  });

  it('a fault that is not known is given on under its own name', async () => {
    const { endpoint, counts } = await serve(
      answering(400, '{"__type":"x#NovelException","message":"new"}'),
    );
    const fault = await open(endpoint)
      .call('GetItem', { Key })
      .then(notReached, (thrown) => thrown);
    expect(fault).toBeInstanceOf(RelayedFault);
    expect(fault).toMatchObject({ wireType: 'x#NovelException', status: 400, message: 'new' });
    expect(counts.requests).toBe(1);
  });

  it('a read is asked again, a bounded number of times', async () => {
    const { endpoint, counts } = await serve(answering(500, ''));
    const calls = open(endpoint);
    expect(await outcomeOf(calls.call('GetItem', { Key }))).toMatch(/^uncertain: /);
    expect(counts.requests).toBe(4);
    expect(calls.metrics).toMatchObject({ callsCount: 1, retriesCount: 3, errorsCount: 1 });
  });

  it('a read goes well when an answer comes at last', async () => {
    let isBroken = true;
    const { endpoint, counts } = await serve((request, response) => {
      answering(isBroken ? 500 : 200, '{"n":1}')(request, response);
      isBroken = false;
    });
    expect(await outcomeOf(open(endpoint).call('Query', {}))).toBe('{"n":1}');
    expect(counts.requests).toBe(2);
  });

  it('a fault is no reason to ask again', async () => {
    const throttled = '{"__type":"x#ThrottlingException","message":"slow"}';
    const { endpoint, counts } = await serve(answering(400, throttled));
    const calls = open(endpoint);
    expect(await outcomeOf(calls.call('GetItem', { Key }))).toBe('ThrottlingException: slow');
    expect(counts.requests).toBe(1);
  });

  it('an answer that is too large ends the call', async () => {
    const { endpoint } = await serve(answering(200, `{"text":"${'x'.repeat(10_000)}"}`));
    const calls = open(endpoint, { limits: { answerBytesMax: 5_000, attemptsMax: 1 } });
    expect(await outcomeOf(calls.call('GetItem', { Key }))).toMatch(/^uncertain: .*too large/);
  });
});

describe('connections', () => {
  it('are kept, and as many as allowed', async () => {
    let waiting = 0;
    let waitingMax = 0;
    const { endpoint, counts } = await serve((_request, response) => {
      waiting += 1;
      waitingMax = Math.max(waitingMax, waiting);
      setImmediate(() => {
        waiting -= 1;
        response.writeHead(200).end('{}');
      });
    });
    const calls = open(endpoint, { limits: { connectionsMax: 3 } });
    for (let i = 0; i < 5; i += 1) await calls.call('GetItem', { Key });
    expect(counts.connections).toBe(1);
    await Promise.all(Array.from({ length: 30 }, () => calls.call('PutItem', put)));
    expect(counts.requests).toBe(35);
    expect(counts.connections).toBe(3);
    expect(waitingMax).toBeLessThanOrEqual(3);
  });

  it('that are refused leave writes undone for certain, after some tries', async () => {
    const server = createHttpServer();
    const port = await listenOn(server);
    await new Promise((resolve) => server.close(resolve));
    const calls = open(`http://127.0.0.1:${port}`);
    expect(await outcomeOf(calls.call('PutItem', put))).toBe(
      'not done: the tables do not answer: ECONNREFUSED',
    );
    expect(calls.metrics.retriesCount).toBe(3);
  });

  it('that cannot be had for want of a name leave writes undone', async () => {
    const calls = open('http://no-such-host.invalid:8000', { limits: { attemptsMax: 1 } });
    expect(await outcomeOf(calls.call('PutItem', put))).toMatch(/^not done: /);
  });

  it('that end after a request was sent leave a write uncertain', async () => {
    const { endpoint, counts } = await serve((request) => request.socket.destroy());
    expect(await outcomeOf(open(endpoint).call('PutItem', put))).toMatch(/^uncertain: /);
    expect(counts.requests).toBe(1);
  });

  it('that end in the middle of an answer leave a write uncertain', async () => {
    const { endpoint } = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":', () => request.socket.destroy());
    });
    expect(await outcomeOf(open(endpoint).call('PutItem', put))).toMatch(/^uncertain: /);
  });

  it('that were closed while nobody used them cost a read nothing', async () => {
    const sockets: Socket[] = [];
    let answersCount = 0;
    // Closes each connection when the second request on it arrives, as a server does that is too late to say goodbye.
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      let requestsCount = 0;
      socket.on('error', () => undefined);
      socket.on('data', () => {
        requestsCount += 1;
        if (requestsCount > 1) socket.destroy();
        else {
          answersCount += 1;
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
        }
      });
    });
    const calls = open(`http://127.0.0.1:${await listenOn(server)}`);
    for (let i = 0; i < 3; i += 1) {
      expect(await outcomeOf(calls.call('GetItem', { Key }))).toBe('{}');
    }
    expect(answersCount).toBe(3);
    expect(await outcomeOf(calls.call('PutItem', put))).toMatch(/^uncertain: /);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('waits', () => {
  it('of a write end at its limit, uncertain', async () => {
    const { endpoint } = await serve(() => undefined);
    // Enough for the request to leave, also on a busy machine: before that, it is not done.
    const calls = open(endpoint, { limits: { callMs: 5_000 } });
    expect(await outcomeOf(calls.call('PutItem', put))).toBe(
      'uncertain: the tables do not answer: no answer in time',
    );
  });

  it('of a read end at their limit, all tries together', async () => {
    const { endpoint, counts } = await serve(() => undefined);
    const calls = open(endpoint, { limits: { attemptMs: 1_500, callMs: 6_000, attemptsMax: 50 } });
    expect(await outcomeOf(calls.call('GetItem', { Key }))).toMatch(/no answer in time$/);
    await expect.poll(() => counts.requests).toBeGreaterThan(1);
    expect(counts.requests).toBeLessThan(7);
  });

  it('end when nobody wants the answer any more', async () => {
    const { endpoint, counts } = await serve(() => undefined);
    const calls = open(endpoint);
    const controller = new AbortController();
    const call = outcomeOf(calls.call('GetItem', { Key }, { signal: controller.signal }));
    await expect.poll(() => counts.requests).toBe(1);
    controller.abort();
    expect(await call).toMatch(/^uncertain: .*nobody waits/);
    const late = calls.call('PutItem', put, { signal: controller.signal });
    expect(await outcomeOf(late)).toMatch(/^not done: /);
    expect(counts.requests).toBe(1);
  });

  it('are as many as allowed', async () => {
    const { endpoint } = await serve(() => undefined);
    const calls = open(endpoint, { limits: { callsMax: 2 } });
    const ending = [calls.call('PutItem', put), calls.call('PutItem', put)].map(outcomeOf);
    expect(await outcomeOf(calls.call('PutItem', put))).toMatch(/^not done: too many calls/);
    calls.close();
    expect((await Promise.all(ending)).every((text) => text.startsWith('uncertain'))).toBe(true);
    expect(await outcomeOf(calls.call('GetItem', { Key }))).toMatch(/^not done: /);
    expect(calls.metrics.inFlightCount).toBe(0);
  });
});

describe('TLS', () => {
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

  async function serveSecurely(name: string) {
    const server = createHttpsServer(authority.sign(name), (request, response) => {
      request.resume();
      response.end('{}');
    });
    servers.push(server);
    return `https://localhost:${await listenOn(server)}`;
  }

  it('trusts the authority that it is given', async () => {
    const calls = open(await serveSecurely('localhost'), { ca: authority.ca });
    expect(await outcomeOf(calls.call('PutItem', put))).toBe('{}');
    expect(await outcomeOf(calls.call('PutItem', put))).toBe('{}');
  });

  it('refuses others, and other names, before anything is sent', async () => {
    const once = { limits: { attemptsMax: 1 } };
    const wrongCa = open(await serveSecurely('localhost'), { ca: other.ca, ...once });
    expect(await outcomeOf(wrongCa.call('PutItem', put))).toMatch(/^not done: /);
    const wrongName = open(await serveSecurely('elsewhere'), { ca: authority.ca, ...once });
    expect(await outcomeOf(wrongName.call('PutItem', put))).toMatch(
      /^not done: .*ERR_TLS_CERT_ALTNAME_INVALID/,
    );
  });
});
