import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualScheduler } from '../node/manual-scheduler.fixture.ts';
import { type ApiAccess, fixedAccess } from './api-access.ts';
import { KubeClient } from './api-client.ts';
import { ApiProxy } from './api-proxy.fixture.ts';
import { type KubeApi, startKubeApi } from './kube-api.fixture.ts';
import { KubeError } from './kube-error.ts';
import { compareVersions, type KubeObject } from './object.ts';
import { resources } from './resources.ts';
import type { WatchEvent } from './watch-stream.ts';

/** Against a real API server. */

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

let api: KubeApi;
let proxy: ApiProxy;
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  api = await startKubeApi();
  proxy = await ApiProxy.start(api.access);
  client = api.client;
  namespace = await api.newNamespace();
});

afterAll(async () => {
  await proxy?.close();
  await api?.close();
});

const { configMaps, pods, namespaces } = resources;

function configMap(name: string, data: Record<string, string> = {}) {
  return { metadata: { namespace, name }, data };
}

async function failureOf(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KubeError) return error;
  throw new Error('no KubeError', { cause: error });
}

function deadlineOf(deadlineMs: number, access = proxy.access): KubeClient {
  return new KubeClient(access, { deadlineMs });
}

describe('objects', () => {
  it('get: what is not there is undefined', async () => {
    expect(await client.get(configMaps, { namespace, name: 'absent' })).toBeUndefined();
  });

  it('create: the answer is the object as it is stored', async () => {
    const created = await client.create<ConfigMap>(configMaps, configMap('made', { a: '1' }));
    expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(await client.get(configMaps, { namespace, name: 'made' })).toEqual(created);
  });

  it('create: a name that is taken is a conflict', async () => {
    await client.create(configMaps, configMap('twice'));
    const error = await failureOf(client.create(configMaps, configMap('twice')));
    expect(error).toMatchObject({ status: 409, reason: 'AlreadyExists', isTransient: false });
  });

  it('create: a field that the kind does not know is refused', async () => {
    const body = { ...configMap('strict'), dta: {} };
    const error = await failureOf(client.create(configMaps, body));
    expect(error.status).toBe(400);
    expect(error.message).toContain('unknown field "dta"');
  });

  it('an invalid object is refused with the field in causes', async () => {
    const error = await failureOf(client.create(configMaps, configMap('Not_A_Name')));
    expect(error).toMatchObject({
      status: 422,
      reason: 'Invalid',
      causes: [{ field: 'metadata.name', reason: 'FieldValueInvalid' }],
    });
  });

  it('create: a dry run changes nothing', async () => {
    await client.create(configMaps, configMap('dry'), { dryRun: true });
    expect(await client.get(configMaps, { namespace, name: 'dry' })).toBeUndefined();
  });

  it('patch: a merge changes what it names', async () => {
    await client.create(configMaps, configMap('merged', { a: '1', b: '2' }));
    const name = { namespace, name: 'merged' };
    const patched = await client.patch<ConfigMap>(
      configMaps,
      name,
      { data: { a: null, c: '3' } },
      { contentType: 'merge' },
    );
    expect(patched.data).toEqual({ b: '2', c: '3' });
  });

  it('patch: JSON patches with a failed test change nothing', async () => {
    await client.create(configMaps, configMap('tested', { a: '1' }));
    const body = [
      { op: 'test', path: '/data/a', value: '2' },
      { op: 'replace', path: '/data/a', value: '3' },
    ];
    const name = { namespace, name: 'tested' };
    const error = await failureOf(client.patch(configMaps, name, body, { contentType: 'json' }));
    expect(error.status).toBe(422);
    expect((await client.get<ConfigMap>(configMaps, name))?.data).toEqual({ a: '1' });
  });

  it('replace: over an older state it is a conflict', async () => {
    const made = await client.create<ConfigMap>(configMaps, configMap('replaced', { a: '1' }));
    await client.replace(configMaps, { ...made, data: { a: '2' } });
    const error = await failureOf(client.replace(configMaps, { ...made, data: { a: '3' } }));
    expect(error).toMatchObject({ status: 409, reason: 'Conflict', causes: [] });
  });

  it('delete: what is not there is no error', async () => {
    await client.delete(configMaps, { namespace, name: 'absent' });
  });

  it('delete: another object of the same name is left alone', async () => {
    await client.create(configMaps, configMap('other'));
    const name = { namespace, name: 'other' };
    const error = await failureOf(client.delete(configMaps, name, { uid: 'that-was-before' }));
    expect(error).toMatchObject({ status: 409, reason: 'Conflict' });
    expect(await client.get(configMaps, name)).toBeDefined();
  });

  it('delete: an object of another version is left alone', async () => {
    const made = await client.create<ConfigMap>(configMaps, configMap('changed'));
    await client.replace(configMaps, { ...made, data: { a: '1' } });
    const name = { namespace, name: 'changed' };
    const { uid, resourceVersion } = made.metadata;
    const error = await failureOf(client.delete(configMaps, name, { uid, resourceVersion }));
    expect(error.status).toBe(409);
    await client.delete(configMaps, name, { uid });
    expect(await client.get(configMaps, name)).toBeUndefined();
  });

  it('a kind that has no namespace refuses one', async () => {
    await expect(client.get(namespaces, { namespace, name: namespace })).rejects.toThrow(
      'Namespace has no namespace',
    );
  });
});

