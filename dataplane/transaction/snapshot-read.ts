import type { TransactionItem } from '../partition/transaction.ts';
import type { Deadline } from './deadline.ts';
import { elementsAt, type Share, sharesOf } from './placement.ts';
import { conflictReason, noReason, reasonOfError } from './reasons.ts';
import type { CancellationReason, TransactionGet } from './requests.ts';
import type { RunParts } from './run.ts';

/** Rounds of one read, two of which in a row have to agree. */
const ROUNDS_MAX = 5;

export type ReadItem = Extract<TransactionItem, { readonly kind: 'item' }>;

export type SnapshotResult =
  /** One a get, in their order. */
  | { readonly kind: 'read'; readonly items: readonly ReadItem[] }
  | { readonly kind: 'refused'; readonly reasons: readonly CancellationReason[] };

/** Of one get: what it read, or why it did not. */
type Answer = ReadItem | CancellationReason;

/**
 * All items as they were at one moment. A partition reads all keys of a call at one; over several
 * partitions each item is read twice, and none was written, or about to be written, in between: all
 * of them had these values when the first round ended.
 * @throws what a partition throws; the deadline's fault
 */
export async function readSnapshot(
  parts: RunParts,
  gets: readonly TransactionGet[],
  deadline: Deadline,
): Promise<SnapshotResult> {
  const shares = sharesOf(gets);
  const round = () => readAll(parts, { gets, shares, deadline });
  let before = itemsOf(await round());
  if (before.kind === 'refused' || shares.length === 1) return before;
  let changed: readonly boolean[] = [];
  for (let rounds = 1; rounds < ROUNDS_MAX; rounds++) {
    if (rounds > 1) parts.counts.retries += 1;
    const after = itemsOf(await round());
    if (after.kind === 'refused') return after;
    const { items } = before;
    changed = after.items.map(({ state }, index) => state !== items[index]?.state);
    if (!changed.includes(true)) return after;
    before = after;
  }
  return { kind: 'refused', reasons: changed.map((is) => (is ? conflictReason : noReason)) };
}

interface Round {
  readonly gets: readonly TransactionGet[];
  readonly shares: readonly Share[];
  readonly deadline: Deadline;
}

async function readAll(
  { calls, onStalled }: RunParts,
  { gets, shares, deadline }: Round,
): Promise<readonly Answer[]> {
  const answers: Answer[] = gets.map(() => noReason);
  await Promise.all(
    shares.map(async (share) => {
      const { indexes } = share;
      const keys = elementsAt(gets, indexes).map(({ key }) => key);
      try {
        const { items } = await calls.once(share, { kind: 'read', keys }, deadline);
        for (const [at, index] of indexes.entries()) {
          const item = items[at];
          if (item?.kind === 'item') answers[index] = item;
          else answers[index] = conflictReason;
          if (item?.kind === 'conflict' && item.stalled !== undefined)
            onStalled(share, item.stalled);
        }
      } catch (error) {
        const reason = reasonOfError(error);
        if (reason === undefined) throw error;
        for (const index of indexes) answers[index] = reason;
      }
    }),
  );
  return answers;
}

function itemsOf(answers: readonly Answer[]): SnapshotResult {
  const items = answers.filter((answer) => answer.kind === 'item');
  if (items.length === answers.length) return { kind: 'read', items };
  const reasons = answers.map((answer) => (answer.kind === 'item' ? noReason : answer));
  return { kind: 'refused', reasons };
}
