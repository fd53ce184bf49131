import type { Store } from '../storage/store.ts';
import { addEffect, type Group } from './commit-groups.ts';
import { InFlight, mapKey } from './in-flight.ts';
import { rangeOfPrefix } from './key-range.ts';
import { joinKey } from './key-space.ts';
import { decodeMark, encodeMark, type Mark } from './mark-record.ts';
import type { Attempt } from './transaction.ts';
import { itemKeyOfMark, markKey, partPrefix, transactionIdText } from './transaction-keys.ts';
import { isSameAttempt } from './transaction-rules.ts';

const PAGE_MARKS = 200;

export interface MarksParts {
  readonly store: Pick<Store, 'iterate'>;
  /** Prefixes of the partition's spaces. */
  readonly prefixes: { readonly item: Buffer; readonly transaction: Buffer };
}

/**
 * Which items of a partition transactions are to change, or have checked, when they are committed.
 * All of it is in memory: a mark stays for the two rounds of its transaction, or until that is
 * recovered. Items are named as in the rest of the partition: full item key, latin1.
 *
 * Writes and prepares go by the newest marks, in flight or not; reads by the durable ones.
 */
export class Marks {
  readonly #parts: MarksParts;
  readonly #durable = new Map<string, Mark>();
  readonly #inFlight = new InFlight<Mark | undefined, Group>();
  /** By transaction id: items that it has a mark on, durable or in flight. */
  readonly #names = new Map<string, Set<string>>();

  constructor(parts: MarksParts) {
    this.#parts = parts;
  }

  /** 0: there are none, nor is one in flight. */
  get size(): number {
    return this.#durable.size + this.#inFlight.size;
  }

  /** The mark as it is when all that was computed so far is durable. */
  newest(name: string): Mark | undefined {
    const pending = this.#inFlight.get(name);
    return pending === undefined ? this.#durable.get(name) : pending.value;
  }

  /** The group that makes the newest durable; undefined when it is. */
  groupOf(name: string): Group | undefined {
    return this.#inFlight.get(name)?.group;
  }

  /** All durable ones. */
  durable(): Iterable<Mark> {
    return this.#durable.values();
  }

  /** Items whose newest mark is of exactly this attempt. */
  namesOf(attempt: Attempt): string[] {
    const names = this.#names.get(transactionIdText(attempt.id)) ?? [];
    return [...names].filter((name) => {
      const mark = this.newest(name);
      return mark !== undefined && isSameAttempt(mark.attempt, attempt);
    });
  }

  /** Whether the transaction has, or had until what is in flight, a mark here. */
  knows({ id }: Attempt): boolean {
    return this.#names.has(transactionIdText(id));
  }

  put(itemKey: Buffer, mark: Mark, group: Group): void {
    const name = mapKey(itemKey);
    const key = markKey(this.#parts.prefixes.transaction, itemKey);
    addEffect(group, { key, value: encodeMark(mark) });
    this.#inFlight.set(name, mark, group);
    this.#remember(name, mark);
  }

  drop(itemKey: Buffer, group: Group): void {
    const key = markKey(this.#parts.prefixes.transaction, itemKey);
    addEffect(group, { key, value: undefined });
    this.#inFlight.set(mapKey(itemKey), undefined, group);
  }

  settle(group: Group): void {
    if (this.#inFlight.size === 0) return;
    const replaced: [string, Mark][] = [];
    this.#inFlight.settle(group, (name, mark) => {
      const before = this.#durable.get(name);
      if (before !== undefined) replaced.push([name, before]);
      if (mark === undefined) this.#durable.delete(name);
      else this.#durable.set(name, mark);
    });
    for (const [name, mark] of replaced) this.#forget(name, mark);
  }

  discard(group: Group): void {
    const lost: [string, Mark][] = [];
    this.#inFlight.discard(group, (name, mark) => {
      if (mark !== undefined) lost.push([name, mark]);
    });
    for (const [name, mark] of lost) this.#forget(name, mark);
  }

  /**
   * Takes up what the store holds. Nothing may be in flight, and no write be evaluated before it is
   * done.
   * @throws StoreError
   */
  async load(): Promise<void> {
    const { store, prefixes } = this.#parts;
    const range = rangeOfPrefix(partPrefix(prefixes.transaction, 'mark'));
    const iterator = store.iterate({ ...range, reverse: false, limit: undefined });
    const found: [string, Mark][] = [];
    try {
      for (;;) {
        const pairs = await iterator.next(PAGE_MARKS);
        if (pairs.length === 0) break;
        for (const [key, value] of pairs) {
          const itemKey = joinKey(prefixes.item, itemKeyOfMark(key));
          found.push([mapKey(itemKey), decodeMark(value)]);
        }
      }
    } finally {
      await iterator.close();
    }
    this.#durable.clear();
    this.#names.clear();
    for (const [name, mark] of found) {
      this.#durable.set(name, mark);
      this.#remember(name, mark);
    }
  }

  #remember(name: string, { attempt }: Mark): void {
    const id = transactionIdText(attempt.id);
    const names = this.#names.get(id);
    if (names === undefined) this.#names.set(id, new Set([name]));
    else names.add(name);
  }

  /** Forgets that the transaction has a mark there, unless it still has. */
  #forget(name: string, { attempt }: Mark): void {
    const id = transactionIdText(attempt.id);
    for (const mark of [this.newest(name), this.#durable.get(name)]) {
      if (mark !== undefined && transactionIdText(mark.attempt.id) === id) return;
    }
    const names = this.#names.get(id);
    names?.delete(name);
    if (names?.size === 0) this.#names.delete(id);
  }
}
