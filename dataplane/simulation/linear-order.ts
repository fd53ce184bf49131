import type { RecordedOperation, RegisterValue } from './history.ts';
import { isBlind, isKnown, isRead, step } from './register-model.ts';
import { withoutUnseenWrites } from './unseen-writes.ts';
import { ValueCensus } from './value-census.ts';

export type Verdict =
  | 'linearizable'
  | 'violated'
  /** The search was given up: this is no pass. */
  | 'undecided';

/**
 * Searches an order of the operations on one item that explains every outcome and respects real
 * time: an operation that returned before another was called comes before it.
 *
 * Wing and Gong's search with Lowe's memory of what was tried: a set of operations placed and a
 * state reached lead to the same future, whatever the order before.
 *
 * Operations of unknown outcome may be placed anywhere after their call, or nowhere. They and blind
 * writes are what makes searches long, so rules cut what makes no difference. Each is exact: if any
 * order explains the history, one that keeps the rules does.
 *  - A read that can be placed is placed at once, and that is not gone back on.
 *  - A value that someone still has to meet is not overwritten if nobody can bring it back.
 *  - A known write that nobody will meet is placed as soon as another blind write may hide it.
 *  - An unknown write comes right before an operation that depends on the state; of equal ones the
 *    earliest comes first; what nobody can have met is left out (`unseen-writes.ts`).
 */
export class LinearOrder {
  readonly #known: readonly RecordedOperation[];
  readonly #unknown: readonly RecordedOperation[];
  /** Known operations that are not placed: calls and returns in order, as a ring through `#head`. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head: number;
  readonly #isUnknownPlaced: Uint8Array;
  /** Over all that is not placed; unknown operations have their indexes behind the known ones. */
  readonly #census: ValueCensus;
  /** For each unknown operation the one before it that asks for the same, or -1. */
  readonly #equalBefore: readonly number[];
  /** The last one that was placed is of unknown outcome. */
  #isAfterUnknown = false;
  readonly #stateIds = new Map<RegisterValue, number>();
  readonly #tried = new Set<string>();
  /** Which operations are placed: known ones in 16-bit words, unknown ones behind. */
  readonly #placed: Uint16Array;
  readonly #unknownWord: number;
  /** All words before it are full. */
  #lowWord = 0;
  /** All words of known operations behind it are empty. */
  #highWord = 0;
  #state: RegisterValue;
  #steps = 0;