describe('apply', () => {
  const mine = { fieldManager: 'mine', force: false } as const;
  const theirs = { fieldManager: 'theirs', force: false } as const;

  it('makes the object, and takes back what is not named any more', async () => {
    await client.apply(configMaps, configMap('applied', { a: '1', b: '2' }), mine);
    const applied = await client.apply<ConfigMap>(
      configMaps,
      configMap('applied', { b: '2' }),
      mine,
    );
    expect(applied.data).toEqual({ b: '2' });
  });

  it('leaves fields of other managers as they are', async () => {
    await client.apply(configMaps, configMap('shared', { a: '1' }), mine);
    const applied = await client.apply<ConfigMap>(
      configMaps,
      configMap('shared', { b: '2' }),
      theirs,
    );
    expect(applied.data).toEqual({ a: '1', b: '2' });
  });

  it('a field of another manager is a conflict that names owner and field', async () => {
    await client.apply(configMaps, configMap('owned', { a: '1' }), mine);
    const error = await failureOf(
      client.apply(configMaps, configMap('owned', { a: '2', b: '2' }), theirs),
    );
    expect(error).toMatchObject({
      status: 409,
      reason: 'Conflict',
      causes: [
        { field: '.data.a', reason: 'FieldManagerConflict', message: 'conflict with "mine"' },
      ],
    });
    const after = await client.get<ConfigMap>(configMaps, { namespace, name: 'owned' });
    expect(after?.data).toEqual({ a: '1' });
  });

  it('takes fields over by force', async () => {
    await client.apply(configMaps, configMap('forced', { a: '1' }), mine);
    const forced = { fieldManager: 'theirs', force: true };
    const applied = await client.apply<ConfigMap>(
      configMaps,
      configMap('forced', { a: '2' }),
      forced,
    );
    expect(applied.data).toEqual({ a: '2' });
  });

  it('a subresource is written apart', async () => {
    const pod = { namespace, name: 'with-status' };
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    await client.apply(pods, { metadata: pod, spec }, mine);
    const status = { phase: 'Running' };
    const applied = await client.apply<KubeObject & { status: { phase: string } }>(
      pods,
      { metadata: pod, status },
      { ...mine, subresource: 'status' },
    );
    expect(applied.status.phase).toBe('Running');
    expect([...client.requestsCount]).toContainEqual({
      verb: 'apply',
      resource: 'pods/status',
      status: 200,
      count: 1,
    });
  });
});

describe('evict', () => {
  it('a budget that allows no disruption refuses with 429, and without it the pod goes', async () => {
    const labels = { app: 'guarded' };
    const name = { namespace, name: 'guarded' };
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    await client.create(pods, { metadata: { ...name, labels }, spec });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await client.apply(
      pods,
      { metadata: name, status },
      { fieldManager: 'kubelet', force: true, subresource: 'status' },
    );
    const budget = {
      metadata: name,
      spec: { maxUnavailable: 0, selector: { matchLabels: labels } },
    };
    await client.create(resources.podDisruptionBudgets, budget);
    // Nobody computes the budget here; without its status the server has to refuse.
    const error = await failureOf(client.evict(pods, name));
    expect(error).toMatchObject({ status: 429, reason: 'TooManyRequests', isTransient: true });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    await client.delete(resources.podDisruptionBudgets, name);
    await client.evict(pods, name, { gracePeriodSeconds: 0 });
    expect(await client.get(pods, name)).toBeUndefined();
    await client.evict(pods, name);
  });
});

