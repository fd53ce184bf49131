import { describe, expect, it } from 'vitest';
import { methods, type TransferLeadershipCall } from '../routing/protocol.ts';
import { ControlPlane, table, threeZones } from './control.fixture.ts';

const PARTITIONS = [1n, 2n, 3n, 4n];

async function withTable(zones: Readonly<Record<string, string>> = threeZones) {
  const plane = await ControlPlane.open(zones);
  await plane.call('CreateTable', table());
  await plane.untilActive();
  await plane.time.pass(3_000);
  return plane;
}

/** Nodes of the voters, in order of replica ids. */
function votersOf(plane: ControlPlane, id: bigint): readonly string[] {
  const members = plane.cluster.groupOf(id)?.membership.members ?? [];
  return members.filter(({ kind }) => kind === 'voter').map(({ node }) => node);
}

function isWhole(plane: ControlPlane): boolean {
  return PARTITIONS.every((id) => {
    const members = plane.cluster.groupOf(id)?.membership.members ?? [];
    const isThere = members.every(
      ({ node, replicaId }) => plane.cluster.replicaAt(node, id)?.replicaId === replicaId,
    );
    return isThere && members.length === 3 && members.every(({ kind }) => kind === 'voter');
  });
}

describe('repair', () => {
  it('a wiped node gets new replicas under fresh ids, and only then are the lost ones taken out', async () => {
    const plane = await withTable();
    plane.cluster.wipe('n2');
    await plane.time.until(() => isWhole(plane));
    for (const id of PARTITIONS) {
      expect(plane.cluster.replicaAt('n2', id)?.replicaId).toBe(4);
      expect(
        plane.cluster.groupOf(id)?.membership.members.map(({ replicaId }) => replicaId),
      ).toEqual(expect.arrayContaining([4]));
    }
    expect(plane.cluster.violations).toEqual([]);
  });

  it('while nothing changes it looks seldom, and at once when something does', async () => {
    const plane = await withTable();
    await plane.time.pass(60_000);
    let looks = 0;
    const { cluster } = plane;
    const nodes = cluster.nodes.bind(cluster);
    cluster.nodes = () => {
      looks += 1;
      return nodes();
    };
    await plane.time.pass(60_000);
    expect(looks).toBeLessThan(60);
    looks = 0;
    cluster.wipe('n2');
    await plane.time.pass(3_000);
    expect(looks).toBeGreaterThan(3);
    await plane.time.until(() => isWhole(plane));
  });

  it('a node that is merely away is waited for', async () => {
    const plane = await withTable();
    plane.cluster.stop('n2');
    await plane.time.pass(3_600_000);
    plane.cluster.start('n2');
    await plane.time.pass(10_000);
    expect(plane.cluster.calls.filter(({ method }) => method === methods.changeMembers)).toEqual(
      [],
    );
    expect(isWhole(plane)).toBe(true);
  });

  it('a node that is away for longer than asked for is replaced; back again it drops what it has', async () => {
    const plane = await withTable({ ...threeZones, n4: 'b' });
    const away = votersOf(plane, 1n).find((node) => node === 'n2' || node === 'n4') ?? '';
    const other = away === 'n2' ? 'n4' : 'n2';
    plane.repair = { replaceAfterMs: 60_000 };
    await plane.failOver();
    plane.cluster.stop(away);
    await plane.time.pass(50_000);
    expect(votersOf(plane, 1n)).toContain(away);
    await plane.time.until(() => isWhole(plane) && votersOf(plane, 1n).includes(other));
    plane.cluster.start(away);
    await plane.time.until(() => plane.cluster.at(away).replicas.size === 0);
    expect(plane.cluster.violations).toEqual([]);
  });

  it('a new node brings partitions that have too few replicas up to three', async () => {
    const plane = await withTable({ n1: 'a', n2: 'b' });
    expect(votersOf(plane, 1n)).toHaveLength(2);
    plane.cluster.addNode('n3', 'c');
    await plane.time.until(() => isWhole(plane));
    expect(plane.cluster.violations).toEqual([]);
  });

  it('a learner whose state takes long to come is waited for', async () => {
    const plane = await withTable();
    plane.cluster.holdsSnapshots = true;
    plane.cluster.wipe('n2');
    await plane.time.pass(600_000);
    for (const id of PARTITIONS) {
      const learners = plane.cluster
        .groupOf(id)
        ?.membership.members.filter(({ kind }) => kind === 'learner');
      expect(learners).toEqual([{ replicaId: 4, node: 'n2', kind: 'learner' }]);
    }
    plane.cluster.holdsSnapshots = false;
    await plane.time.until(() => isWhole(plane));
  });

  it('a node that is wiped again while it is being repaired begins again under other ids', async () => {
    const plane = await withTable();
    plane.cluster.holdsSnapshots = true;
    plane.cluster.wipe('n2');
    await plane.time.pass(5_000);
    plane.cluster.wipe('n2');
    plane.cluster.holdsSnapshots = false;
    await plane.time.until(() => isWhole(plane));
    expect(plane.cluster.replicaAt('n2', 1n)?.replicaId).toBe(5);
    expect(plane.cluster.violations).toEqual([]);
  });

  it('a repair that a leader of the catalog began is finished by the next', async () => {
    const plane = await withTable();
    plane.cluster.holdsSnapshots = true;
    plane.cluster.wipe('n3');
    await plane.time.pass(5_000);
    await plane.failOver();
    plane.cluster.holdsSnapshots = false;
    await plane.time.until(() => isWhole(plane));
    expect(plane.cluster.replicaAt('n3', 1n)?.replicaId).toBe(4);
    expect(plane.cluster.violations).toEqual([]);
  });

  it('a founder that was wiped before it was created is never created: it is replaced', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n3');
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.wipe('n3');
    plane.cluster.start('n3');
    await plane.time.until(() => isWhole(plane));
    expect(plane.cluster.replicaAt('n3', 1n)?.replicaId).toBe(4);
    const made = plane.cluster.creations.filter(({ node }) => node === 'n3');
    expect(made.map(({ replicaId }) => replicaId)).toEqual([4, 4, 4, 4]);
  });

  it('a partition that lost most founders before it lived is founded anew, under other ids', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n2');
    plane.cluster.stop('n3');
    await plane.call('CreateTable', table());
    await plane.time.pass(10_000);
    plane.cluster.wipe('n2');
    plane.cluster.wipe('n3');
    plane.cluster.start('n2');
    plane.cluster.start('n3');
    await plane.untilActive();
    await plane.time.until(() => isWhole(plane));
    expect(plane.cluster.replicaAt('n1', 1n)?.replicaId).toBeGreaterThan(3);
    expect(plane.cluster.violations).toEqual([]);
  });

  it('leaders are spread over the nodes', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n2');
    for (const name of ['Table-A', 'Table-B', 'Table-C']) {
      await plane.call('CreateTable', table({ TableName: name }));
      await plane.untilActive(name);
    }
    plane.cluster.start('n2');
    await plane.time.pass(120_000);
    const counts = new Map<string, number>();
    for (const { leader = '' } of plane.cluster.groups) {
      counts.set(leader, (counts.get(leader) ?? 0) + 1);
    }
    expect(Math.max(...counts.values()) - (counts.get('n2') ?? 0)).toBeLessThanOrEqual(2);
  });

  it('a node that has just come back is given no leadership yet', async () => {
    const plane = await ControlPlane.open();
    const { cluster } = plane;
    cluster.stop('n2');
    for (const name of ['Table-A', 'Table-B', 'Table-C']) {
      await plane.call('CreateTable', table({ TableName: name }));
      await plane.untilActive(name);
    }
    const isGiven = () => cluster.calls.some(({ method }) => method === methods.transferLeadership);
    for (const pause of ['before it was well for long', 'for good']) {
      cluster.start('n2');
      await plane.time.pass(15_000);
      expect(isGiven(), pause).toBe(false);
      if (pause !== 'for good') cluster.stop('n2');
      await plane.time.pass(10_000);
    }
    await plane.time.until(isGiven);
  });

  it('a node that keeps no leadership is not given one all the time', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n2');
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.draining.add('n2');
    plane.cluster.start('n2');
    await plane.time.pass(110_000);
    const moves = plane.cluster.calls.filter(({ method }) => method === methods.transferLeadership);
    expect(moves.length).toBeLessThanOrEqual(2);
  });

  it('leadership is not given to a node that has lost its data since it reported', async () => {
    const plane = await ControlPlane.open();
    const { cluster } = plane;
    cluster.stop('n2');
    for (const name of ['Table-A', 'Table-B', 'Table-C']) {
      await plane.call('CreateTable', table({ TableName: name }));
      await plane.untilActive(name);
    }
    cluster.start('n2');
    await plane.time.until(() => isWhole(plane));
    const refresh = cluster.refresh.bind(cluster);
    let isWiped = false;
    cluster.refresh = async () => {
      if (!isWiped) cluster.wipe('n2');
      isWiped = true;
      await refresh();
    };
    const lacking: bigint[] = [];
    cluster.beforeCall = async ({ method, body }) => {
      if (method !== methods.transferLeadership) return;
      const { partitionId, toNode } = body as TransferLeadershipCall;
      if (cluster.replicaAt(toNode, partitionId) === undefined) lacking.push(partitionId);
    };
    await plane.time.until(() => cluster.groups.some(({ leader }) => leader === 'n2'));
    expect(isWiped).toBe(true);
    expect(lacking).toEqual([]);
  });
});