  constructor(operations: readonly RecordedOperation[], initial: RegisterValue) {
    const inOrder = operations.toSorted((one, other) => one.calledAt - other.calledAt);
    const relevant = withoutUnseenWrites(inOrder);
    this.#known = relevant.filter(isKnown);
    this.#unknown = relevant.filter((operation) => !isKnown(operation));
    this.#census = new ValueCensus([...this.#known, ...this.#unknown]);
    this.#equalBefore = equalBefore(this.#unknown);
    this.#state = initial;
    const count = this.#known.length;
    this.#head = 2 * count;
    this.#next = new Int32Array(2 * count + 1);
    this.#previous = new Int32Array(2 * count + 1);
    this.#linkAll();
    this.#isUnknownPlaced = new Uint8Array(this.#unknown.length);
    this.#unknownWord = Math.ceil(count / wordBits);
    this.#placed = new Uint16Array(
      this.#unknownWord + Math.ceil(this.#unknown.length / wordBits) + 1,
    );
  }

  /** Operations that were tried out. */
  get steps(): number {
    return this.#steps;
  }

  search(stepsMax: number): Verdict {
    const path: Placement[] = [];
    let cursor = this.#first();
    while (this.#next[this.#head] !== this.#head) {
      if (this.#steps > stepsMax) {
        return 'undecided';
      }
      const placement = this.#tryFrom(cursor);
      if (placement !== undefined) {
        path.push(placement);
        cursor = this.#first();
        continue;
      }
      const undone = this.#backToChoice(path);
      if (undone === undefined) {
        return 'violated';
      }
      cursor = { isKnown: undone.isKnown, index: undone.index, isPassed: true };
    }
    return 'linearizable';
  }

  #first(): Cursor {
    return { isKnown: true, index: this.#next[this.#head] ?? this.#head, isPassed: false };
  }

  /** Takes back the last placement that had an alternative. */
  #backToChoice(path: Placement[]): Placement | undefined {
    for (;;) {
      const undone = path.pop();
      if (undone === undefined) {
        return undefined;
      }
      this.#undo(undone);
      if (!undone.isForced) {
        return undone;
      }
    }
  }

  /** Places the first operation at or behind the cursor that may come next. */
  #tryFrom(cursor: Cursor): Placement | undefined {
    const count = this.#known.length;
    const read = cursor.isPassed ? undefined : this.#placeRead();
    if (read !== undefined) {
      return read;
    }
    const unseen = this.#firstUnseen();
    let unknownIndex = 0;
    if (cursor.isKnown) {
      let node = cursor.isPassed ? (this.#next[cursor.index] ?? this.#head) : cursor.index;
      // A return that is reached belongs to an operation that must come before whatever follows.
      while (node < count) {
        const placement = this.#tryKnown(node, unseen);
        if (placement !== undefined) {
          return placement;
        }
        node = this.#next[node] ?? this.#head;
      }
    } else {
      unknownIndex = cursor.index + 1;
    }
    const limit = this.#firstReturn();
    for (; unknownIndex < this.#unknown.length; unknownIndex += 1) {
      const operation = this.#unknown[unknownIndex];
      if (operation === undefined || operation.calledAt > limit) {
        return undefined;
      }
      const isHeldBack = unseen !== undefined && isBlind(operation);
      const placement = isHeldBack ? undefined : this.#tryUnknown(unknownIndex, operation);
      if (placement !== undefined) {
        return placement;
      }
    }
    return undefined;
  }

  /** The first read of known outcome that may come next and fits: moving it here changes nothing. */
  #placeRead(): Placement | undefined {
    const count = this.#known.length;
    let node = this.#next[this.#head] ?? this.#head;
    for (; node < count; node = this.#next[node] ?? this.#head) {
      const operation = this.#known[node];
      if (operation !== undefined && isRead(operation)) {
        this.#steps += 1;
        if (step(this.#state, operation).isPossible) {
          return this.#placeKnown(node, { next: this.#state, isForced: true });
        }
      }
    }
    return undefined;
  }

  /** The first known blind write that may come next and whose value nobody will meet. */
  #firstUnseen(): number | undefined {
    const count = this.#known.length;
    let node = this.#next[this.#head] ?? this.#head;
    for (; node < count; node = this.#next[node] ?? this.#head) {
      const operation = this.#known[node];
      if (operation !== undefined && isBlind(operation) && this.#census.isUnseen(node)) {
        return node;
      }
    }
    return undefined;
  }

  #tryKnown(index: number, unseen: number | undefined): Placement | undefined {
    const operation = this.#known[index];
    if (operation === undefined) {
      return undefined;
    }
    const isHeldBack = this.#isAfterUnknown || (unseen !== undefined && unseen !== index);
    if (isHeldBack && isBlind(operation)) {
      return undefined;
    }
    this.#steps += 1;
    const { isPossible, next } = step(this.#state, operation);
    return isPossible ? this.#placeKnown(index, { next, isForced: false }) : undefined;
  }

  #placeKnown(index: number, { next, isForced }: Pick<Placement, 'isForced'> & Next) {
    const placement = this.#place({ isKnown: true, index, isForced }, next);
    if (placement !== undefined) {
      this.#unlink(index);
      this.#unlink(this.#known.length + index);
    }
    return placement;
  }

  #tryUnknown(index: number, operation: RecordedOperation): Placement | undefined {
    const equal = this.#equalBefore[index] ?? -1;
    if (
      this.#isUnknownPlaced[index] === 1 ||
      (equal >= 0 && this.#isUnknownPlaced[equal] === 0) ||
      (this.#isAfterUnknown && isBlind(operation))
    ) {
      return undefined;
    }
    this.#steps += 1;
    const { next } = step(this.#state, operation);
    // What changes nothing may as well never have happened.
    const placement =
      next === this.#state
        ? undefined
        : this.#place({ isKnown: false, index, isForced: false }, next);
    if (placement !== undefined) {
      this.#isUnknownPlaced[index] = 1;
    }
    return placement;
  }

  /** Undefined when this leads nowhere, or where the search has been. */
  #place(
    { isKnown: known, index, isForced }: Pick<Placement, 'isKnown' | 'index' | 'isForced'>,
    next: RegisterValue,
  ): Placement | undefined {
    const censusIndex = known ? index : this.#known.length + index;
    this.#census.placed(censusIndex);
    if (next !== this.#state && this.#census.isLastChance(this.#state)) {
      this.#census.unplaced(censusIndex);
      return undefined;
    }
    const placement: Placement = {
      isKnown: known,
      index,
      isForced,
      state: this.#state,
      isAfterUnknown: this.#isAfterUnknown,
      lowWord: this.#lowWord,
      highWord: this.#highWord,
    };
    const word = this.#wordOf(placement);
    this.#placed[word] = (this.#placed[word] ?? 0) | (1 << (index % wordBits));
    if (known) {
      this.#highWord = Math.max(this.#highWord, word);
      while (this.#lowWord < this.#highWord && this.#placed[this.#lowWord] === wordFull) {
        this.#lowWord += 1;
      }
    }
    this.#state = next;
    this.#isAfterUnknown = !known;
    const key = this.#key();
    if (this.#tried.has(key)) {
      this.#unplace(placement);
      return undefined;
    }
    this.#tried.add(key);
    return placement;
  }

  #unplace(placement: Placement): void {
    const { index } = placement;
    this.#census.unplaced(placement.isKnown ? index : this.#known.length + index);
    const word = this.#wordOf(placement);
    this.#placed[word] = (this.#placed[word] ?? 0) & ~(1 << (placement.index % wordBits));
    this.#state = placement.state;
    this.#isAfterUnknown = placement.isAfterUnknown;
    this.#lowWord = placement.lowWord;
    this.#highWord = placement.highWord;
  }

  #undo(placement: Placement): void {
    this.#unplace(placement);
    if (placement.isKnown) {
      this.#relink(this.#known.length + placement.index);
      this.#relink(placement.index);
    } else {
      this.#isUnknownPlaced[placement.index] = 0;
    }
  }

  #wordOf({ isKnown: known, index }: Placement): number {
    return (known ? 0 : this.#unknownWord) + Math.floor(index / wordBits);
  }

  /** What was placed and the state: exact, and short while the order follows real time. */
  #key(): string {
    let stateId = this.#stateIds.get(this.#state);
    if (stateId === undefined) {
      stateId = this.#stateIds.size;
      this.#stateIds.set(this.#state, stateId);
    }
    const words = this.#placed;
    const rule = this.#isAfterUnknown ? '-' : '';
    let key = `${rule}${stateId},${this.#lowWord},${this.#highWord},`;
    for (let word = this.#lowWord; word <= this.#highWord; word += 1) {
      key += String.fromCharCode(words[word] ?? 0);
    }
    for (let word = this.#unknownWord; word < words.length; word += 1) {
      const bits = words[word] ?? 0;
      if (bits !== 0) {
        key += `,${word},${bits}`;
      }
    }
    return key;
  }

  /** When the first known operation that is not placed returned. */
  #firstReturn(): number {
    const count = this.#known.length;
    let node = this.#next[this.#head] ?? this.#head;
    while (node < count) {
      node = this.#next[node] ?? this.#head;
    }
    return this.#known[node - count]?.returnedAt ?? Number.POSITIVE_INFINITY;
  }

  /** Node i is the call of known operation i, node count + i its return. */
  #linkAll(): void {
    const count = this.#known.length;
    const events = this.#known.flatMap(({ calledAt, returnedAt }, index) => [
      { at: calledAt, node: index },
      { at: returnedAt, node: count + index },
    ]);
    // Calls before returns of the same moment: such operations overlap.
    events.sort((one, other) => one.at - other.at || one.node - other.node);
    let before = this.#head;
    for (const { node } of events) {
      this.#next[before] = node;
      this.#previous[node] = before;
      before = node;
    }
    this.#next[before] = this.#head;
    this.#previous[this.#head] = before;
  }

  #unlink(node: number): void {
    const next = this.#next[node] ?? this.#head;
    const previous = this.#previous[node] ?? this.#head;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** Undoes `unlink`, in reverse order. */
  #relink(node: number): void {
    this.#next[this.#previous[node] ?? this.#head] = node;
    this.#previous[this.#next[node] ?? this.#head] = node;
  }
}

interface Cursor {
  /** Among the known operations, or else among the unknown ones. */
  readonly isKnown: boolean;
  readonly index: number;
  /** What stands at the index was tried already. */
  readonly isPassed: boolean;
}

/** An operation that was placed, and how things were before. */
interface Placement {
  readonly isKnown: boolean;
  readonly index: number;
  /** There is no need to try anything else in its place. */
  readonly isForced: boolean;
  readonly state: RegisterValue;
  readonly isAfterUnknown: boolean;
  readonly lowWord: number;
  readonly highWord: number;
}

interface Next {
  readonly next: RegisterValue;
}

const wordBits = 16;
const wordFull = 0xffff;

function equalBefore(unknown: readonly RecordedOperation[]): readonly number[] {
  const last = new Map<string, number>();
  return unknown.map(({ operation }, index) => {
    const asked = JSON.stringify(operation);
    const before = last.get(asked) ?? -1;
    last.set(asked, index);
    return before;
  });
}
