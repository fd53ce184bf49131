import { afterEach, describe, expect, it } from 'vitest';
import { type Door, type DoorOptions, openDoor } from './door.fixture.ts';
import { signedHandshake } from './handshake.fixture.ts';
import { SESSION_TIMEOUTS } from './limits.ts';
import {
  authorizeConnection,
  getItem,
  PREAMBLE,
  RawClient,
  request,
} from './raw-client.fixture.ts';

const opened: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
});

async function open(options: DoorOptions = {}): Promise<Door> {
  const door = await openDoor(options);
  opened.push(() => door.close());
  return door;
}

async function connect(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  opened.push(() => client.destroy());
  return client;
}

const signed = () => authorizeConnection(signedHandshake({ nowMs: Date.now() }));

/** Asks for a table that is not there, which needs all parts of the server. */
async function expectService(client: RawClient): Promise<void> {
  client.send(signed(), getItem('Nowhere', 'a'));
  expect(await client.fault()).toMatchObject({ errorCode: 'ResourceNotFoundException' });
}

describe('the DAX door', () => {
  it('tells its own address and port', async () => {
    const { port } = await open();
    const client = await connect(port);
    client.send(PREAMBLE, signed(), request('endpoints'));
    const reply = (await client.take(30)).toString('hex');
    const portBytes = port.toString(16).padStart(4, '0');
    expect(
      reply.startsWith(`8081a700010166${Buffer.from('node-1').toString('hex')}02447f00000103`),
    ).toBe(true);
    expect(reply).toContain(`19${portBytes}`);
  });

  it('refuses connections beyond its limit, and takes new ones when others have gone', async () => {
    const { port, server } = await open({ connectionsMax: 2 });
    const first = await connect(port);
    first.send(PREAMBLE);
    await expectService(first);
    const second = await connect(port);
    second.send(PREAMBLE);
    await expectService(second);
    const third = await connect(port);
    expect(await third.end()).not.toBe(undefined);
    expect(server.counters.connectionsRefused).toBe(1);
    await expectService(first);
    second.destroy();
    await expect.poll(() => server.counters.connectionsCount).toBe(1);
    const fourth = await connect(port);
    fourth.send(PREAMBLE);
    await expectService(fourth);
  });

  it('says when its port is taken', async () => {
    const { port } = await open();
    await expect(openDoor({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('closes with FIN what is idle, and after its answer what is not', async () => {
    const door = await openDoor();
    const idle = await connect(door.port);
    idle.send(PREAMBLE);
    await expectService(idle);
    const busy = await connect(door.port);
    busy.send(PREAMBLE, signed(), getItem('Nowhere', 'a'));
    await expect.poll(() => door.server.counters.requests.getItem).toBe(2);
    const closed = door.close(30_000);
    expect(await idle.end()).toBe('fin');
    expect(await busy.fault()).toMatchObject({ errorCode: 'ResourceNotFoundException' });
    expect(await busy.end()).toBe('fin');
    idle.destroy();
    busy.destroy();
    await closed;
    await expect(RawClient.connect(door.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('cuts in the end what does not go', async () => {
    const door = await openDoor({ timeouts: { ...SESSION_TIMEOUTS, lingerMs: 60_000 } });
    const stubborn = await connect(door.port);
    stubborn.send(PREAMBLE);
    await expectService(stubborn);
    await door.close();
    expect(await stubborn.end()).not.toBe(undefined);
  });
});
