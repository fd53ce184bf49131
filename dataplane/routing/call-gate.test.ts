import { describe, expect, test } from 'vitest';
import { failureOf, onePartition } from './calls.fixture.ts';
import { repeatable } from './forwarder.ts';

describe('bounds', () => {
  const bounds = { perNodeMax: 2, totalMax: 3, waitingPerPartitionMax: 2 };

  test('calls beyond those that a node may have wait, in order, and calls beyond those are refused', async () => {
    const { cluster, router, call, scheduler } = await onePartition({ bounds });
    const gates: (() => void)[] = [];
    cluster.node('a1').on('work', () => new Promise<void>((resolve) => gates.push(resolve)));
    const ends: number[] = [];
    const works = [0, 1, 2, 3].map((index) => call().then(() => ends.push(index)));
    await scheduler.settle();
    expect(gates.length).toBe(2);
    const refused = await scheduler.until(failureOf(call()));
    expect(refused.value).toMatchObject({ code: 'overloaded' });
    expect(refused.tookMs).toBe(0);
    while (ends.length < 4) {
      gates.shift()?.();
      await scheduler.settle();
      expect(router.forwarder.callsInFlight).toBeLessThanOrEqual(2);
    }
    await Promise.all(works);
    expect(ends).toEqual([0, 1, 2, 3]);
    expect(router.forwarder.callsInFlight).toBe(0);
    expect(cluster.askedFor('work').length).toBe(4);
  });

  test('calls of all nodes together are bounded, and a place that is free goes to any that waits', async () => {
    const { cluster, router, call, scheduler } = await onePartition({ bounds });
    cluster.addPartition({ id: 8n }, { leader: 'b1' });
    cluster.tell();
    await scheduler.settle();
    const gates: (() => void)[] = [];
    const hold = () => new Promise<void>((resolve) => gates.push(resolve));
    cluster.node('a1').on('work', hold);
    cluster.node('b1').on('work', hold);
    const other = () => router.forwarder.callLeader(8n, 'work', () => [], repeatable);
    const works = [call(), call(), other(), other()];
    await scheduler.settle();
    expect(cluster.askedFor('work')).toEqual(['a1', 'a1', 'b1']);
    gates.shift()?.();
    await scheduler.settle();
    expect(cluster.askedFor('work')).toEqual(['a1', 'a1', 'b1', 'b1']);
    for (const open of gates) open();
    await Promise.all(works);
  });

  test('a call that waits at a paused leader follows the partition to the next one', async () => {
    const { cluster, call, scheduler } = await onePartition({ bounds });
    cluster.node('a1').isPaused = true;
    const works = [call(), call(), call()];
    await scheduler.advance(1_000);
    cluster.node('b1').on('work', () => 'done');
    cluster.setLeader(7n, 'b1', 3);
    cluster.tell();
    const { value, tookMs } = await scheduler.until(works[2] ?? Promise.reject(new Error('three')));
    expect([value, tookMs]).toEqual(['done', 0]);
    await scheduler.until(Promise.all(works));
  });
});
