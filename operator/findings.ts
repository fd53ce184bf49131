import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import type { Condition } from '../dataplane/kubernetes/table-types.ts';

/** A condition before it has its times. Conditions of all kinds are in kstatus' terms. */
export interface Finding {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
}

/** What keeps an object from becoming what it is to be, until somebody changes something. */
export interface Obstacle {
  readonly reason: string;
  readonly message: string;
}

/** An object with conditions in its status. */
interface Conditioned extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** `lastTransitionTime` moves only when the status of a condition does. */
export function timedConditions(
  { status, metadata }: Conditioned,
  findings: readonly Finding[],
  nowMs: number,
): Condition[] {
  const before = new Map(status?.conditions?.map((condition) => [condition.type, condition]));
  const observedGeneration = metadata.generation;
  return findings.map((finding) => {
    const old = before.get(finding.type);
    const isSame = old?.status === finding.status && !old.lastTransitionTime.startsWith('1970');
    return {
      ...finding,
      lastTransitionTime: isSame ? old.lastTransitionTime : rfc3339(nowMs),
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
    };
  });
}

/** The condition Stalled; undefined when nothing is in the way. */
export function stalledOf(obstacles: readonly Obstacle[]): Finding | undefined {
  const [first] = obstacles;
  if (first === undefined) return undefined;
  const message = obstacles.map((obstacle) => obstacle.message).join('; ');
  return { type: 'Stalled', status: 'True', reason: first.reason, message };
}

/** To the second, as Kubernetes has it. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Members that are undefined are no members: the API server takes none of them. */
export function withoutUndefined<T extends object>(
  value: {
    readonly [Member in keyof T]: T[Member] | undefined;
  },
): T {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  // As the parameter's type says, for members that may be left out.
  return Object.fromEntries(entries) as T;
}
