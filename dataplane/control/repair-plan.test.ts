import { describe, expect, it } from 'vitest';
import type { Member, Membership } from '../replication/replica.ts';
import type { PartitionReport } from '../routing/protocol.ts';
import type { ObservedNode } from './cluster-view.ts';
import type { Founder, PlacedReplica, Placement } from './placement-records.ts';
import { planRepairs, type RepairInput, type RepairStep } from './repair-plan.ts';

/**
 * Group 7: replicas 1, 2 and 3 on n1, n2 and n3, in zones a, b and c; n1 leads. Each case says what
 * is otherwise.
 */
const ID = 7n;
const zones: Readonly<Record<string, string>> = { n1: 'a', n2: 'b', n3: 'c', n4: 'a', n5: 'b' };

interface NodeCase {
  readonly isConnected?: boolean;
  readonly halted?: string;
  readonly storeId?: string;
  /** Undefined: it reports none. */
  readonly replica?: { readonly id: number; readonly applied?: number; readonly failure?: string };
  /** As it knows it; the group's by default. */
  readonly membership?: Membership;
}

interface Case {
  readonly nodes?: Readonly<Record<string, NodeCase>>;
  readonly members?: readonly Member[];
  readonly next?: number;
  readonly epoch?: number;
  readonly isJoint?: boolean;
  readonly leader?: string;
  readonly founders?: readonly Founder[];
  readonly others?: readonly PlacedReplica[];
  readonly isFounded?: boolean;
  readonly input?: Partial<RepairInput>;
}

const voter = (replicaId: number, node: string): Member => ({ replicaId, node, kind: 'voter' });
const learner = (replicaId: number, node: string): Member => ({ replicaId, node, kind: 'learner' });
const place = (replicaId: number, node: string, storeId = `store-${node}`): PlacedReplica => {
  return { replicaId, node, storeId };
};
const founder = (replicaId: number, state: Founder['state'] = 'created'): Founder => ({
  ...place(replicaId, `n${replicaId}`),
  state,
});
const three = [voter(1, 'n1'), voter(2, 'n2'), voter(3, 'n3')];
const wiped = { storeId: 'another' };

function plan(given: Case): readonly RepairStep[] {
  const { members = three, epoch = 5, isJoint = false, leader = 'n1' } = given;
  const replicaIdNext = given.next ?? 1 + Math.max(...members.map(({ replicaId }) => replicaId));
  const membership: Membership = { members, replicaIdNext, epoch, isJoint };
  const usual = Object.fromEntries(
    members.map(({ node, replicaId }) => [node, { replica: { id: replicaId } }]),
  );
  const cases: Readonly<Record<string, NodeCase>> = { ...usual, ...given.nodes };
  const nodes = Object.entries(cases).map(([node, each]) =>
    nodeOf(node, each, { membership, leader }),
  );
  const placement: Placement = {
    partitionId: ID,
    tableId: 't',
    indexId: 0,
    founders: given.founders ?? [founder(1), founder(2), founder(3)],
    foundingVersion: 1,
    isFounded: given.isFounded ?? true,
    others: given.others ?? [],
  };
  return planRepairs({
    nodes,
    placements: [placement],
    dropped: new Set(),
    candidates: nodes.map(({ node, zone, isConnected, halted }) => ({
      node,
      zone,
      isHealthy: isConnected && halted === undefined,
      replicasCount: 0,
    })),
    memberships: new Map(),
    unsettled: new Set(),
    learnersCountMax: 8,
    replaceAfterMs: undefined,
    awayMs: (node) => (cases[node]?.isConnected === false ? 1_000_000 : 0),
    missingMs: () => 1_000_000,
    ...given.input,
  });
}

function nodeOf(
  node: string,
  { isConnected = true, halted, storeId = `store-${node}`, replica, membership }: NodeCase,
  group: { readonly membership: Membership; readonly leader: string },
): ObservedNode {
  const partitions = new Map<bigint, PartitionReport>();
  if (replica !== undefined && storeId === `store-${node}`) {
    partitions.set(ID, {
      partitionId: ID,
      tableId: 't',
      indexId: 0,
      membership: membership ?? group.membership,
      term: 3,
      leader: group.leader,
      replica: {
        replicaId: replica.id,
        isReadyLeader: node === group.leader,
        appliedIndex: replica.applied ?? 10_000,
        failure: replica.failure,
      },
      items: 0,
      bytes: 0,
      localIndexes: [],
      configurationVersion: 1,
    });
  }
  return {
    node,
    zone: zones[node] ?? '',
    isConnected,
    halted,
    storeId,
    processId: storeId,
    partitions,
  };
}

