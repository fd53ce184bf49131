import type { ReplicationContext } from './context.ts';
import type { ReplicaId } from './core/consensus-core.ts';
import type { Group } from './group.ts';
import { ProposalError } from './replica.ts';
import { pause } from './scheduler.ts';

/** Groups handed over at once: each costs the new leader a synced write. */
const TRANSFERS_MAX = 64;
const ATTEMPTS_MAX = 2;

/** Hands all leaderships of a node to others, as far as these take them. */
export async function transferAll(context: ReplicationContext): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const groups = [...context.allGroups()].filter(({ isLeader, handle }) => isLeader && handle);
    if (groups.length === 0) return;
    for (const { handle } of groups) context.commands.push({ op: 'status', group: handle });
    await pause(context.scheduler, context.limits.tickMs);
    const waiting = groups.values();
    await Promise.all(
      Array.from({ length: TRANSFERS_MAX }, async () => {
        for (const group of waiting) await transferOne(group);
      }),
    );
  }
}

async function transferOne(group: Group): Promise<void> {
  const to = successor(group);
  if (to === undefined || !group.isLeader || group.replica === undefined) return;
  try {
    await group.replica.transferLeadership(to);
  } catch (error) {
    // It stays where it is; the node's end will move it.
    if (!(error instanceof ProposalError)) throw error;
  }
}

/**
 * The voter that has most of the log and is alive, as far as one can tell: raft counts members of an
 * idle group as inactive, so one that has the whole log will do too.
 */
function successor(group: Group): ReplicaId | undefined {
  const { members } = group.configuration.membership;
  const isVoter = (id: ReplicaId) =>
    members.some(({ replicaId, kind }) => replicaId === id && kind === 'voter');
  return [...group.progress]
    .filter(
      ({ replicaId, isRecentlyActive, matchIndex }) =>
        (isRecentlyActive || matchIndex >= group.log.lastIndex) && isVoter(replicaId),
    )
    .sort((a, b) => b.matchIndex - a.matchIndex)
    .at(0)?.replicaId;
}
