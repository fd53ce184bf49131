import type { HistoryLine } from './history-file.ts';

/** A time in which no write was acknowledged. */
export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The longest times between two acknowledged writes of anybody, the longest first. */
export function longestOutages(lines: readonly HistoryLine[], count: number): readonly Outage[] {
  const acknowledgedMs = lines
    .filter(({ operation, outcome }) => outcome.kind === 'ok' && !isRead(operation.kind))
    .map(({ returnedNs }) => returnedNs / 1e6)
    .sort((one, other) => one - other);
  const gaps: Outage[] = [];
  for (const [index, untilMs] of acknowledgedMs.entries()) {
    const fromMs = acknowledgedMs[index - 1];
    if (fromMs !== undefined) gaps.push({ fromMs, untilMs });
  }
  return gaps.sort((one, other) => lengthOf(other) - lengthOf(one)).slice(0, count);
}

export function lengthOf({ fromMs, untilMs }: Outage): number {
  return untilMs - fromMs;
}

function isRead(kind: string): boolean {
  return kind === 'get' || kind === 'getEventual';
}
