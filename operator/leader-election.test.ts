import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { ApiProxy } from '../dataplane/kubernetes/api-proxy.fixture.ts';
import type { Clock } from '../dataplane/kubernetes/clock.ts';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { ManualScheduler, turns } from '../dataplane/node/manual-scheduler.fixture.ts';
import { LeaderElection, type LeaderElectionOptions, type Lease } from './leader-election.ts';
import { microTime } from './micro-time.ts';

/** A real API server; the candidates' time is moved by hand. */

const name = 'trestle-operator';
const { leases } = resources;
const log = pino({ level: 'silent' });
const ANSWER_MS_MAX = 30_000;

let api: KubeApi;
let proxy: ApiProxy;
let namespace: string;
let clock: ManualScheduler;
let underWayCount: number;
let lost: string[];
const open: LeaderElection[] = [];

beforeAll(async () => {
  api = await startKubeApi();
});
afterAll(() => api?.close());

beforeEach(async () => {
  proxy = await ApiProxy.start(api.access);
  namespace = await api.newNamespace();
  clock = new ManualScheduler();
  lost = [];
  underWayCount = 0;
});

afterEach(async () => {
  proxy.restore();
  await Promise.all(open.splice(0).map((candidate) => candidate.close()));
  await proxy.close();
});

function candidate(host: string, options: Partial<LeaderElectionOptions> = {}): LeaderElection {
  const election = LeaderElection.start({
    client: counted(api.client),
    namespace,
    name,
    host,
    log,
    clock,
    random: () => 0.5,
    onLost: () => lost.push(host),
    ...options,
  });
  open.push(election);
  return election;
}

/** A candidate whose connection the case can break. */
function candidateBehindProxy(host: string, options: Partial<LeaderElectionOptions> = {}) {
  return candidate(host, { client: counted(new KubeClient(proxy.access)), ...options });
}

async function lease(): Promise<Lease['spec']> {
  return (await api.client.get<Lease>(leases, { namespace, name }))?.spec;
}

/** Counts the calls of candidates that have no answer yet. */
function counted(real: KubeClient): KubeClient {
  return new Proxy(real, {
    get: (target, member) => {
      // Private members are the target's own: methods are called on it.
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function') return value;
      return async (...args: readonly unknown[]) => {
        underWayCount += 1;
        try {
          return await value.apply(target, args);
        } finally {
          underWayCount -= 1;
        }
      };
    },
  });
}

/** A quarter of a second for the candidates; whatever they ask is answered within it, however busy the machine. */
async function step(): Promise<void> {
  await clock.advance(250);
  const endMs = performance.now() + ANSWER_MS_MAX;
  do {
    if (performance.now() > endMs) throw new Error(`no answer within ${ANSWER_MS_MAX} ms`);
    await delay(1);
    await turns();
  } while (underWayCount > 0);
}

async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 250) await step();
}

/** Lets time pass until it is so; fails after a minute of it. */
async function until(holds: () => boolean): Promise<void> {
  for (let passedMs = 0; !holds(); passedMs += 250) {
    if (passedMs > 60_000) throw new Error('not so within a minute');
    await step();
  }
}

/** Whose attempt is still under way at its end needs a moment more to say so. */
async function untilLost(host: string): Promise<void> {
  await until(() => lost.length > 0);
  expect(lost).toEqual([host]);
}

/** Lets time pass until the Lease has been written once more. */
async function untilRenewed(): Promise<void> {
  const before = (await lease())?.renewTime;
  let renewTime = before;
  for (let steps = 0; renewTime === before; steps++) {
    if (steps > 40) throw new Error('not renewed within ten seconds');
    await step();
    renewTime = (await lease())?.renewTime;
  }
}

describe('one candidate', () => {
  it('takes a Lease that is not there', async () => {
    const a = candidate('a');
    await a.elected;
    expect(a.isLeader).toBe(true);
    const now = microTime(clock.nowMs());
    expect(await lease()).toEqual({
      holderIdentity: a.identity,
      leaseDurationSeconds: 15,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    });
    expect(a.identity).toMatch(/^a_[0-9a-f-]{36}$/);
  });

  it('renews it every two seconds', async () => {
    const a = candidate('a');
    await a.elected;
    const acquired = await lease();
    const startMs = clock.monotonicMs();
    for (let i = 0; i < 10; i++) await untilRenewed();
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(20_000);
    expect(a.isLeader).toBe(true);
    expect(await lease()).toMatchObject({
      acquireTime: acquired?.acquireTime,
      leaseTransitions: 0,
    });
  });

  it('waits for an API server that is not there', async () => {
    proxy.refuse();
    const a = candidateBehindProxy('a');
    await expect.poll(() => proxy.requests.length).toBeGreaterThanOrEqual(1);
    expect(a.isLeader).toBe(false);
    proxy.restore();
    await until(() => a.isLeader);
  });

  it('closed before it is elected, tells who waits', async () => {
    proxy.refuse();
    const a = candidateBehindProxy('a');
    const elected = expect(a.elected).rejects.toThrow('the election is closed');
    await a.close();
    await elected;
    expect(lost).toEqual([]);
  });
});

