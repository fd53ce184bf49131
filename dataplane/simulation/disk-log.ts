import type { SimRandom } from './random.ts';
import { type Edit, SortedTree } from './sorted-tree.ts';

/** A batch on its way into the log: one record, so it survives whole or not at all. */
export interface LogRecord {
  readonly edits: readonly Edit[];
  /** Readers see it. */
  isDone: boolean;
}

/**
 * What a machine's disk holds of one store: the part that survives a loss of power, and behind it
 * the records of a log that the system may still keep in memory.
 *
 * A synced record makes itself and all before it durable. A loss of power keeps a prefix of the
 * others, never a gap: LevelDB drops everything behind the first record that is torn.
 */
export class DiskLog {
  /** What readers see: all that is durable and the records that are done. */
  visible = SortedTree.empty;
  #durable = SortedTree.empty;
  /** In the order of the log. */
  #records: LogRecord[] = [];

  /** What a loss of power cannot take. */
  get durable(): SortedTree {
    return this.#durable;
  }

  /** The record behind which none is yet. */
  get last(): LogRecord | undefined {
    return this.#records.at(-1);
  }

  get unsyncedCount(): number {
    return this.#records.length;
  }

  /** Puts a record behind all others. It may be durable from now on, and is not visible yet. */
  append(edits: readonly Edit[]): LogRecord {
    const record: LogRecord = { edits, isDone: false };
    this.#records.push(record);
    return record;
  }

  /** Readers see it from now on. */
  complete(record: LogRecord): void {
    record.isDone = true;
    if (record === this.last) {
      this.visible = this.visible.with(record.edits);
    } else {
      // Records behind it were done before it: the log's order is what counts.
      this.visible = fold(this.#durable, this.#records.filter(isDone));
    }
  }

  /** The record and all before it are durable from now on, if they are not already. */
  sync(record: LogRecord): void {
    const index = this.#records.indexOf(record);
    this.#durable = fold(this.#durable, this.#records.slice(0, index + 1));
    this.#records = this.#records.slice(index + 1);
  }

  /** The record's write failed without a trace of it. (A record that is left alone may survive.) */
  drop(record: LogRecord): void {
    this.#records = this.#records.filter((other) => other !== record);
  }

  /** A process opens it: replays the log into tables, after which all of it is durable and seen. */
  replay(): void {
    this.#durable = fold(this.#durable, this.#records);
    this.#records = [];
    this.visible = this.#durable;
  }

  /** The process died. The system still writes what it was handed; the last records may be torn. */
  loseProcess(random: SimRandom): void {
    const handed = this.#records.findLastIndex(isDone) + 1;
    this.#keep(random.between(handed, this.#records.length));
  }

  /** The machine died: everything from a random record on is lost. Returns how many. */
  losePower(random: SimRandom): number {
    const count = this.#records.length;
    const kept = random.chance(extremesChance) ? random.pick([0, count]) : random.between(0, count);
    this.#keep(kept);
    return count - kept;
  }

  /** Changes an entry where it is, also in what was durable. */
  damage(edit: Edit): void {
    this.#durable = this.#durable.with([edit]);
    this.visible = this.visible.with([edit]);
  }

  wipe(): void {
    this.#durable = SortedTree.empty;
    this.visible = SortedTree.empty;
    this.#records = [];
  }

  #keep(count: number): void {
    this.#records = this.#records.slice(0, count);
  }
}

/** How often a loss of power takes all or nothing. */
const extremesChance = 0.5;

function isDone(record: LogRecord): boolean {
  return record.isDone;
}

function fold(tree: SortedTree, records: readonly LogRecord[]): SortedTree {
  return records.reduce((sum, { edits }) => sum.with(edits), tree);
}