describe('list', () => {
  it('pages until the end, with kind and version on each item', async () => {
    const many = await api.newNamespace();
    for (let i = 0; i < 5; i++) {
      await client.create(configMaps, { metadata: { namespace: many, name: `c${i}` } });
    }
    const first = await client.list(configMaps, { namespace: many, limit: 2 });
    expect(first.items.map(({ metadata }) => metadata.name)).toEqual(['c0', 'c1']);
    expect(first.continue).toBeDefined();
    const all = await client.listAll(configMaps, { namespace: many, limit: 2 });
    expect(all.items.map(({ metadata }) => metadata.name)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4']);
    expect(
      all.items.every(({ kind, apiVersion }) => kind === 'ConfigMap' && apiVersion === 'v1'),
    ).toBe(true);
    expect(all.resourceVersion).toMatch(/^[0-9]+$/);
  });

  it('selects by labels', async () => {
    const metadata = { namespace, name: 'labelled', labels: { color: 'red' } };
    await client.create(configMaps, { metadata });
    const { items } = await client.listAll(configMaps, { labelSelector: 'color=red' });
    expect(items.map((item) => item.metadata.name)).toEqual(['labelled']);
  });

  it('a page that is asked for too late is gone', async () => {
    const page = { status: 410, body: { kind: 'Status', reason: 'Expired', message: 'too old' } };
    proxy.forge(({ path }) => path.includes('continue='), page);
    const list = new KubeClient(proxy.access).listAll(namespaces, { limit: 1 });
    expect(await failureOf(list)).toMatchObject({ status: 410, reason: 'Expired' });
  });
});

describe('watch', () => {
  async function versionNow(): Promise<string> {
    return (await client.list(configMaps, { namespace, limit: 1 })).resourceVersion;
  }

  it('brings what happened since, and ends when the server ends it', async () => {
    const resourceVersion = await versionNow();
    await client.create(configMaps, configMap('watched'));
    await client.patch(
      configMaps,
      { namespace, name: 'watched' },
      { data: { a: '1' } },
      { contentType: 'merge' },
    );
    await client.delete(configMaps, { namespace, name: 'watched' });
    const elsewhere = await api.newNamespace();
    let other: KubeObject | undefined;
    const events: WatchEvent<ConfigMap>[] = [];
    // The server sends a bookmark two seconds before the end, if anything of the kind was written.
    // So there has to be time enough to write it before that.
    const options = { namespace, resourceVersion, timeoutSeconds: 15 };
    for await (const event of client.watch<ConfigMap>(configMaps, options)) {
      events.push(event);
      if (event.type !== 'DELETED') continue;
      other = await client.create(configMaps, {
        metadata: { namespace: elsewhere, name: 'other' },
      });
    }
    // One more bookmark may follow.
    const types = events.slice(0, 4).map(({ type }) => type);
    expect(types).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);
    expect(events[1]?.object).toMatchObject({ kind: 'ConfigMap', data: { a: '1' } });
    const bookmark = events[3]?.object.metadata.resourceVersion ?? '';
    expect(compareVersions(bookmark, other?.metadata.resourceVersion ?? '')).toBeGreaterThanOrEqual(
      0,
    );
  });

  it('from before what the server remembers is an ERROR event with 410', async () => {
    const other = await startedAnew();
    const watch = other.client.watch(configMaps, { resourceVersion: '1', timeoutSeconds: 10 });
    expect(await failureOf(watch.next())).toMatchObject({ status: 410, reason: 'Expired' });
  });

  /** The server remembers nothing of before its start. */
  async function startedAnew(): Promise<KubeApi> {
    await client.create(configMaps, configMap('before-the-start'));
    await api.restart();
    return api;
  }

  it('a silent connection is cut', async () => {
    const stalled = await ApiProxy.start(api.access);
    stalled.stall();
    const options = { resourceVersion: await versionNow(), timeoutSeconds: 60, inactivityMs: 200 };
    const watch = new KubeClient(stalled.access).watch(configMaps, options);
    expect(await failureOf(watch.next())).toMatchObject({ status: 0, reason: 'Timeout' });
    await stalled.close();
  });

  it('leaving the loop ends the connection', async () => {
    const resourceVersion = await versionNow();
    await client.create(configMaps, configMap('left'));
    const options = { namespace, resourceVersion, timeoutSeconds: 300 };
    for await (const event of client.watch(configMaps, options)) {
      expect(event.type).toBe('ADDED');
      break;
    }
  });

  it('the signal ends it with its reason', async () => {
    const stop = new AbortController();
    const options = { namespace, resourceVersion: await versionNow(), timeoutSeconds: 300 };
    const next = client.watch(configMaps, options, stop.signal).next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});

describe('calls that fail', () => {
  it('no server: an operating error that may pass', async () => {
    const nobody = new KubeClient(fixedAccess({ url: 'http://127.0.0.1:1' }));
    const error = await failureOf(nobody.list(namespaces));
    expect(error).toMatchObject({ status: 0, reason: 'Unreachable', isTransient: true });
  });

  it('no answer: the deadline ends the call', async () => {
    proxy.stall();
    const error = await failureOf(deadlineOf(200).list(namespaces));
    proxy.restore();
    expect(error).toMatchObject({ status: 0, reason: 'Timeout', isTransient: true });
  });

  it('the signal ends a call with its reason', async () => {
    proxy.stall();
    const stop = new AbortController();
    const list = deadlineOf(10_000).list(namespaces, {}, stop.signal);
    stop.abort(new Error('enough'));
    await expect(list).rejects.toThrow('enough');
    proxy.restore();
  });

  it('too many requests: tells for how long to stay away', async () => {
    proxy.forge(() => true, { status: 429, headers: { 'Retry-After': '7' }, body: 'slow down' });
    const error = await failureOf(deadlineOf(10_000).list(namespaces));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 7000, isTransient: true });
    expect(error.message).toContain('429 slow down');
  });

  it('an answer that is not JSON is damage', async () => {
    proxy.forge(() => true, { status: 200, body: '<html>' });
    expect(await failureOf(deadlineOf(10_000).list(namespaces))).toMatchObject({
      status: 0,
      reason: 'Damaged',
    });
  });

  it('a page of something else than a list is damage', async () => {
    proxy.forge(() => true, { status: 200, body: { kind: 'Other' } });
    expect((await failureOf(deadlineOf(10_000).list(namespaces))).reason).toBe('Damaged');
  });

  it('refused credentials are read again, once', async () => {
    const asked: boolean[] = [];
    const access: ApiAccess = {
      ...api.access,
      async credentials(isRefused) {
        asked.push(isRefused);
        const good = await api.access.credentials(false);
        return isRefused ? good : { ...good, headers: { Authorization: 'Bearer expired' } };
      },
    };
    await new KubeClient(access).list(namespaces);
    expect(asked).toEqual([false, true]);
  });

  it('somebody else may do what RBAC says, and nothing more', async () => {
    const user = `system:serviceaccount:${namespace}:router`;
    const metadata = { namespace, name: 'reader' };
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
    await client.create(resources.roles, { metadata, rules });
    await client.create(resources.roleBindings, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', namespace, name: 'router' }],
    });
    const router = api.clientAs(user);
    const name = { namespace, name: 'absent' };
    await expect.poll(() => router.get(configMaps, name).catch(String)).toBeUndefined();
    const error = await failureOf(router.list(configMaps, { namespace }));
    expect(error).toMatchObject({ status: 403, reason: 'Forbidden', isTransient: false });
    expect(error.message).toContain(`User "${user}" cannot list`);
  });

  it('a process that may not write sends no writes', async () => {
    const follower = api.newClient({ mayWrite: () => false });
    const error = await failureOf(follower.create(configMaps, configMap('unwritten')));
    expect(error).toMatchObject({ status: 0, reason: 'NotLeader' });
    expect(await follower.get(configMaps, { namespace, name: 'unwritten' })).toBeUndefined();
  });
});