describe('two candidates', () => {
  let a: LeaderElection;
  let b: LeaderElection;
  const asked = () => proxy.requests.length;

  /** A leads; B, behind the proxy, tries. */
  async function aLeads(): Promise<void> {
    a = candidate('a');
    await a.elected;
    b = candidateBehindProxy('b');
    await expect.poll(asked).toBe(1);
  }

  it('only one leads, for as long as it renews', async () => {
    await aLeads();
    await pass(30_000);
    expect(asked()).toBeGreaterThan(10);
    expect([a.isLeader, b.isLeader]).toEqual([true, false]);
    expect(lost).toEqual([]);
  });

  it('a leader that closes hands over at once', async () => {
    await aLeads();
    await a.close();
    expect(a.isLeader).toBe(false);
    expect(await lease()).toMatchObject({ holderIdentity: '' });
    const closedMs = clock.monotonicMs();
    await until(() => b.isLeader);
    expect(clock.monotonicMs() - closedMs).toBeLessThan(5000);
    expect(await lease()).toMatchObject({ holderIdentity: b.identity, leaseTransitions: 1 });
    expect(lost).toEqual([]);
  });

  it('of a Lease that nobody renews, waits until it has itself seen it unchanged for its whole time', async () => {
    // Its times say nothing: the clock of who wrote it may be wrong by years.
    const spec = {
      holderIdentity: 'gone',
      leaseDurationSeconds: 15,
      renewTime: microTime(0),
      leaseTransitions: 4,
    };
    await api.client.create(leases, { metadata: { namespace, name }, spec });
    b = candidateBehindProxy('b');
    await expect.poll(asked).toBe(1);
    await pass(14_000);
    expect(asked()).toBeGreaterThan(5);
    expect(b.isLeader).toBe(false);
    await until(() => b.isLeader);
    expect(await lease()).toMatchObject({ holderIdentity: b.identity, leaseTransitions: 5 });
  });

  it('two that try at the same moment: one wins', async () => {
    const candidates = ['a', 'b', 'c', 'd'].map((host) => candidate(host));
    await Promise.race(candidates.map(({ elected }) => elected));
    await pass(4000);
    expect(candidates.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  });
});

describe('a leader cut off', () => {
  let a: LeaderElection;

  async function aLeads(options: Partial<LeaderElectionOptions> = {}): Promise<void> {
    a = candidateBehindProxy('a', options);
    await a.elected;
  }

  it('gives up after ten seconds, before anybody else can lead', async () => {
    await aLeads();
    const renewedMs = clock.monotonicMs();
    const b = candidate('b');
    await step();
    proxy.refuse();
    await clock.advance(renewedMs + 9999 - clock.monotonicMs());
    expect(a.isLeader).toBe(true);
    expect(lost).toEqual([]);
    await clock.advance(1);
    expect(a.isLeader).toBe(false);
    await untilLost('a');
    expect(b.isLeader).toBe(false);
    await until(() => b.isLeader);
    expect(await lease()).toMatchObject({ holderIdentity: b.identity, leaseTransitions: 1 });
  });

  it('by a connection that is silent, gives up as well', async () => {
    await aLeads();
    proxy.stall();
    await clock.advance(10_000);
    await untilLost('a');
    expect(a.isLeader).toBe(false);
  });

  it('for a while only, goes on', async () => {
    await aLeads();
    proxy.refuse();
    await clock.advance(6000);
    proxy.restore();
    await untilRenewed();
    await pass(8000);
    expect(a.isLeader).toBe(true);
    expect(lost).toEqual([]);
  });

  it('and the API server gone for all: nobody leads, then one does again', async () => {
    await aLeads();
    const b = candidate('b');
    await step();
    await api.stop();
    await clock.advance(10_000);
    await untilLost('a');
    expect(b.isLeader).toBe(false);
    await api.restart();
    await until(() => b.isLeader);
  });

  it('whose process stood still knows at once that it leads no more', async () => {
    let standstillMs = 0;
    const own: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs() + standstillMs,
      after: (ms, fn) => clock.after(ms, fn),
    };
    await aLeads({ clock: own });
    expect(a.isLeader).toBe(true);
    standstillMs = 10_000;
    expect(a.isLeader).toBe(false);
    // What it does next tells it.
    await until(() => lost.length > 0);
  });

  it('that lost only the answer of a renewal goes on', async () => {
    await aLeads();
    proxy.loseAnswer(({ method }) => method === 'PUT');
    await untilRenewed();
    await untilRenewed();
    expect(a.isLeader).toBe(true);
    expect(lost).toEqual([]);
  });
});

describe('a Lease that others changed', () => {
  it('taken by another: leadership is lost', async () => {
    const a = candidate('a');
    await a.elected;
    const body = { spec: { holderIdentity: 'thief' } };
    await api.client.patch(leases, { namespace, name }, body, { contentType: 'merge' });
    await until(() => lost.length > 0);
    expect(a.isLeader).toBe(false);
    expect(await lease()).toMatchObject({ holderIdentity: 'thief' });
  });

  it('annotated by somebody: leadership goes on', async () => {
    const a = candidate('a');
    await a.elected;
    const body = { metadata: { annotations: { note: 'x' } } };
    await api.client.patch(leases, { namespace, name }, body, { contentType: 'merge' });
    await untilRenewed();
    expect(a.isLeader).toBe(true);
    expect(lost).toEqual([]);
  });

  it('deleted: leadership is lost', async () => {
    const a = candidate('a');
    await a.elected;
    await api.client.delete(leases, { namespace, name });
    await until(() => lost.length > 0);
    expect(a.isLeader).toBe(false);
  });
});
