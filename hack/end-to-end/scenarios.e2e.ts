import { setTimeout as delay } from 'node:timers/promises';
import { type DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Allowances, PLANNED_MS_MAX } from './allowances.ts';
import { cacheScenarios } from './cache-scenarios.ts';
import {
  type CertificateState,
  certificateRenewed,
  certificateState,
  forgetCertificate,
} from './certificate-rotation.ts';
import { command } from './command.ts';
import { Installation, type Pod } from './installation.ts';
import { KindCluster, type Worker } from './kind-cluster.ts';
import { LoadHandle } from './load.ts';
import type { LoadSettings, LoadWindow } from './load-messages.ts';
import { dump, Report } from './report.ts';
import { comesAndGoes, expectProtection } from './second-release.ts';
import { tableScenarios } from './table-scenarios.ts';
import { until } from './until.ts';

const NAMESPACE = 'e2e';
const SECOND_NAMESPACE = 'e2e-second';
const REPOSITORY = 'localhost/trestle';
const TABLE = 'Load';

const OPERATOR_REQUESTS_PER_SECOND_MAX = 1;
const OUTAGE_MS = 120_000;
const SETTLE_MS = 15_000;
/**
 * The cluster's own network needs its time to hear of pods again: its informers notice a dead watch after 45 s, and try again
 * at 30 to 60 s. Until then its policies keep out connections of and to new pods (README.md).
 */
const INFORMERS_MS = 120_000;
const WRITERS_COUNT = 16;
const READY_MS_MAX = 5 * 60_000;
/** From nothing, on a slow network. */
const IMAGE_MS_MAX = 15 * 60_000;
const SETUP_MS_MAX = 30 * 60_000;

/** Where nodes can pull nothing: the image of Redis that was put into the cluster. */
const redisImage = process.env.TRESTLE_REDIS_IMAGE ?? '';
const redis = redisImage === '' ? [] : redisValues(redisImage);

const NOTHING_READ = { acknowledgedCount: 0, missing: [] } as const;

const report = new Report('scenarios');
let cluster: KindCluster;
let installation: Installation;
let client: DynamoDBClient;
let load: LoadHandle;
/** The same table by HTTPS. */
let secureLoad: LoadHandle | undefined;
/** metadata.name of the table under load. */
let loaded: string;
const allowances = new Allowances(() =>
  underLoad('nothing happens, once more', () => delay(2 * SETTLE_MS)),
);
/** Of this run, so that no older image of the nodes is taken for it. */
const tag = `e2e-${Date.now().toString(36)}`;
const images = { now: `${REPOSITORY}:${tag}`, next: `${REPOSITORY}:${tag}-next` };

beforeAll(async () => {
  const [opened] = await Promise.all([
    report.timed('cluster', () =>
      KindCluster.open(process.env.TRESTLE_E2E_CLUSTER ?? 'trestle-e2e'),
    ),
    report.timed('image', () => command('hack/image', [images.now], { timeoutMs: IMAGE_MS_MAX })),
  ]);
  cluster = opened;
  installation = new Installation(cluster, NAMESPACE);
  await removeFormerRun();
  await command('docker', ['tag', images.now, images.next]);
  const references = [images.now, images.next, ...(redisImage === '' ? [] : [redisImage])];
  await report.timed('images into the nodes', () => cluster.loadImages(references));
  await cluster.kubectl('create', 'namespace', NAMESPACE);
  const enforce = 'pod-security.kubernetes.io/enforce=restricted';
  await cluster.kubectl('label', 'namespace', NAMESPACE, enforce);
  await cluster.routeToPods();
}, SETUP_MS_MAX);

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  report.failed(task.name, task.result.errors?.[0]?.message ?? '');
  console.error(`what there was to see is in ${await dump(cluster, NAMESPACE, task.name)}`);
});

afterAll(async () => {
  load?.close();
  secureLoad?.close();
  client?.destroy();
  await report.write();
  await command('docker', ['rmi', images.now, images.next]).catch(() => undefined);
  if (process.env.TRESTLE_E2E_KEEP !== 'yes') await cluster?.delete();
  else await cluster?.forgetRoutes();
});

/** With --keep, an earlier run has left things: also another release's definition, which ours could not take over. */
async function removeFormerRun(): Promise<void> {
  await installation.remove();
  await new Installation(cluster, SECOND_NAMESPACE).remove();
  const definition = ['crd', 'tables.trestle.dev'];
  await cluster
    .kubectl('annotate', ...definition, 'trestle.dev/allow-crd-deletion=true')
    .catch(() => undefined);
  await cluster.kubectl('delete', ...definition, '--ignore-not-found');
}

