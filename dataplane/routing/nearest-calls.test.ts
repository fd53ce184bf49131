import { describe, expect, test } from 'vitest';
import { failureOf, onePartition } from './calls.fixture.ts';
import { refusal } from './cluster.fixture.ts';
import type { FailureCode } from './protocol.ts';
import type { RouterOptions } from './router.ts';

describe('calls of the nearest replica', () => {
  async function nearest(options: Partial<RouterOptions> = {}) {
    const { cluster, router, scheduler } = await onePartition(options);
    for (const node of cluster.nodes.values()) node.on('read', () => node.id);
    const read = () => router.forwarder.callNearest(7n, 'read', () => []);
    return { cluster, router, scheduler, read };
  }

  test('go to the own zone, whoever leads', async () => {
    for (const zone of ['a', 'b', 'c']) {
      const { scheduler, read } = await nearest({ zone });
      expect((await scheduler.until(read())).value).toBe(`${zone}1`);
    }
  });

  test('go to the leader last when no replica is in the zone', async () => {
    const { cluster, scheduler, read } = await nearest({ zone: 'elsewhere' });
    expect((await scheduler.until(read())).value).not.toBe('a1');
    for (const id of ['b1', 'c1']) cluster.setUp(id, false);
    expect((await scheduler.until(read())).value).toBe('a1');
  });

  test.each(['stale', 'noReplica', 'damaged', 'unavailable'] as FailureCode[])(
    '%s: the next replica is asked',
    async (code) => {
      const { cluster, scheduler, read } = await nearest({ zone: 'b' });
      cluster.node('b1').on('read', () => {
        throw refusal(code);
      });
      const { value, tookMs } = await scheduler.until(read());
      expect([value, tookMs]).toEqual(['c1', 0]);
    },
  );

  test('a replica that does not answer is not asked first again before it does', async () => {
    const { cluster, scheduler, read } = await nearest({ zone: 'b' });
    cluster.node('b1').isPaused = true;
    const first = await scheduler.until(read());
    expect(first.value).toBe('c1');
    expect(first.tookMs).toBeGreaterThanOrEqual(2_000);
    for (let second = 0; second < 5; second += 1) {
      await scheduler.advance(1_000);
      const { value, tookMs } = await scheduler.until(read());
      expect([value, tookMs]).toEqual(['c1', 0]);
    }
    cluster.node('b1').isPaused = false;
    await scheduler.advance(3_000);
    expect((await scheduler.until(read())).value).toBe('b1');
  });

  test('a call that all replicas are damaged for says so at the deadline', async () => {
    const { cluster, scheduler, read } = await nearest();
    for (const node of cluster.nodes.values()) {
      node.on('read', () => {
        throw refusal('damaged');
      });
    }
    expect((await scheduler.until(failureOf(read()))).value).toMatchObject({ code: 'damaged' });
  });
});
