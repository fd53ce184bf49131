import { describe, expect, it } from 'vitest';
import type { Member } from '../replication/replica.ts';
import type { PartitionReport } from '../routing/protocol.ts';
import type { ObservedNode } from './cluster-view.ts';
import { planTransfer } from './leader-balance.ts';

const members: readonly Member[] = ['n1', 'n2', 'n3'].map((node, i) => ({
  replicaId: i + 1,
  node,
  kind: 'voter',
}));

/** Three nodes, all with a replica of each partition; `leaders` lead them, from partition 1 on. */
function nodes(
  leaders: readonly string[],
  change: (report: PartitionReport, node: string) => PartitionReport = (report) => report,
): readonly ObservedNode[] {
  return members.map(({ node, replicaId }) => {
    const partitions = new Map<bigint, PartitionReport>();
    for (const [i, leader] of leaders.entries()) {
      const partitionId = BigInt(i + 1);
      const report: PartitionReport = {
        partitionId,
        tableId: 't',
        indexId: 0,
        membership: { members, replicaIdNext: 4, epoch: 1, isJoint: false },
        term: 2,
        leader,
        replica: {
          replicaId,
          isReadyLeader: leader === node,
          appliedIndex: 1_000,
          failure: undefined,
        },
        items: 0,
        bytes: 0,
        localIndexes: [],
        configurationVersion: 1,
      };
      partitions.set(partitionId, change(report, node));
    }
    const rest = {
      zone: node,
      isConnected: true,
      storeId: node,
      processId: node,
      halted: undefined,
    };
    return { node, partitions, ...rest };
  });
}

describe('the balance of leaders', () => {
  it('one that leads three more than another gives one away', () => {
    expect(planTransfer(nodes(['n1', 'n1', 'n1', 'n2']))).toEqual({
      partitionId: 1n,
      toNode: 'n3',
    });
  });
  it('small differences are left alone', () => {
    expect(planTransfer(nodes(['n1', 'n1', 'n2']))).toBeUndefined();
    expect(planTransfer(nodes([]))).toBeUndefined();
  });
  it('moving comes to an end', () => {
    const leaders = Array<string>(30).fill('n1');
    let moves = 0;
    for (;;) {
      const transfer = planTransfer(nodes(leaders));
      if (transfer === undefined) break;
      leaders[Number(transfer.partitionId) - 1] = transfer.toNode;
      moves += 1;
      expect(moves).toBeLessThan(30);
    }
    for (const node of ['n1', 'n2', 'n3']) {
      const count = leaders.filter((leader) => leader === node).length;
      expect(count).toBeGreaterThanOrEqual(9);
    }
  });
  it('a group with a member that is away, lags or has failed is left alone', () => {
    const leaders = ['n1', 'n1', 'n1'];
    const away = nodes(leaders).map((node) =>
      node.node === 'n2' ? { ...node, isConnected: false } : node,
    );
    expect(planTransfer(away)).toBeUndefined();
    const halted = nodes(leaders).map((node) =>
      node.node === 'n2' ? { ...node, halted: 'x' } : node,
    );
    expect(planTransfer(halted)).toBeUndefined();
    const ofTwo = (replica: Partial<PartitionReport['replica']>) =>
      nodes(leaders, (report, node) =>
        node === 'n2' ? { ...report, replica: { ...report.replica, ...replica } } : report,
      );
    expect(planTransfer(ofTwo({ appliedIndex: 100 }))).toBeUndefined();
    expect(planTransfer(ofTwo({ failure: 'damaged' }))).toBeUndefined();
    expect(planTransfer(ofTwo({ replicaId: 9 }))).toBeUndefined();
    const joint = nodes(leaders, (report) => ({
      ...report,
      membership: { ...report.membership, isJoint: true },
    }));
    expect(planTransfer(joint)).toBeUndefined();
  });
  it('the catalog stays where it is', () => {
    const leaders = ['n1', 'n1', 'n1'];
    const catalog = nodes(leaders, (report) => ({ ...report, partitionId: 0n }));
    expect(planTransfer(catalog)).toBeUndefined();
  });
});
