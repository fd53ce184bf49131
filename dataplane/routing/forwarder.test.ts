import { describe, expect, test } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { CallFailed } from './call-failure.ts';
import { FakeCluster, refusal } from './cluster.fixture.ts';
import { repeatable } from './forwarder.ts';
import type { FailureCode } from './protocol.ts';
import type { Router, RouterOptions } from './router.ts';

/** One partition, led by a1, and a router in zone a that knows it. */
async function onePartition(options: Partial<RouterOptions> = {}) {
  const cluster = new FakeCluster();
  cluster.addPartition({ id: 7n }, { leader: 'a1' });
  for (const node of cluster.nodes.values()) {
    node.on('work', () => {
      throw refusal('notLeader', { leader: 'a1', term: 2 });
    });
  }
  const router = await cluster.router(options);
  const call = (parts: Partial<typeof repeatable> = {}) =>
    router.forwarder.callLeader(7n, 'work', (epoch, node) => [epoch, node.id], {
      ...repeatable,
      ...parts,
    });
  return { cluster, router, call, scheduler: cluster.scheduler };
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('the call succeeded');
}

function countRetries({ forwarder }: Router): Record<string, number> {
  return Object.fromEntries(forwarder.metrics.retries);
}

describe('calls of the leader', () => {
  test('the believed leader that answers gets the one request there is', async () => {
    const { cluster, router, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', (body) => body);
    const { value } = await scheduler.until(call());
    expect(value).toEqual([1, 'a1']);
    expect(cluster.askedFor('work')).toEqual(['a1']);
    expect(countRetries(router)).toEqual({});
    expect(router.forwarder.callsInFlight).toBe(0);
  });

  test('a refusal that names the leader leads there at once, and the next call too', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', () => {
      throw refusal('notLeader', { leader: 'c1', term: 3 });
    });
    cluster.node('c1').on('work', () => 'done');
    const { value, tookMs } = await scheduler.until(call());
    expect([value, tookMs]).toEqual(['done', 0]);
    await scheduler.until(call());
    expect(cluster.askedFor('work')).toEqual(['a1', 'c1', 'c1']);
  });

  test('without a name the other members are asked, and then again after a pause', async () => {
    const { cluster, call, scheduler } = await onePartition();
    let asked = 0;
    for (const node of cluster.nodes.values()) {
      node.on('work', () => {
        asked += 1;
        if (asked < 5) throw refusal('notLeader', { leader: undefined, term: 3 });
        return node.id;
      });
    }
    const { value, tookMs } = await scheduler.until(call());
    expect(new Set(cluster.askedFor('work').slice(0, 3))).toEqual(new Set(['a1', 'b1', 'c1']));
    expect(value).toBe(cluster.askedFor('work')[4]);
    expect(tookMs).toBeGreaterThanOrEqual(5);
    expect(tookMs).toBeLessThanOrEqual(10);
  });

  test('nodes that send a call to each other end it at the deadline, after few requests', async () => {
    const { cluster, call, scheduler } = await onePartition();
    const hints = { a1: 'b1', b1: 'c1', c1: 'a1' };
    let term = 2;
    for (const [id, leader] of Object.entries(hints)) {
      cluster.node(id).on('work', () => {
        term += 1;
        throw refusal('notLeader', { leader, term });
      });
    }
    const { value, tookMs } = await scheduler.until(failureOf(call()));
    expect(value).toMatchObject({ code: 'unavailable' });
    expect(value).toBeInstanceOf(CallFailed);
    expect(tookMs).toBeGreaterThanOrEqual(10_000);
    expect(tookMs).toBeLessThan(10_100);
    // A round of three with each pause, and pauses grow to 300 ms.
    expect(cluster.askedFor('work').length).toBeLessThan(250);
  });

  const elsewhere: FailureCode[] = ['notLeader', 'noReplica', 'stale', 'unavailable', 'otherStore'];
  test.each([...elsewhere, 'unknownOutcome'] as FailureCode[])(
    '%s: the call goes on to another member',
    async (code) => {
      const { cluster, router, call, scheduler } = await onePartition();
      cluster.node('a1').on('work', () => {
        throw refusal(code);
      });
      cluster.node('b1').on('work', () => 'done');
      const { value, tookMs } = await scheduler.until(call());
      expect([value, tookMs]).toEqual(['done', 0]);
      expect(cluster.askedFor('work')).toEqual(['a1', 'b1']);
      expect(countRetries(router)).toEqual({ [code]: 1 });
    },
  );

  test('overloaded: the same node is asked again after a pause', async () => {
    const { cluster, call, scheduler } = await onePartition();
    let tries = 0;
    cluster.node('a1').on('work', () => {
      tries += 1;
      if (tries < 3) throw refusal('overloaded');
      return 'done';
    });
    const { value, tookMs } = await scheduler.until(call());
    expect(value).toBe('done');
    expect(cluster.askedFor('work')).toEqual(['a1', 'a1', 'a1']);
    expect(tookMs).toBeGreaterThanOrEqual(15);
  });

  test('expired: the node is asked for its clock, then the same again', async () => {
    const { cluster, call, scheduler } = await onePartition();
    let tries = 0;
    cluster.node('a1').on('work', () => {
      tries += 1;
      if (tries === 1) throw refusal('expired');
      return 'done';
    });
    const reportsBefore = cluster.seenOf('report').length;
    const { value, tookMs } = await scheduler.until(call());
    expect([value, tookMs]).toEqual(['done', 0]);
    expect(cluster.askedFor('work')).toEqual(['a1', 'a1']);
    expect(cluster.askedFor('report').slice(reportsBefore)).toEqual(['a1']);
  });

  test('a node that calls everything expired does not hold up the call for good', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', () => {
      throw refusal('expired');
    });
    const { value } = await scheduler.until(failureOf(call()));
    expect(value).toMatchObject({ code: 'unavailable' });
    expect(cluster.askedFor('work').length).toBeLessThan(400);
  });

  test('fault: is the fault that the node raised', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', () => {
      throw refusal('fault', {
        type: 'ThrottlingException',
        message: 'too much',
        members: { throttlingReasons: [] },
      });
    });
    const { value } = await scheduler.until(failureOf(call()));
    expect(value).toBeInstanceOf(ClientFault);
    expect(value).toEqual(
      new ClientFault('ThrottlingException', 'too much', { throttlingReasons: [] }),
    );
    expect(cluster.askedFor('work')).toEqual(['a1']);
  });

  test.each([
    ['damaged', refusal('damaged'), 'damaged'],
    ['a bug of the node', new RemoteFailure('internal', 'oops'), 'internal'],
    ['a fault of no known type', refusal('fault', { type: 'toString' }), 'internal'],
    ['a failure of another release', new RemoteFailure('brandNew', 'hm'), 'internal'],
  ])('%s: ends the call', async (_, failure, code) => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', () => {
      throw failure;
    });
    const { value } = await scheduler.until(failureOf(call()));
    expect(value).toMatchObject({ code });
    expect(cluster.askedFor('work')).toEqual(['a1']);
  });

  test('a node that does not have the method yet is passed over', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').handlers.delete('work');
    cluster.node('b1').on('work', () => 'done');
    const { value } = await scheduler.until(call());
    expect(value).toBe('done');
  });

  test('a leader that is away costs no time', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.setUp('a1', false);
    cluster.node('b1').on('work', () => 'done');
    const { value, tookMs } = await scheduler.until(call());
    expect([value, tookMs]).toEqual(['done', 0]);
    expect(cluster.askedFor('work')).toEqual(['b1']);
  });

  test('a connection that goes down with the call ends the try', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').isPaused = true;
    cluster.node('b1').on('work', () => 'done');
    const work = call();
    await scheduler.advance(300);
    cluster.setUp('a1', false);
    const { value, tookMs } = await scheduler.until(work);
    expect([value, tookMs]).toEqual(['done', 0]);
  });

  test('a leader that is paused costs one time-out; the others are asked, and calls behind it wait no more', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').isPaused = true;
    cluster.node('b1').on('work', () => 'done');
    const first = await scheduler.until(call());
    expect(first.value).toBe('done');
    expect(first.tookMs).toBeGreaterThanOrEqual(2_000);
    expect(first.tookMs).toBeLessThan(2_010);
    const second = await scheduler.until(call());
    expect([second.value, second.tookMs]).toEqual(['done', 0]);
    expect(cluster.askedFor('work')).toEqual(['a1', 'b1', 'b1']);
  });

  test('followers that still name the paused leader do not lead back to it', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').isPaused = true;
    const work = call();
    await scheduler.advance(2_400);
    expect(cluster.askedFor('work').filter((node) => node === 'a1')).toEqual(['a1']);
    // The others elect c1.
    cluster.node('c1').on('work', () => 'done');
    cluster.setLeader(7n, 'c1', 3);
    cluster.tell();
    const { value, tookMs } = await scheduler.until(work);
    expect([value, tookMs]).toEqual(['done', 0]);
  });

  test('a change of the map ends the pause', async () => {
    const { cluster, call, scheduler } = await onePartition();
    const work = call();
    cluster.node('a1').on('work', () => {
      throw refusal('notLeader', { leader: undefined, term: 3 });
    });
    for (const id of ['b1', 'c1'])
      cluster.node(id).on('work', () => {
        throw refusal('notLeader');
      });
    await scheduler.advance(3_000);
    cluster.node('c1').on('work', () => 'done');
    cluster.setLeader(7n, 'c1', 4);
    cluster.tell();
    const { tookMs } = await scheduler.until(work);
    expect(tookMs).toBe(0);
  });

  test('a partition that no node has fails after the nodes were asked', async () => {
    const { cluster, router, scheduler } = await onePartition();
    const before = cluster.seenOf('report').length;
    const work = router.forwarder.callLeader(99n, 'work', () => [], repeatable);
    const { value, tookMs } = await scheduler.until(failureOf(work));
    expect(value).toMatchObject({ code: 'noPartition' });
    expect(tookMs).toBeLessThan(50);
    expect(cluster.seenOf('report').length).toBe(before + 3);
  });

  test('a partition that has only come is found', async () => {
    const { cluster, router, scheduler } = await onePartition();
    cluster.addPartition({ id: 8n }, { leader: 'b1' });
    cluster.node('b1').on('work', () => 'done');
    const { value } = await scheduler.until(
      router.forwarder.callLeader(8n, 'work', () => [], repeatable),
    );
    expect(value).toBe('done');
  });

  test('a call that is given up fails with the reason', async () => {
    const { cluster, router, scheduler } = await onePartition();
    const controller = new AbortController();
    const work = failureOf(
      router.forwarder.callLeader(7n, 'work', () => [], {
        ...repeatable,
        signal: controller.signal,
      }),
    );
    await scheduler.advance(100);
    controller.abort(new Error('enough'));
    const { value, tookMs } = await scheduler.until(work);
    expect(value).toEqual(new Error('enough'));
    expect(tookMs).toBeLessThanOrEqual(300);
    expect(cluster.askedFor('work').length).toBeGreaterThan(0);
  });
});

