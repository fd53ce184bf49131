import { connect } from 'node:net';
import { crc32, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientFault, validationFault } from '../errors/client-fault.ts';
import { StoreError } from '../storage/store.ts';
import {
  ANY_SIGNATURE,
  callHeaders,
  callOperation,
  rawCall,
  send,
  sendRaw,
  startServer,
  type TestServer,
} from './endpoint.fixture.ts';

const BIG = { text: 'compress me '.repeat(1000) };

let server: TestServer;
let finishSlow: () => void = () => undefined;

beforeAll(async () => {
  server = await startServer({
    operations: {
      Echo: (body) => body,
      EchoLater: async (body) => body,
      Bytes: () => Buffer.from('{"ready":"ü"}'),
      Nothing: () => new Uint8Array(0),
      Big: () => BIG,
      Slow: () =>
        new Promise((resolve) => {
          finishSlow = () => resolve({});
        }),
      Fault: () => {
        throw validationFault('not so');
      },
      FaultLater: () => Promise.reject(new ClientFault('ResourceInUseException', 'busy')),
      Defect: () => {
        throw new Error('a detail that stays here');
      },
      DefectLater: () => Promise.reject(new Error('a detail that stays here')),
      Store: ({ code }) => {
        throw new StoreError(code as 'io', 'a path that stays here'); // the tests send codes
      },
    },
  });
});

afterAll(() => server.close());

/** Checks what every answer has, and returns it. */
async function answerTo(call: Parameters<typeof send>[1]) {
  const answer = await send(server.port, call);
  expect(answer.headers['x-amzn-requestid']).toMatch(/^[A-Z0-9]{52}$/);
  expect(answer.headers['x-amz-crc32']).toBe(String(crc32(answer.body)));
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  expect(answer.headers.date).toBeDefined();
  expect(answer.headers.server).toBe('Server');
  return answer;
}

const NOT_JSON = '{"__type":"com.amazon.coral.service#SerializationException"}';
const UNKNOWN = '{"__type":"com.amazon.coral.service#UnknownOperationException"}';
const NO_TOKEN =
  '{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}';

describe('what is no API call', () => {
  it('GET is answered with health', async () => {
    const answer = await answerTo({ method: 'GET' });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('healthy: dynamodb.us-east-1.amazonaws.com ');
    expect(answer.headers['x-amz-crc32']).toBe('3128867991');
    expect(answer.headers['content-type']).toBeUndefined();
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is not found', async (method) => {
    const answer = await answerTo({ method });
    expect(answer.status).toBe(404);
    expect(answer.text).toBe('<UnknownOperationException/>\n');
    expect(answer.headers['x-amz-crc32']).toBe('3552371480');
  });

  it.each(['/abc', '/-', '/index.htm', '//', '/abc?x=/'])('GET %s is not found', async (path) => {
    const answer = await answerTo({ method: 'GET', path });
    expect([answer.status, answer.text]).toEqual([404, '<UnknownOperationException/>\n']);
  });

  it('GET is answered with health whatever the query', async () => {
    expect((await answerTo({ method: 'GET', path: '/?x=/abc' })).status).toBe(200);
  });

  it('HEAD is not found and has no body', async () => {
    const answer = await send(server.port, { method: 'HEAD' });
    expect([answer.status, answer.text]).toEqual([404, '']);
  });

  it.each([
    undefined,
    'whatever',
    'application/x-amz-json-1.1',
    'application/jsonasdf',
    'text/json',
  ])('a body of content type %s is not found', async (contentType) => {
    const answer = await answerTo({
      body: 'hi',
      headers: contentType === undefined ? {} : { 'content-type': contentType },
    });
    expect(answer.status).toBe(404);
    expect(answer.text).toBe('<UnknownOperationException/>\n');
  });
});

