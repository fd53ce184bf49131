import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClusterLoad } from '../../dataplane/clients/cluster-load.ts';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { certificatesOf } from '../../dataplane/pem-certificates.ts';
import {
  Interruption,
  music,
  startOperator,
  startZonedApi,
  TableTrial,
} from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { RouterProcess } from '../router-process.fixture.ts';
import type { TableNames } from '../table/names.ts';
import type { Pod } from '../table/objects.ts';
import { ROTATED } from './authority-secret.ts';
import { AuthorityHand, FollowingAgent, seen } from './rotation.fixture.ts';
import { secretText } from './secret-data.ts';

/** Real processes, a real API server, and clients that write all through a rotation by HTTPS. */

const orders = music({
  tableName: 'Orders',
  attributeDefinitions: [
    { attributeName: 'pk', attributeType: 'S' },
    { attributeName: 'sk', attributeType: 'N' },
  ],
  keySchema: [
    { attributeName: 'pk', keyType: 'HASH' },
    { attributeName: 'sk', keyType: 'RANGE' },
  ],
});
const OPERATORS_MAX = 60;

let api: KubeApi;
let trial: TableTrial;
let hand: AuthorityHand;
let operator: Operator | undefined;
let router: RouterProcess;
let kubelet: ReturnType<typeof setInterval>;
let names: TableNames;
/** Storage pods. */
let nodes: readonly string[];

beforeAll(async () => {
  api = await startZonedApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await TableTrial.start(api);
  operator = await startOperator(api, trial.namespace);
  await trial.create('orders', orders);
  await trial.isActive('orders', 120_000);
  names = await trial.names('orders');
  nodes = [0, 1, 2].map((slot) => names.pod(slot));
  router = await RouterProcess.start(trial, 'orders');
  await router.registerPod();
  startKubelet();
  hand = new AuthorityHand(trial);
  hand.hurry(() => operator);
}, 180_000);

afterEach(async () => {
  clearInterval(kubelet);
  await hand?.close();
  await operator?.close();
  await router?.close();
  await trial?.close();
});

/** Brings the router what its Secret has; the API server may be busy. */
function startKubelet(): void {
  kubelet = setInterval(() => void router.refreshTls().catch(() => undefined), 300);
}

/** Each writes by connections of its own: one that is kept, and one for each request. */
function startLoads() {
  return [true, false].map((keepAlive) => {
    const agent = new FollowingAgent(hand.ca, 'localhost', { keepAlive, maxSockets: 2 });
    const client = new DynamoDBClient({
      endpoint: router.secureEndpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      // What fails is seen.
      maxAttempts: 1,
      requestHandler: { httpsAgent: agent },
    });
    const load = new ClusterLoad(client, 'Orders', keepAlive ? 'kept' : 'new');
    load.start(2);
    return { load, client, agent };
  });
}

/** Which pods there are, and which processes. */
async function lives() {
  const pods = await trial.list<Pod>(resources.pods);
  const uids = pods.map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort();
  return { uids, pids: [router.pid, ...nodes.map((pod) => trial.cluster.pidOf(pod))] };
}

const connectionsLost = () =>
  nodes.map((pod) => trial.cluster.outputOf(pod).match(/peerDown/g)?.length ?? 0);

test('an authority is replaced in three phases, without a restart, a lost connection or a failed request', async () => {
  const [old = ''] = await hand.trusted();
  const host = trial.cluster.addressOf('router');
  const oldCa = hand.ca();
  const shownBefore = await seen(host, 8443, oldCa);
  const before = { ...(await lives()), lost: connectionsLost() };
  const everybody = ['router', ...nodes];
  const loads = startLoads();
  const goesOn = () => Promise.all(loads.map(({ load }) => load.acknowledges(40)));
  await goesOn();

  await hand.ask('1');
  await hand.becomes('trust');
  const [first, young = ''] = await hand.trusted();
  expect(first).toBe(old);
  await hand.areSo(everybody, ({ trusted }) => trusted.includes(old) && trusted.includes(young));
  // Clients that know the former authority alone have their time.
  expect(await seen(host, 8443, oldCa)).toBe(shownBefore);
  await goesOn();

  await hand.release();
  await hand.becomes('reissue');
  expect(await hand.trusted()).toEqual([young, old]);
  const signedBy = (authority: string) => (report: { readonly leaves: readonly object[] }) =>
    report.leaves.every((leaf) => 'signedBy' in leaf && leaf.signedBy === authority);
  const reissued = await hand.areSo(everybody, signedBy(young));
  expect(reissued.map(({ leaves }) => leaves.map(({ use }) => use))).toEqual([
    ['peers', 'clients'],
    ['peers'],
    ['peers'],
    ['peers'],
  ]);
  const youngCa = certificatesOf(hand.ca())[0]?.toString() ?? '';
  expect(await seen(host, 8443, youngCa)).toMatch(/^([0-9A-F]{2}:){31}/);
  expect(await seen(host, 8443, oldCa)).not.toMatch(/^([0-9A-F]{2}:){31}/);
  await goesOn();

  await hand.release();
  await hand.becomes('rest');
  expect(await hand.trusted()).toEqual([young]);
  await hand.areSo(everybody, ({ trusted }) => trusted.join() === young);
  await goesOn();

  for (const { load, client } of loads) {
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    client.destroy();
  }
  const [kept, renewed] = loads.map(({ agent }) => agent.connectionsCount);
  expect(kept).toBe(2);
  expect(renewed).toBeGreaterThan(100);
  expect({ ...(await lives()), lost: connectionsLost() }).toEqual(before);
  expect(operator?.rotation.waitedFor.size).toBe(0);
  await trial.isActive('orders');
}, 240_000);

