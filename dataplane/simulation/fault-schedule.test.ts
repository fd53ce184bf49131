import { describe, expect, it } from 'vitest';
import { type FaultScheduleOptions, faultSchedule } from './fault-schedule.ts';
import { defaultFaultWeights } from './faults.ts';
import { SimRandom } from './random.ts';

const options: FaultScheduleOptions = {
  nodes: ['n1', 'n2', 'n3'],
  routers: ['r1'],
  startMs: 5_000,
  endMs: 300_000,
  gapMs: 1_000,
  durationMsMax: 10_000,
  downMax: 1,
  afterglowMs: 3_000,
  repairMs: 60_000,
  weights: defaultFaultWeights,
};

describe('faultSchedule', () => {
  it('is the same for the same seed, and holds every kind over a few seeds', () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const schedule = faultSchedule(new SimRandom(seed), options);
      expect(faultSchedule(new SimRandom(seed), options)).toEqual(schedule);
      for (const { fault } of schedule) {
        kinds.add(fault.kind);
      }
    }
    expect([...kinds].sort()).toEqual([
      'block',
      'clockCorrection',
      'clockJump',
      'coreTrap',
      'crash',
      'diskErrors',
      'diskSpace',
      'diskStall',
      'diskStallEnd',
      'dropConnection',
      'flipBit',
      'healAll',
      'leaderCut',
      'leaderTransfer',
      'loss',
      'memberChange',
      'outage',
      'partition',
      'pause',
      'restart',
      'resume',
      'shutdown',
      'slowness',
      'unblock',
      'wipe',
    ]);
  });
  it('is in order, within its time, and ends with everything healed', () => {
    const schedule = faultSchedule(new SimRandom(1), options);
    const times = schedule.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(options.startMs);
    expect(schedule.at(-1)).toEqual({ atMs: options.endMs, fault: { kind: 'healAll' } });
  });
  it('takes no more nodes out at a time than allowed, outages aside', () => {
    const weights = { crash: 5, pause: 5, diskStall: 5, wipe: 1, shutdown: 2 };
    for (let seed = 0; seed < 20; seed += 1) {
      const out = new Set<string>();
      for (const { fault } of faultSchedule(new SimRandom(seed), { ...options, weights })) {
        if (!('node' in fault) || !options.nodes.includes(fault.node)) {
          continue;
        }
        if (['restart', 'resume', 'diskStallEnd'].includes(fault.kind)) {
          out.delete(fault.node);
        } else {
          out.add(fault.node);
        }
        expect(out.size, `seed ${seed}`).toBeLessThanOrEqual(1);
      }
    }
  });
  it('loses data of one node at a time', () => {
    const weights = { wipe: 1, flipBit: 1 };
    for (let seed = 0; seed < 20; seed += 1) {
      const times = faultSchedule(new SimRandom(seed), { ...options, weights })
        .filter(({ fault }) => fault.kind === 'wipe' || fault.kind === 'flipBit')
        .map(({ atMs }) => atMs);
      expect(times.length).toBeGreaterThan(2);
      for (const [index, atMs] of times.entries()) {
        expect(atMs - (times[index - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(
          60_000,
        );
      }
    }
  });
});
