import type { TriggerSchema, TriggerSpecification } from '../partition/trigger.ts';
import type { TableDescriptor } from './descriptor.ts';

/**
 * The triggers that a table is to have from now on. One that is there by its name goes on, whatever else
 * of it has changed; one that is new gets an id above those of the table's streams and triggers so far.
 */
export function planTriggers(
  table: TableDescriptor,
  wanted: readonly TriggerSpecification[],
  nowMs: number,
): Pick<TableDescriptor, 'triggers' | 'triggerIdLast'> {
  const { triggers = [], triggerIdLast = 0, stream, endedStreams } = table;
  const ids = new Map(triggers.map(({ name, id }) => [name, id]));
  const streamIds = [...endedStreams, ...(stream === undefined ? [] : [stream])];
  const taken = [triggerIdLast, ...streamIds.map(({ id }) => id)];
  const newId = Math.max(nowMs, ...taken.map((id) => id + 1));
  const planned = wanted.map(
    (trigger): TriggerSchema => ({ ...trigger, id: ids.get(trigger.name) ?? newId }),
  );
  return {
    triggers: planned,
    triggerIdLast: Math.max(triggerIdLast, ...planned.map(({ id }) => id)),
  };
}
