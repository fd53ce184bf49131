import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Credential } from '../../dataplane/access/credentials.ts';
import { PolicyFile } from '../../dataplane/access/policy-file.ts';
import { type Principal, principalOf, rootOf } from '../../dataplane/access/principal.ts';
import { SigningKeys } from '../../dataplane/access/signing-keys.ts';
import { Authority } from '../../dataplane/replication/transport/authority.fixture.ts';
import { type Door, type DoorOptions, openDoor } from '../server/door.fixture.ts';
import { SignedHandshakes } from '../server/handshake.ts';
import type { ClientSettings } from './client-commands.ts';
import { ClientProcess, type Outcome } from './client-process.ts';
import { type OfficialClient, OfficialClients } from './official-clients.fixture.ts';

/**
 * How the official clients get in: signatures, session tokens, what callers may do, TLS. What they call
 * then is in matrix.test.ts.
 */
const clients = await OfficialClients.find();
const folder = mkdtempSync(join(tmpdir(), 'trestle-dax-clients-'));
const opened: (() => Promise<void> | void)[] = [];

beforeAll(() => clients.build(), 600_000);

afterEach(async () => {
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
});

afterAll(() => {
  clients.remove();
  rmSync(folder, { recursive: true });
});

async function open(options: DoorOptions): Promise<Door> {
  const door = await openDoor(options);
  opened.push(() => door.close());
  await door.tables.createTable({
    TableName: 'Music',
    AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
  });
  return door;
}

async function start(client: OfficialClient, settings: ClientSettings): Promise<ClientProcess> {
  const process = new ClientProcess(await clients.command(client, settings));
  opened.push(() => process.stop());
  return process;
}

const Artist = { S: 'Nina Simone' };
const get = { TableName: 'Music', Key: { Artist } };
const put = { TableName: 'Music', Item: { Artist, Song: { S: 'Feeling Good' } } };

function errorOf(outcome: Outcome): { readonly code: string; readonly message: string } {
  if (!('error' in outcome)) throw new Error(`it succeeded: ${JSON.stringify(outcome)}`);
  return outcome.error;
}

const ACCOUNT = '123456789012';

function credential(accessKeyId: string, secret: string, more: Partial<Credential>): Credential {
  return {
    accessKeyId,
    sessionToken: undefined,
    principal: rootOf(ACCOUNT),
    signingKeys: new SigningKeys(secret),
    ...more,
  };
}

/** Handshakes of known keys; the set may be changed while a door is open. */
function handshakesOf(keys: Map<string, Credential>): SignedHandshakes {
  return new SignedHandshakes({ credentials: { find: (id) => keys.get(id) }, region: 'us-east-1' });
}

function keysOf(...credentials: readonly Credential[]): Map<string, Credential> {
  return new Map(credentials.map((each) => [each.accessKeyId, each]));
}

