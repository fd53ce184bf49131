import type { ApplyUnit } from './applier.ts';
import type { ReplicationContext } from './context.ts';
import type { CoreRecord } from './core/consensus-core.ts';
import type { Group } from './group.ts';
import { ReadRounds } from './read-rounds.ts';
import { ProposalError, type ProposalErrorCode } from './replica.ts';

type SoftRecord = Extract<CoreRecord, { kind: 'soft' }>;

/**
 * Who leads, as the core tells, and what follows from it: proposals, reads and changes under way end
 * with the leadership, and the owner is told. In this order, within one turn: fields, proposals
 * settled, `onLostLeadership`.
 */
export function takeSoft(group: Group, record: SoftRecord): void {
  const role = record.role === 'preCandidate' ? 'candidate' : record.role;
  const leads = role === 'leader';
  const isSame = group.isLeader === leads && record.term === group.term;
  const isLost = group.isLeader && !isSame;
  if (record.leader !== group.leaderId) group.staleness.forgetWaiting();
  group.role = role;
  group.term = record.term;
  group.leaderId = record.leader;
  // The core counts from 0 at every such change.
  group.owedTicks = 0;
  group.isInStep = false;
  group.changed();
  if (isLost) endLeadership(group, 'leadership was lost', 'notLeader');
  if (leads && !isSame) {
    group.lease.reset();
    group.floorIndex = 0;
    group.progress = [];
  }
  if (record.leader !== 0) group.foundingTicks = undefined;
  if (record.leader !== 0 && record.leader !== group.replicaId) {
    group.transfer?.resolve();
    group.transfer = undefined;
  }
}

/**
 * Settles what was under way under a leadership that is over. `other`: the code for proposals that
 * no log has seen.
 */
export function endLeadership(group: Group, message: string, other: ProposalErrorCode): void {
  group.proposals.failAll(message, other);
  group.reads.fail(new ProposalError('notLeader', message));
  group.lease.reset();
  if (!isChangeDecided(group)) {
    group.change?.reject(new ProposalError('unknown', message));
    group.change = undefined;
  }
  if (!group.isReady) return;
  group.isReady = false;
  group.listener?.onLostLeadership();
}

/** The core does not hold it any more: it is a follower of nobody. */
export function leaveCore(group: Group, message: string): void {
  group.handle = 0;
  group.exits += 1;
  group.owedTicks = 0;
  group.isInStep = false;
  group.role = 'follower';
  group.leaderId = 0;
  group.changed();
  group.foundingTicks = undefined;
  group.staleness.forgetWaiting();
  endLeadership(group, message, 'unavailable');
  group.transfer?.reject(new ProposalError('unknown', message));
  group.transfer = undefined;
}

/** Effects are visible: tells the owner, settles proposals, and whatever waited for the index. */
export function applied(context: ReplicationContext, unit: ApplyUnit): void {
  const { group, entries, configuration, effects, seq } = unit;
  const last = entries.at(-1);
  if (last === undefined || group.state === 'gone') return;
  group.appliedIndex = last.index;
  context.metrics.entriesApplied += entries.length;
  if (configuration !== undefined) {
    group.configure(configuration);
    group.changed();
  }
  if (effects.length > 0) group.listener?.onApplied(effects);
  for (const { index, term } of entries) group.proposals.applied(index, term);
  group.staleness.applied(last.index);
  group.reads.applied(last.index);
  if (configuration !== undefined) endChange(unit);
  if (seq !== undefined && group.handle === unit.handle && group.handle !== 0) {
    // Only bounds and later changes of membership depend on it.
    context.commands.pushLater({ op: 'applyAck', group: group.handle, seq });
  }
  if (!group.isReady && group.isLeader && entries.some(isOfTerm(group.term))) {
    group.isReady = true;
    group.listener?.onLeader(group.term);
    group.reads.renew();
  }
}

/** What a leader begins its term with: once it is applied, so is all that was committed before. */
function isOfTerm(term: number) {
  return (entry: { readonly kind: string; readonly term: number }) =>
    entry.kind === 'empty' && entry.term === term;
}

/** Only the new configuration holds: it is to be applied yet. A leader that removes itself ends so. */
function isChangeDecided({ change, handle, nextConfiguration }: Group): boolean {
  return handle !== 0 && change?.index !== undefined && !nextConfiguration.membership.isJoint;
}

function endChange({ group, configuration, entries }: ApplyUnit): void {
  const { change } = group;
  const membership = configuration?.membership;
  if (change?.index === undefined || membership === undefined || membership.isJoint) return;
  if ((entries.at(-1)?.index ?? 0) < change.index) return;
  group.change = undefined;
  change.resolve(membership);
}

/** The read index rounds of a group, as its lease and the core see them. */
export function newReadRounds(
  context: ReplicationContext,
  group: Group,
  turn: () => number,
): ReadRounds {
  const { scheduler, commands } = context;
  return new ReadRounds({
    ask: (number) =>
      commands.push({ op: 'readIndex', group: group.handle, context: number }, (message) =>
        group.reads.fail(new ProposalError('notLeader', message)),
      ),
    monotonicMs: () => scheduler.monotonicMs(),
    turn,
    onConfirmed: (issuedMs) => {
      group.lease.extend(issuedMs);
      group.staleness.confirmed(issuedMs);
    },
  });
}