describe('CORS', () => {
  const EXPOSED = 'x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date';

  it('a preflight is answered with what it asks for', async () => {
    const answer = await send(server.port, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://page',
        'access-control-request-headers': 'a, b, c',
        'access-control-request-method': 'd',
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('');
    expect(answer.headers).toMatchObject({
      server: 'Server',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': EXPOSED,
      'access-control-allow-headers': 'a, b, c',
      'access-control-allow-methods': 'd',
      'access-control-max-age': '172800',
      'content-length': '0',
    });
    expect(answer.headers['x-amzn-requestid']).toMatch(/^[A-Z0-9]{52}$/);
  });

  it('a bare preflight allows nothing by name', async () => {
    const answer = await send(server.port, { method: 'OPTIONS', headers: { origin: 'x' } });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-headers']).toBeUndefined();
    expect(answer.headers['access-control-allow-methods']).toBeUndefined();
  });

  it('every answer to a page may be read by it, errors too', async () => {
    for (const call of [
      { headers: callHeaders('Echo', { origin: 'x' }), body: '{}' },
      { headers: { origin: 'x' } },
      { method: 'GET', headers: { origin: 'x' } },
      { method: 'PUT', headers: { origin: 'x' } },
    ]) {
      const { headers } = await answerTo(call);
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers['access-control-expose-headers']).toBe(EXPOSED);
      expect(headers['access-control-max-age']).toBeUndefined();
    }
  });

  it('no other answer names an origin', async () => {
    const answer = await answerTo({ method: 'GET' });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['access-control-expose-headers']).toBeUndefined();
  });
});

