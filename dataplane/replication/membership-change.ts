import type { ConfChangeKind, ConfState, ReplicaId } from './core/consensus-core.ts';
import { type Member, type Membership, type MembershipChange, ProposalError } from './replica.ts';

/** A change as the core takes it, and what travels with its entry. */
export interface PlannedChange {
  readonly changes: readonly { readonly kind: ConfChangeKind; readonly replicaId: ReplicaId }[];
  readonly context: ChangeContext;
}

/** What the entry of a change tells beside what the core makes of it. JSON in the entry's context. */
export interface ChangeContext {
  /** Names this change, among others that may be proposed for the same configuration. */
  readonly nonce: string;
  /** Where the new replicas are. */
  readonly nodes: readonly (readonly [ReplicaId, string])[];
  readonly replicaIdNext: ReplicaId;
}

/**
 * Checks a change against the membership and numbers its new replicas.
 * @throws ProposalError `dropped` for a change that makes no sense
 */
export function planChange(
  membership: Membership,
  change: MembershipChange,
  nonce: string,
): PlannedChange {
  const { members, replicaIdNext } = membership;
  const kinds = new Map(members.map(({ replicaId, kind }) => [replicaId, kind]));
  const added = (change.addLearners ?? []).map(({ node }, i) => [replicaIdNext + i, node] as const);
  const promoted = change.promote ?? [];
  const removed = change.remove ?? [];
  for (const id of promoted) {
    if (kinds.get(id) !== 'learner') throw refusal(`replica ${id} is no learner`);
  }
  for (const id of removed) {
    if (!kinds.has(id)) throw refusal(`replica ${id} is no member`);
  }
  const named = [...promoted, ...removed];
  if (new Set(named).size !== named.length) throw refusal('a replica is named twice');
  const changes = [
    ...added.map(([replicaId]) => ({ kind: 'addLearner' as const, replicaId })),
    ...promoted.map((replicaId) => ({ kind: 'addVoter' as const, replicaId })),
    ...removed.map((replicaId) => ({ kind: 'remove' as const, replicaId })),
  ];
  if (changes.length === 0) throw refusal('there is nothing to change');
  const context = { nonce, nodes: added, replicaIdNext: replicaIdNext + added.length };
  return { changes, context };
}

/** The membership behind a conf entry: who is what says the core, where says the entry's context. */
export function membershipAfter(
  before: Membership,
  conf: ConfState,
  entry: { readonly index: number; readonly context: Uint8Array | undefined },
): Membership {
  const context = readChangeContext(entry.context);
  const nodes = new Map<ReplicaId, string>([
    ...before.members.map(({ replicaId, node }) => [replicaId, node] as const),
    ...(context?.nodes ?? []),
  ]);
  const voters = new Set([...conf.voters, ...conf.votersOutgoing]);
  const ids = new Set([...voters, ...conf.learners, ...conf.learnersNext]);
  const members = [...ids]
    .sort((a, b) => a - b)
    .map(
      (replicaId): Member => ({
        replicaId,
        node: nodes.get(replicaId) ?? '',
        kind: voters.has(replicaId) ? 'voter' : 'learner',
      }),
    );
  return {
    members,
    replicaIdNext: Math.max(before.replicaIdNext, context?.replicaIdNext ?? 0),
    epoch: entry.index,
    isJoint: conf.votersOutgoing.length > 0,
  };
}

/** Undefined for an entry that only leaves a joint configuration. */
export function readChangeContext(context: Uint8Array | undefined): ChangeContext | undefined {
  if (context === undefined || context.length === 0) return undefined;
  // Written by a leader's `changeMembers`; the log's checksums vouch for it.
  return JSON.parse(Buffer.from(context).toString('utf8')) as ChangeContext;
}

/** What founders begin with: all of them voters, replica ids below the next given out. */
export function foundingConfiguration(members: readonly Member[]): {
  readonly membership: Membership;
  readonly conf: ConfState;
} {
  const sorted = [...members].sort((a, b) => a.replicaId - b.replicaId);
  const idsOf = (kind: Member['kind']) =>
    sorted.filter((member) => member.kind === kind).map(({ replicaId }) => replicaId);
  return {
    membership: {
      members: sorted,
      replicaIdNext: (sorted.at(-1)?.replicaId ?? 0) + 1,
      epoch: sorted.length === 0 ? 0 : 1,
      isJoint: false,
    },
    conf: {
      voters: idsOf('voter'),
      learners: idsOf('learner'),
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    },
  };
}

function refusal(message: string): ProposalError {
  return new ProposalError('dropped', message);
}
