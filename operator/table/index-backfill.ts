import type { Finding } from '../findings.ts';
import type { ObservedTable } from './observed.ts';
import { dataPartitions, type PartitionView } from './partitions.ts';

/** Of an index that is not ACTIVE: it is done when the catalog says so, and not before. */
const PERCENT_MAX = 99;

/**
 * How far the backfill of an index has come, from what its table's partitions say, each for as much as it
 * has items.
 * @returns whole percent, 0 to 99; undefined when no partition says
 */
export function backfillPercent(
  partitions: readonly PartitionView[],
  indexName: string,
): number | undefined {
  const own = dataPartitions(partitions).filter(({ index }) => index === undefined);
  const shareOf = ({ backfills }: PartitionView) =>
    backfills.find(({ index }) => index === indexName)?.walkedShare;
  if (own.every((partition) => shareOf(partition) === undefined)) return undefined;
  let walked = 0;
  let all = 0;
  for (const partition of own) {
    // One that is empty is some work, too.
    const weight = partition.items + 1;
    walked += weight * (shareOf(partition) ?? 0);
    all += weight;
  }
  return Math.min(PERCENT_MAX, Math.floor((100 * walked) / all));
}

/** The condition IndexesReady; undefined for a table without global indexes. */
export function indexesOf(
  { catalog }: ObservedTable,
  partitions: readonly PartitionView[],
): Finding | undefined {
  if (catalog.kind !== 'present') return undefined;
  const { GlobalSecondaryIndexes: indexes = [] } = catalog.described.table;
  if (indexes.length === 0) return undefined;
  const type = 'IndexesReady';
  const open = indexes.filter(({ IndexStatus }) => IndexStatus !== 'ACTIVE');
  if (open.length === 0) {
    return { type, status: 'True', reason: 'Active', message: 'all indexes serve reads' };
  }
  const isBackfilling = open.some(({ Backfilling }) => Backfilling === true);
  const message = open
    .map(({ IndexName, IndexStatus, Backfilling }) => {
      const percent =
        Backfilling === true ? backfillPercent(partitions, IndexName ?? '') : undefined;
      return `${IndexName} is ${IndexStatus}${percent === undefined ? '' : `, ${percent} % backfilled`}`;
    })
    .join('; ');
  return { type, status: 'False', reason: isBackfilling ? 'Backfilling' : 'Updating', message };
}
