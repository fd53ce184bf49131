import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { DaxDocument } from '@amazon-dax-sdk/lib-dax';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServer } from '../dataplane/clients/server-process.ts';
import { Authority } from '../dataplane/replication/transport/authority.fixture.ts';
import { close as closeDax } from '../hack/examples/dax/clients.ts';
import {
  startRedis,
  startTlsRedis,
  type TestRedis,
  type TestTlsRedis,
} from './cache/redis.fixture.ts';
import { startTestNode, type TestNode } from './http/test-node.fixture.ts';

/** One node with all that it is wired to: access, Redis, metrics. */

const folder = mkdtempSync(join(tmpdir(), 'trestle-dax-node-'));
const credentials = join(folder, 'credentials.json');
const role = join(folder, 'role.json');
const policies = join(folder, 'policies.json');
const ACCOUNT = '123456789012';

/** All open ones end with their test. */
const opened: (() => unknown)[] = [];
let tables: ServerProcess;

const key = (name: string, principal?: string) => ({
  accessKeyId: name,
  secretAccessKey: `secret-of-${name}`,
  ...(principal && { principal }),
});

beforeAll(async () => {
  const cluster = key('CLUSTER', 'dax/local');
  const keys = [key('ROOT'), key('ANN', 'user/ann'), key('BOB', 'user/bob'), cluster];
  writeFileSync(credentials, JSON.stringify(keys));
  writeFileSync(role, JSON.stringify([cluster]));
  const allow = (Action: string, Resource: string) => ({ Effect: 'Allow', Action, Resource });
  const policy = (name: string, subject: string, ...Statement: object[]) => ({
    name,
    subjects: [subject],
    document: { Version: '2012-10-17', Statement },
  });
  writeFileSync(
    policies,
    JSON.stringify({
      policies: [
        policy('cluster', 'dax/local', allow('dynamodb:*', `arn:aws:dynamodb:*:*:table/Songs`)),
        policy(
          'ann',
          'user/ann',
          allow('dax:GetItem', `arn:aws:dax:us-east-1:${ACCOUNT}:cache/local`),
          allow('dax:PutItem', '*'),
        ),
        policy('bob', 'user/bob', allow('dynamodb:*', '*')),
      ],
    }),
  );
  tables = await startServer([
    ...['--in-memory', '--credentials', credentials, '--policies', policies],
    ...['--account', ACCOUNT],
  ]);
  const client = clientOf(tables.endpoint, 'ROOT');
  await client.send(
    new CreateTableCommand({
      TableName: 'Songs',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: 'Songs' });
  client.destroy();
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

afterAll(async () => {
  await tables?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function startNode(...args: string[]): Promise<TestNode> {
  const node = await startTestNode(tables.endpoint, [
    ...['--credentials', credentials, '--policies', policies, '--role', role],
    ...['--account', ACCOUNT, ...args],
  ]);
  opened.push(() => node.close());
  return node;
}

function clientOf(endpoint: string, name: string): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: name, secretAccessKey: `secret-of-${name}` },
    maxAttempts: 1,
  });
  opened.push(() => client.destroy());
  return client;
}

const get = (id: string) => new GetItemCommand({ TableName: 'Songs', Key: { id: { S: id } } });
const put = (id: string, n: number) =>
  new PutItemCommand({ TableName: 'Songs', Item: { id: { S: id }, n: { N: `${n}` } } });

async function faultOf(outcome: Promise<unknown>): Promise<string> {
  return outcome.then(
    () => 'none',
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

describe('access through a node', () => {
  it('a caller without access to a table reads through a cluster whose role has it', async () => {
    const { node } = await startNode();
    const through = clientOf(node.urls.http ?? '', 'ANN');
    const past = clientOf(tables.endpoint, 'ANN');
    await through.send(put('a', 1));
    expect((await through.send(get('a'))).Item?.n).toEqual({ N: '1' });
    expect(await faultOf(past.send(get('a')))).toContain('AccessDeniedException');
  });

  it('a caller without dax:GetItem does not, whatever he may do with the table', async () => {
    const { node } = await startNode();
    const through = clientOf(node.urls.http ?? '', 'BOB');
    const past = clientOf(tables.endpoint, 'BOB');
    await past.send(put('b', 1));
    expect(await faultOf(through.send(get('b')))).toBe(
      `AccessDeniedException: User: arn:aws:iam::${ACCOUNT}:user/bob is not authorized to perform: dax:GetItem on resource: arn:aws:dax:us-east-1:${ACCOUNT}:cache/local`,
    );
  });

  it('the same holds for the DAX door', async () => {
    const node = await startNode();
    await clientOf(tables.endpoint, 'ROOT').send(put('c', 1));
    const read = (name: string) =>
      daxClientOf(node, name).get({ TableName: 'Songs', Key: { id: 'c' } });
    expect((await read('ANN')).Item).toEqual({ id: 'c', n: 1 });
    expect(await faultOf(read('BOB'))).toContain('dax:GetItem');
  });

  it('parts of a transaction need what they would need alone', async () => {
    const { node } = await startNode();
    const through = clientOf(node.urls.http ?? '', 'ANN');
    const Key = { id: { S: 'd' } };
    const transact = (...TransactItems: object[]) =>
      through.send(new TransactWriteItemsCommand({ TransactItems }));
    await transact({ Put: { TableName: 'Songs', Item: Key } });
    const remove = transact({ Delete: { TableName: 'Songs', Key } });
    expect(await faultOf(remove)).toContain('dax:DeleteItem');
  });

  it('operations on tables are the caller’s own affair, not the role’s', async () => {
    const { node } = await startNode();
    const list = (name: string) =>
      clientOf(node.urls.http ?? '', name).send(new ListTablesCommand({}));
    expect(await faultOf(list('ANN'))).toContain('dynamodb:ListTables');
    // He may, and then the tables ask the cluster, which may not.
    expect(await faultOf(list('BOB'))).toContain('dax/local is not authorized');
    expect(await faultOf(list('NOBODY'))).toContain('UnrecognizedClientException');
  });
});

describe('a node with Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.close());

  it('is right without it, says so, and takes it back', async () => {
    const first = await startNode('--redis', redis.url);
    const client = clientOf(first.node.urls.http ?? '', 'ROOT');
    await client.send(put('r', 1));
    expect((await client.send(get('r'))).Item?.n).toEqual({ N: '1' });
    await expect.poll(() => first.node.status().redis).toEqual({ state: 'up' });
    await redis.kill();
    await expect.poll(() => first.node.status().redis).toEqual({ state: 'down' });
    await client.send(put('r', 2));
    expect((await client.send(get('r'))).Item?.n).toEqual({ N: '2' });
    expect(await metricsOf(first)).toContain('trestle_dax_l2_up{cluster="local",node="1"} 0');
    const readiness = await fetch(`${first.node.urls.health}/readyz`);
    expect(readiness.status).toBe(200);
    await redis.start();
    await expect.poll(() => first.node.status().redis).toEqual({ state: 'up' });
    expect((await client.send(get('r'))).Item?.n).toEqual({ N: '2' });
  });

  it('takes its password from a file', async () => {
    const secured = await startRedis();
    opened.push(() => secured.close());
    await secured.command('CONFIG', 'SET', 'requirepass', 'hidden');
    const file = join(folder, 'redis-password');
    writeFileSync(file, 'wrong\n');
    const { node } = await startNode('--redis', secured.url, '--redis-password-file', file);
    expect(node.status().redis).toEqual({ state: 'down' });
    writeFileSync(file, 'hidden\n');
    await expect.poll(() => node.status().redis).toEqual({ state: 'up' });
  });
});

describe('a node with a Redis by TLS', () => {
  const authority = new Authority();
  const other = new Authority();
  afterAll(() => {
    for (const each of [authority, other]) each.remove();
  });

  async function startWith(redis: TestTlsRedis, ca: string) {
    opened.push(() => redis.close());
    const file = join(folder, 'redis-ca.crt');
    writeFileSync(file, ca);
    const { node } = await startNode('--redis', redis.url, '--redis-ca', file);
    return { node, trust: (changed: string) => writeFileSync(file, changed) };
  }

  it('trusts the authority of the file alone, and writes and reads through it', async () => {
    const redis = await startTlsRedis(authority.sign('127.0.0.1'));
    const { node } = await startWith(redis, authority.ca);
    await expect.poll(() => node.status().redis).toEqual({ state: 'up' });
    const client = clientOf(node.urls.http ?? '', 'ROOT');
    // A write goes without Redis that is slow at the moment.
    await expect
      .poll(async () => {
        await client.send(put('tls', 1));
        return redis.command('DBSIZE');
      })
      .toMatch(/^:[1-9]/);
    expect((await client.send(get('tls'))).Item?.n).toEqual({ N: '1' });
  });

  it('takes no Redis of another authority until the file says so', async () => {
    const redis = await startTlsRedis(other.sign('127.0.0.1'));
    const { node, trust } = await startWith(redis, authority.ca);
    expect(node.status().redis).toEqual({ state: 'down' });
    trust(`${authority.ca}${other.ca}`);
    await expect.poll(() => node.status().redis).toEqual({ state: 'up' });
  });

  it('takes no Redis of another name', async () => {
    const redis = await startTlsRedis(authority.sign('elsewhere.example'));
    const { node } = await startWith(redis, authority.ca);
    expect(node.status().redis).toEqual({ state: 'down' });
    await redis.show(authority.sign('127.0.0.1'));
    await expect.poll(() => node.status().redis).toEqual({ state: 'up' });
  });

  it('does not start with a file that has no certificate', async () => {
    const file = join(folder, 'no-ca.crt');
    writeFileSync(file, 'hello\n');
    await expect(startNode('--redis', 'rediss://127.0.0.1:9', '--redis-ca', file)).rejects.toThrow(
      `the CA file of Redis ${file} has no certificate (PEM)`,
    );
  });
});

describe('a node that speaks TLS alone', () => {
  it('has no plain port at either door, and takes a renewed certificate for new connections', async () => {
    const [cert, certKey] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    const authority = new Authority();
    const sign = () => {
      const files = authority.sign('localhost');
      writeFileSync(certKey, files.key);
      writeFileSync(cert, files.cert);
      return files;
    };
    const { ca } = sign();
    const { node } = await startNode(
      ...['--port', 'none', '--http-port', 'none', '--tls-port', '0', '--https-port', '0'],
      ...['--tls-cert', cert, '--tls-key', certKey],
    );
    expect(node.urls).toMatchObject({ dax: undefined, http: undefined });
    for (const url of [node.urls.daxs, node.urls.https]) {
      const port = Number(new URL((url ?? '').replace('daxs:', 'https:')).port);
      const serial = () => serialOf(port, ca);
      const first = await serial();
      sign();
      await expect.poll(serial).not.toBe(first);
    }
    authority.remove();
  });
});

/** Of the certificate that a new connection is shown. */
function serialOf(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('metrics of a node', () => {
  it('count hits, misses, requests and errors of both doors by CloudWatch’s names', async () => {
    const node = await startNode();
    const client = clientOf(node.node.urls.http ?? '', 'ROOT');
    await client.send(put('m', 1));
    for (const id of ['m', 'absent', 'absent']) await client.send(get(id));
    const wrong = new GetItemCommand({ TableName: 'Songs', Key: { other: { S: 'x' } } });
    expect(await faultOf(client.send(wrong))).toContain('ValidationException');
    const text = await metricsOf(node);
    const labels = 'cluster="local",node="1"';
    for (const line of [
      `trestle_dax_item_cache_hits_total{${labels}} 2`,
      `trestle_dax_item_cache_misses_total{${labels}} 1`,
      `trestle_dax_requests_total{${labels},door="http",operation="GetItem"} 4`,
      `trestle_dax_requests_total{${labels},door="http",operation="PutItem"} 1`,
      `trestle_dax_requests_total{${labels},door="dax",operation="GetItem"} 0`,
      `trestle_dax_failed_requests_total{${labels},door="http"} 1`,
      `trestle_dax_error_requests_total{${labels},door="http"} 1`,
      `trestle_dax_fault_requests_total{${labels},door="http"} 0`,
      `trestle_dax_client_connections{${labels},door="http"} 1`,
      `trestle_dax_members{${labels}} 1`,
      `trestle_dax_is_active{${labels}} 1`,
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toMatch(/trestle_dax_estimated_db_size_bytes\{[^}]*\} [1-9]/);
    expect(text).toMatch(/trestle_dax_cache_memory_utilization_percent\{[^}]*\} 0\.0/);
    expect(text).not.toContain('trestle_dax_l2_up{');
  });
});

describe('requests that are refused', () => {
  it('are counted by door, operation and reason', async () => {
    const node = await startNode();
    const through = (name: string) => clientOf(node.node.urls.http ?? '', name);
    expect(await faultOf(through('BOB').send(get('x')))).toContain('AccessDenied');
    expect(await faultOf(through('NOBODY').send(put('x', 1)))).toContain('Unrecognized');
    const dax = daxClientOf(node, 'BOB');
    expect(await faultOf(dax.get({ TableName: 'Songs', Key: { id: 'x' } }))).toContain('GetItem');
    const text = await metricsOf(node);
    const denials = 'trestle_dax_access_denials_total{cluster="local",node="1",';
    expect(text).toContain(`${denials}door="http",operation="GetItem",reason="policy"} 1\n`);
    expect(text).toContain(`${denials}door="http",operation="PutItem",reason="token"} 1\n`);
    expect(text).toContain(`${denials}door="dax",operation="GetItem",reason="policy"} 1\n`);
  });
});

function daxClientOf({ node }: TestNode, name: string): DaxDocument {
  const client = new DaxDocument({
    endpoint: node.urls.dax ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: name, secretAccessKey: `secret-of-${name}` },
  });
  opened.push(() => closeDax(client));
  return client;
}

async function metricsOf({ node }: TestNode): Promise<string> {
  return (await fetch(`${node.urls.health}/metrics`)).text();
}
