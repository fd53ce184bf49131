import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { NewCore } from './consensus-core.ts';
import { LIMITS, type Replica } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

/** CORE_SEEDS=1000 CORE_FIRST_SEED=1 tries more histories than a test run has time for. */
const firstSeed = Number(process.env.CORE_FIRST_SEED ?? 1);
const seeds = Array.from({ length: Number(process.env.CORE_SEEDS ?? 5) }, (_, i) => firstSeed + i);

const ROUNDS = 60;

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

type Deed = (cluster: Cluster, victim: Replica) => void;

const deeds: readonly Deed[] = [
  (_cluster, victim) => victim.crash(),
  (cluster, victim) => cluster.isolated.add(victim.id),
  (cluster) => cluster.isolated.clear(),
  (_cluster, victim) => {
    victim.isDiskHeld = !victim.isDiskHeld;
  },
  (_cluster, victim) => {
    victim.isApplyHeld = !victim.isApplyHeld;
  },
  (_cluster, victim) => {
    const { applied, logStart } = victim.disk;
    if (victim.isUp && applied > logStart.index) victim.compact(applied);
  },
  (cluster, victim) => {
    for (const each of cluster.replicas.values()) each.queue({ op: 'transfer', to: victim.id });
  },
  replaceMember,
];

/** A new replica takes the place of one voter in a joint change, whoever leads. */
function replaceMember(cluster: Cluster, victim: Replica): void {
  const fresh = cluster.add(cluster.replicas.size + 1);
  const changes = [
    { kind: 'addVoter', replicaId: fresh.id },
    { kind: 'remove', replicaId: victim.id },
  ] as const;
  for (const each of cluster.replicas.values()) {
    each.queue({ op: 'confChange', changes, context: new Uint8Array(0), leaveJoint: false });
  }
}

/** The members as the replica that applied most knows them. */
function members(cluster: Cluster): Replica[] {
  const [newest] = [...cluster.replicas.values()].toSorted(
    (a, b) => b.disk.applied - a.disk.applied,
  );
  const { voters = [], votersOutgoing = [] } = newest?.disk.conf ?? {};
  return [...new Set([...voters, ...votersOutgoing])].map((id) => cluster.replica(id));
}

function storm(cluster: Cluster): void {
  const { random } = cluster;
  cluster.weather = { lossChance: 0.05, duplicateChance: 0.03, delayTurnsMax: 6 };
  for (let round = 0; round < ROUNDS; round += 1) {
    const candidates = members(cluster);
    const victim = candidates[random.between(0, candidates.length - 1)];
    if (victim !== undefined) deeds[random.between(0, deeds.length - 1)]?.(cluster, victim);
    for (const replica of cluster.replicas.values()) {
      if (!replica.isUp && random.chance(0.5)) replica.start();
      cluster.propose(replica, random.between(0, 3));
      cluster.readIndex(replica);
    }
    cluster.tick(random.between(1, 8));
  }
}

function calm(cluster: Cluster): void {
  cluster.weather = { lossChance: 0, duplicateChance: 0, delayTurnsMax: 1 };
  cluster.isolated.clear();
  for (const replica of cluster.replicas.values()) {
    replica.isDiskHeld = false;
    replica.isApplyHeld = false;
    if (!replica.isUp) replica.start();
  }
  cluster.tick(8 * LIMITS.electionTicks);
}

it.each(seeds)(
  'chaos: loss, delays, crashes and new members break no promise (seed %i)',
  (seed) => {
    const cluster = new Cluster(newCore, seed);
    storm(cluster);
    calm(cluster);
    const tokens = cluster.propose(cluster.leader(), 1);
    cluster.readIndex(cluster.leader());
    // It may leave a joint configuration, and with it the leader: time for another election.
    cluster.tick(4 * LIMITS.electionTicks);
    expect(cluster.appliedTokens().slice(-1)).toEqual(tokens);
    const { disk } = cluster.leader();
    expect(disk.conf.votersOutgoing).toEqual([]);
    for (const member of members(cluster)) {
      expect(member.disk).toMatchObject({ applied: disk.applied, conf: disk.conf });
    }
    for (const replica of cluster.replicas.values()) expect(replica.of('failed')).toEqual([]);
    expect(cluster.readsConfirmed).toBeGreaterThan(0);
  },
);
