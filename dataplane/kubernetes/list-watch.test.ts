import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubeClient } from './api-client.ts';
import { ApiProxy } from './api-proxy.fixture.ts';
import { type KubeApi, startKubeApi } from './kube-api.fixture.ts';
import { type Change, ListWatch, type ListWatchOptions } from './list-watch.ts';
import type { KubeObject } from './object.ts';
import { resources } from './resources.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Against a real API server, through a proxy that breaks the connection in every way. */

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const { configMaps } = resources;
const log = pino({ level: 'silent' });

let api: KubeApi;
let proxy: ApiProxy;
let namespace: string;
let changes: Change<ConfigMap>[];
const open: ListWatch<ConfigMap>[] = [];

beforeAll(async () => {
  api = await startKubeApi();
});
afterAll(() => api?.close());

beforeEach(async () => {
  proxy = await ApiProxy.start(api.access);
  namespace = await api.newNamespace();
  changes = [];
});

afterEach(async () => {
  for (const cache of open.splice(0)) cache.close();
  await proxy.close();
});

function start(options: Partial<ListWatchOptions<ConfigMap>> = {}): ListWatch<ConfigMap> {
  const cache = ListWatch.start<ConfigMap>({
    client: new KubeClient(proxy.access, { rate: { perSecond: 1000, burst: 1000 } }),
    type: configMaps,
    namespace,
    log,
    onChange: (change) => changes.push(change),
    ...options,
  });
  open.push(cache);
  return cache;
}

async function put(name: string, value: string): Promise<ConfigMap> {
  const object = { metadata: { namespace, name }, data: { value } };
  return api.client.apply(configMaps, object, { fieldManager: 'test', force: true });
}

function remove(name: string): Promise<void> {
  return api.client.delete(configMaps, { namespace, name });
}

function shown(cache: ListWatch<ConfigMap>, name: string): string | undefined {
  return cache.get({ namespace, name })?.data?.value;
}

/** `set a=1`, `gone b`. */
function told(): string[] {
  return changes.map(({ kind, object: { metadata, data } }) =>
    kind === 'set' ? `set ${metadata.name}=${data?.value}` : `gone ${metadata.name}`,
  );
}

/** Waits for the state; each case waits for another server. */
function eventually<Value>(ask: () => Value) {
  return expect.poll(ask, { timeout: 60_000, interval: 20 });
}

async function watching(count = 1): Promise<void> {
  await eventually(() => proxy.watches.length).toBeGreaterThanOrEqual(count);
}

