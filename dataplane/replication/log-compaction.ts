import type { Effect } from '../storage/store.ts';
import { RecordDamaged } from './checked-record.ts';
import type { ReplicationContext } from './context.ts';
import { decodeEntry } from './entry-record.ts';
import type { Group } from './group.ts';
import type { ReplicationLimits } from './limits.ts';
import { encodeLogPlace, type LogPlace } from './replica-records.ts';

/** Entries removed in one batch. */
const BATCH_ENTRIES_MAX = 4_096;

/**
 * Drops the head of a group's log: what all members have beyond some, and whatever is beyond the
 * bounds. Never an entry that was applied only just now: the state is written without sync, and
 * must be on disk for sure when its entries go (`settledIndex` is as old as the look before).
 */
export function compact(context: ReplicationContext, group: Group): void {
  const index = compactionIndex(context.limits, group);
  group.settledIndex = group.appliedIndex;
  if (index <= group.log.start.index || group.install !== undefined) return;
  const { store, commands, metrics } = context;
  const { keys, log } = group;
  let place: LogPlace;
  try {
    const key = keys.entry(index);
    place = { index, term: decodeEntry(key, index, store.get(key)).meta.term };
  } catch (error) {
    if (!(error instanceof RecordDamaged)) return; // The store tells by itself what is wrong.
    context.damaged(group, error);
    return;
  }
  const effects: Effect[] = [{ key: keys.logStart, value: encodeLogPlace(keys.logStart, place) }];
  for (let removed = log.start.index + 1; removed <= index; removed += 1) {
    effects.push({ key: keys.entry(removed), value: undefined });
    group.payloads.byIndex.delete(removed);
  }
  metrics.entriesCompacted += index - log.start.index;
  context.probe('logCompacted');
  log.compact(place);
  commands.push({ op: 'compact', group: group.handle, index }, (message) =>
    context.recreate(group, `compaction was refused: ${message}`),
  );
  group.unsynced.begin();
  void context.commits.commit(effects, { sync: false }).then(() => group.unsynced.end());
}

/** What the decision depends on. */
type CompactionFacts = Pick<
  Group,
  'log' | 'floorIndex' | 'settledIndex' | 'appliedIndex' | 'snapshotsUnderWay'
>;

/** Entries up to here are to go. */
export function compactionIndex(limits: ReplicationLimits, group: CompactionFacts): number {
  const { log, floorIndex, settledIndex } = group;
  const { entriesMax, bytesMax } = bounds(limits, group);
  let index = 0;
  const hasMany = log.entriesCount > limits.logEntriesKept;
  // Half of what is kept, so that it does not happen at each look.
  if (hasMany) index = Math.min(floorIndex, log.lastIndex - Math.floor(limits.logEntriesKept / 2));
  if (log.entriesCount > entriesMax) index = Math.max(index, log.lastIndex - entriesMax / 2);
  if (log.bytes > bytesMax) index = Math.max(index, log.indexForBytes(bytesMax / 2));
  const bounded = Math.min(Math.floor(index), settledIndex, group.appliedIndex);
  return Math.min(bounded, log.start.index + BATCH_ENTRIES_MAX);
}

/** Whether what is written during a snapshot may soon be dropped: then the next one would have to follow. */
export function isLogRunningOut(limits: ReplicationLimits, group: CompactionFacts): boolean {
  const { entriesMax, bytesMax } = bounds(limits, group);
  return group.log.entriesCount > entriesMax / 2 || group.log.bytes > bytesMax / 2;
}

function bounds(
  limits: ReplicationLimits,
  { snapshotsUnderWay }: CompactionFacts,
): { readonly entriesMax: number; readonly bytesMax: number } {
  const factor = snapshotsUnderWay > 0 ? limits.logSnapshotFactor : 1;
  return { entriesMax: limits.logEntriesMax * factor, bytesMax: limits.logBytesMax * factor };
}
