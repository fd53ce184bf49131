import { describe, expect, it } from 'vitest';
import { SimRandom } from './random.ts';
import { simulationPlan } from './simulation-plan.ts';

describe('plan of a simulation', () => {
  it('is the same for a seed, and others for others', () => {
    const plan = (seed: number) => JSON.stringify(simulationPlan(new SimRandom(seed)));
    expect(plan(1)).toBe(plan(1));
    expect(new Set([1, 2, 3, 4, 5].map(plan)).size).toBe(5);
  });

  it('ends with everything healed', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const { faults, healedMs } = simulationPlan(new SimRandom(seed));
      expect(faults.at(-1)).toEqual({ atMs: healedMs, fault: { kind: 'healAll' } });
    }
  });

  it('has nodes in three zones', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { nodes, zoneOf } = simulationPlan(new SimRandom(seed));
      expect(new Set(nodes.map(zoneOf)).size).toBe(3);
    }
  });

  it('takes over what is not left to the seed', () => {
    const plan = simulationPlan(new SimRandom(1), {
      weights: { pause: 1 },
      workload: { gapMs: 7 },
      replication: { electionTicks: 3 },
    });
    const kinds = new Set(plan.faults.map(({ fault }) => fault.kind));
    expect([...kinds].sort()).toEqual(['healAll', 'pause', 'resume']);
    expect(plan.workload.gapMs).toBe(7);
    expect(plan.limits.replication.electionTicks).toBe(3);
  });
});
