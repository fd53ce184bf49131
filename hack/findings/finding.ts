import { textTable } from './table.ts';

export type Unit =
  | '×'
  | 's'
  | 'ms'
  | 'MB'
  | '% of a core'
  | 'fsyncs'
  | 'commits'
  | 'requests'
  | 'requests/s'
  | 'times';

/** One figure, with the project's target where there is one. */
export interface Finding {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  readonly target: Target | undefined;
  /** How far the rounds that it comes from were apart, as part of their median; 0 without rounds. */
  readonly spread: number;
}

export interface Target {
  readonly side: 'at least' | 'at most' | 'below';
  readonly bound: number;
}

/** Rounds further apart than this were disturbed. */
const SPREAD_MAX = 0.3;

export function isMet({ side, bound }: Target, value: number): boolean {
  switch (side) {
    case 'at least':
      return value >= bound;
    case 'at most':
      return value <= bound;
    case 'below':
      return value < bound;
  }
}

/** All figures as a table, those with a target marked as met or missed. */
export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ what, value, unit, target, spread }) => [
    what,
    target === undefined ? '-' : `${signs[target.side]} ${target.bound} ${unit}`,
    `${digitsOf(value)} ${unit}`,
    target === undefined ? '' : isMet(target, value) ? 'pass' : 'MISS',
    spread > SPREAD_MAX ? 'unsteady' : '',
  ]);
  return textTable([['', 'target', 'found', '', ''], ...rows]);
}

const signs = { 'at least': '≥', 'at most': '≤', below: '<' } as const;

/** Three digits that mean something. */
function digitsOf(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(3, digits));
}