/** Runs an action under load and notes what clients saw. */
async function underLoad(scenario: string, action: () => Promise<void>): Promise<LoadWindow> {
  const startMs = performance.now();
  const window = await load.during(action);
  report.add(scenario, startMs, window);
  return window;
}

/** @returns also how much both operators together ask of the API server meanwhile */
async function nothingHappens(scenario: string) {
  const requestsBefore = await installation.operatorRequestsCount();
  const startMs = performance.now();
  const window = await underLoad(scenario, () => delay(2 * SETTLE_MS));
  const requests = (await installation.operatorRequestsCount()) - requestsBefore;
  const perSecond = (requests * 1_000) / (performance.now() - startMs);
  report.add('requests of both operators', startMs, undefined, { perSecond: perSecond.toFixed(2) });
  return { window, perSecond };
}

async function zoneOf(pod: Pod): Promise<Worker> {
  const worker = (await cluster.workers()).find(({ name }) => name === pod.node);
  if (worker === undefined) throw new Error(`${pod.name} is on ${pod.node}, which is no worker`);
  return worker;
}

/** SIGKILL of the process of a storage pod: it is back, and so are its leaderships. */
async function killed(pod: Pod): Promise<void> {
  await cluster.killProcess(pod.node ?? '', pod.name, 'storage');
  await Promise.all([installation.restarted(pod), delay(SETTLE_MS)]);
  await installation.tableWhole(loaded);
}

