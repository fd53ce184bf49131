import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import type { NewCore } from './consensus-core.ts';
import { LIMITS, type Replica } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

/** CORE_SEEDS=1000 CORE_FIRST_SEED=1 tries more histories than a test run has time for. */
const firstSeed = Number(process.env.CORE_FIRST_SEED ?? Date.now() % 1_000_000);
const seeds = Array.from({ length: Number(process.env.CORE_SEEDS ?? 6) }, (_, i) => firstSeed + i);

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

const ROUNDS = 60;
const NO_CONTEXT = new Uint8Array(0);

const deeds: readonly ((cluster: Cluster, victim: Replica) => void)[] = [
  (_cluster, victim) => victim.crash(),
  (cluster, victim) => cluster.isolated.add(victim.id),
  (cluster) => cluster.isolated.clear(),
  (_cluster, victim) => {
    victim.isDiskHeld = !victim.isDiskHeld;
  },
  (_cluster, victim) => {
    victim.isApplyHeld = !victim.isApplyHeld;
  },
  (_cluster, { isUp, disk, compact, ...victim }) => void [isUp, disk, compact, victim],
  (cluster, victim) => {
    for (const leader of cluster.replicas.values()) {
      leader.queue({ op: 'transfer', to: victim.id });
    }
  },
  (cluster, victim) => replace(cluster, victim),
];