describe('calls that must not be done twice', () => {
  test.each([
    ['no answer', new RequestFailed('unknown', 'timed out')],
    ['an unknown outcome', refusal('unknownOutcome')],
  ])('%s: the fate of the call is unknown, and nobody else is asked', async (_, failure) => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', () => {
      throw failure;
    });
    const { value } = await scheduler.until(failureOf(call({ isRepeatable: false })));
    expect(value).toMatchObject({ code: 'unknownOutcome' });
    expect(cluster.askedFor('work')).toEqual(['a1']);
  });

  test('what is certain not to have been done is tried again', async () => {
    const { cluster, call, scheduler } = await onePartition();
    cluster.node('a1').on('work', () => {
      throw refusal('unavailable');
    });
    cluster.node('b1').on('work', () => 'done');
    const { value } = await scheduler.until(call({ isRepeatable: false }));
    expect(value).toBe('done');
  });
});

describe('the end of a call', () => {
  test('is `unknownOutcome` when a try may have been done', async () => {
    const { cluster, call, scheduler } = await onePartition();
    let tries = 0;
    cluster.node('a1').on('work', () => {
      tries += 1;
      throw refusal(tries === 1 ? 'unknownOutcome' : 'unavailable');
    });
    const { value } = await scheduler.until(failureOf(call()));
    expect(value).toMatchObject({ code: 'unknownOutcome' });
  });

  test('is counted', async () => {
    const { router, call, scheduler } = await onePartition();
    await scheduler.until(failureOf(call({ isRepeatable: true })));
    expect(Object.fromEntries(router.metrics.failed)).toEqual({ unavailable: 1 });
    expect(router.metrics.calls).toBe(1);
  });
});

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