describe('Trestle on kind', () => {
  it('installs', async () => {
    const startMs = performance.now();
    await installation.install([`image.repository=${REPOSITORY}`, `image.tag=${tag}`, ...redis]);
    await installation.running();
    report.add('install', startMs);
    for (const component of ['operator', 'router']) {
      const pods = await installation.pods(`app.kubernetes.io/component=${component}`);
      expect(new Set(pods.map(({ node }) => node)).size).toBe(2);
    }
    client = await installation.client();
  });

  it('passes helm test, which leaves no table', async () => {
    const startMs = performance.now();
    expect(await installation.test()).toContain('Succeeded');
    report.add('helm test', startMs);
    expect(await installation.kubectl('get', 'tables', '-o', 'name')).toBe('');
  });

  tableScenarios({
    cluster: () => cluster,
    installation: () => installation,
    client: () => client,
    report,
    table: TABLE,
  });

  it('serves a load', async () => {
    loaded = (await installation.tableNamed(TABLE))?.metadata.name ?? '';
    load = await LoadHandle.start(await loadSettings());
    const { window, perSecond } = await nothingHappens('nothing happens');
    allowances.expectNothingLost(window);
    // What a busy machine makes them repeat once is no habit of theirs.
    const isCalm = perSecond < 2 * OPERATOR_REQUESTS_PER_SECOND_MAX;
    const again = isCalm ? { perSecond } : await nothingHappens('nothing happens, once more');
    expect(again.perSecond).toBeLessThan(2 * OPERATOR_REQUESTS_PER_SECOND_MAX);
    allowances.noiseMs = window.longestGapMs;
    if (allowances.noiseMs < PLANNED_MS_MAX) return;
    console.warn('*** This machine is busy with something else: times below say little. ***');
  });

  cacheScenarios({
    cluster: () => cluster,
    installation: () => installation,
    report,
    table: TABLE,
    meanwhile: () => {
      it('shares the cluster with another release, which comes and goes', async () => {
        const window = await underLoad('second release comes and goes', async () => {
          const second = new Installation(cluster, SECOND_NAMESPACE);
          await comesAndGoes(second, [
            `image.repository=${REPOSITORY}`,
            `image.tag=${tag}`,
            ...redis,
          ]);
        });
        // Seven pods start on the machine meanwhile: that costs time, and nothing but time.
        await allowances.expectFailover(window, 'second release comes and goes');
        allowances.startsNoiseMs = window.longestGapMs;
        // The second took none of what the first has in the whole cluster.
        await expectProtection({ installation, client, table: TABLE });
      });
    },
  });

  it('upgrades the operator without a restart of any data pod', async () => {
    const uids = async () =>
      (await installation.pods('app.kubernetes.io/component=storage')).map(({ uid }) => uid);
    const before = await uids();
    const window = await underLoad('operator and router upgrade', async () => {
      const values = [`dataplane.image.tag=${tag}`, `image.tag=${tag}-next`];
      await installation.upgrade(values);
      await installation.running();
      await delay(SETTLE_MS);
    });
    expect(await uids()).toEqual(before);
    await allowances.expectUnseen(window, 'operator and router upgrade');
  });

  it('upgrades storage pods one by one, unseen', async () => {
    const window = await underLoad('rolling upgrade of storage', async () => {
      await installation.upgrade([`dataplane.image.tag=${tag}-next`]);
      await allRun(images.next);
    });
    await allowances.expectUnseen(window, 'rolling upgrade of storage');
  });

  it('survives the drain of a node, unseen', async () => {
    const { name } = await zoneOf(await installation.leader(loaded));
    const window = await underLoad('node drain', async () => {
      const drain = ['drain', name, '--ignore-daemonsets', '--delete-emptydir-data'];
      await cluster.kubectl(...drain, '--timeout=240s');
      await delay(SETTLE_MS);
      await cluster.kubectl('uncordon', name);
      await installation.tableWhole(loaded);
    });
    await allowances.expectUnseen(window, 'node drain');
  });

  it('survives the kill of a follower', async () => {
    const leader = await installation.leader(loaded);
    const pods = await installation.storagePods(loaded);
    const follower = pods.find(({ name }) => name !== leader.name);
    if (follower === undefined) throw new Error('there is no follower');
    const window = await underLoad('pod kill', () => killed(follower));
    await allowances.expectFailover(window, 'pod kill');
  });

  it('survives the kill of a leader', async () => {
    const leader = await installation.leader(loaded);
    const window = await underLoad('leader kill', () => killed(leader));
    await allowances.expectFailover(window, 'leader kill');
  });

  it('survives the loss of a zone', async () => {
    const zone = await zoneOf(await installation.leader(loaded));
    const routers = await installation.pods('app.kubernetes.io/component=router');
    const lostRoutersCount = routers.filter(({ node }) => node === zone.name).length;
    const startMs = performance.now();
    const window = await underLoad('zone loss', async () => {
      await cluster.docker('stop', '--time', '0', zone.name);
      await until(
        async () => (await installation.table(loaded)).status?.conditions ?? [],
        (conditions) => conditions.some(({ reason }) => reason === 'ZoneLost'),
        READY_MS_MAX,
      );
      await delay(SETTLE_MS);
      await cluster.docker('start', zone.name);
      await cluster.kubectl('wait', 'node', zone.name, '--for=condition=Ready', '--timeout=300s');
      // All routers are back in the Service before the API server goes: without it none could come back.
      await installation.running();
      await installation.tableWhole(loaded);
    });
    report.add('routers in the lost zone', startMs, undefined, { count: lostRoutersCount });
    await allowances.expectZoneLoss(window, { lostRoutersCount, writersCount: WRITERS_COUNT });
  });

  it('serves on without the API server, and restarts storage and routers without it', async () => {
    const leader = await installation.leader(loaded);
    const [router] = await installation.pods('app.kubernetes.io/component=router');
    if (router === undefined) throw new Error('there is no router');
    const away = await underLoad('API server away, a leader killed', async () => {
      await cluster.stopApiServer();
      await until(
        () => cluster.isApiServerUp(),
        (isUp) => !isUp,
        READY_MS_MAX,
      );
      await cluster.killProcess(leader.node ?? '', leader.name, 'storage');
      await delay(OUTAGE_MS / 3);
    });
    const routerWindow = await underLoad('API server away, a router killed', async () => {
      await cluster.killProcess(router.node ?? '', router.name, 'router');
      await delay(SETTLE_MS);
    });
    const back = await underLoad('API server comes back', async () => {
      await delay((OUTAGE_MS * 2) / 3 - SETTLE_MS);
      const backMs = Date.now();
      await cluster.startApiServer();
      await until(
        () => cluster.isApiServerUp(),
        (isUp) => isUp,
        READY_MS_MAX,
      );
      await installation.operatorLeads(backMs);
      await installation.restarted(leader);
      await installation.restarted(router);
      await installation.tableWhole(loaded);
      await delay(INFORMERS_MS);
    });
    await allowances.expectFailover(away, 'API server away, a leader killed');
    // Nobody tells kube-proxy that a router is gone: until its container is back, every other new connection is
    // refused, which a default client tries four times within a quarter of a second.
    expect(routerWindow.wrongReads).toEqual([]);
    expect(routerWindow.errors.filter((error) => !error.includes('ECONNREFUSED'))).toEqual([]);
    expect(routerWindow.errors.length).toBeLessThanOrEqual(WRITERS_COUNT);
    await allowances.expectFailover(back, 'API server comes back');
  });

  it('goes on with a rollout whose operator was killed, and renews a certificate meanwhile', async () => {
    secureLoad = await LoadHandle.start({
      ...(await loadSettings()),
      endpoint: await installation.tlsEndpoint(),
      tls: await installation.tls(),
      keyPrefix: 'secure',
      writersCount: 4,
    });
    const before = await until(
      () => certificateState(installation),
      ({ serials }) => serials.size > 0,
      READY_MS_MAX,
    );
    let window: LoadWindow | undefined;
    let after: CertificateState | undefined;
    const secureWindow = await secureLoad.during(async () => {
      window = await underLoad('operator killed in mid-rollout', async () => {
        after = await killedInMidRollout(before);
      });
    });
    report.add('the same by HTTPS', performance.now() - secureWindow.durationMs, secureWindow);
    allowances.expectNothingLost(secureWindow);
    expect(secureWindow.writesCount).toBeGreaterThan(0);
    expect(after?.lives).toEqual(before.lives);
    if (window !== undefined)
      await allowances.expectUnseen(window, 'operator killed in mid-rollout');
  });

  it('replaces the replica of a lost volume', async () => {
    const [pod] = await installation.storagePods(loaded);
    const name = pod?.name ?? '';
    const window = await underLoad('volume lost', async () => {
      await installation.kubectl('delete', 'pvc', `data-${name}`, '--wait=false');
      await installation.kubectl('delete', 'pod', name, '--grace-period=0', '--force');
      await until(
        () => installation.storagePods(loaded),
        (pods) => pods.some((each) => each.name === name && each.uid !== pod?.uid && each.isReady),
        READY_MS_MAX,
      );
      await installation.tableWhole(loaded);
    });
    await allowances.expectFailover(window, 'volume lost');
  });

  it('keeps tables, data and access keys over uninstall and install', async () => {
    const startMs = performance.now();
    await load.pause();
    await secureLoad?.pause();
    const pods = async () =>
      (await installation.storagePods(loaded)).map(({ name, uid }) => `${name} ${uid}`);
    const before = { pods: await pods(), key: await installation.accessKey() };
    await installation.uninstall();
    expect(await installation.kubectl('get', 'deployments', '-o', 'name')).toBe('');
    expect(await pods()).toEqual(before.pods);
    await installation.install([
      `image.repository=${REPOSITORY}`,
      `image.tag=${tag}-next`,
      `dataplane.image.tag=${tag}`,
      ...redis,
    ]);
    await installation.running();
    await installation.tableWhole(loaded);
    // kube-proxy learns of the new Service and its routers in its own time.
    await until(
      () => client.send(new ListTablesCommand()),
      ({ TableNames = [] }) => TableNames.includes(TABLE),
      READY_MS_MAX,
    );
    report.add('uninstall and install', startMs);
    expect({ pods: await pods(), key: await installation.accessKey() }).toEqual(before);
    await load.resume();
    const window = await underLoad('after the install', () => delay(SETTLE_MS));
    await allowances.expectUnseen(window, 'after the install');
  });

  it('has lost no acknowledged write', async () => {
    const startMs = performance.now();
    for (const each of [load, secureLoad]) {
      await each?.pause();
      const { acknowledgedCount, missing } = (await each?.verify()) ?? NOTHING_READ;
      report.add('all read back', startMs, undefined, { writes: acknowledgedCount });
      report.noteLost('all read back', missing);
      expect(acknowledgedCount).toBeGreaterThan(0);
      expect(missing).toEqual([]);
    }
  });

  it('was never away for longer than promised', () => {
    expect(allowances.late).toEqual([]);
  });
});