describe('rate', () => {
  it('a client that was made of another waits in a line of its own, and is counted together', async () => {
    const clock = new ManualScheduler();
    const busy = api.newClient({ clock, rate: { perSecond: 1, burst: 1 } });
    await busy.get(namespaces, { name: namespace });
    const waiting = busy.get(namespaces, { name: namespace });
    const urgent = busy.with({ rate: { perSecond: 1, burst: 5 }, mayWrite: () => false });
    await urgent.get(namespaces, { name: namespace });
    expect(busy.requestsCount.total).toBe(2);
    const error = await failureOf(urgent.create(configMaps, configMap('unwritten')));
    expect(error.reason).toBe('NotLeader');
    await clock.advance(1000);
    await waiting;
    expect(urgent.requestsCount.total).toBe(3);
  });

  it('calls beyond the burst wait for their turn', async () => {
    const clock = new ManualScheduler();
    const slow = api.newClient({ clock, rate: { perSecond: 2, burst: 2 } });
    let answeredCount = 0;
    const calls = Array.from({ length: 4 }, async () => {
      await slow.get(namespaces, { name: namespace });
      answeredCount += 1;
    });
    await Promise.all(calls.slice(0, 2));
    expect(answeredCount).toBe(2);
    await clock.advance(500);
    await calls[2];
    expect(answeredCount).toBe(3);
    await clock.advance(500);
    await calls[3];
    expect(slow.requestsCount.total).toBe(4);
  });
});
