import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { ReplicationContext } from './context.ts';
import type { CoreCommand, NewCore } from './core/consensus-core.ts';
import { loadCore } from './core/wasm-core.ts';
import type { Group } from './group.ts';
import { heardLeader, tickGroup } from './group-ticks.ts';
import { defaultReplicationLimits } from './limits.ts';
import type { Replica } from './replica.ts';

const THREE = ['a', 'b', 'c'] as const;
const PARTITIONS = Array.from({ length: 12 }, (_, i) => BigInt(i + 1));
const TICK_MS = 100;

describe('ticks of groups', () => {
  let load: NewCore;
  let cluster: Cluster;
  /** What each node's core was given. */
  const given: CoreCommand[][] = [];
  beforeAll(async () => {
    load = await loadCore();
  });
  afterEach(() => cluster.close());

  async function idle(partitions: readonly bigint[] = PARTITIONS): Promise<Replica[]> {
    given.length = 0;
    const newCore: NewCore = (randomU32) => {
      const core = load(randomU32);
      const own: CoreCommand[] = [];
      given.push(own);
      return {
        send: (commands) => {
          own.push(...commands);
          return core.send(commands);
        },
        get memoryBytes() {
          return core.memoryBytes;
        },
        close: () => core.close(),
      };
    };
    cluster = await Cluster.open(THREE, { newCore });
    for (const id of partitions) await cluster.found(THREE, id);
    const leaders: Replica[] = [];
    for (const id of partitions) leaders.push(await cluster.leader(id));
    await advance(30 * TICK_MS);
    return leaders;
  }

  const advance = async (ms: number) => cluster.clock?.advance(ms);
  const termsOf = () => PARTITIONS.map((id) => cluster.replicas(id).map(({ term }) => term));
  const sent = (pick: 'framesSent' | 'messagesSent') =>
    [...cluster.nodes.values()].reduce((sum, { host }) => sum + host.metrics[pick], 0);

  it('the core of an idle follower is asked nothing, and leaders stay', async () => {
    const [leader] = await idle([1n]);
    const leads = THREE.indexOf(cluster.nodeOf(leader as Replica) as 'a');
    for (const commands of given) commands.length = 0;
    const term = leader?.term;
    await advance(100 * TICK_MS);
    for (const [node, commands] of given.entries()) {
      const kinds = new Set(commands.map(({ op }) => op));
      expect([...kinds].sort()).toEqual(node === leads ? ['step', 'tick'] : []);
    }
    expect(cluster.replicas().map((replica) => replica.term)).toEqual([term, term, term]);
    const followers = cluster.replicas().filter((replica) => replica !== leader);
    for (const follower of followers) expect(follower.stalenessMs()).toBeLessThan(1_000);
  });

  it('a leader gets as many ticks as pass', async () => {
    const [leader] = await idle([1n]);
    const own = given[THREE.indexOf(cluster.nodeOf(leader as Replica) as 'a')] ?? [];
    own.length = 0;
    await advance(100 * TICK_MS);
    const ticks = own.filter(({ op }) => op === 'tick').length;
    expect(Math.abs(ticks - 100)).toBeLessThanOrEqual(5);
  });

  it('heartbeats of all groups leave together', async () => {
    await idle();
    const terms = termsOf();
    const frames = sent('framesSent');
    const messages = sent('messagesSent');
    await advance(100 * TICK_MS);
    // Every 5 ticks each leader tells two followers, and each answers.
    const rounds = 100 / 5;
    expect(sent('messagesSent') - messages).toBeGreaterThanOrEqual(
      (rounds - 1) * 4 * PARTITIONS.length,
    );
    // Three nodes, each to two others: heartbeats, and answers.
    expect(sent('framesSent') - frames).toBeLessThanOrEqual((rounds + 1) * 3 * 2 * 2);
    expect(termsOf()).toEqual(terms);
  });

  it('a follower that is asleep when its leader dies campaigns in time', async () => {
    const leaders = await idle();
    const dead = cluster.nodeOf(leaders[0] as Replica);
    const startMs = cluster.scheduler.monotonicMs();
    await cluster.stop(dead);
    const tookMs: number[] = [];
    for (const id of PARTITIONS) {
      await cluster.leader(id);
      tookMs.push(cluster.scheduler.monotonicMs() - startMs);
    }
    // 10 to 20 ticks after it has heard of its leader, with one try that failed now and then.
    expect(Math.max(...tookMs)).toBeLessThan(4_500);
    expect(Math.min(...tookMs)).toBeLessThan(2_100);
  });
});

describe('what the core of a follower counts', () => {
  const limits = defaultReplicationLimits;

  /** As the core: a message of the leader has it count from 0. */
  function follower() {
    let count = 0;
    const commands = { push: () => (count += 1) };
    // Only this much of them is looked at.
    const context = { limits, commands } as unknown as ReplicationContext;
    const group = { isLeader: false, owedTicks: 0, isInStep: false, handle: 1 } as Group;
    return {
      tick: (ticks: number) => tickGroup(context, group, ticks),
      hear: () => {
        // One that the core need not hear of.
        if (!group.isInStep) count = 0;
        heardLeader(group);
      },
      count: () => count,
    };
  }

  it('is never more than has passed, and that exactly when it matters', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 * limits.electionTicks })), (silences) => {
        const core = follower();
        let ticks = 0;
        core.hear();
        for (const silence of silences) {
          for (let passed = 1; passed <= silence; passed += 1) {
            ticks += 1;
            core.tick(ticks);
            expect(core.count()).toBeLessThanOrEqual(passed);
            if (passed >= limits.electionTicks) expect(core.count()).toBe(passed);
          }
          core.hear();
          expect(core.count()).toBe(0);
        }
      }),
    );
  });
});
