import { once } from 'node:events';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { certificatesOf } from '../../dataplane/pem-certificates.ts';
import { AuthorityRotation } from './authority-rotation.ts';
import { ROTATE } from './authority-secret.ts';
import { NamespaceSecrets } from './namespace-secrets.ts';
import { phaseOf } from './rotation.fixture.ts';
import { type SecretObject, secretText } from './secret-data.ts';

const DAY_MS = 86_400_000;
/** Of its own: the health port is the same everywhere. */
const ADDRESS = `127.${100 + (process.pid % 100)}.${1 + (Math.floor(process.pid / 100) % 250)}.249`;
const { signal } = new AbortController();
let api: KubeApi;
let namespace: string;
let aheadMs: number;
let reasons: string[];
const opened: AuthorityRotation[] = [];

beforeAll(async () => {
  api = await startKubeApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  namespace = await api.newNamespace('rotation');
  aheadMs = 0;
  reasons = [];
});

afterEach(() => {
  for (const rotation of opened.splice(0)) rotation.close();
});

/** An operator, as far as it has to do with authorities. */
function newOperator() {
  const log = pino({ level: 'silent' });
  const common = { client: api.client, fieldManager: 'trestle-operator', log };
  const nowMs = () => Date.now() + aheadMs;
  const secrets = new NamespaceSecrets({ ...common, nowMs });
  const recorder = { record: (_: object, { reason }: { reason: string }) => reasons.push(reason) };
  const rotation = new AuthorityRotation({ ...common, secrets, recorder });
  opened.push(rotation);
  const read = () => secrets.ensure(namespace, signal);
  const advance = () => rotation.advance(namespace, signal);
  return { secrets, rotation, read, advance, pass: async () => read().then(advance) };
}

const authority = () =>
  api.client.get<SecretObject>(resources.secrets, { namespace, name: 'trestle-ca' });
const router = () =>
  api.client.get<SecretObject>(resources.secrets, { namespace, name: 'trestle-router-tls' });
const trustedBy = (secret: SecretObject | undefined) =>
  certificatesOf(secretText(secret, 'ca.crt') ?? '').map(({ fingerprint256 }) => fingerprint256);
const phase = async () => {
  const secret = await authority();
  return secret && phaseOf(secret);
};

function annotate(annotations: object): Promise<unknown> {
  const name = { namespace, name: 'trestle-ca' };
  const merge = { contentType: 'merge' } as const;
  return api.client.patch(resources.secrets, name, { metadata: { annotations } }, merge);
}

test('an authority whose time has come is replaced: clients have a week, and routers go over to it afterwards', async () => {
  const { pass, secrets } = newOperator();
  expect(await pass()).toBeUndefined();
  const [old] = trustedBy(await authority());
  const routerBefore = secretText(await router(), 'tls.crt');
  aheadMs = 1_220 * DAY_MS;
  // The routers' certificate is old by then, too: it is not what this is about.
  await secrets.ensure(namespace);
  const renewed = secretText(await router(), 'tls.crt');
  expect(renewed).not.toBe(routerBefore);
  await pass();
  expect(await phase()).toBe('trust');
  expect(await pass()).toBeGreaterThan(6 * DAY_MS);
  expect(trustedBy(await router())).toHaveLength(2);
  expect(secretText(await router(), 'tls.crt')).toBe(renewed);

  aheadMs += 7 * DAY_MS;
  await pass();
  expect(await phase()).toBe('reissue');
  await pass();
  expect(trustedBy(await router())).toHaveLength(2);
  const young = secretText(await router(), 'tls.crt');
  expect(young).not.toBe(renewed);
  aheadMs += 180_000;
  await pass();
  expect(await phase()).toBe('rest');
  expect(await pass()).toBeUndefined();
  expect(trustedBy(await router())).toEqual(trustedBy(await authority()));
  expect(trustedBy(await router())).not.toContain(old);
  expect(secretText(await router(), 'tls.crt')).toBe(young);
  expect(reasons).toEqual([
    'AuthorityRotationBegun',
    'AuthorityReplaced',
    'AuthorityRotationEnded',
  ]);
});