test('a phase does not end while a pod has not proved that it has loaded what it brought', async () => {
  await hand.trusted();
  clearInterval(kubelet);
  await hand.ask('1');
  await hand.becomes('trust');
  const [old, young = ''] = await hand.trusted();
  await hand.areSo(nodes, ({ trusted }) => trusted.includes(young));
  await hand.release();
  const waits = () => operator?.rotation.waitedFor.get(trial.namespace);
  await expect.poll(waits, { timeout: 60_000 }).toBe(1);
  expect(await hand.trusted()).toEqual([old, young]);
  startKubelet();
  await hand.becomes('reissue');
  // A pod that is on its way counts, too.
  const labels = { 'app.kubernetes.io/name': 'trestle', 'app.kubernetes.io/component': 'dax' };
  trial.cluster.held.add('late');
  const metadata = { namespace: trial.namespace, name: 'late' };
  const containers = [{ name: 'dax', image: 'trestle:1' }];
  await api.client.create(resources.pods, {
    metadata: { ...metadata, labels },
    spec: { containers, nodeName: 'machine-1' },
  } as never);
  await hand.release();
  await hand.areSo(['router', ...nodes], ({ leaves }) =>
    leaves.every(({ signedBy }) => signedBy === young),
  );
  await expect.poll(waits, { timeout: 60_000 }).toBe(1);
  expect(await hand.phase()).toBe('reissue');
  await api.client.delete(resources.pods, metadata, { gracePeriodSeconds: 0 });
  await hand.becomes('rest');
}, 240_000);

test.each([
  ['whose every write is done, and its answer lost', ['after']],
  ['every other of which ends before its first write', ['before', 'after']],
] as const)(
  'operators %s rotate an authority all the same',
  async (_, kinds) => {
    const [old = ''] = await hand.trusted();
    await operator?.close();
    operator = undefined;
    const before = await lives();
    const loads = startLoads();
    await hand.ask('again');
    const met: string[] = [];
    const isOver = async () => {
      await hand.release();
      const secret = await hand.secret();
      const isAtRest =
        secret.metadata.annotations?.[ROTATED] === 'again' && (await hand.phase()) === 'rest';
      return isAtRest && hand.isEverywhere([names.tls]);
    };
    for (let n = 0; n < OPERATORS_MAX; n++) {
      const kind = kinds[n % kinds.length] ?? 'after';
      const interruption = new Interruption(kind, 0);
      operator = await startOperator(api, trial.namespace, {
        client: interruption.client(api.newClient()),
        nodes: (real) => interruption.nodes(real),
      });
      const describe = async () => met.join('\n');
      const end = await trial.untilMet(interruption, isOver, { describe });
      await operator.close();
      operator = undefined;
      if (end === undefined) break;
      met.push(`${kind} ${end}`);
    }
    // Each of the three steps, and what follows from it.
    const count = (write: string) => met.filter((each) => each === write).length;
    expect(count('after patch Secret trestle-ca'), met.join('\n')).toBe(3);
    for (const name of ['trestle-router-tls', names.tls]) {
      expect(count(`after apply Secret ${name}`), met.join('\n')).toBeGreaterThan(0);
    }
    for (const kind of kinds) expect(met.some((each) => each.startsWith(kind))).toBe(true);
    const [young, ...others] = await hand.trusted();
    expect(young).not.toBe(old);
    expect(others).toEqual([]);
    expect(secretText(await hand.secret(), 'ca.key')).toContain('PRIVATE KEY');
    for (const { load, client } of loads) {
      expect(await load.stop()).toEqual({ failures: [], missing: [] });
      client.destroy();
    }
    expect(await lives()).toEqual(before);
  },
  400_000,
);
