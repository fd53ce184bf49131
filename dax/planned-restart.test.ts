import { setTimeout as delay } from 'node:timers/promises';
import { DaxDocument } from '@amazon-dax-sdk/lib-dax';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Json } from '../dataplane/api/server.fixture.ts';
import { type ServerProcess, sdkClient, startServer } from '../dataplane/clients/server-process.ts';
import { close } from '../hack/examples/dax/clients.ts';
import { ClientProcess } from './clients/client-process.ts';
import { OfficialClients } from './clients/official-clients.fixture.ts';
import { startTestNode, type TestNode } from './http/test-node.fixture.ts';

/** A node of three is stopped in order and started again while clients read and write: none of them sees an error. */

const REGISTRY = 'trestle-dax-registry';
const TABLE = 'Counters';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
/** Enough for clients to notice by themselves: they ask for the list of nodes every 4 s. */
const DRAIN = ['--drain-seconds', '10'];

let tables: ServerProcess;
const nodes = new Map<number, TestNode>();
const clients: DynamoDBDocument[] = [];
/** Beside that for Node. */
const others = await OfficialClients.find('python', 'go1', 'go2', 'java1', 'java2');
const processes: ClientProcess[] = [];

async function createTable(TableName: string, hash: string, range?: string): Promise<void> {
  const client = sdkClient(tables.endpoint);
  const names = range === undefined ? [hash] : [hash, range];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: names.map((AttributeName, at) => ({
        AttributeName,
        KeyType: at === 0 ? 'HASH' : 'RANGE',
      })),
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
  client.destroy();
}

async function startNode(nodeId: number): Promise<void> {
  const node = await startTestNode(tables.endpoint, [
    ...['--registry', `table:${REGISTRY}`, '--peer-port', '0', '--node-id', `${nodeId}`, ...DRAIN],
  ]);
  nodes.set(nodeId, node);
}

function isReady({ node }: TestNode): boolean {
  const { isActive, isDraining } = node.status();
  return isActive && !isDraining;
}

beforeAll(async () => {
  await others.build();
  tables = await startServer(['--in-memory']);
  await createTable(REGISTRY, 'cluster', 'id');
  await createTable(TABLE, 'id');
  for (const nodeId of [0, 1, 2]) await startNode(nodeId);
  for (const node of nodes.values()) {
    while (!isReady(node) || node.node.status().members.length < 3) await delay(50);
  }
}, 600_000);

afterAll(async () => {
  for (const client of clients) close(client);
  await Promise.all(processes.map((each) => each.stop()));
  others.remove();
  await Promise.all([...nodes.values()].map((node) => node.close()));
  await tables?.stop();
}, 60_000);

/** Of Amazon, which knows all nodes by those that it was given. */
function daxClient(): DynamoDBDocument {
  const endpoints = [...nodes.values()].map(({ node }) => node.urls.dax ?? '');
  // Its type does not know of several.
  const client = new DaxDocument(
    Object.assign({ region: 'us-east-1', credentials }, { endpoints }),
  );
  clients.push(client);
  return client;
}

interface Counter {
  put(id: string, n: number): Promise<unknown>;
  get(id: string): Promise<unknown>;
}

function documents(client: () => DynamoDBDocument): Counter {
  return {
    put: (id, n) => client().put({ TableName: TABLE, Item: { id, n } }),
    get: async (id) => (await client().get({ TableName: TABLE, Key: { id } })).Item?.n,
  };
}

/** By one of the official clients. */
function values(process: ClientProcess): Counter {
  const call = async (operation: string, parameters: object): Promise<Json> => {
    const outcome = await process.call(operation, { TableName: TABLE, ...parameters });
    if ('error' in outcome) throw new Error(JSON.stringify(outcome.error));
    return outcome.result;
  };
  return {
    put: (id, n) => call('PutItem', { Item: { id: { S: id }, n: { N: `${n}` } } }),
    get: async (id) => Number((await call('GetItem', { Key: { id: { S: id } } })).Item?.n.N),
  };
}

