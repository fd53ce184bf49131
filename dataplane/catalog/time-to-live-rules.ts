import { timeToLiveFaults } from '../errors/tables.ts';
import type { TimeToLiveSetting } from './descriptor.ts';
import { TIME_TO_LIVE_COOLDOWN_MS } from './limits.ts';

export interface TimeToLiveSpecification {
  readonly Enabled: boolean;
  readonly AttributeName: string;
}

/**
 * The setting after UpdateTimeToLive. What is asked for is checked before how often it is asked.
 * @throws ClientFault ValidationException
 * @see reference/dynamodb.md §6, §10
 */
export function planTimeToLive(
  current: TimeToLiveSetting,
  { Enabled: enable, AttributeName: attribute }: TimeToLiveSpecification,
  nowMs: number,
): TimeToLiveSetting {
  const isOn = current.status === 'ENABLED' || current.status === 'ENABLING';
  if (isOn && current.attribute !== undefined && current.attribute !== attribute) {
    throw timeToLiveFaults.otherAttribute(current.attribute);
  }
  if (isOn && enable) throw timeToLiveFaults.alreadyEnabled();
  if (!(isOn || enable)) throw timeToLiveFaults.alreadyDisabled();
  const { changedAtMs } = current;
  if (changedAtMs !== undefined && nowMs - changedAtMs < TIME_TO_LIVE_COOLDOWN_MS) {
    throw timeToLiveFaults.tooOften();
  }
  return { status: enable ? 'ENABLING' : 'DISABLING', attribute, changedAtMs: nowMs };
}
