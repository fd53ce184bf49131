import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { encodedData, secretText } from '../certificates/secret-data.ts';
import { baseName } from '../table/names.ts';
import { AccessTrial, ann, musicForAnn } from './access.fixture.ts';
import { PROPAGATION_MS } from './names.ts';
import type { AccessKeyResource, AccessPolicyResource } from './resources.ts';

const DAY_MS = 86_400_000;
const { accessKeys, accessPolicies, secrets } = resources;

let api: KubeApi;
let trial: AccessTrial;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await AccessTrial.start(api);
});

afterEach(() => trial?.stopOperator());

/** An AccessKey of user ann that all routers know. */
async function knownKey(name = 'app', spec: object = ann): Promise<string> {
  const key = await trial.createKey(name, spec);
  await trial.condition(key, 'Ready', 'Propagating');
  trial.pass(PROPAGATION_MS);
  await trial.condition(key, 'Ready', 'Active');
  return (await trial.keyIn(name)) ?? '';
}

test('an AccessKey gets a key in a Secret of its own, routers get it too, and after their time it is ready', async () => {
  await trial.startOperator();
  const key = await trial.createKey('app', ann);
  await trial.condition(key, 'Ready', 'Propagating');
  const secret = await trial.secret('app');
  expect(secret?.metadata.ownerReferences).toEqual([
    {
      apiVersion: 'trestle.dev/v1alpha1',
      kind: 'AccessKey',
      name: 'app',
      uid: key.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  const pair = {
    accessKeyId: secretText(secret, 'accessKeyId'),
    secretAccessKey: secretText(secret, 'secretAccessKey'),
  };
  expect(pair.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
  expect(await trial.credentials()).toEqual([
    expect.anything(),
    { ...pair, principal: 'user/ann' },
  ]);
  trial.pass(PROPAGATION_MS / 2);
  await trial.condition(key, 'Reconciling', 'Propagating');
  trial.pass(PROPAGATION_MS / 2);
  await trial.condition(key, 'Ready', 'Active');
  const { status } = (await trial.get<AccessKeyResource>(accessKeys, 'app')) ?? key;
  expect(status).toMatchObject({ secretName: 'app', accessKeyID: pair.accessKeyId });
  expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready']);
});

test('what is as it should be is not written again', async () => {
  const client = api.newClient();
  const { counts } = (await trial.startOperator({ client })).access.controller;
  await knownKey();
  const policy = await trial.createPolicy('music', musicForAnn);
  await trial.condition(policy, 'Ready', 'Propagating');
  trial.pass(PROPAGATION_MS);
  await trial.condition(policy, 'Ready', 'InForce');
  const writesCount = () =>
    Array.from(client.requestsCount)
      .filter(
        ({ verb, resource }) => resource !== 'events' && !['get', 'list', 'watch'].includes(verb),
      )
      .reduce((sum, { count }) => sum + count, 0);
  const readsCount = () =>
    Array.from(client.requestsCount)
      .filter(({ verb, resource }) => verb === 'get' && resource === 'secrets')
      .reduce((sum, { count }) => sum + count, 0);
  const passesCount = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const passes = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const before = passesCount();
      trial.look();
      await expect.poll(passesCount).toBeGreaterThan(before);
    }
  };
  // What the API server shows already may be a write that has no answer yet, and is not counted.
  await passes(2);
  const [writes, reads] = [writesCount(), readsCount()];
  await passes(2);
  expect(readsCount()).toBeGreaterThan(reads);
  expect(writesCount()).toBe(writes);
});

test('Inactive takes the key from routers, Active gives them the same one again', async () => {
  await trial.startOperator();
  const id = await knownKey();
  const key = (await trial.get<AccessKeyResource>(accessKeys, 'app')) as AccessKeyResource;
  await trial.change(accessKeys, 'app', { spec: { state: 'Inactive' } });
  await trial.becomes(() => trial.idsOf('user/ann'), []);
  await trial.condition(key, 'Ready', 'Propagating');
  trial.pass(PROPAGATION_MS);
  await trial.condition(key, 'Ready', 'Inactive');
  expect(await trial.keyIn('app')).toBe(id);
  await trial.change(accessKeys, 'app', { spec: { state: 'Active' } });
  await trial.becomes(() => trial.idsOf('user/ann'), [id]);
  await trial.condition(key, 'Ready', 'Propagating');
});

test('a rotation: routers learn the new key, then programs; both are good for the grace period, then one', async () => {
  await trial.startOperator();
  const old = await knownKey('app', { ...ann, gracePeriodSeconds: 600 });
  const key = (await trial.get<AccessKeyResource>(accessKeys, 'app')) as AccessKeyResource;
  await trial.askForRotation('app', '1');
  await trial.condition(key, 'Reconciling', 'Propagating');
  await trial.condition(key, 'Ready', 'Active');
  const both = await trial.idsOf('user/ann');
  expect(both).toHaveLength(2);
  const [next = ''] = both.filter((id) => id !== old);
  expect(await trial.keyIn('app')).toBe(old);

  trial.pass(PROPAGATION_MS);
  await trial.becomes(() => trial.keyIn('app'), next);
  expect(await trial.idsOf('user/ann')).toEqual(both);
  await trial.becomes(async () => {
    const { status } = (await trial.get<AccessKeyResource>(accessKeys, 'app')) ?? key;
    return [status?.accessKeyID, status?.previousAccessKeyID, status?.conditions?.length];
  }, [next, old, 1]);

  trial.pass(300_000);
  await trial.condition(key, 'Ready', 'Active');
  expect(await trial.idsOf('user/ann')).toEqual(both);
  trial.pass(300_000);
  await trial.becomes(() => trial.idsOf('user/ann'), [next]);
  expect((await trial.secret('app'))?.data).not.toHaveProperty('previousAccessKeyId');
  await trial.becomes(async () => {
    const { status } = (await trial.get<AccessKeyResource>(accessKeys, 'app')) ?? key;
    return status?.previousAccessKeyID;
  }, undefined);

  // The same request is obeyed once.
  trial.pass(DAY_MS);
  await trial.condition(key, 'Ready', 'Active');
  expect(await trial.idsOf('user/ann')).toEqual([next]);
});

test('a key that got into wrong hands is replaced while it is Inactive, and is never good again', async () => {
  await trial.startOperator();
  const leaked = await knownKey();
  await trial.change(accessKeys, 'app', {
    metadata: { annotations: { 'trestle.dev/rotate': 'leaked' } },
    spec: { state: 'Inactive' },
  });
  await trial.becomes(async () => (await trial.keyIn('app')) === leaked, false);
  await trial.change(accessKeys, 'app', { spec: { state: 'Active' } });
  const now = await trial.keyIn('app');
  await trial.becomes(() => trial.idsOf('user/ann'), [now ?? '']);
});

test('with rotateAfterDays a key is replaced at that age', async () => {
  await trial.startOperator();
  const old = await knownKey('app', { ...ann, rotateAfterDays: 30, gracePeriodSeconds: 0 });
  trial.pass(29 * DAY_MS);
  const key = (await trial.get<AccessKeyResource>(accessKeys, 'app')) as AccessKeyResource;
  await trial.condition(key, 'Ready', 'Active');
  expect(await trial.idsOf('user/ann')).toEqual([old]);
  trial.pass(DAY_MS);
  await expect.poll(() => trial.idsOf('user/ann')).toHaveLength(2);
  await trial.condition(key, 'Reconciling', 'Propagating');
  trial.pass(PROPAGATION_MS);
  await expect.poll(() => trial.idsOf('user/ann')).toHaveLength(1);
  expect(await trial.idsOf('user/ann')).toEqual([await trial.keyIn('app')]);
  expect(await trial.keyIn('app')).not.toBe(old);
});

test('a Secret that is there already is left alone and told; when it is gone, the key is made', async () => {
  const mine = {
    metadata: { namespace: trial.namespace, name: 'mine' },
    data: encodedData({ accessKeyId: 'x' }),
  };
  const before = await api.client.create<KubeObject>(secrets, mine, { fieldManager: 'kubectl' });
  await trial.startOperator();
  const key = await trial.createKey('app', { ...ann, secretName: 'mine' });
  await trial.condition(key, 'Ready', 'SecretConflict');
  await trial.condition(key, 'Stalled', 'SecretConflict');
  expect(await trial.secret('mine')).toEqual(before);
  expect(await trial.idsOf('user/ann')).toEqual([]);
  await expect
    .poll(async () => {
      const { items } = await api.client.listAll<KubeObject & { reason?: string }>(
        resources.events,
        { namespace: trial.namespace },
      );
      return items.map(({ reason }) => reason);
    })
    .toContain('SecretConflict');
  await trial.delete(secrets, 'mine');
  trial.look();
  await trial.condition(key, 'Ready', 'Propagating');
  expect(await trial.idsOf('user/ann')).toEqual([await trial.keyIn('mine')]);
});

test('a deleted AccessKey is a revoked key', async () => {
  await trial.startOperator();
  await knownKey('app');
  const other = await knownKey('other', { subject: { kind: 'Role', name: 'batch' } });
  await trial.delete(accessKeys, 'app');
  await trial.becomes(() => trial.idsOf('user/ann'), []);
  expect(await trial.idsOf('role/batch')).toEqual([other]);
});

test('one that waits for its dependants to be deleted is revoked as well', async () => {
  await trial.startOperator();
  await knownKey('app');
  await trial.change(accessKeys, 'app', { metadata: { finalizers: ['example.org/wait'] } });
  await trial.delete(accessKeys, 'app');
  await trial.becomes(() => trial.idsOf('user/ann'), []);
  await trial.change(accessKeys, 'app', { metadata: { finalizers: null } });
});

test('a deleted Secret, or one whose key is damaged, gets another key, and the lost one is good no more', async () => {
  await trial.startOperator();
  const lost = await knownKey();
  await trial.delete(secrets, 'app');
  await trial.stopOperator();
  await trial.startOperator();
  await trial.becomes(async () => (await trial.idsOf('user/ann')).includes(lost), false);
  const damaged = await trial.keyIn('app');
  expect(await trial.idsOf('user/ann')).toEqual([damaged]);
  await trial.change(secrets, 'app', { data: { secretAccessKey: null } });
  await trial.stopOperator();
  await trial.startOperator();
  await trial.becomes(async () => (await trial.idsOf('user/ann')).includes(damaged ?? ''), false);
  expect(await trial.idsOf('user/ann')).toEqual([await trial.keyIn('app')]);
});

test('policies reach routers with the principals of their subjects, and are in force after their time', async () => {
  await trial.startOperator();
  await trial.createKey('app', ann);
  const policy = await trial.createPolicy('music', {
    ...musicForAnn,
    subjects: [
      { kind: 'AccessKey', name: 'app' },
      { kind: 'Role', name: 'batch' },
    ],
  });
  await trial.condition(policy, 'Ready', 'Propagating');
  await trial.condition(policy, 'Valid', 'Parsed');
  expect(await trial.policies()).toMatchObject([
    { name: 'music', subjects: ['role/batch', 'user/ann'] },
  ]);
  trial.pass(PROPAGATION_MS);
  await trial.condition(policy, 'Ready', 'InForce');
  await trial.change(accessPolicies, 'music', {
    spec: { subjects: [{ kind: 'User', name: 'bob' }] },
  });
  await trial.condition(policy, 'Ready', 'Propagating');
  expect(await trial.policies()).toMatchObject([{ subjects: ['user/bob'] }]);
  await trial.delete(accessPolicies, 'music');
  await trial.becomes(() => trial.policies(), []);
});

test('a policy that is not valid says where, and denies its subjects everything until it is corrected', async () => {
  await trial.startOperator();
  const good = await trial.createPolicy('music', musicForAnn);
  await trial.condition(good, 'Ready', 'Propagating');
  const { statements: _, ...subjects } = musicForAnn;
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*' }] };
  const bad = await trial.createPolicy('bad', {
    ...subjects,
    policyDocument: JSON.stringify(document),
  });
  await trial.condition(bad, 'Ready', 'InvalidDocument');
  await trial.condition(bad, 'Valid', 'InvalidDocument');
  await trial.condition(bad, 'Stalled', 'InvalidDocument');
  const told = await trial.get<AccessPolicyResource>(accessPolicies, 'bad');
  expect(told?.status?.conditions?.find(({ type }) => type === 'Valid')).toMatchObject({
    status: 'False',
    message: 'Statement[0] needs Resource or NotResource',
  });
  const denied = { Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] };
  expect(await trial.policies()).toMatchObject([
    { name: 'bad', subjects: ['user/ann'], document: denied },
    { name: 'music' },
  ]);
  const corrected = { ...document, Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  await trial.change(accessPolicies, 'bad', {
    spec: { policyDocument: JSON.stringify(corrected) },
  });
  await trial.condition(bad, 'Valid', 'Parsed');
  expect(await trial.policies()).toMatchObject([{ name: 'bad', document: corrected }, {}]);
});

test('a subject that is not there is told, and the policy is about it as soon as it is', async () => {
  await trial.startOperator();
  const policy = await trial.createPolicy('music', {
    ...musicForAnn,
    subjects: [{ kind: 'AccessKey', name: 'app' }],
  });
  await trial.condition(policy, 'Ready', 'SubjectNotFound');
  expect(await trial.policies()).toEqual([]);
  await trial.createKey('app', ann);
  await trial.condition(policy, 'Ready', 'Propagating');
  expect(await trial.policies()).toMatchObject([{ subjects: ['user/ann'] }]);
});

test('a DaxCluster with a role of its own has a key, the policy of its roleRef, and its records of the registry', async () => {
  await trial.startOperator();
  const { statements } = musicForAnn;
  await trial.createPolicy('readers', { statements });
  const roleRef = { kind: 'AccessPolicy', name: 'readers' };
  const cluster = await trial.create<KubeObject>(resources.daxClusters, 'front', { roleRef });
  const { metadata } = cluster;
  const role = `${baseName({ name: 'front', uid: metadata.uid ?? '' })}-role`;
  await expect.poll(() => trial.idsOf('dax/front'), { timeout: 60_000 }).toHaveLength(1);
  expect(await trial.idsOf('dax/front')).toEqual([await trial.keyIn(role)]);
  await trial.becomes(
    async () => (await trial.policies()).map(({ name, subjects }) => [name, subjects]),
    [
      ['readers', ['dax/front']],
      ['trestle/dax-registry/front', ['dax/front']],
    ],
  );
  await trial.delete(resources.daxClusters, 'front');
  await trial.becomes(() => trial.idsOf('dax/front'), []);
}, 180_000);

test('the Secret of a former version keeps its key and what people put beside it, and gets policies', async () => {
  const root = { accessKeyId: 'AKIAFORMER', secretAccessKey: 'former' };
  const second = { accessKeyId: 'MINE', secretAccessKey: 'mine', sessionToken: 'token' };
  const former = {
    metadata: { namespace: trial.namespace, name: 'trestle-credentials' },
    data: encodedData({ credentials: JSON.stringify([root, second]), ...root, note: 'mine' }),
  };
  await api.client.create(secrets, former, { fieldManager: 'trestle-operator' });
  await trial.startOperator();
  await trial.becomes(
    async () => secretText(await trial.secret('trestle-credentials'), 'policies'),
    '{"policies":[]}\n',
  );
  expect(await trial.credentials()).toEqual([root, second]);
  await trial.createKey('app', ann);
  await expect.poll(() => trial.idsOf('user/ann')).toHaveLength(1);
  expect((await trial.credentials()).slice(0, 2)).toEqual([root, second]);
  expect(secretText(await trial.secret('trestle-credentials'), 'note')).toBe('mine');
});

test('without any root key nothing is written, and AccessKeys say why; a restored one heals it', async () => {
  await trial.startOperator();
  const key = await trial.createKey('app', ann);
  await trial.condition(key, 'Ready', 'Propagating');
  const before = await trial.secret('trestle-credentials');
  const lost = { credentials: encodedData({ '': '[]' })[''], accessKeyId: null };
  await trial.change(secrets, 'trestle-credentials', { data: lost });
  const other = await trial.createKey('other', ann);
  await trial.condition(other, 'Ready', 'NotPublished');
  const now = await trial.secret('trestle-credentials');
  expect(secretText(now, 'credentials')).toBe('[]');
  await trial.change(secrets, 'trestle-credentials', {
    data: { accessKeyId: before?.data?.accessKeyId },
  });
  trial.look();
  await trial.condition(other, 'Ready', 'Propagating');
  expect(await trial.idsOf('user/ann')).toHaveLength(2);
});

test('what the API server refuses to take is told, with its words, and what routers have stays', async () => {
  await trial.startOperator();
  const id = await knownKey();
  await trial.change(secrets, 'trestle-credentials', { immutable: true });
  const policy = await trial.createPolicy('music', musicForAnn);
  await trial.condition(policy, 'Ready', 'NotPublished');
  const told = await trial.get<AccessPolicyResource>(accessPolicies, 'music');
  expect(told?.status?.conditions?.[0]?.message).toContain('immutable');
  expect(await trial.idsOf('user/ann')).toEqual([id]);
  expect(await trial.policies()).toEqual([]);
  const key = await trial.get<AccessKeyResource>(accessKeys, 'app');
  expect(key?.status?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' });
});

test('paused, neither a key nor a policy changes, and both say so; afterwards they catch up', async () => {
  await trial.startOperator();
  const id = await knownKey();
  const policy = await trial.createPolicy('music', musicForAnn);
  await trial.condition(policy, 'Ready', 'Propagating');
  trial.pass(PROPAGATION_MS);
  await trial.condition(policy, 'Ready', 'InForce');
  const policies = await trial.policies();
  const key = (await trial.get<AccessKeyResource>(accessKeys, 'app')) as AccessKeyResource;

  const annotations = { 'trestle.dev/paused': 'true', 'trestle.dev/rotate': '1' };
  await trial.change(accessKeys, 'app', { metadata: { annotations }, spec: { state: 'Inactive' } });
  await trial.change(accessPolicies, 'music', {
    metadata: { annotations },
    spec: { subjects: [] },
  });
  await trial.condition(key, 'Ready', 'Paused');
  await trial.condition(policy, 'Ready', 'Paused');
  const made = await trial.createKey('other', { subject: { kind: 'User', name: 'zoe' } });
  await trial.condition(made, 'Ready', 'Propagating');
  trial.pass(PROPAGATION_MS);
  await trial.condition(made, 'Ready', 'Active');
  expect(await trial.idsOf('user/ann')).toEqual([id]);
  expect(await trial.keyIn('app')).toBe(id);
  expect(await trial.policies()).toEqual(policies);
  const told = await trial.get<AccessKeyResource>(accessKeys, 'app');
  expect(told?.status).toMatchObject({ secretName: 'app', accessKeyID: id });

  const resumed = { metadata: { annotations: { 'trestle.dev/paused': null } } };
  await trial.change(accessKeys, 'app', resumed);
  await trial.change(accessPolicies, 'music', resumed);
  await trial.becomes(() => trial.idsOf('user/ann'), []);
  await trial.becomes(() => trial.policies(), []);
  await expect.poll(() => trial.keyIn('app')).not.toBe(id);
});

test('no secret is in a log line, a status or an event', async () => {
  let text = '';
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await trial.startOperator({ log: pino({ level: 'trace' }, lines) });
  await knownKey('app', { ...ann, gracePeriodSeconds: 0 });
  await trial.askForRotation('app', '1');
  await expect.poll(() => trial.idsOf('user/ann')).toHaveLength(2);
  const written = (await trial.credentials()).map((each) => each.secretAccessKey);
  expect(text).toContain('KeyMade');
  const { items } = await api.client.listAll(resources.events, { namespace: trial.namespace });
  const told = JSON.stringify([items, await trial.get(accessKeys, 'app')]);
  expect(written).toHaveLength(3);
  for (const secret of written) {
    expect(text).not.toContain(secret);
    expect(told).not.toContain(secret);
  }
});
