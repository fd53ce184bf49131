import { conditionOf, isReady, type Pod, timeMs } from '../table/objects.ts';
import { complaintOf } from '../table/rollout-slots.ts';
import type { ObservedNode } from './observed.ts';

/** Clients ask for the list of nodes every 4 s: each node is known again before the next one goes. */
const SOAK_MS = 10_000;
/** A node with a new template that is not well after so long stops the rollout. */
const STOP_MS = 5 * 60_000;
const REVISION_LABEL = 'controller-revision-hash';

export type RolloutPhase = 'Waiting' | 'Restarting' | 'Soaking' | 'Stopped';

/** How far nodes are on their way to the newest template. */
export interface RolloutPlan {
  readonly phase: RolloutPhase;
  readonly message: string;
  /** The pod that goes next, now. */
  readonly deletion: { readonly pod: string; readonly uid: string } | undefined;
}

export interface RolloutFacts {
  readonly nodes: readonly ObservedNode[];
  readonly nodesCount: number;
  /** Of the newest template; undefined: the StatefulSet controller has not seen it yet. */
  readonly updateRevision: string | undefined;
  /** Another cluster whose turn it is. */
  readonly blockedBy: string | undefined;
  readonly nowMs: number;
}

/**
 * Which pod is to be replaced, so that all come to the newest template one at a time. A node goes when all
 * others serve, and have for a while; those that do not serve go first, since nobody loses them. While one
 * with the newest template is not well, no other one goes.
 *
 * Everything follows from the pods; a rollout that is interrupted goes on where it was.
 * @returns undefined when all pods that there are have the newest template
 */
export function planRollout(facts: RolloutFacts): RolloutPlan | undefined {
  const { nodes, nodesCount, updateRevision, blockedBy, nowMs } = facts;
  const own = nodes.filter(({ ordinal }) => ordinal < nodesCount);
  const outdated = own.filter(({ pod }) => isOutdated(pod, updateRevision));
  if (outdated.length === 0) return undefined;
  const progress = `${own.length - outdated.length} of ${nodesCount} nodes have the newest template`;
  const stay = (phase: RolloutPhase, why: string): RolloutPlan => ({
    phase,
    message: `${progress}; ${why}`,
    deletion: undefined,
  });
  const leaving = own.find(({ pod }) => isLeaving(pod));
  if (leaving !== undefined) return leavingPlan(leaving, stay, nowMs);
  if (own.length < nodesCount) return stay('Restarting', 'waiting for a new pod');
  const updated = own.filter((node) => !outdated.includes(node));
  const unwell = updated.find((node) => !isServing(node));
  if (unwell !== undefined) return unwellPlan(unwell, stay, nowMs);
  if (blockedBy !== undefined) return stay('Waiting', `${blockedBy} goes first`);
  const [idle] = outdated.toReversed().filter((node) => !isServing(node));
  if (idle !== undefined)
    return gone(idle, `${progress}; ${nameOf(idle)} does not serve and goes first`);
  const newest = updated.find((node) => nowMs - sinceMs(node) < SOAK_MS);
  if (newest !== undefined) return stay('Soaking', `watching ${nameOf(newest)}`);
  const last = outdated.at(-1);
  // There is one, or there would be no plan.
  return last === undefined ? undefined : gone(last, `${progress}; ${nameOf(last)} goes`);
}

/** Whether the node takes part: Kubernetes sends clients to it, and so do the others. */
export function isServing({ pod, view }: ObservedNode): boolean {
  return isReady(pod) && !isLeaving(pod) && !(view.kind === 'answered' && !view.isActive);
}

export function isLeaving({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function isOutdated({ metadata }: Pod, updateRevision: string | undefined): boolean {
  const revision = metadata.labels?.[REVISION_LABEL];
  return updateRevision !== undefined && revision !== updateRevision;
}

type Stay = (phase: RolloutPhase, why: string) => RolloutPlan;

/** On a machine that is lost, a pod ends when somebody says that the machine is gone. */
function leavingPlan(node: ObservedNode, stay: Stay, nowMs: number): RolloutPlan {
  const endsMs = timeMs(node.pod.metadata.deletionTimestamp) ?? nowMs;
  if (nowMs - endsMs < STOP_MS) return stay('Restarting', `${nameOf(node)} ends`);
  return stay('Stopped', `${nameOf(node)} does not end: the others stay as they are`);
}

function unwellPlan(node: ObservedNode, stay: Stay, nowMs: number): RolloutPlan {
  const { pod } = node;
  const complaint = complaintOf(pod);
  const why = `${nameOf(node)} is not ready${complaint === undefined ? '' : ` (${complaint})`}`;
  const createdMs = timeMs(pod.metadata.creationTimestamp) ?? nowMs;
  if (nowMs - createdMs < STOP_MS) return stay('Restarting', why);
  return stay('Stopped', `${why} after ${STOP_MS / 60_000} minutes: the others stay as they are`);
}

function gone(node: ObservedNode, message: string): RolloutPlan {
  const { name, uid } = node.pod.metadata;
  return {
    phase: 'Restarting',
    message,
    deletion: uid === undefined ? undefined : { pod: name, uid },
  };
}

function sinceMs({ pod }: ObservedNode): number {
  return timeMs(conditionOf(pod, 'Ready')?.lastTransitionTime) ?? 0;
}

function nameOf({ pod }: ObservedNode): string {
  return pod.metadata.name;
}
