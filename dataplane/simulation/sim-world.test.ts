import { describe, expect, it } from 'vitest';
import { pause } from '../replication/scheduler.ts';
import { simEpochMs } from './sim-clock.ts';
import { SimulationStuck, SimWorld } from './sim-world.ts';

const exactClock = { wallSkewMsMax: 0, drift: 0 };

function processOf(world: SimWorld, name = 'a', clockOptions = exactClock) {
  return world.startProcess(name, world.newClock(name, clockOptions));
}

describe('SimWorld', () => {
  it('run: time goes from event to event, and no further than asked', async () => {
    const world = new SimWorld(1);
    const seen: number[] = [];
    for (const delayMs of [30, 10, 20, 41]) {
      world.afterMs(delayMs, 'note', () => seen.push(world.nowMs));
    }
    await world.run(40);
    expect([seen, world.nowMs]).toEqual([[10, 20, 30], 40]);
  });
  it('run: what follows from an event through promises is over before the next one', async () => {
    const world = new SimWorld(1);
    const order: string[] = [];
    const chain = async (name: string) => {
      for (let turn = 0; turn < 50; turn += 1) {
        await null;
      }
      await new Promise<void>((resolve) => process.nextTick(resolve));
      order.push(`${name} done`);
    };
    for (const name of ['one', 'two', 'three']) {
      world.afterMs(1, name, () => {
        order.push(name);
        void chain(name);
      });
    }
    await world.run(2);
    expect(order).toEqual(['one', 'one done', 'two', 'two done', 'three', 'three done']);
  });
  it('run: ends with a predicate, or says that it will not come true', async () => {
    const world = new SimWorld(1);
    let count = 0;
    const again = () => {
      count += 1;
      world.afterMs(1, 'again', again);
    };
    again();
    await world.run(() => count === 5);
    expect(world.nowMs).toBe(4);
    await expect(world.run(() => false, { limitMs: 100 })).rejects.toThrow(SimulationStuck);
    await expect(new SimWorld(2).run(() => false)).rejects.toThrow('nothing is left to happen');
  });
  it('run: what an event throws ends the run, with seed, time and place', async () => {
    const world = new SimWorld('s7');
    processOf(world, 'node-b').afterUs(1_500, 'work', () => {
      throw new RangeError('off by one');
    });
    await expect(world.run(5)).rejects.toThrow(
      'Seed s7, 1.5 ms: work of node-b threw RangeError: off by one',
    );
  });
  it('events of one process at one instant keep their order, others are mixed by the seed', async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const world = new SimWorld(seed);
      const order: string[] = [];
      for (const name of ['a', 'b']) {
        const process = processOf(world, name);
        process.soon(() => order.push(`${name}1`));
        process.soon(() => order.push(`${name}2`));
      }
      await world.run(1);
      orders.add(order.join(' '));
    }
    expect([...orders].sort()).toEqual(['a1 a2 b1 b2', 'b1 b2 a1 a2']);
  });
});

describe('SimProcess', () => {
  it('kill: nothing of it runs any more, and its timers are never set again', async () => {
    const world = new SimWorld(1);
    const process = processOf(world);
    let ran = 0;
    process.after(5, () => {
      ran += 1;
    });
    world.afterMs(2, 'kill', () => process.kill('kill'));
    world.afterMs(3, 'call', () => process.soon(() => (ran += 1)));
    await world.run(100);
    expect(ran).toBe(0);
  });
  it('pause: what becomes due waits, and time goes on without it', async () => {
    const world = new SimWorld(1);
    const process = processOf(world);
    const order: string[] = [];
    process.after(10, () => order.push(`timer ${Math.round(process.monotonicMs() - startMs)}`));
    process.afterUs(20_000, 'message', () => order.push('message'));
    const cancelled = process.after(30, () => order.push('cancelled'));
    const startMs = process.monotonicMs();
    world.afterMs(1, 'pause', () => process.pause());
    world.afterMs(500, 'cancel', () => cancelled.cancel());
    world.afterMs(1_000, 'resume', () => process.resume());
    await world.run(999);
    expect(order).toEqual([]);
    await world.run(2_000);
    expect(order.sort()).toEqual(['message', 'timer 1000']);
  });
  it('clocks: drift by at most 1 %, jump only the wall clock', async () => {
    const world = new SimWorld(5);
    const process = processOf(world, 'a', { wallSkewMsMax: 100, drift: 0.01 });
    const startMs = process.monotonicMs();
    expect(Math.abs(process.nowMs() - simEpochMs)).toBeLessThanOrEqual(101);
    await world.run(100_000);
    const passedMs = process.monotonicMs() - startMs;
    expect(Math.abs(passedMs - 100_000)).toBeLessThanOrEqual(1_000);
    expect(passedMs).not.toBe(100_000);
    process.clock.jump(-50_000);
    expect(process.nowMs() - simEpochMs).toBeLessThan(50_200);
    expect(process.monotonicMs() - startMs).toBe(passedMs);
  });
  it('after: fires about then, sometimes a little early or late', async () => {
    const world = new SimWorld(6);
    const process = processOf(world);
    const firedMs: number[] = [];
    for (let index = 0; index < 500; index += 1) {
      process.after(100, () => firedMs.push(world.nowMs));
    }
    await world.run(200);
    expect(Math.min(...firedMs)).toBeGreaterThanOrEqual(99);
    expect(Math.min(...firedMs)).toBeLessThan(100);
    expect(Math.max(...firedMs)).toBeGreaterThan(101);
    expect(firedMs).toHaveLength(500);
  });
  it('serves code that waits with the scheduler', async () => {
    const world = new SimWorld(7);
    const process = processOf(world);
    let doneMs = 0;
    process.soon(() => {
      void pause(process, 1_000).then(() => {
        doneMs = world.nowMs;
      });
    });
    await world.run(() => doneMs > 0);
    expect(doneMs).toBeGreaterThan(990);
  });
});