async function loadSettings(): Promise<LoadSettings> {
  return {
    endpoint: await installation.endpoint(),
    region: 'us-east-1',
    ...(await installation.accessKey()),
    table: TABLE,
    keyPrefix: 'writer',
    writersCount: WRITERS_COUNT,
    pauseMs: 75,
  };
}

function redisValues(image: string): readonly string[] {
  const [repository = '', imageTag = ''] = image.split(/:(?=[^:/]+$)/);
  return [`dax.redis.image.repository=${repository}`, `dax.redis.image.tag=${imageTag}`];
}

/** The routers' certificate goes with the operator that leads: the next one makes another. @returns what routers show then */
async function killedInMidRollout(before: CertificateState): Promise<CertificateState> {
  await installation.upgrade([`dataplane.image.tag=${tag}`]);
  await until(
    () => installation.pods('app.kubernetes.io/component=storage'),
    (pods) => pods.some((pod) => pod.image === images.now),
    READY_MS_MAX,
  );
  const operator = await installation.operatorLeader();
  await forgetCertificate(installation);
  await installation.kubectl('delete', 'pod', operator.name, '--grace-period=0', '--force');
  const startMs = performance.now();
  const renewal = async () => {
    const after = await certificateRenewed(installation, before);
    report.add("routers' certificate renewed", startMs);
    return after;
  };
  const [after] = await Promise.all([renewal(), allRun(images.now)]);
  return after;
}

/** All storage pods of all tables run this image, and all tables are whole. */
async function allRun(image: string): Promise<void> {
  await until(
    () => installation.pods('app.kubernetes.io/component=storage'),
    (pods) => pods.every((pod) => pod.image === image && pod.isReady && !pod.isGoing),
    9 * 60_000,
  );
  for (const table of ['employees', loaded]) await installation.tableWhole(table);
}
