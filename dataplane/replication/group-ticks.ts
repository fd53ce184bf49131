import type { ReplicationContext } from './context.ts';
import type { ReplicaId } from './core/consensus-core.ts';
import type { PlainHeartbeat } from './core/message-head.ts';
import type { Group } from './group.ts';
import type { ReplicationLimits } from './limits.ts';

/**
 * One tick of the node's for one group. The core gets it at once only where it can make a difference;
 * others are owed, and handed over together when they can:
 *
 * - A leader counts ticks to its next heartbeats: all leaders of the node get theirs at the same
 *   tick, every `heartbeatTicks`, so that their heartbeats share frames.
 * - A follower counts ticks since it heard of its leader, and does nothing before there are
 *   `electionTicks`. While it hears of it, its count begins anew before any is handed over.
 *
 * Invariant: since a follower has heard of its leader last, its core has had no more ticks than have
 * passed. What depends on that (leases, who is let vote) holds as if the core had had each at once.
 */
export function tickGroup(context: ReplicationContext, group: Group, ticks: number): void {
  const { limits } = context;
  group.owedTicks += 1;
  if (group.isLeader) {
    if (group.transfer === undefined && ticks % limits.heartbeatTicks !== 0) return;
    // Nearer to a heartbeat than to none: from here on it is in step with the others.
    const isFirst = !group.isInStep && group.transfer === undefined;
    if (isFirst && group.owedTicks * 2 > limits.heartbeatTicks) {
      group.owedTicks = limits.heartbeatTicks;
    }
    group.isInStep = true;
  } else if (group.isInStep) {
    if (group.owedTicks < restTicks(limits)) return;
    group.isInStep = false;
  }
  handOverTicks(context, group);
}

/** To be called before a command whose effect is counted in ticks from then on. */
export function handOverTicks({ commands }: ReplicationContext, group: Group): void {
  const { owedTicks, handle } = group;
  if (owedTicks === 0) return;
  group.owedTicks = 0;
  const tick = { op: 'tick', group: handle } as const;
  for (let i = 0; i < owedTicks; i += 1) commands.push(tick);
}

/** A message of its leader is about to be stepped, with which the core counts from 0. */
export function heardLeader(group: Group): void {
  group.owedTicks = 0;
  group.isInStep = true;
}

/**
 * Whether the core, if it stepped this heartbeat, would do nothing but answer it: it comes from the
 * leader that the core follows, tells of no commit that is new, and no tick has been handed over
 * since that leader was heard of last.
 */
export function isNoNews(group: Group, from: ReplicaId, heartbeat: PlainHeartbeat): boolean {
  return (
    group.role === 'follower' &&
    group.isInStep &&
    from === group.leaderId &&
    heartbeat.from === from &&
    heartbeat.to === group.replicaId &&
    heartbeat.term === group.term &&
    heartbeat.commit <= group.commitIndex
  );
}

/** More than from one heartbeat to the next, and less than an election time-out. */
function restTicks({ heartbeatTicks, electionTicks }: ReplicationLimits): number {
  return Math.min(heartbeatTicks + 2, electionTicks - 1);
}
