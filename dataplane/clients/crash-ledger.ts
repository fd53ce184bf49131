import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;

/**
 * What a client knows of one key: the state of its last acknowledged write, and the states that a write
 * without answer may have left. Each key is written by one connection, one write after the other.
 */
interface KeyState {
  acknowledged: Item | undefined;
  possible: (Item | undefined)[];
}

/**
 * Remembers what a crash must not lose and what it may leave. `undefined` is an item that is not there.
 */
export class CrashLedger {
  readonly #keys = new Map<string, KeyState>();

  /** Writes are about to be sent: from here each may happen, whole. */
  begin(writes: readonly Write[]): void {
    for (const { key, item } of writes) this.#state(key).possible.push(item);
  }

  /** The server said that they are done. */
  acknowledge(writes: readonly Write[]): void {
    for (const { key, item } of writes) {
      this.#keys.set(key, { acknowledged: item, possible: [] });
    }
  }

  /**
   * Compares what the server holds after a crash with what it may hold, and learns it.
   * @returns one line for each key that is wrong: none when all is well
   */
  reconcile(held: ReadonlyMap<string, Item>): string[] {
    const wrong: string[] = [];
    for (const [key, state] of this.#keys) {
      const item = held.get(key);
      const text = canonical(item);
      const allowed = [state.acknowledged, ...state.possible].map(canonical);
      if (!allowed.includes(text)) {
        wrong.push(`${key} is ${text}, but may be ${allowed.join(' or ')}`);
      }
      this.#keys.set(key, { acknowledged: item, possible: [] });
    }
    for (const key of held.keys()) {
      if (!this.#keys.has(key)) wrong.push(`${key} was never written`);
    }
    return wrong;
  }

  /** The state that the next write of this key starts from. */
  current(key: string): Item | undefined {
    return this.#keys.get(key)?.acknowledged;
  }

  #state(key: string): KeyState {
    let state = this.#keys.get(key);
    if (state === undefined) {
      state = { acknowledged: undefined, possible: [] };
      this.#keys.set(key, state);
    }
    return state;
  }
}

/** One item put (or removed, when undefined) by a write. */
export interface Write {
  readonly key: string;
  readonly item: Item | undefined;
}

/** The same text for equal items, whatever the order of their attributes. */
export function canonical(item: Item | undefined): string {
  if (item === undefined) return 'absent';
  const names = Object.keys(item).sort();
  return JSON.stringify(names.map((name) => [name, item[name]]));
}
