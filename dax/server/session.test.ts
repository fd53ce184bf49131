import { afterEach, describe, expect, it } from 'vitest';
import { AUTHORISATION_MS } from './limits.ts';
import {
  FRAMED_PREAMBLE,
  getItem,
  PREAMBLE,
  type RawClient,
  request,
} from './raw-client.fixture.ts';
import { ann, SessionBench } from './session.fixture.ts';

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

describe('requests on a connection', () => {
  it('a handshake before a request, in one packet, has no reply of its own', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(PREAMBLE, bench.signed(), getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
    expect(bench.callers).toEqual([
      { principal: ann, isTls: false, sourceIp: '127.0.0.1', selectForm: 'plain' },
    ]);
    expect(bench.counters.requests).toMatchObject({ authorizeConnection: 1, getItem: 1 });
  });

  it('come in any pieces: byte by byte', async () => {
    const bench = await newBench();
    const client = await bench.client();
    const bytes = Buffer.concat([PREAMBLE, bench.signed(), getItem('T', 'a'), getItem('T', 'b')]);
    for (const byte of bytes) {
      client.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await text(client, 6)).toBe('<a><b>');
    expect(bench.counters.bytesIn).toBe(bytes.length);
    expect(bench.counters.bytesOut).toBe(6);
    expect(bench.held.bytes).toBe(0);
  });

  it('are answered in order: none is looked at before the one before it is answered', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    const first = Promise.withResolvers<Buffer>();
    bench.reply = (key) => (key === 'a' ? first.promise : Buffer.from(`<${key}>`));
    const sent = PREAMBLE.length + bench.signed().length + 3 * getItem('T', 'a').length;
    client.send(getItem('T', 'a'), getItem('T', 'b'));
    client.send(getItem('T', 'c'));
    await expect.poll(() => bench.counters.bytesIn).toBe(sent);
    expect(bench.asked).toEqual(['a']);
    first.resolve(Buffer.from('<a!>'));
    expect(await text(client, 10)).toBe('<a!><b><c>');
    expect(bench.held.bytes).toBe(0);
  });

  it('are answered in frames if the preamble asks for that, faults too', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(FRAMED_PREAMBLE, bench.signed(), getItem('T', 'a'), '02');
    const answer = '0000000b 01000000'.replace(' ', '') + Buffer.from('<a>').toString('hex');
    expect((await client.take(11)).toString('hex')).toBe(answer);
    const head = await client.take(8);
    expect(head.readInt32BE(4)).toBe(0x01000000);
    const fault = await client.take(head.readInt32BE() - 8);
    expect(fault.subarray(0, 2).toString('hex')).toBe('8504');
    expect(await client.end()).toBe('fin');
  });

  it('with contents that cannot be are refused, and the connection goes on', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(
      request('defineKeySchema', (writer) => writer.integer(5)),
      getItem('T', 'a'),
    );
    expect(await client.fault()).toMatchObject({
      codes: [4, 37, 38, 39, 46],
      errorCode: 'ValidationException',
    });
    expect(await text(client, 3)).toBe('<a>');
  });

  it('the rest after an unknown method cannot be read: an error, then the end', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send('011a00000001', getItem('T', 'a'));
    expect(await client.fault()).toMatchObject({ codes: [4, 37, 38, 44] });
    expect(await client.end()).toBe('fin');
    expect(bench.asked).toEqual([]);
    expect(bench.counters.protocolErrors.get('method')).toBe(1);
  });

  it('what is no CBOR is refused with an error, then the end', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send('011a0fb0cc6aff');
    expect(await client.fault()).toMatchObject({ errorCode: 'ValidationException' });
    expect(await client.end()).toBe('fin');
  });

  it('another protocol is closed at once, without a word', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    expect(await client.end()).toBe('fin');
    expect(client.received).toHaveLength(0);
    expect(bench.counters.protocolErrors.get('magic')).toBe(1);
  });
});

describe('authorisation', () => {
  it('without one every request is told to sign, and then goes through', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(PREAMBLE, getItem('T', 'a'), getItem('T', 'b'));
    const fault = {
      codes: [4, 23, 31, 33],
      errorCode: 'MissingAuthenticationTokenException',
      message: 'Request is missing Authentication Token',
      status: 400,
    };
    expect(await client.fault()).toMatchObject(fault);
    expect(await client.fault()).toMatchObject(fault);
    client.send(bench.signed(), getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
    expect(bench.asked).toEqual(['a']);
    // Only what was answered is measured.
    expect(bench.counters.latencyMs.get('getItem')).toMatchObject({ count: 1, sum: 0 });
  });

  it('a wrong one is remembered until there is a good one', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(PREAMBLE, bench.signed('guessed'), getItem('T', 'a'), request('endpoints'));
    const fault = { codes: [4, 23, 31, 32], errorCode: 'UnrecognizedClientException' };
    expect(await client.fault()).toMatchObject(fault);
    expect(await client.fault()).toMatchObject(fault);
    expect(bench.callers).toEqual([]);
    expect(bench.counters.authorisationFailures).toBe(1);
    expect(bench.counters.errors.get('UnrecognizedClientException')).toBe(2);
    expect(bench.counters.denials.all).toEqual([
      { operation: 'GetItem', reason: 'signature', count: 1 },
      { operation: 'Endpoints', reason: 'signature', count: 1 },
    ]);
    client.send(bench.signed(), getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
  });

  it('a wrong one takes the place of a good one', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(bench.signed('guessed'), getItem('T', 'a'));
    expect(await client.fault()).toMatchObject({ codes: [4, 23, 31, 32] });
    expect(bench.asked).toEqual([]);
  });

  it('one that cannot be read is a wrong one', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(
      request('authorizeConnection', (writer) => {
        for (let index = 0; index < 5; index++) writer.null();
      }),
      getItem('T', 'a'),
    );
    expect(await client.fault()).toMatchObject({ codes: [4, 23, 31, 32] });
  });

  it('runs out some time after its receipt, and is had again', async () => {
    const bench = await newBench();
    const client = await bench.knownClient();
    client.send(getItem('T', 'a'));
    expect(await text(client, 3)).toBe('<a>');
    bench.nowMs = AUTHORISATION_MS;
    client.send(getItem('T', 'b'));
    expect(await text(client, 3)).toBe('<b>');
    bench.nowMs += 1;
    client.send(getItem('T', 'c'));
    expect(await client.fault()).toMatchObject({ codes: [4, 23, 31, 33] });
    expect(bench.counters.denials.all).toEqual([
      { operation: 'GetItem', reason: 'expired', count: 1 },
    ]);
    client.send(bench.signed(), getItem('T', 'd'));
    expect(await text(client, 3)).toBe('<d>');
  });

  it('strangers learn nothing about what is wrong with a request', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(
      PREAMBLE,
      request('defineKeySchema', (writer) => writer.integer(5)),
    );
    expect(await client.fault()).toMatchObject({ codes: [4, 23, 31, 33] });
    client.send('011a00000001');
    expect(await client.fault()).toMatchObject({ codes: [4, 23, 31, 33] });
    expect(await client.end()).toBe('fin');
  });

  it('a stranger may send no large request', async () => {
    const bench = await newBench();
    const client = await bench.client();
    client.send(PREAMBLE, '011a0fb0cc6a', '5a00010000', Buffer.alloc(1000));
    expect(await client.fault()).toMatchObject({ codes: [4, 23, 31, 33] });
    expect(await client.end()).toBe('fin');
    expect(bench.counters.protocolErrors.get('size')).toBe(1);
  });
});
