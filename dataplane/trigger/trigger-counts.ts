/** What one trigger of one table has done in this process; only ever rising. Exported by others. */
export interface TriggerCounts {
  /** Records that the target has taken. */
  delivered: number;
  /** Records that no filter pattern matches. */
  filtered: number;
  /** Events posted, with all tries. */
  events: number;
  /** Of these: not taken, or not as a whole. */
  failures: number;
  /** Records that the dead-letter address has taken. */
  deadLetters: number;
  /** Records given up that nobody was told of. */
  discarded: number;
}

export function newTriggerCounts(): TriggerCounts {
  return { delivered: 0, filtered: 0, events: 0, failures: 0, deadLetters: 0, discarded: 0 };
}

/** A trigger at one partition, while it is delivered there. */
export interface TriggerAge {
  /** When the oldest record was written that is not delivered, ms since 1970; undefined: none. */
  readonly oldestMs: number | undefined;
}

/** As scrapers see a trigger. */
export interface TriggerReading {
  readonly tableName: string;
  readonly triggerName: string;
  readonly counts: TriggerCounts;
  /** Age of the oldest record that is not delivered, ms; 0: all are. */
  readonly iteratorAgeMs: number;
}

interface TriggerEntry {
  readonly tableName: string;
  readonly triggerName: string;
  readonly counts: TriggerCounts;
  readonly ages: Set<TriggerAge>;
}

/** The triggers of a process. What was counted of one stays as long as the process. */
export class TriggerRegister {
  readonly #entries = new Map<string, TriggerEntry>();

  counts(tableName: string, triggerName: string): TriggerCounts {
    return this.#entry(tableName, triggerName).counts;
  }

  /** @returns to be called when it is not delivered there any more */
  add(tableName: string, triggerName: string, age: TriggerAge): () => void {
    const { ages } = this.#entry(tableName, triggerName);
    ages.add(age);
    return () => ages.delete(age);
  }

  readings(nowMs: number): readonly TriggerReading[] {
    return Array.from(this.#entries.values(), ({ tableName, triggerName, counts, ages }) => {
      let iteratorAgeMs = 0;
      for (const { oldestMs = nowMs } of ages) {
        iteratorAgeMs = Math.max(iteratorAgeMs, nowMs - oldestMs);
      }
      return { tableName, triggerName, counts, iteratorAgeMs };
    });
  }

  #entry(tableName: string, triggerName: string): TriggerEntry {
    const name = JSON.stringify([tableName, triggerName]);
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = { tableName, triggerName, counts: newTriggerCounts(), ages: new Set() };
      this.#entries.set(name, entry);
    }
    return entry;
  }
}
