import { describe, expect, it } from 'vitest';
import { emptyConf } from './applied-record.ts';
import { foundingConfiguration, membershipAfter, planChange } from './membership-change.ts';
import type { Member, MembershipChange } from './replica.ts';

const member = (replicaId: number, kind: Member['kind'] = 'voter'): Member => ({
  replicaId,
  node: `n${replicaId}`,
  kind,
});
const { membership } = foundingConfiguration([member(3), member(1), member(2, 'learner')]);

describe('changes of members', () => {
  it('founders: in order, with the ids behind theirs free', () => {
    expect(membership).toEqual({
      members: [member(1), member(2, 'learner'), member(3)],
      replicaIdNext: 4,
      epoch: 1,
      isJoint: false,
    });
    expect(foundingConfiguration([]).membership).toMatchObject({ replicaIdNext: 1, epoch: 0 });
  });

  it('new learners get the next ids, in order', () => {
    const change = { addLearners: [{ node: 'x' }, { node: 'y' }], promote: [2], remove: [1] };
    const { changes, context } = planChange(membership, change, 'nonce');
    expect(changes).toEqual([
      { kind: 'addLearner', replicaId: 4 },
      { kind: 'addLearner', replicaId: 5 },
      { kind: 'addVoter', replicaId: 2 },
      { kind: 'remove', replicaId: 1 },
    ]);
    expect(context).toEqual({
      nonce: 'nonce',
      nodes: [
        [4, 'x'],
        [5, 'y'],
      ],
      replicaIdNext: 6,
    });
  });

  const nonsense: readonly (readonly [string, MembershipChange])[] = [
    ['nothing', {}],
    ['a voter promoted', { promote: [1] }],
    ['a stranger promoted', { promote: [9] }],
    ['a stranger removed', { remove: [9] }],
    ['one named twice', { promote: [2], remove: [2] }],
  ];
  for (const [what, change] of nonsense) {
    it(`refused: ${what}`, () => {
      expect(() => planChange(membership, change, '')).toThrow(
        expect.objectContaining({ name: 'ProposalError', code: 'dropped' }),
      );
    });
  }

  it('a joint configuration has the members of both; what follows has the new ones alone', () => {
    const context = Buffer.from(
      JSON.stringify({ nonce: 'n', nodes: [[4, 'n4']], replicaIdNext: 5 }),
    );
    const joint = membershipAfter(
      membership,
      { ...emptyConf, voters: [2, 3], votersOutgoing: [1, 3], learners: [4], autoLeave: true },
      { index: 30, context },
    );
    expect(joint).toEqual({
      members: [member(1), member(2), member(3), member(4, 'learner')],
      replicaIdNext: 5,
      epoch: 30,
      isJoint: true,
    });
    const after = membershipAfter(
      joint,
      { ...emptyConf, voters: [2, 3], learners: [4] },
      { index: 31, context: new Uint8Array(0) },
    );
    expect(after).toEqual({
      members: [member(2), member(3), member(4, 'learner')],
      replicaIdNext: 5,
      epoch: 31,
      isJoint: false,
    });
  });
});