describe('while all is well', () => {
  it('holds what is there, and tells of it', async () => {
    await put('a', '1');
    const cache = start();
    expect(cache.isSynced).toBe(false);
    expect(cache.ageMs).toBe(Number.POSITIVE_INFINITY);
    await cache.synced;
    expect(cache.isSynced).toBe(true);
    expect(told()).toEqual(['set a=1']);
    expect(Array.from(cache.items(), ({ metadata }) => metadata.name)).toEqual(['a']);
  });

  it('follows: what is made, changed and deleted', async () => {
    const cache = start();
    await cache.synced;
    await put('a', '1');
    await put('a', '2');
    await remove('a');
    await eventually(told).toEqual(['set a=1', 'set a=2', 'gone a']);
    expect(changes[1]?.before?.data).toEqual({ value: '1' });
    expect(cache.size).toBe(0);
  });

  it('keeps no managedFields', async () => {
    await put('a', '1');
    const cache = start();
    await cache.synced;
    await put('b', '1');
    await eventually(() => cache.size).toBe(2);
    for (const { metadata } of cache.items()) expect(metadata.managedFields).toBeUndefined();
  });

  it('keeps what it is told to keep', async () => {
    await put('a', '1');
    const keep = ({ apiVersion, kind, metadata }: ConfigMap) => ({ apiVersion, kind, metadata });
    const cache = start({ keep });
    await cache.synced;
    expect(cache.get({ namespace, name: 'a' })?.data).toBeUndefined();
  });

  it('what does not match the labels any more is gone', async () => {
    const labelled = (labels: Record<string, string>) =>
      api.client.apply(
        configMaps,
        { metadata: { namespace, name: 'a', labels } },
        { fieldManager: 'labels', force: true },
      );
    const cache = start({ labelSelector: 'app=x' });
    await cache.synced;
    await labelled({ app: 'x' });
    await eventually(() => cache.size).toBe(1);
    await labelled({ app: 'y' });
    await eventually(() => cache.size).toBe(0);
    expect(changes.map(({ kind }) => kind)).toEqual(['set', 'gone']);
  });

  it('knows which writes it shows', async () => {
    const cache = start();
    await cache.synced;
    const { resourceVersion = '' } = (await put('a', '1')).metadata;
    await eventually(() => cache.hasReached(resourceVersion)).toBe(true);
    expect(shown(cache, 'a')).toBe('1');
    const { resourceVersion: next = '' } =
      (await api.client.get(resources.namespaces, { name: namespace }))?.metadata ?? {};
    expect(cache.hasReached(next)).toBe(true);
    expect(cache.hasReached(String(Number(resourceVersion) + 1_000_000))).toBe(false);
  });

  it('asks for pages of 500 and for watches of 4 to 8 minutes, at random', async () => {
    start({ random: () => 0.5 });
    await watching();
    expect(proxy.lists[0]?.path).toContain('limit=500');
    expect(proxy.watches[0]?.path).toContain('allowWatchBookmarks=true');
    expect(proxy.watches[0]?.path).toContain('timeoutSeconds=360');
  });

  it('lists page by page', async () => {
    await api.applyYaml(
      Array.from(
        { length: 501 },
        (_, i) =>
          `{apiVersion: v1, kind: ConfigMap, metadata: {name: c${i}, namespace: ${namespace}}}`,
      ).join('\n---\n'),
    );
    const cache = start();
    await cache.synced;
    expect(cache.size).toBe(501);
    expect(proxy.lists).toHaveLength(2);
  });

  it('once closed it tells nothing, and who waits for it hears of it', async () => {
    proxy.refuse();
    const cache = start();
    cache.close();
    await expect(cache.synced).rejects.toThrow('the cache is closed');
  });
});

describe('when the connection breaks', () => {
  it('goes on from where it was, without a new list', async () => {
    const cache = start();
    await watching();
    await put('a', '1');
    await eventually(() => shown(cache, 'a')).toBe('1');
    proxy.cut();
    await put('a', '2');
    await eventually(() => shown(cache, 'a')).toBe('2');
    expect(proxy.lists).toHaveLength(1);
    expect(told()).toEqual(['set a=1', 'set a=2']);
  });

  it('silence is taken for a break', async () => {
    const cache = start({ inactivityMs: 500 });
    await watching();
    proxy.stall();
    await put('a', '1');
    await watching(2);
    expect(shown(cache, 'a')).toBeUndefined();
    // Later, a server that is slow to say anything may be silent a second time, and is listed again.
    expect(proxy.lists).toHaveLength(1);
    proxy.restore();
    await eventually(() => shown(cache, 'a')).toBe('1');
  });

  it('one silence after the other: lists again, in case answers are held back', async () => {
    const cache = start({ inactivityMs: 300 });
    await watching();
    proxy.holdBack();
    await watching(2);
    await put('a', '1');
    await eventually(() => shown(cache, 'a')).toBe('1');
    expect(proxy.lists.length).toBeGreaterThanOrEqual(2);
  });

  it('an outage leaves the cache as it was, older and older, with the reason', async () => {
    await put('a', '1');
    const cache = start();
    await watching();
    proxy.refuse();
    await put('a', '2');
    await eventually(() => cache.failure).toMatch(/socket hang up|ECONNRESET/);
    expect(shown(cache, 'a')).toBe('1');
    const { ageMs } = cache;
    await eventually(() => cache.ageMs).toBeGreaterThan(ageMs);
    proxy.restore();
    await eventually(() => shown(cache, 'a')).toBe('2');
    expect(cache.failure).toBeUndefined();
  });

  it('an API server that is not there at the start is waited for', async () => {
    await put('a', '1');
    proxy.refuse();
    const cache = start();
    await eventually(() => proxy.requests.length).toBeGreaterThanOrEqual(2);
    proxy.restore();
    await cache.synced;
    expect(shown(cache, 'a')).toBe('1');
  });

  it('too many requests: stays away for as long as it is told', async () => {
    const busy = { status: 429, headers: { 'Retry-After': '1' }, body: 'busy' };
    proxy.forge(() => true, busy);
    const startMs = performance.now();
    await start().synced;
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(990);
  });
});

