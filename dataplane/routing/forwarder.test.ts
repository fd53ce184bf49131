import { describe, expect, test } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { CallFailed } from './call-failure.ts';
import { failureOf, onePartition } from './calls.fixture.ts';
import { refusal } from './cluster.fixture.ts';
import { repeatable } from './forwarder.ts';
import type { FailureCode } from './protocol.ts';
import type { Router } from './router.ts';

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

  const elsewhere: FailureCode[] = [
    'notLeader',
    'noReplica',
    'stale',
    'unavailable',
    'otherStore',
    'damaged',
  ];
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
