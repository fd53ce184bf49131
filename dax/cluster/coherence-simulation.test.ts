import { describe, expect, it } from 'vitest';
import { RealTimeWatch } from '../../dataplane/simulation/real-time-watch.ts';
import { simulateCoherence } from './coherence-simulation.fixture.ts';
import { plantedBugs } from './planted-bugs.fixture.ts';

/**
 * The same each time, unless told. A failure names its seed; `simulateCoherence(seed, {}, (line) => ...)` then tells what happened.
 */
const FIRST_SEED = Number(process.env.TRESTLE_SEED ?? 60_000);
const SEEDS_COUNT = Number(process.env.TRESTLE_SEEDS ?? 400);

/** Seeds that once failed, with what was behind it. */
const regressions: readonly (readonly [seed: number, cause: string])[] = [
  [140, 'a generation of L2 was put again after another had followed it'],
  [1961, 'a write was finished under new keys of L2 while another node still read the old ones'],
  [
    2849,
    'a record that was made anew had the number of the lost one, so a change of that overwrote it',
  ],
];

/** What has to happen often enough for the rest to mean anything: per hundred seeds. */
const EXPECTED_COUNTS = {
  reads: 5_000,
  writes: 2_000,
  hits: 500,
  'l2 hits': 100,
  switches: 30,
  exclusions: 100,
  excluded: 150,
  active: 300,
  stopped: 40,
  'write: CoherenceError': 50,
  'write: TableFailure': 100,
  registryNotReached: 200,
  'fault shadow': 20,
  'fault emptyRegistry': 3,
};

async function expectSound(seed: number): Promise<Readonly<Record<string, number>>> {
  const { failures, counts } = await simulateCoherence(seed);
  expect(failures, `seed ${seed}`).toEqual([]);
  return counts;
}

describe('nodes under faults', () => {
  it(`give out nothing older than an acknowledged write, for ${SEEDS_COUNT} seeds from ${FIRST_SEED}`, {
    timeout: 600_000,
  }, async () => {
    const totals: Record<string, number> = {};
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_COUNT; seed += 1) {
      for (const [name, count] of Object.entries(await expectSound(seed)))
        totals[name] = (totals[name] ?? 0) + count;
    }
    for (const [name, count] of Object.entries(EXPECTED_COUNTS))
      expect(totals[name], name).toBeGreaterThan((count * SEEDS_COUNT) / 100);
  });

  it.each(regressions)('are sound with seed %d: %s', async (seed) => {
    await expectSound(seed);
  });

  it('do the same again from the same seed, and ask the machine for nothing', async () => {
    using watch = new RealTimeWatch((caller) => /dax\/cluster/.test(caller));
    const [one, other] = [await simulateCoherence(7), await simulateCoherence(7)];
    expect(one).toEqual(other);
    expect(watch.calls).toEqual([]);
  });
});

describe('a mistake made on purpose', () => {
  it.each(Object.entries(plantedBugs))('is found: %s', async (_name, { firstSeed, ...bug }) => {
    let found: string | undefined;
    for (let seed = firstSeed; seed < firstSeed + 40 && found === undefined; seed += 1) {
      const { failures } = await simulateCoherence(seed, bug);
      found = failures.find((text) => /gave out|past/.test(text));
    }
    expect(found).toBeDefined();
  });
});