test('of two operators that act on the same Secret, one begins, and the other one goes on from there', async () => {
  const [one, two] = [newOperator(), newOperator()];
  await one.read();
  await annotate({ [ROTATE]: '1' });
  await one.read();
  await two.read();
  expect(await one.advance()).toBeGreaterThan(0);
  await expect(two.advance()).rejects.toMatchObject({ status: 409 });
  expect(trustedBy(await authority())).toHaveLength(2);
  await two.pass();
  expect(reasons).toEqual(['AuthorityRotationBegun']);

  aheadMs = 11 * 60_000;
  await one.read();
  await two.read();
  await two.advance();
  await expect(one.advance()).rejects.toMatchObject({ status: 409 });
  expect(reasons).toEqual(['AuthorityRotationBegun', 'AuthorityReplaced']);
  aheadMs += 180_000;
  await one.pass();
  await two.pass();
  expect(await phase()).toBe('rest');
  expect(trustedBy(await authority())).toHaveLength(1);
});

/** A pod of routers at this address; undefined: it has none yet. */
async function makePod(name: string, podIP: string | undefined, phase = 'Running'): Promise<void> {
  const labels = { 'app.kubernetes.io/name': 'trestle', 'app.kubernetes.io/component': 'router' };
  const metadata = { namespace, name };
  const containers = [{ name: 'router', image: 'trestle:1' }];
  await api.client.create(resources.pods, {
    metadata: { ...metadata, labels },
    spec: { containers, ...(phase === 'Pending' ? {} : { nodeName: 'machine' }) },
  } as never);
  const status = { phase, ...(podIP && { podIP, podIPs: [{ ip: podIP }] }) };
  const merge = { contentType: 'merge', subresource: 'status' } as const;
  await api.client.patch(resources.pods, metadata, { status }, merge);
}

test('pods that cannot prove it hold a phase up, whatever they answer, and those that have no process do not', async () => {
  let answer = { status: 200, text: '' };
  const server = createServer((_, response) =>
    response.writeHead(answer.status).end(answer.text),
  ).listen(8004, ADDRESS);
  await once(server, 'listening');
  const { read, advance, pass, rotation } = newOperator();
  await read();
  await annotate({ [ROTATE]: '1' });
  await pass();
  aheadMs = 11 * 60_000;
  await makePod('ended', undefined, 'Failed');
  await makePod('unscheduled', undefined, 'Pending');
  await makePod('answers', ADDRESS);
  const trusted = trustedBy(await authority());
  const proof = JSON.stringify({ trusted, leaves: [] });
  for (const [status, text] of [
    [404, '{}'],
    [500, '{}'],
    [200, 'no JSON'],
    [200, '{}'],
    [200, JSON.stringify({ trusted: trusted.slice(0, 1), leaves: [] })],
  ] as const) {
    answer = { status, text };
    await pass();
    expect([text, rotation.waitedFor.get(namespace)]).toEqual([text, 1]);
  }
  await makePod('starts', undefined);
  answer = { status: 200, text: proof };
  // An answer counts that comes within two seconds.
  const waitedFor = async () => {
    await pass();
    return rotation.waitedFor.get(namespace);
  };
  await expect.poll(waitedFor).toBe(1);
  // What has proved it once is not asked again.
  answer = { status: 404, text: '' };
  await api.client.delete(resources.pods, { namespace, name: 'starts' }, { gracePeriodSeconds: 0 });
  await pass();
  expect(await phase()).toBe('reissue');
  expect(rotation.waitedFor.size).toBe(0);
  aheadMs += 180_000;
  await read();
  await advance();
  expect(rotation.waitedFor.get(namespace)).toBe(1);
  server.closeAllConnections();
  server.close();
});

test('the operator knows when what it has issued ends', async () => {
  const { pass, secrets } = newOperator();
  await pass();
  await secrets.operatorIdentity(namespace);
  const days = (ms: number | undefined) => Math.round(((ms ?? 0) - Date.now()) / DAY_MS);
  expect(days(secrets.authorityExpiries().get(namespace))).toBe(1_825);
  const expiries = [...secrets.expiries()].map((each) => [each.component, days(each.notAfterMs)]);
  expect(expiries).toEqual([
    ['router', 90],
    ['operator', 7],
  ]);
});
