import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { type SecretObject, secretText } from '../certificates/secret-data.ts';
import { registrySpec } from '../daxcluster/registry.ts';
import {
  makeMachines,
  makeStorageClass,
  music,
  startOperator,
  TableTrial,
} from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { type RouterAccess, RouterProcess } from '../router-process.fixture.ts';
import { ann } from './access.fixture.ts';
import { DAX_REGISTRY_TABLE } from './names.ts';

const WAIT = { timeout: 30_000, interval: 100 };

let api: KubeApi;
let trial: TableTrial;
let operator: Operator | undefined;
let router: RouterProcess | undefined;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
  await makeMachines(api.client, ['a']);
  await makeStorageClass(api.client);
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await TableTrial.start(api);
});

afterEach(async () => {
  await router?.close();
  await operator?.close();
  await trial?.close();
});

const Key = { Artist: { S: 'No One You Know' }, SongTitle: { S: 'Call Me Today' } };
const put = () => new PutItemCommand({ TableName: 'Music', Item: Key });
const get = () => new GetItemCommand({ TableName: 'Music', Key });
const remove = () => new DeleteItemCommand({ TableName: 'Music', Key });

async function secret(name: string): Promise<SecretObject | undefined> {
  return api.client.get(resources.secrets, { namespace: trial.namespace, name });
}

async function access(): Promise<RouterAccess> {
  const held = await secret('trestle-credentials');
  const credentials = secretText(held, 'credentials') ?? '';
  return { credentials, policies: secretText(held, 'policies') ?? '' };
}

/** Waits until the operator has put it there, and gives it to the router. */
async function give(isGiven: (access: RouterAccess) => boolean): Promise<void> {
  await expect.poll(async () => isGiven(await access()), WAIT).toBe(true);
  router?.give(await access());
}

async function clientOf(name: string): Promise<DynamoDBClient> {
  const held = await secret(name);
  return new DynamoDBClient({
    ...(router && { endpoint: router.endpoint }),
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: {
      accessKeyId: secretText(held, 'accessKeyId') ?? '',
      secretAccessKey: secretText(held, 'secretAccessKey') ?? '',
    },
  });
}

function make(
  type: (typeof resources)[keyof typeof resources],
  name: string,
  spec: object,
  annotations: Readonly<Record<string, string>> = {},
) {
  const object = { metadata: { namespace: trial.namespace, name, annotations }, spec };
  return api.client.create(type, object, { fieldManager: 'kubectl' });
}

/** The error's name, or what came of it. */
function outcome(call: Promise<object>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

const reading = {
  statements: [{ effect: 'Allow', actions: ['dynamodb:GetItem'], resources: ['table/Music'] }],
  subjects: [{ kind: 'AccessKey', name: 'app' }],
};

test('a key may do nothing, then what a policy allows, then nothing again, and is unknown when it is deleted', async () => {
  operator = await startOperator(api, trial.namespace, { install: { region: 'us-east-1' } });
  await trial.create('music', music({ placement: { replicationFactor: 1 } }));
  await make(resources.accessKeys, 'app', ann);
  await trial.isActive('music');
  await expect.poll(async () => (await access()).credentials, WAIT).toContain('user/ann');
  router = await RouterProcess.start(trial, 'music', await access());
  const root = await clientOf('trestle-credentials');
  const app = await clientOf('app');
  try {
    expect(await outcome(root.send(put()))).toBe('done');
    await expect(app.send(get())).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(/user\/ann is not authorized to perform: dynamodb:GetItem/),
    });

    await make(resources.accessPolicies, 'reading', reading);
    await give(({ policies }) => policies.includes('"reading"'));
    await expect.poll(() => outcome(app.send(get())), WAIT).toBe('done');
    expect(await app.send(get())).toMatchObject({ Item: Key });
    expect(await outcome(app.send(remove()))).toBe('AccessDeniedException');

    // One that cannot be read may have denied anything.
    const broken = { policyDocument: '{', subjects: [{ kind: 'User', name: 'ann' }] };
    await make(resources.accessPolicies, 'broken', broken);
    await give(({ policies }) => policies.includes('"broken"'));
    await expect.poll(() => outcome(app.send(get())), WAIT).toBe('AccessDeniedException');
    expect(await outcome(root.send(get()))).toBe('done');
    const { namespace } = trial;
    await api.client.delete(resources.accessPolicies, { namespace, name: 'broken' });
    await give(({ policies }) => !policies.includes('"broken"'));
    await expect.poll(() => outcome(app.send(get())), WAIT).toBe('done');

    await api.client.delete(resources.accessKeys, { namespace, name: 'app' });
    await give(({ credentials }) => !credentials.includes('user/ann'));
    await expect.poll(() => outcome(app.send(get())), WAIT).toBe('UnrecognizedClientException');
    expect(await outcome(root.send(get()))).toBe('done');
  } finally {
    root.destroy();
    app.destroy();
  }
}, 240_000);

test('who calls for a DaxCluster may keep the records of that cluster in the registry, and no others', async () => {
  operator = await startOperator(api, trial.namespace, { install: { region: 'us-east-1' } });
  const placement = { replicationFactor: 1 } as const;
  await trial.create(DAX_REGISTRY_TABLE, { ...registrySpec, placement } as never);
  await make(resources.accessKeys, 'app', ann);
  // Paused: it is about what it may do, not about its nodes.
  const roleRef = { kind: 'AccessKey', name: 'app' };
  await make(resources.daxClusters, 'front', { roleRef }, { 'trestle.dev/paused': 'true' });
  await trial.isActive(DAX_REGISTRY_TABLE);
  await expect.poll(async () => (await access()).policies, WAIT).toContain('dax-registry/front');
  router = await RouterProcess.start(trial, DAX_REGISTRY_TABLE, await access());
  const app = await clientOf('app');
  const TableName = DAX_REGISTRY_TABLE;
  const keyOf = (cluster: string) => ({ cluster: { S: cluster }, id: { S: 'view' } });
  const write = (cluster: string) =>
    app.send(new PutItemCommand({ TableName, Item: keyOf(cluster) }));
  const read = (cluster: string) =>
    app.send(new GetItemCommand({ TableName, Key: keyOf(cluster) }));
  try {
    expect(await outcome(write('front'))).toBe('done');
    expect(await outcome(read('front'))).toBe('done');
    expect(await outcome(write('other'))).toBe('AccessDeniedException');
    expect(await outcome(read('other'))).toBe('AccessDeniedException');
    expect(await outcome(app.send(new ScanCommand({ TableName })))).toBe('AccessDeniedException');
  } finally {
    app.destroy();
  }
}, 240_000);