describe.each(clients.here)('$title', (client) => {
  it('is let in with a known key, and not with a wrong secret', async () => {
    const handshakes = handshakesOf(keysOf(credential('AKIAKNOWN', 'the secret', {})));
    const door = await open({ handshakes });
    const settings = { url: `dax://127.0.0.1:${door.port}`, accessKeyId: 'AKIAKNOWN' };
    const known = await start(client, { ...settings, secretAccessKey: 'the secret' });
    expect(await known.call('PutItem', put)).toHaveProperty('result');
    expect(await known.call('GetItem', get)).toMatchObject({ result: { Item: put.Item } });
    expect(door.server.counters.authorisationFailures).toBe(0);
    const wrong = await start(client, { ...settings, secretAccessKey: 'a guess' });
    expect(await wrong.call('GetItem', get)).toHaveProperty('error');
    expect(door.server.counters.authorisationFailures).toBeGreaterThan(0);
    expect(door.server.counters.requests).toMatchObject({ getItem: 1 });
  });

  it('is let in with a temporary key and its token', async () => {
    const key = credential('ASIATEMPORARY', 'the secret', { sessionToken: 'the token' });
    const door = await open({ handshakes: handshakesOf(keysOf(key)) });
    const settings = {
      url: `dax://127.0.0.1:${door.port}`,
      accessKeyId: 'ASIATEMPORARY',
      secretAccessKey: 'the secret',
    };
    const known = await start(client, { ...settings, sessionToken: 'the token' });
    expect(await known.call('GetItem', get)).toMatchObject({ result: {} });
    const unknown = await start(client, { ...settings, sessionToken: 'another' });
    expect(await unknown.call('GetItem', get)).toHaveProperty('error');
    expect(door.server.counters.authorisationFailures).toBeGreaterThan(0);
  });

  it('may do what policies say of its principal', async () => {
    const ann = principalOf('user/ann', ACCOUNT);
    const door = await open({
      handshakes: handshakesOf(keysOf(credential('AKIAANN', 'secret', { principal: ann }))),
      authorizer: readersOf(ann),
    });
    await door.tables.call('PutItem', put);
    const reader = await start(client, {
      url: `dax://127.0.0.1:${door.port}`,
      accessKeyId: 'AKIAANN',
      secretAccessKey: 'secret',
    });
    expect(await reader.call('GetItem', get)).toMatchObject({ result: { Item: put.Item } });
    const refused = errorOf(await reader.call('PutItem', put));
    // Go's client has no name for it.
    expect(['AccessDeniedException', 'Unknown']).toContain(refused.code);
    expect(refused.message).toContain(
      'User: arn:aws:iam::123456789012:user/ann is not authorized to perform: dax:PutItem ' +
        'on resource: arn:aws:dax:us-east-1:123456789012:cache/test',
    );
  });

  it('is served by TLS if it trusts the authority, and goes away if not', async () => {
    const authority = new Authority();
    opened.push(() => authority.remove());
    const { cert, key } = authority.sign('127.0.0.1');
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    const ca = join(folder, 'ca.crt');
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
    writeFileSync(ca, authority.ca);
    const door = await open({ tls: files });
    const url = `daxs://127.0.0.1:${door.server.tlsPort}`;
    const trusting = await start(client, { url, ca });
    expect(await trusting.call('PutItem', put)).toHaveProperty('result');
    expect(await trusting.call('GetItem', get)).toMatchObject({ result: { Item: put.Item } });
    await trusting.stop();
    // By then it has asked for whatever it asks for by itself.
    await expect.poll(() => door.server.counters.connectionsCount).toBe(0);
    const { authorizeConnection } = door.server.counters.requests;
    const wary = await start(client, { url });
    expect(await wary.call('GetItem', get)).toHaveProperty('error');
    expect(door.server.counters.requests).toMatchObject({ authorizeConnection, getItem: 1 });
  });
});

/** Policies as a file has them: one who may read single items. */
function readersOf(principal: Principal): PolicyFile {
  const path = join(folder, 'policies.json');
  const document = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'dax:GetItem', Resource: 'arn:aws:dax:*:*:cache/test' }],
  };
  const subject = principal.arn.slice(principal.arn.lastIndexOf(':') + 1);
  const policies = [{ name: 'readers', subjects: [subject], document }];
  writeFileSync(path, JSON.stringify({ policies }));
  const file = PolicyFile.open(path, () => undefined);
  opened.push(() => file.close());
  return file;
}

function anyClient(): OfficialClient {
  const [client] = clients.here;
  if (client === undefined) throw new Error("there are Node's");
  return client;
}

describe('keys that change', () => {
  it('a withdrawn key is refused at its next handshake', async () => {
    const keys = keysOf(credential('AKIAKNOWN', 'the secret', {}));
    const door = await open({ handshakes: handshakesOf(keys) });
    const settings = {
      url: `dax://127.0.0.1:${door.port}`,
      accessKeyId: 'AKIAKNOWN',
      secretAccessKey: 'the secret',
    };
    const before = await start(anyClient(), settings);
    expect(await before.call('GetItem', get)).toHaveProperty('result');
    keys.delete('AKIAKNOWN');
    const after = await start(anyClient(), settings);
    expect(await after.call('GetItem', get)).toHaveProperty('error');
  });
});
