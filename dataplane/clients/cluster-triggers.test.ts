import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ClusterProcesses } from './cluster-processes.ts';
import { waitFor } from './wait-for.ts';

/** Real processes: three storage nodes and a router; a trigger that they post to this process. */

const TableName = 'Orders';
const KEY = 'opensesame';
const WAIT_MS = 60_000;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let cluster: ClusterProcesses;
let client: DynamoDBClient;
let target: Server;
/** `item version`, as they came. */
const taken: string[] = [];
let unsignedCount = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trestle secrets '));
  writeFileSync(join(folder, 'hook.key'), KEY);
  target = createServer(async (request, response) => {
    const body = await text(request);
    const { 'x-trestle-timestamp': time, 'x-trestle-signature': signature } = request.headers;
    const expected = createHmac('sha256', KEY).update(`${time}.${body}`).digest('hex');
    if (signature !== `v1=${expected}`) unsignedCount += 1;
    for (const { dynamodb } of JSON.parse(body).Records) {
      const { pk, version } = dynamodb.NewImage;
      taken.push(`${pk.S} ${version.N}`);
    }
    response.end();
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  cluster = await ClusterProcesses.start({ nodeOptions: ['--secrets', folder] });
  client = new DynamoDBClient({
    endpoint: cluster.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
});

afterAll(async () => {
  client?.destroy();
  await cluster?.close();
  target?.closeAllConnections();
  target?.close();
  rmSync(folder, { recursive: true, force: true });
});

function targetUrl(): string {
  // It listens on TCP.
  const { port } = target.address() as AddressInfo;
  return `http://127.0.0.1:${port}/`;
}

async function put(pk: string, version: number): Promise<void> {
  const Item = { pk: { S: pk }, version: { N: `${version}` } };
  await client.send(new PutItemCommand({ TableName, Item }));
}

async function write(versions: readonly number[]): Promise<void> {
  const items = Array.from({ length: 8 }, (_, at) => `item${at}`);
  for (const version of versions) await Promise.all(items.map((pk) => put(pk, version)));
}

it('a trigger of a cluster gets every change in order, also when the leaders die', async () => {
  const [node] = cluster.nodes;
  const Triggers = [
    {
      name: 'audit',
      target: { url: targetUrl(), auth: { scheme: 'HMAC', secret: 'hook.key' } },
      parallelizationFactor: 2,
    },
  ];
  const answer = await node?.admin('POST', '/operations/UpdateTriggers', { TableName, Triggers });
  expect(answer).toMatchObject({ status: 200, body: { Triggers } });

  await write([1, 2, 3]);
  for (const dying of cluster.nodes) {
    await dying.end('SIGKILL');
    await write([4, 5, 6].map((version) => version + 3 * cluster.nodes.indexOf(dying)));
    dying.start();
    await dying.isReady();
  }
  const versions = Array.from({ length: 12 }, (_, at) => at + 1);
  const expected = Array.from({ length: 8 }, (_, at) =>
    versions.map((version) => `item${at} ${version}`),
  );
  const isThere = () => Promise.resolve(expected.flat().filter((each) => !taken.includes(each)));
  await waitFor(isThere, (missing) => missing.length === 0, WAIT_MS);
  const firsts = [...new Set(taken)];
  for (const ofItem of expected) {
    const [pk = ''] = ofItem[0]?.split(' ') ?? [];
    expect(firsts.filter((each) => each.startsWith(`${pk} `))).toEqual(ofItem);
  }
  expect(unsignedCount).toBe(0);
});

it('a node tells what its triggers do', async () => {
  const page = async () => {
    const pages = await Promise.all(cluster.nodes.map((node) => node.admin('GET', '/metrics')));
    return pages.map(({ body }) => body).join('\n');
  };
  // A delivery is counted when its answer is there, which comes after what the target has noted.
  const delivered =
    /trestle_trigger_records_delivered_total\{table="Orders",trigger="audit"\} [1-9]/;
  await expect.poll(page).toMatch(delivered);
  const age = 'trestle_trigger_iterator_age_seconds{table="Orders",trigger="audit"}';
  await expect.poll(page).toContain(age);
});
