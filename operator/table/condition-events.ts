import type { Condition, TableStatus } from '../../dataplane/kubernetes/table-types.ts';
import type { TableEvent } from './steps.ts';

/** Conditions whose reason is an event when it begins, by type. */
const TOLD: Readonly<Record<string, (condition: Condition) => boolean>> = {
  // A rollout tells of itself, with its other steps.
  Stalled: ({ status, reason }) => status === 'True' && reason !== 'RolloutStopped',
  StorageReady: ({ reason }) => reason === 'ExpansionFailed' || reason === 'ExpansionUnsupported',
};

/**
 * What people have to do something about, told once, when the status begins to say so: what lasts is in
 * the conditions, and another wording of the same reason is no news.
 */
export function conditionEvents(
  before: TableStatus | undefined,
  now: TableStatus,
): readonly TableEvent[] {
  return (now.conditions ?? []).flatMap((condition): readonly TableEvent[] => {
    const { type, reason, message } = condition;
    if (TOLD[type]?.(condition) !== true) return [];
    const former = before?.conditions?.find((each) => each.type === type);
    if (former?.reason === reason) return [];
    return [{ type: 'Warning', reason, message }];
  });
}