describe('when the server knows no more what was missed', () => {
  it('after a restart beyond its memory, lists again and tells what is gone and what is new', async () => {
    await Promise.all([
      put('kept', '1'),
      put('changed', '1'),
      put('deleted', '1'),
      put('replaced', '1'),
    ]);
    const cache = start();
    await watching();
    changes.length = 0;
    proxy.refuse();
    await put('changed', '2');
    await remove('deleted');
    await remove('replaced');
    await put('replaced', '2');
    await put('new', '1');
    await api.restart();
    proxy.restore();
    await eventually(() => shown(cache, 'new')).toBe('1');
    expect(told().sort()).toEqual([
      'gone deleted',
      'gone replaced',
      'set changed=2',
      'set new=1',
      'set replaced=2',
    ]);
    expect(proxy.lists).toHaveLength(2);
    await put('after', '1');
    await eventually(() => shown(cache, 'after')).toBe('1');
  });

  it('goes through a restart of the API server', async () => {
    const cache = start();
    await watching();
    await put('a', '1');
    await eventually(() => shown(cache, 'a')).toBe('1');
    await api.stop();
    await eventually(() => cache.failure).toBeDefined();
    await api.restart();
    await put('a', '2');
    await eventually(() => shown(cache, 'a')).toBe('2');
  });

  it.each([
    ['an ERROR event of history that is gone', errorEvent(410, 'Expired')],
    ['any other ERROR event', errorEvent(500, 'InternalError')],
    ['an event that is not JSON', '{"type": "MODI\n'],
    ['an event of an unknown type', '{"type": "OTHER", "object": {}}\n'],
    ['an event without a version', '{"type": "ADDED", "object": {"metadata": {"name": "x"}}}\n'],
  ])('lists again after %s', async (_, text) => {
    const cache = start();
    await watching();
    await eventually(() => proxy.openWatchesCount).toBe(1);
    proxy.inject(text);
    await watching(2);
    expect(proxy.lists).toHaveLength(2);
    await put('a', '1');
    await eventually(() => shown(cache, 'a')).toBe('1');
    expect(told()).toEqual(['set a=1']);
  });

  it('lists again after an event that the end cut off', async () => {
    const cache = start();
    await watching();
    await eventually(() => proxy.openWatchesCount).toBe(1);
    proxy.inject('{"type": "MODIFIED", "obj');
    proxy.cut();
    await watching(2);
    await put('a', '1');
    await eventually(() => shown(cache, 'a')).toBe('1');
  });

  it('a list whose pages are gone in between begins anew', async () => {
    await put('a', '1');
    const expired = { status: 410, body: { kind: 'Status', reason: 'Expired' } };
    proxy.forge(({ path }) => path.includes('limit='), expired);
    const cache = start();
    await cache.synced;
    expect(shown(cache, 'a')).toBe('1');
    expect(proxy.lists).toHaveLength(2);
  });

  it('a version that is refused again and again is given up', async () => {
    const refusal = {
      status: 504,
      body: { reason: 'Timeout', message: 'Too large resource version' },
    };
    for (let i = 0; i < 3; i++) proxy.forge(({ path }) => path.includes('watch='), refusal);
    const cache = start();
    await watching(4);
    expect(proxy.lists).toHaveLength(2);
    await put('a', '1');
    await eventually(() => shown(cache, 'a')).toBe('1');
  });

  it('watches that end at once are not opened in a loop', async () => {
    const empty = { status: 200, body: '' };
    for (let i = 0; i < 3; i++) proxy.forge(({ path }) => path.includes('watch='), empty);
    const startMs = performance.now();
    start({ random: () => 0.5 });
    await watching(4);
    // 250, 500 and 1000 ms of waiting.
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(1740);
  });
});

function errorEvent(code: number, reason: string): string {
  return `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, reason } })}\n`;
}
