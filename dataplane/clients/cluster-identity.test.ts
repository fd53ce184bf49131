import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePorts } from '../free-port.fixture.ts';
import { ClusterProcesses, type MemberProcess, type PeerOf } from './cluster-processes.ts';
import { startServer } from './server-process.ts';

/** Who may take part in a cluster, and who may not: real processes, and what they say. */

/** Elections, snapshots and starts of processes, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

let cluster: ClusterProcesses;
beforeAll(async () => {
  // Whoever stands still for a while keeps its name all the same.
  cluster = await ClusterProcesses.start({ deadMs: 60_000 });
});
afterAll(() => cluster?.close());

describe('a topology that changes', () => {
  it('is read again on SIGHUP: a node comes', async () => {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const member = { ...cluster.node('a-1').member, id: 'd-1', zone: 'd', port, adminPort };
    const { topology } = cluster;
    const nodes = [...topology.nodes, member];
    cluster.writeTopology('topology.json', { ...topology, nodes });
    const fourth = cluster.stranger(member, cluster.topologyFile, 'd-1');
    const before = [...cluster.nodes, cluster.router];
    for (const process of before) process.signal('SIGHUP');
    fourth.start();
    await fourth.isReady();
    for (const process of before) {
      await process.becomes('/status', ({ body: { peers = [] } }) =>
        peers.some(({ id, isConnected }: PeerOf) => id === 'd-1' && isConnected),
      );
    }
    expect(await fourth.end('SIGTERM')).toBe(0);
  });

  it('is refused when it says what cannot be, and all goes on', async () => {
    const node = cluster.node('a-1');
    cluster.writeTopology('topology.json', { ...cluster.topology, region: 'eu-west-1' });
    node.signal('SIGHUP');
    await expect
      .poll(() => node.output)
      .toContain('"error":"region cannot change while processes run"');
    cluster.writeTopology('topology.json', '{');
    node.signal('SIGHUP');
    await expect.poll(() => node.output).toContain('is not a JSON object');
    cluster.writeTopology('topology.json', cluster.topology);
    await node.isReady();
  });
});

describe('what contradicts the cluster is refused', () => {
  /** A process that goes by the name of a node, in a topology that differs in what is given. */
  function pretender(
    id: string,
    data: string,
    { own = {}, topology = {} }: { readonly own?: object; readonly topology?: object },
  ): MemberProcess {
    const member = { ...cluster.node(id).member, ...own };
    const others = cluster.topology.nodes.filter((node) => node.id !== id);
    const all = { ...cluster.topology, ...topology, nodes: [member, ...others] };
    return cluster.stranger(member, cluster.writeTopology(`${data} of ${id}.json`, all), data);
  }

  const otherCluster = { clusterId: '11111111-2222-3333-4444-555555555555' };

  it.each<[string, object, RegExp]>([
    ['a second process of one name', {}, /another process is connected as a-1/],
    ['a node of another cluster', otherCluster, /belongs to cluster/],
  ])('%s: no peer takes it', async (data, topology, reason) => {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const second = pretender('a-1', data, { own: { port, adminPort }, topology });
    second.start();
    await second.becomes('/readyz', ({ status, body: { reasons } }) => {
      const [ofB = '', ofC = ''] = String(reasons).split('c-1 (');
      return status === 503 && reason.test(ofB) && reason.test(ofC);
    });
    await second.end('SIGKILL');
    await cluster.node('a-1').isReady();
  });

  it.each<[string, string, object, string]>([
    ['of another node', 'a-1', {}, 'belongs to node b-1, the topology says a-1'],
    [
      'of another zone',
      'b-1',
      { own: { zone: 'z' } },
      'belongs to node b-1 in zone b, the topology says z',
    ],
    [
      'of another cluster',
      'b-1',
      { topology: otherCluster },
      `belongs to cluster THIS, the topology says ${otherCluster.clusterId}`,
    ],
  ])('a data folder %s', async (_whose, id, difference, complaint) => {
    const folder = cluster.dataFolder('b-1');
    expect(await pretender(id, 'b-1', difference).run()).toEqual({
      status: 1,
      output: `trestle: ${folder} ${complaint.replace('THIS', cluster.topology.clusterId)}\n`,
    });
    await cluster.node('b-1').isReady();
  });

  it('a data folder in use', async () => {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const second = pretender('b-1', 'b-1', { own: { port, adminPort } });
    expect(await second.run()).toEqual({
      status: 1,
      output: expect.stringMatching(/^trestle: [^\n]*in use[^\n]*\n$/),
    });
  });

  it('a port in use', async () => {
    const { host, port } = cluster.node('a-1').member;
    const second = pretender('a-1', 'second', { own: { adminPort: (await freePorts(1))[0] } });
    const { status, output } = await second.run();
    expect([status, output]).toEqual([
      1,
      expect.stringContaining(`trestle: port ${port} of ${host} is in use: `),
    ]);
  });

  it('the folder of an embedded server, and a node’s folder given to one', async () => {
    const embedded = await startServer(['--data', cluster.dataFolder('embedded')]);
    await embedded.stop();
    expect(await pretender('a-1', 'embedded', {}).run()).toEqual({
      status: 1,
      output: `trestle: ${cluster.dataFolder('embedded')} holds the tables of an embedded server: a node needs a folder of its own\n`,
    });
    await expect(startServer(['--data', cluster.dataFolder('c-1')])).rejects.toThrow(
      /is the data folder of the node 'c-1' of a cluster: give another one/,
    );
  });

  it('a name that the topology does not have', async () => {
    const stranger = { ...cluster.node('a-1').member, id: 'z-9' };
    expect(await cluster.stranger(stranger, cluster.topologyFile, 'z-9').run()).toEqual({
      status: 1,
      output: "trestle: there is no node 'z-9' in the topology\n",
    });
  });
});