/** All that this machine has, each told of the nodes by one that stays, as by a Service. */
async function otherCounters(): Promise<
  readonly { readonly id: string; readonly counter: Counter }[]
> {
  const url = nodes.get(1)?.node.urls.dax ?? '';
  const started: { readonly id: string; readonly counter: Counter }[] = [];
  for (const official of others.here) {
    const process = new ClientProcess(await others.command(official, { url }));
    processes.push(process);
    started.push({ id: official.name, counter: values(process) });
  }
  return started;
}

/**
 * The JSON door behind a Service: it sends whoever comes to a node that is ready. All of them are in this process: when it
 * has stood still for longer than their leases, none is for a moment, which no probe would have seen.
 */
class BalancedClients {
  readonly #clients = new Map<string, DynamoDBDocument>();
  #turn = 0;

  next(): DynamoDBDocument {
    const staying = [...nodes.values()].filter(({ node }) => !node.status().isDraining);
    const ready = staying.filter(isReady);
    this.#turn += 1;
    const node = ready[this.#turn % ready.length] ?? staying[this.#turn % staying.length];
    const endpoint = node?.node.urls.http;
    if (endpoint === undefined) throw new Error('no node is ready');
    const known = this.#clients.get(endpoint);
    if (known !== undefined) return known;
    const client = DynamoDBDocument.from(
      new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }),
    );
    clients.push(client);
    this.#clients.set(endpoint, client);
    return client;
  }
}

interface Load {
  readonly errors: string[];
  /** Reads that returned less than had been acknowledged before they began. */
  readonly stale: string[];
  calls: number;
  readonly callsBy: Map<string, number>;
  isOver: boolean;
}

/** Counts up by one client, and reads by another: what is read is never behind what was acknowledged. */
async function count(load: Load, id: string, counter: Counter): Promise<void> {
  for (let n = 1; !load.isOver; n += 1) {
    try {
      await counter.put(id, n);
      const found = await counter.get(id);
      load.calls += 2;
      load.callsBy.set(id, (load.callsBy.get(id) ?? 0) + 2);
      if (found !== n) load.stale.push(`${id}: ${found} after ${n}`);
    } catch (error) {
      load.errors.push(`${id}: ${String(error)}`);
    }
    await delay(1);
  }
}

it('no client sees an error, or an old value, when a node is restarted as planned', async () => {
  const load: Load = { errors: [], stale: [], calls: 0, callsBy: new Map(), isOver: false };
  const [writer, reader] = [daxClient(), daxClient()];
  let isWrite = false;
  const inTurns = () => {
    isWrite = !isWrite;
    return isWrite ? writer : reader;
  };
  const balanced = new BalancedClients();
  const running = [
    ...['dax-1', 'dax-2', 'dax-3', 'dax-4'].map((id) => count(load, id, documents(inTurns))),
    ...['http-1', 'http-2', 'http-3', 'http-4'].map((id) =>
      count(
        load,
        id,
        documents(() => balanced.next()),
      ),
    ),
    ...(await otherCounters()).map(({ id, counter }) => count(load, id, counter)),
  ];
  await expect.poll(() => load.calls).toBeGreaterThan(200);
  const isCounting = ({ name }: { name: string }) => (load.callsBy.get(name) ?? 0) > 20;
  await expect.poll(() => others.here.every(isCounting)).toBe(true);
  // The lowest id is the leader, to which clients send writes.
  const leader = nodes.get(0);
  await leader?.close();
  expect(leader?.counters().writes).toBeGreaterThan(20);
  nodes.delete(0);
  await expect
    .poll(() => [...nodes.values()].map(({ node }) => node.status().members.length))
    .toEqual([2, 2]);
  await startNode(0);
  await expect.poll(() => [...nodes.values()].every(isReady)).toBe(true);
  const after = load.calls;
  await expect.poll(() => load.calls).toBeGreaterThan(after + 200);
  await expect.poll(() => nodes.get(0)?.counters().writes).toBeGreaterThan(20);
  load.isOver = true;
  await Promise.all(running);
  expect(load.errors).toEqual([]);
  expect(load.stale).toEqual([]);
}, 240_000);
