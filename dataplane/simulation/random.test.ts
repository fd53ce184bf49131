import { describe, expect, it } from 'vitest';
import { SimRandom } from './random.ts';

describe('SimRandom', () => {
  it('gives the same numbers for the same seed, on any machine', () => {
    const random = new SimRandom('seed');
    expect([random.u32(), random.u32(), random.u32()]).toEqual([3100716515, 259321295, 235167518]);
  });
  it('forks by name, whatever was drawn before', () => {
    const [one, other] = [new SimRandom(7), new SimRandom(7)];
    other.u32();
    expect(one.fork('disk').u32()).toBe(other.fork('disk').u32());
    expect(one.fork('disk').u32()).not.toBe(one.fork('network').u32());
  });
  it('spreads evenly', () => {
    const random = new SimRandom(1);
    const counts = Array(10).fill(0);
    for (let draw = 0; draw < 100_000; draw += 1) {
      counts[random.int(10)] += 1;
    }
    for (const count of counts) {
      expect(Math.abs(count - 10_000)).toBeLessThan(500);
    }
  });
  it('stays within bounds', () => {
    const random = new SimRandom(2);
    for (let draw = 0; draw < 10_000; draw += 1) {
      expect([3, 4, 5]).toContain(random.between(3, 5));
      const time = random.logBetween(0.1, 10);
      expect(time >= 0.1 && time <= 10).toBe(true);
      expect(random.exponential(5)).toBeGreaterThanOrEqual(0);
    }
  });
  it('weighs, shuffles and samples', () => {
    const random = new SimRandom(3);
    const picks = Array.from({ length: 1_000 }, () =>
      random.weighted({ often: 9, rare: 1, no: 0 }),
    );
    expect(picks.filter((pick) => pick === 'rare').length).toBeGreaterThan(50);
    expect(picks).not.toContain('no');
    expect(random.shuffle([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
    expect(new Set(random.sample([1, 2, 3, 4], 3)).size).toBe(3);
    expect(() => random.pick([])).toThrow(RangeError);
    expect(() => random.weighted({ no: 0 })).toThrow(RangeError);
  });
});
