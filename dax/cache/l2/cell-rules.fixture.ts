/**
 * For tests: the steps of `scripts.ts` as functions from cell to cell. The exhaustive test works with
 * these, and another one compares them with the scripts in a real Redis.
 */

/** First byte and rest as in `cell.ts`; undefined: there is no key. */
export type Cell = string | undefined;

/** What a reader finds; where there is nothing its lease is left. */
export function read(cell: Cell, lease: string): { readonly cell: Cell; readonly found: Cell } {
  return cell === undefined ? { cell: lease, found: undefined } : { cell, found: cell };
}

/** @param stored undefined: gives the lease back */
export function fill(cell: Cell, lease: string, stored: Cell): Cell {
  return cell === lease ? stored : cell;
}

export function mark(cell: Cell, token: string): Cell {
  switch (cell?.[0]) {
    case 'w':
    case 'x':
      return `x${token}`;
    case 'h':
      return cell;
    default:
      return `w${token}`;
  }
}

/** @param stored undefined: nothing is to be stored */
export function finish(cell: Cell, token: string, stored: Cell): Cell {
  if (cell === `w${token}` && stored !== undefined) return stored;
  return cell?.[0] === 'h' ? cell : undefined;
}

export function hold(_cell: Cell, token: string): Cell {
  return `h${token}`;
}
