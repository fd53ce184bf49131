import type { RecordedOperation, RegisterValue } from './history.ts';

/** What the operations that are still to be placed have to do with one value. */
interface Cell {
  /** Operations of known outcome that happened where the item had this value. */
  metCount: number;
  /** Operations of unknown outcome that only do something at this value. */
  awaitedCount: number;
  /** Operations that leave this value behind. */
  writtenCount: number;
}

/** What one operation counts for. */
interface Entry {
  readonly met: Cell | undefined;
  readonly awaited: Cell | undefined;
  readonly written: Cell | undefined;
  /** It may have met any value. */
  readonly isOpen: boolean;
  /** It may leave any number behind. */
  readonly isAdd: boolean;
}

/**
 * Counts, over the operations that are not placed yet, who still needs which value and who can
 * still bring it about; lets a search see early that it has gone wrong.
 */
export class ValueCensus {
  readonly #cells = new Map<RegisterValue, Cell>();
  readonly #entries: readonly Entry[];
  #openCount = 0;
  #addsCount = 0;

  constructor(operations: readonly RecordedOperation[]) {
    this.#entries = operations.map((operation) => this.#entryOf(operation));
    for (const entry of this.#entries) {
      this.#count(entry, 1);
    }
  }

  /** The operation at that index was placed. */
  placed(index: number): void {
    this.#count(this.#entries[index], -1);
  }

  /** It is to be placed again. */
  unplaced(index: number): void {
    this.#count(this.#entries[index], 1);
  }

  /** Somebody still has to meet this value, and nobody can bring it back once it is gone. */
  isLastChance(value: RegisterValue): boolean {
    const cell = this.#cells.get(value);
    const comesBack =
      (cell !== undefined && cell.writtenCount > 0) ||
      (typeof value === 'number' && this.#addsCount > 0);
    return cell !== undefined && cell.metCount > 0 && !comesBack;
  }

  /** What the operation at that index writes makes no difference to anyone. */
  isUnseen(index: number): boolean {
    const written = this.#entries[index]?.written;
    return (
      this.#openCount === 0 &&
      written !== undefined &&
      written.metCount === 0 &&
      written.awaitedCount === 0
    );
  }

  #count(entry: Entry | undefined, by: 1 | -1): void {
    if (entry === undefined) {
      return;
    }
    if (entry.met !== undefined) {
      entry.met.metCount += by;
    }
    if (entry.awaited !== undefined) {
      entry.awaited.awaitedCount += by;
    }
    if (entry.written !== undefined) {
      entry.written.writtenCount += by;
    }
    this.#openCount += entry.isOpen ? by : 0;
    this.#addsCount += entry.isAdd ? by : 0;
  }

  #entryOf({ operation, outcome }: RecordedOperation): Entry {
    const entry = { ...nothing, isAdd: operation.kind === 'add' };
    const isUnknown = outcome.kind === 'unknown';
    switch (operation.kind) {
      case 'put':
        return { ...entry, written: this.#cell(operation.value) };
      case 'delete':
        return { ...entry, written: this.#cell(undefined) };
      case 'get':
        return outcome.kind === 'ok' ? { ...entry, met: this.#cell(outcome.value) } : entry;
      case 'putIf': {
        if (outcome.kind === 'conditionFailed') {
          return outcome.old === undefined
            ? { ...entry, isOpen: true }
            : { ...entry, met: this.#cell(outcome.old.value) };
        }
        const expected = this.#cell(operation.expected);
        return {
          ...entry,
          met: isUnknown ? undefined : expected,
          awaited: isUnknown ? expected : undefined,
          written: this.#cell(operation.value),
        };
      }
      case 'add': {
        const before =
          outcome.kind === 'ok' && typeof outcome.value === 'number'
            ? outcome.value - operation.by
            : 0;
        // Before 0 there may have been 0 or no item.
        return before === 0 ? { ...entry, isOpen: true } : { ...entry, met: this.#cell(before) };
      }
      default:
        return entry;
    }
  }

  #cell(value: RegisterValue): Cell {
    let cell = this.#cells.get(value);
    if (cell === undefined) {
      cell = { metCount: 0, awaitedCount: 0, writtenCount: 0 };
      this.#cells.set(value, cell);
    }
    return cell;
  }
}

const nothing: Entry = {
  met: undefined,
  awaited: undefined,
  written: undefined,
  isOpen: false,
  isAdd: false,
};