describe('content type of answers', () => {
  it.each([
    ['application/x-amz-json-1.0', 'application/x-amz-json-1.0'],
    ['application/x-amz-json-1.0;blahblah', 'application/x-amz-json-1.0'],
    ['Application/X-Amz-Json-1.0', 'application/x-amz-json-1.0'],
    ['application/json', 'application/json'],
    ['  application/json  ;   asfd', 'application/json'],
    ['application/json;charset=asfdsaf', 'application/json'],
  ])('%j is answered in %j', async (sent, answered) => {
    const headers = callHeaders('Echo', { 'content-type': sent });
    const answer = await answerTo({ headers, body: '{"a":1}' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(answered);
    const fault = await answerTo({ headers: { 'content-type': sent }, body: 'hi' });
    expect(fault.text).toBe(NOT_JSON);
    expect(fault.headers['content-type']).toBe(answered);
  });

  it('is JSON where the request has no body and no type', async () => {
    const answer = await answerTo({});
    expect(answer.headers['content-type']).toBe('application/json');
  });
});

describe('order of the gates', () => {
  const json = { 'content-type': 'application/x-amz-json-1.0' };
  const target = { 'x-amz-target': 'DynamoDB_20120810.ListTables' };

  it.each([
    ['bad JSON before a bad target', { ...json }, 'hi', NOT_JSON],
    ['a bad target before a missing signature', { ...json }, '{}', UNKNOWN],
    ['a bad target before an empty body', { ...ANY_SIGNATURE }, '', UNKNOWN],
    ['a missing signature before an empty body', { ...target }, '', NO_TOKEN],
    ['a missing signature before a body that is no object', { ...json, ...target }, '[]', NO_TOKEN],
    ['an empty body at last', { ...target, ...ANY_SIGNATURE }, '', NOT_JSON],
  ])('%s', async (_, headers: Record<string, string>, body, text) => {
    const answer = await answerTo({ headers, body });
    expect(answer.status).toBe(400);
    expect(answer.text).toBe(text);
  });

  it('the checksums of the service for its fixed answers', async () => {
    const hi = await answerTo({ headers: { 'content-type': 'application/json' }, body: 'hi' });
    expect(hi.headers['x-amz-crc32']).toBe('3948637019');
    expect((await answerTo({})).headers['x-amz-crc32']).toBe('1368724161');
    expect((await answerTo({ headers: target })).headers['x-amz-crc32']).toBe('2088342776');
  });
});

describe('targets', () => {
  it.each([
    'whatever',
    '',
    'DynamoDB_20120810',
    'DynamoDB_20120810.',
    'DynamoDB_20120810.ListTable',
    'DynamoDB_20120810.listTables',
    'DynamoDB_20111205.ListTables',
    'DynamoDB_20120810.TransactWriteItem',
    'DynamoDB_20120810.ListTables.x',
    'DynamoDB_20120810.constructor',
    'DynamoDB_20120810.ListStreams',
    'DynamoDBStreams_20120810.ListTables',
    '__proto__',
  ])('%j is unknown', async (name) => {
    const headers = callHeaders('', { 'x-amz-target': name });
    const answer = await answerTo({ headers, body: '{}' });
    expect([answer.status, answer.text]).toEqual([400, UNKNOWN]);
  });

  it('of the service run', async () => {
    const answer = await callOperation(server.port, 'ListTables', {});
    expect([answer.status, answer.text]).toEqual([200, '{"TableNames":[]}']);
  });

  it('of the streams run, behind their own prefix', async () => {
    const target = 'DynamoDBStreams_20120810.ListStreams';
    const headers = callHeaders('', { 'x-amz-target': target });
    const answer = await answerTo({ headers, body: '{}' });
    expect([answer.status, answer.text]).toEqual([200, '{"Streams":[]}']);
  });

  it('are accepted with a presigned query', async () => {
    const { authorization: _, 'x-amz-date': __, ...headers } = callHeaders('Echo');
    const path =
      '/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-SignedHeaders=d&X-Amz-Date=e';
    const answer = await answerTo({ path, headers, body: '{"a":1}' });
    expect([answer.status, answer.text]).toEqual([200, '{"a":1}']);
  });
});

describe('bodies', () => {
  const echo = (body: Buffer | string, more: Record<string, string> = {}) =>
    answerTo({ headers: callHeaders('Echo', more), body });

  it.each([
    'hi',
    '{',
    '{}x',
    '{"a":}',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":1,}',
    '\u{feff}{}',
    '{"a":"\n"}',
  ])('%j is no JSON', async (body) => {
    expect((await echo(body)).text).toBe(NOT_JSON);
  });

  it.each(['null', '[]', '[{}]', '1', '"a"', 'true', '[[[]]]'])('%s is no object', async (body) => {
    expect((await echo(body)).text).toBe(NOT_JSON);
  });

  it.each([
    ['a bare continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character cut off', [0xe2, 0x82]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['no UTF-8 byte', [0xff]],
  ])('with %s are refused', async (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect((await echo(body)).text).toBe(NOT_JSON);
  });

  it('of any Unicode text come through', async () => {
    const body = '{"a":"ü€😀\u2028\\u0000","__proto__":{"b":1}}';
    const answer = await echo(body);
    expect(answer.text).toBe('{"a":"ü€😀\u2028\\u0000","__proto__":{"b":1}}');
  });

  it('of 2 MB in many packets come through', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(2_000_000) });
    expect((await echo(body)).text).toBe(body);
  });

  it('nested 100,000 levels deep are an ordinary error, at once', async () => {
    const deep = `{"TableName":"T","Key":${'{"M":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
    const answer = await answerTo({ headers: callHeaders('GetItem'), body: deep });
    expect(answer.status).toBe(400);
    const brackets = '['.repeat(1_000_000);
    expect((await echo(brackets)).text).toBe(NOT_JSON);
  });

  it('beyond 16 MB are answered 413, and the server goes on', async () => {
    const answer = await send(server.port, {
      headers: callHeaders('Echo'),
      body: Buffer.alloc(16 * 1024 * 1024 + 1, 0x61),
    });
    expect([answer.status, answer.text]).toEqual([413, '']);
    expect(answer.headers['transfer-encoding']).toBe('chunked');
    expect(answer.headers['x-amzn-requestid']).toMatch(/^[A-Z0-9]{52}$/);
  });

  it('of 16 MB of anything are not too large', async () => {
    const answer = await answerTo({ body: Buffer.alloc(16 * 1024 * 1024, 0x61) });
    expect(answer.status).toBe(404);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('in %s are inflated', async (coding, encode) => {
    expect((await echo(encode('{"a":"ü"}'), { 'content-encoding': coding })).text).toBe(
      '{"a":"ü"}',
    );
  });

  it.each(['gzip', 'deflate', 'garbage'])('that are not %s are answered 500', async (coding) => {
    const answer = await echo('{"a":1}', { 'content-encoding': coding });
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toEqual({
      __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
      message: 'The body does not decompress as its Content-Encoding says.',
    });
  });

  it('that inflate to a gigabyte are answered 413 without the gigabyte', async () => {
    const member = gzipSync(Buffer.alloc(32 * 1024 * 1024));
    const bomb = Buffer.concat(Array.from({ length: 32 }, () => member));
    const before = process.memoryUsage().rss;
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() =>
        send(server.port, {
          headers: callHeaders('Echo', { 'content-encoding': 'gzip' }),
          body: bomb,
        }),
      ),
    );
    for (const answer of answers) expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  });
});

describe('answers', () => {
  it('of an operation are its bytes, its object as JSON, or nothing', async () => {
    expect((await callOperation(server.port, 'Bytes', {})).text).toBe('{"ready":"ü"}');
    expect((await callOperation(server.port, 'EchoLater', { a: 'ü' })).text).toBe('{"a":"ü"}');
    const nothing = await answerTo({ headers: callHeaders('Nothing'), body: '{}' });
    expect([nothing.status, nothing.text, nothing.headers['x-amz-crc32']]).toEqual([200, '', '0']);
  });

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ] as const)('beyond 4 KB come in %s if asked for, summed as sent', async (coding, decode) => {
    const headers = callHeaders('Big', { 'accept-encoding': coding });
    const answer = await answerTo({ headers, body: '{}' });
    expect(answer.headers['content-encoding']).toBe(coding);
    expect(answer.body.length).toBeLessThan(1000);
    expect(JSON.parse(decode(answer.body).toString())).toEqual(BIG);
  });

  it('beyond 4 KB come as they are if not asked for', async () => {
    const answer = await answerTo({ headers: callHeaders('Big'), body: '{}' });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(answer.text)).toEqual(BIG);
  });

  it('of up to 4 KB are not compressed', async () => {
    const headers = callHeaders('Echo', { 'accept-encoding': 'gzip' });
    const body = JSON.stringify({ a: 'x'.repeat(4096 - '{"a":""}'.length) });
    const answer = await answerTo({ headers, body });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.text).toBe(body);
  });

  it('of faults are 400 with type and message', async () => {
    const fault = await answerTo({ headers: callHeaders('Fault'), body: '{}' });
    expect([fault.status, fault.text]).toEqual([
      400,
      '{"__type":"com.amazon.coral.validate#ValidationException","message":"not so"}',
    ]);
    const later = await answerTo({ headers: callHeaders('FaultLater'), body: '{}' });
    expect([later.status, later.text]).toEqual([
      400,
      '{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"busy"}',
    ]);
  });

  it.each(['Defect', 'DefectLater'])(
    'to a defect (%s) are 500; the log has the rest',
    async (name) => {
      const answer = await answerTo({ headers: callHeaders(name), body: '{}' });
      expect(answer.status).toBe(500);
      expect(JSON.parse(answer.text)).toEqual({
        __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
        message: 'The request processing has failed because of an unknown error.',
      });
      expect(server.logged.at(-1)).toMatchObject({
        msg: 'request failed',
        requestId: answer.headers['x-amzn-requestid'],
        target: `DynamoDB_20120810.${name}`,
        err: { message: 'a detail that stays here' },
      });
    },
  );

  it.each([
    ['full', 'The volume of the data folder is full: writes are refused until space is freed.'],
    ['io', 'The disk refused the request; see the log of the server.'],
    ['damaged', 'The data folder is damaged; see the log of the server.'],
    ['closed', 'The server is shutting down.'],
  ])('to a store that is %s are 500 and say so', async (code, message) => {
    const answer = await answerTo({
      headers: callHeaders('Store'),
      body: JSON.stringify({ code }),
    });
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text).message).toBe(message);
    expect(server.logged.at(-1)).toMatchObject({
      msg: 'the store failed',
      code,
      requestId: answer.headers['x-amzn-requestid'],
    });
  });

  it('to pipelined requests come in order, quick ones behind a slow one', async () => {
    const calls = [
      rawCall('Slow', '{}'),
      rawCall('Echo', '{"n":1}'),
      rawCall('EchoLater', '{"n":2}'),
      rawCall('Fault', '{}'),
      rawCall('Echo', '{"n":3}', { connection: 'close' }),
    ];
    const raw = sendRaw(server.port, calls.join(''));
    await expect.poll(() => finishSlow.toString()).toContain('resolve');
    finishSlow();
    const statuses = [...(await raw).matchAll(/HTTP\/1\.1 (\d+)|("n":\d|not so)/g)].map(
      ([, status, body]) => status ?? body,
    );
    expect(statuses).toEqual([
      '200',
      '200',
      '"n":1',
      '200',
      '"n":2',
      '400',
      'not so',
      '200',
      '"n":3',
    ]);
  });
});

describe('request log', () => {
  it('has a line a request at debug', async () => {
    const debugging = await startServer({ logLevel: 'debug' });
    try {
      const ok = await callOperation(debugging.port, 'ListTables', {});
      const fault = await callOperation(debugging.port, 'DescribeTable', { TableName: 'absent' });
      expect(debugging.logged.filter(({ msg }) => msg === 'request')).toMatchObject([
        {
          requestId: ok.headers['x-amzn-requestid'],
          target: 'DynamoDB_20120810.ListTables',
          status: 200,
        },
        {
          requestId: fault.headers['x-amzn-requestid'],
          status: 400,
          faultType: 'ResourceNotFoundException',
        },
      ]);
    } finally {
      await debugging.close();
    }
  });
});

describe('closing', () => {
  it('finishes requests under way, closes their connections and refuses new ones', async () => {
    let begun: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let finish: () => void = () => undefined;
    const closing = await startServer({
      operations: {
        Slow: () =>
          new Promise((resolve) => {
            finish = () => resolve({ done: true });
            begun();
          }),
      },
    });
    const { port } = closing;
    const raw = sendRaw(port, rawCall('Slow', '{}'));
    await started;
    const closed = closing.close(60_000);
    await expect(send(port, { method: 'GET' })).rejects.toThrow('ECONNREFUSED');
    finish();
    const text = await raw;
    expect(text).toContain('{"done":true}');
    expect(text).toContain('Connection: close');
    await closed;
  });

  it('ends idle connections at once', async () => {
    const closing = await startServer();
    const socket = connect(closing.port, '127.0.0.1');
    await new Promise((resolve) => {
      socket.once('data', resolve);
      socket.write(rawCall('ListTables', '{}'));
    });
    const gone = new Promise((resolve) => socket.once('close', resolve));
    await closing.close();
    await gone;
  });

  it('cuts what does not finish in time', async () => {
    const closing = await startServer({
      operations: { Never: () => new Promise(() => undefined) },
    });
    const raw = sendRaw(closing.port, rawCall('Never', '{}'));
    const partial = sendRaw(closing.port, 'POST / HTTP/1.1\r\nHost: ');
    await send(closing.port, { method: 'GET' });
    await closing.close();
    expect([await raw, await partial]).toEqual(['', '']);
  });
});

describe('listening', () => {
  it('fails with the code of the system when the port is in use', async () => {
    expect(server.endpoint.url).toBe(`http://127.0.0.1:${server.port}`);
    await expect(startServer({ port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('shows an address that clients can use', async () => {
    const everywhere = await startServer({ host: '0.0.0.0' });
    expect(everywhere.endpoint.url).toBe(`http://127.0.0.1:${everywhere.port}`);
    await everywhere.close();
  });
});
