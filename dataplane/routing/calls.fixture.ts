import { FakeCluster, refusal } from './cluster.fixture.ts';
import { repeatable } from './forwarder.ts';
import type { RouterOptions } from './router.ts';

/** Calls of a router, for the tests of what becomes of them. */

/** One partition, led by a1, and a router in zone a that knows it. */
export async function onePartition(options: Partial<RouterOptions> = {}) {
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

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('the call succeeded');
}