const nothing: readonly RepairStep[] = [];
const addLearner = (node: string) => ({ kind: 'addLearner', partitionId: ID, node });
const create = (replica: PlacedReplica) => ({ kind: 'create', partitionId: ID, replica });
const drop = (replica: PlacedReplica) => ({ kind: 'drop', partitionId: ID, replica });
const change = (promote: readonly number[], remove: readonly number[]) => ({
  kind: 'change',
  partitionId: ID,
  promote,
  remove,
});
const withLearner = [...three, learner(4, 'n3')];
/** n3 has lost its data; 4 is to be there in place of 3. */
const inRepair = { members: withLearner, founders: [founder(1), founder(2), place3Lost()] };

function place3Lost(): Founder {
  return { ...place(3, 'n3', 'lost-store'), state: 'created' };
}

const cases: readonly (readonly [string, Case, readonly object[]])[] = [
  ['all is well: nothing', {}, nothing],
  [
    'a node is away: nothing',
    { nodes: { n3: { isConnected: false, replica: { id: 3 } } } },
    nothing,
  ],
  [
    'a node takes no part: nothing, whatever it reports',
    { nodes: { n3: { halted: 'the disk is full' } } },
    nothing,
  ],
  [
    'a node is away for longer than asked for: a learner in its zone, or where there is room',
    {
      nodes: { n3: { isConnected: false, replica: { id: 3 } }, n4: {} },
      input: { replaceAfterMs: 60_000 },
    },
    [addLearner('n4')],
  ],
  ['a wiped node: a learner there', { nodes: { n3: wiped } }, [addLearner('n3')]],
  [
    'a wiped node that is away again: a learner on another one',
    { nodes: { n3: { ...wiped, isConnected: false }, n4: {}, n5: {} } },
    [addLearner('n4')],
  ],
  [
    'a wiped node and no other: nothing',
    { nodes: { n3: { ...wiped, isConnected: false } } },
    nothing,
  ],
  [
    'a replica that its node does not report for long: a learner',
    { nodes: { n3: {} } },
    [addLearner('n3')],
  ],
  [
    'a replica that its node does not report since lately: nothing',
    { nodes: { n3: {} }, input: { missingMs: () => 1_000 } },
    nothing,
  ],
  [
    'a founder that is still to be made: nothing, that is seen to elsewhere',
    { nodes: { n3: {} }, founders: [founder(1), founder(2), founder(3, 'open')] },
    nothing,
  ],
  [
    'a founder that is known to be lost: a learner',
    { nodes: { n3: {} }, founders: [founder(1), founder(2), founder(3, 'lost')] },
    [addLearner('n3')],
  ],
  [
    'a group that may still have to begin anew: nothing',
    { nodes: { n3: wiped }, isFounded: false },
    nothing,
  ],
  [
    'a damaged replica: it goes, to make room for a learner',
    { nodes: { n3: { replica: { id: 3, failure: 'a block is bad' } } } },
    [drop(place(3, 'n3'))],
  ],
  [
    'a damaged replica whose vote is needed, as another node is away: a learner elsewhere',
    {
      nodes: {
        n2: { isConnected: false, replica: { id: 2 } },
        n3: { replica: { id: 3, failure: 'a block is bad' } },
        n4: {},
      },
    },
    [addLearner('n4')],
  ],
  [
    'a damaged replica whose vote is needed, and no node to spare: nothing',
    {
      nodes: {
        n2: { isConnected: false, replica: { id: 2 } },
        n3: { replica: { id: 3, failure: 'a block is bad' } },
      },
    },
    nothing,
  ],
  ['no leader: nothing', { nodes: { n3: wiped }, leader: 'nobody' }, nothing],
  ['a joint change is under way: nothing', { nodes: { n3: wiped }, isJoint: true }, nothing],
  [
    'the outcome of the last change is open: nothing',
    { nodes: { n3: wiped }, input: { unsettled: new Set([ID]) } },
    nothing,
  ],
  [
    'the leader’s report is older than its last answer: nothing',
    {
      nodes: { n3: wiped },
      input: {
        memberships: new Map([
          [ID, { members: withLearner, replicaIdNext: 5, epoch: 6, isJoint: false }],
        ]),
      },
    },
    nothing,
  ],
  [
    'others are being repaired already: later',
    { nodes: { n3: wiped }, input: { learnersCountMax: 0 } },
    nothing,
  ],
  [
    'a learner that was added: it is made where it was written down',
    { ...inRepair, nodes: { n3: {} }, others: [place(4, 'n3')] },
    [create(place(4, 'n3'))],
  ],
  [
    'a learner that was not written down: it has not been made, and is',
    { ...inRepair, nodes: { n3: {} } },
    [create(place(4, 'n3'))],
  ],
  [
    'a learner whose node was wiped since: it goes, and never comes back under this id',
    { ...inRepair, nodes: { n3: wiped }, others: [place(4, 'n3')] },
    [change([], [4])],
  ],
  [
    'a learner whose node refuses to make it: it goes',
    {
      ...inRepair,
      nodes: { n3: {} },
      others: [{ ...place(4, 'n3'), isLost: true } as PlacedReplica],
    },
    [change([], [4])],
  ],
  [
    'a learner whose node is away for long: it goes',
    { ...inRepair, nodes: { n3: { isConnected: false } }, others: [place(4, 'n3')] },
    [change([], [4])],
  ],
  [
    'a learner that has caught up: in one step it votes, and the lost one goes',
    { ...inRepair, nodes: { n3: { replica: { id: 4 } } }, others: [place(4, 'n3')] },
    [change([4], [3])],
  ],
  [
    'a learner that lags: it is waited for',
    { ...inRepair, nodes: { n3: { replica: { id: 4, applied: 100 } } }, others: [place(4, 'n3')] },
    nothing,
  ],
  [
    'a learner whose state is not whole: it is waited for',
    {
      ...inRepair,
      nodes: {
        n3: {
          replica: { id: 4 },
          membership: { members: [], replicaIdNext: 1, epoch: 0, isJoint: false },
        },
      },
      others: [place(4, 'n3')],
    },
    nothing,
  ],
  [
    'a learner, but no quorum would be left with it: it is waited for',
    {
      ...inRepair,
      nodes: {
        n2: { isConnected: false, replica: { id: 2 } },
        n5: { isConnected: false, replica: { id: 5 } },
        n3: { replica: { id: 4 } },
      },
      founders: [founder(1), founder(2), place3Lost()],
      others: [place(4, 'n3'), place(5, 'n5')],
      members: [voter(1, 'n1'), voter(2, 'n2'), voter(5, 'n5'), voter(3, 'n3'), learner(4, 'n3')],
    },
    nothing,
  ],
  [
    'two learners: one goes',
    {
      members: [...withLearner, learner(5, 'n3')],
      founders: inRepair.founders,
      nodes: { n3: { replica: { id: 4 } } },
      others: [place(4, 'n3')],
    },
    [change([], [5])],
  ],
  [
    'a learner that nobody needs: it goes',
    { members: [...three, learner(4, 'n4')], others: [place(4, 'n4')] },
    [change([], [4])],
  ],
  [
    'too few voters: a learner in a zone without one',
    { members: [voter(1, 'n1'), voter(2, 'n2')], nodes: { n3: {}, n4: {} } },
    [addLearner('n3')],
  ],
  ['two voters and two nodes: nothing', { members: [voter(1, 'n1'), voter(2, 'n2')] }, nothing],
  [
    'an additional learner that has caught up votes',
    { members: [voter(1, 'n1'), voter(2, 'n2'), learner(4, 'n3')], others: [place(4, 'n3')] },
    [change([4], [])],
  ],
  [
    'a former member that is still there goes',
    {
      members: [voter(1, 'n1'), voter(2, 'n2'), voter(4, 'n4')],
      nodes: { n3: { replica: { id: 3 } } },
      others: [place(4, 'n4')],
      founders: [founder(1), founder(2), founder(3)],
    },
    [drop(place(3, 'n3'))],
  ],
  [
    'one that is about to join stays',
    { nodes: { n4: { replica: { id: 4 } } }, others: [place(4, 'n4')] },
    nothing,
  ],
  [
    'one under the id of a member on another node goes',
    {
      members: [voter(1, 'n1'), voter(2, 'n2'), voter(4, 'n3')],
      nodes: { n4: { replica: { id: 4 } } },
      founders: [founder(1), founder(2)],
      others: [place(4, 'n3')],
    },
    [drop(place(4, 'n4'))],
  ],
  [
    'what is left of a former member that is gone is forgotten',
    {
      members: [voter(1, 'n1'), voter(2, 'n2'), voter(4, 'n3')],
      founders: [founder(1), founder(2), place3Lost()],
      others: [place(4, 'n3')],
    },
    [{ kind: 'forget', partitionId: ID, replica: place3Lost() }],
  ],
  [
    'a founder that was never made and is no member any more is written off',
    {
      members: [voter(1, 'n1'), voter(2, 'n2'), voter(4, 'n4')],
      nodes: { n3: { isConnected: false } },
      founders: [founder(1), founder(2), founder(3, 'open')],
      others: [place(4, 'n4')],
    },
    [{ kind: 'writeOff', partitionId: ID, replicaId: 3 }],
  ],
  [
    'members that were not written down are',
    { founders: [founder(1), founder(2)] },
    [{ kind: 'adopt', partitionId: ID, replica: place(3, 'n3') }],
  ],
  [
    'a replica of a partition that was dropped goes',
    { input: { placements: [], dropped: new Set([ID]) } },
    [drop(place(1, 'n1')), drop(place(2, 'n2')), drop(place(3, 'n3'))],
  ],
  [
    'a replica of a partition that nobody knows of stays: it may be all that is left of a catalog',
    { input: { placements: [] } },
    nothing,
  ],
];

describe('the plan of repairs', () => {
  for (const [name, given, steps] of cases) {
    it(name, () => expect(plan(given)).toEqual(steps));
  }
});
