import { describe, expect, it } from 'vitest';
import { methods } from '../routing/protocol.ts';
import { bootstrapCatalog } from './bootstrap.ts';
import { threeZones } from './control.fixture.ts';
import { FakeCluster } from './fake-cluster.fixture.ts';
import { VirtualTime } from './virtual-time.fixture.ts';

function cluster(zones: Readonly<Record<string, string>> = threeZones) {
  const time = new VirtualTime();
  const nodes = new FakeCluster(time, zones);
  const give = new AbortController();
  time.after(20_000, () => give.abort(new Error('too late')));
  const bootstrap = (chosen?: readonly string[]) =>
    time.during(
      bootstrapCatalog({
        nodes: [...nodes.all.keys()],
        chosen,
        calls: nodes,
        scheduler: time,
        signal: give.signal,
      }),
    );
  return { time, nodes, bootstrap };
}

describe('founding of the catalog', () => {
  it('founds it on one node a zone', async () => {
    const { nodes, bootstrap } = cluster({ ...threeZones, n4: 'a', n5: 'b' });
    expect(await bootstrap()).toEqual({ outcome: 'founded', nodes: ['n1', 'n2', 'n3'] });
    expect(nodes.groupOf(0n)?.membership.members).toHaveLength(3);
  });

  it('founds it on the nodes that are named', async () => {
    const { bootstrap } = cluster({ ...threeZones, n4: 'a' });
    expect(await bootstrap(['n4', 'n2', 'n3'])).toMatchObject({ nodes: ['n4', 'n2', 'n3'] });
    await expect(cluster().bootstrap(['n9'])).rejects.toThrow("there is no node 'n9'");
  });

  it('does nothing when there is one, even if most of its nodes were wiped', async () => {
    const { nodes, bootstrap } = cluster();
    await bootstrap();
    expect((await bootstrap()).outcome).toBe('found');
    nodes.wipe('n2');
    nodes.wipe('n3');
    expect((await bootstrap()).outcome).toBe('found');
    expect(nodes.creations).toHaveLength(3);
  });

  it('goes on with a founding that was interrupted', async () => {
    const { nodes, bootstrap, time } = cluster();
    nodes.beforeCall = ({ method, node }) =>
      method === methods.createReplica && node !== 'n1' ? new Promise(() => {}) : undefined;
    void bootstrap().catch(() => {});
    await time.pass(5_000);
    expect(nodes.replicaAt('n1', 0n)).toBeDefined();
    nodes.beforeCall = () => {};
    expect(await bootstrap()).toEqual({ outcome: 'founded', nodes: ['n1', 'n2', 'n3'] });
    expect(nodes.violations).toEqual([]);
  });

  it('waits for nodes that are away, and gives up in the end: they might have a catalog', async () => {
    const { nodes, bootstrap, time } = cluster();
    nodes.stop('n3');
    time.after(5_000, () => nodes.start('n3'));
    expect((await bootstrap()).outcome).toBe('founded');
    const other = cluster();
    other.nodes.stop('n3');
    await expect(other.bootstrap()).rejects.toThrow('too late');
    expect(other.nodes.creations).toEqual([]);
  });

  it('is refused over partitions of a catalog that is gone', async () => {
    const { nodes, bootstrap } = cluster();
    await nodes.callNode(
      'n2',
      methods.createReplica,
      {
        storeId: nodes.at('n2').storeId,
        replica: {
          partitionId: 7n,
          replicaId: 1,
          members: [{ replicaId: 1, node: 'n2', kind: 'voter' }],
        },
        configuration: undefined,
      },
      { timeoutMs: 1_000, signal: new AbortController().signal },
    );
    await expect(bootstrap()).rejects.toThrow('nothing is founded over them');
  });
});
