import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, it } from 'vitest';
import type { DaxClusterResource } from '../../operator/daxcluster/cluster-resource.ts';
import type { Installation } from './installation.ts';
import { CACHE, type KindCluster } from './kind-cluster.ts';
import { LoadHandle } from './load.ts';
import { CACHE_REQUEST_MS_MAX, type LoadWindow } from './load-messages.ts';
import type { Report } from './report.ts';
import { until } from './until.ts';

/** A DaxCluster in front of a table, used by Amazon's own client by TLS from outside of the cluster. */

const MANIFEST = 'hack/examples/kubernetes/dax.yaml';
const NAME = 'cache';
const READY_MS_MAX = 5 * 60_000;
const SETTLE_MS = 10_000;
const WRITERS_COUNT = 8;

export interface CacheContext {
  readonly cluster: () => KindCluster;
  readonly installation: () => Installation;
  readonly report: Report;
  /** The table that the load uses: keys pk (S) and sk (N). */
  readonly table: string;
  /** Declares scenarios for the two minutes that routers may take to learn of the cache's keys. */
  readonly meanwhile: () => void;
}

/** Scenarios of a cache, to be run within a describe. */
export function cacheScenarios({
  cluster,
  installation,
  report,
  table,
  meanwhile,
}: CacheContext): void {
  let load: LoadHandle | undefined;
  afterAll(() => load?.close());

  const kubectl = (...args: readonly string[]) => installation().kubectl(...args);

  async function resource(): Promise<DaxClusterResource> {
    return JSON.parse(await kubectl('get', 'daxcluster', NAME, '-o', 'json'));
  }

  /** Ready, and as its newest manifest says, with that many nodes. */
  async function settled(nodesCount: number): Promise<void> {
    await until(
      resource,
      ({ metadata, status }) =>
        status?.observedGeneration === metadata.generation &&
        status?.status === 'available' &&
        status.activeNodes === nodesCount &&
        status.nodes?.length === nodesCount &&
        (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      READY_MS_MAX,
    );
  }

  async function underLoad(scenario: string, action: () => Promise<void>): Promise<LoadWindow> {
    if (load === undefined) throw new Error('there is no load');
    const startMs = performance.now();
    const window = await load.during(action);
    report.add(scenario, startMs, window);
    return window;
  }

  async function podUids(): Promise<ReadonlyMap<string, string>> {
    const pods = await installation().pods('app.kubernetes.io/component=dax');
    return new Map(pods.map(({ name, uid }) => [name, uid]));
  }

  async function secret(name: string, member: string): Promise<string> {
    const text = await kubectl('get', 'secret', name, '-o', 'json');
    const { data }: { data: Readonly<Record<string, string>> } = JSON.parse(text);
    return Buffer.from(data[member] ?? '', 'base64').toString('utf8');
  }

  function expectSound(window: LoadWindow): void {
    expect(window.wrongReads).toEqual([]);
    expect(window.errors).toEqual([]);
    expect(window.writesCount).toBeGreaterThan(0);
  }

  it('puts a cache in front of tables', async () => {
    const startMs = performance.now();
    await kubectl('apply', '-f', MANIFEST);
    await settled(3);
    report.add('DaxCluster by manifest', startMs);
    const zones = (await resource()).status?.nodes?.map(({ availabilityZone }) => availabilityZone);
    expect(new Set(zones).size).toBe(3);
  });

  meanwhile();

  it('serves a load by the DAX protocol and TLS, for a key of its own', async () => {
    const key = {
      accessKeyId: await until(
        () => secret('shop-key', 'accessKeyId'),
        (id) => id !== '',
        READY_MS_MAX,
      ),
      secretAccessKey: await secret('shop-key', 'secretAccessKey'),
    };
    await kubectl('wait', 'accesskey/shop', '--for=condition=Ready', '--timeout=300s');
    const ca = `${CACHE}/namespace-ca.crt`;
    await writeFile(ca, await secret('trestle-router-tls', 'ca.crt'));
    const { clusterDiscoveryEndpoint: { url } = {} } = (await resource()).status ?? {};
    if (url === undefined) throw new Error('the cache has no endpoint');
    load = await LoadHandle.start(
      {
        endpoint: url,
        region: 'us-east-1',
        ...key,
        table,
        keyPrefix: 'cached',
        writersCount: WRITERS_COUNT,
        pauseMs: 100,
      },
      'dax-load-process.ts',
      { NODE_EXTRA_CA_CERTS: ca, DAX_DNS: await cluster().dnsAddress() },
    );
    expectSound(await underLoad('cache under load', () => delay(2 * SETTLE_MS)));
    // The key reads and writes by the cache's role alone: the table itself does not know it.
    const client = await installation().clientOf(key);
    const Key = { pk: { S: 'cached-0' }, sk: { N: '0' } };
    await expect(client.send(new GetItemCommand({ TableName: table, Key }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    client.destroy();
  });

  it('does not serve by the cache whom it does not let in', async () => {
    await kubectl('patch', 'accesspolicy', 'cache-users', '--type=merge', '-p', NOBODY);
    // The kubelet brings Secrets to pods when it looks again.
    const errors = async () => (await load?.during(() => delay(SETTLE_MS / 2)))?.errors ?? [];
    await until(
      errors,
      (told) => told.some((error) => error.includes('not authorized')),
      READY_MS_MAX,
    );
    await kubectl('patch', 'accesspolicy', 'cache-users', '--type=merge', '-p', EVERYTHING);
    await until(errors, (told) => told.length === 0, READY_MS_MAX);
  });

  it('takes other times to live without a restart', async () => {
    const before = await podUids();
    const change = '{"spec":{"parameterGroup":{"recordTTLMillis":120000}}}';
    const window = await underLoad('cache with other parameters', async () => {
      await kubectl('patch', 'daxcluster', NAME, '--type=merge', '-p', change);
      await until(
        async () => (await resource()).status?.nodes ?? [],
        (nodes) =>
          nodes.length === 3 && nodes.every((node) => node.parameterGroupStatus === 'in-sync'),
        READY_MS_MAX,
      );
      await settled(3);
    });
    expectSound(window);
    expect(await podUids()).toEqual(before);
  });

  it('grows and shrinks, unseen', async () => {
    const window = await underLoad('cache scaled up and down', async () => {
      await kubectl('scale', 'daxcluster', NAME, '--replicas=4');
      await settled(4);
      await delay(SETTLE_MS);
      await kubectl('scale', 'daxcluster', NAME, '--replicas=2');
      await settled(2);
      await kubectl('scale', 'daxcluster', NAME, '--replicas=3');
      await settled(3);
    });
    expectSound(window);
  });

  it('restarts its nodes one by one, unseen', async () => {
    const before = await podUids();
    const change =
      '{"spec":{"podTemplate":{"metadata":{"annotations":{"example.org/again":"1"}}}}}';
    const window = await underLoad('cache rolled', async () => {
      await kubectl('patch', 'daxcluster', NAME, '--type=merge', '-p', change);
      await until(
        podUids,
        (uids) => uids.size === 3 && [...uids].every(([name, uid]) => before.get(name) !== uid),
        READY_MS_MAX,
      );
      await settled(3);
    });
    expectSound(window);
  });

  it('goes on with the others when a node is killed', async () => {
    const [pod] = await installation().pods('app.kubernetes.io/component=dax');
    const window = await underLoad('cache node killed', async () => {
      await cluster().killProcess(pod?.node ?? '', pod?.name ?? '', 'dax');
      await delay(SETTLE_MS);
      await settled(3);
    });
    // What was under way at the node may fail, and the client may give a writer several dead connections, one after the
    // other, a request each; what was read must be right all the same.
    expect(window.wrongReads).toEqual([]);
    const turnsCount = Math.ceil(window.durationMs / CACHE_REQUEST_MS_MAX);
    expect(window.errors.length).toBeLessThanOrEqual(WRITERS_COUNT * turnsCount);
    // The client gives out its dead connections one by one.
    await until(
      async () => (await load?.during(() => delay(SETTLE_MS)))?.errors ?? [],
      (errors) => errors.length === 0,
      READY_MS_MAX,
    );
  });

  it('goes on without its Redis', async () => {
    const redis = await installation().pods('app.kubernetes.io/component=dax-redis');
    if (redis.length === 0) return; // The chart was installed without an image of one.
    const window = await underLoad('cache without Redis', async () => {
      for (const { name } of redis) {
        await kubectl('delete', 'pod', name, '--grace-period=0', '--force');
      }
      await delay(SETTLE_MS);
      await settled(3);
    });
    expectSound(window);
  });

  it('is deleted with everything but tables and their data', async () => {
    await load?.pause();
    const { acknowledgedCount } = (await load?.verify()) ?? { acknowledgedCount: 0 };
    expect(acknowledgedCount).toBeGreaterThan(0);
    load?.close();
    await kubectl('delete', '-f', MANIFEST, '--timeout=180s');
    await until(
      () => kubectl('get', 'pods,statefulsets,services,secrets', '-o', 'name'),
      (names) => !names.includes('cache-'),
      180_000,
    );
    const client = await installation().client();
    const Key = { pk: { S: 'cached-0' }, sk: { N: '0' } };
    const read = new GetItemCommand({ TableName: table, Key, ConsistentRead: true });
    expect((await client.send(read)).Item).toBeDefined();
    client.destroy();
  });
}

const policyOf = (resource: string) =>
  JSON.stringify({
    spec: { statements: [{ effect: 'Allow', actions: ['dax:*'], resources: [resource] }] },
  });
const NOBODY = policyOf('cache/nothing');
const EVERYTHING = policyOf('cache/cache');
