import type { Effect } from '../storage/store.ts';
import type { Counters } from './counters.ts';
import type { InFlightGroup } from './in-flight.ts';
import type { IndexChange } from './index-change.ts';

/** A group takes no more effects, and no more bytes of values, than this before it is sent off. */
const GROUP_EFFECTS_MAX = 10_000;
const GROUP_BYTES_MAX = 1024 * 1024;

/** What a partition counts. */
export interface Totals {
  readonly counters: Counters;
  /** The greatest timestamp of deletions, us since 1970. */
  readonly deletedMicros: number;
}

/** Writes that share a commit. */
export interface Group extends InFlightGroup {
  /** When it began to gather. */
  readonly before: Totals;
  readonly effects: Effect[];
  /** Of the effects' values. */
  bytes: number;
  readonly indexChanges: IndexChange[];
  /** Resolves when it is durable. */
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** After it. */
  counters: Counters;
  deletedMicros: number;
  /** The store has it; taken up once all groups before it are durable too. */
  isCommitted: boolean;
}

export interface CommitGroupsParts {
  /** Makes effects durable, in the order of the calls. When one call fails, so do those behind it. */
  readonly commit: (effects: readonly Effect[]) => Promise<void>;
  /** Runs a function soon: writes that arrive before it share one commit. */
  readonly schedule: (flush: () => void) => void;
  /** Totals after all that was evaluated so far. */
  readonly totals: () => Totals;
  /** Completes a group that is about to be committed. */
  readonly seal: (group: Group) => void;
  /** Told in order: the group is durable; before those who wait for it. */
  readonly onDurable: (group: Group) => void;
  /** These groups have failed, the newest first: what was computed from them is forgotten. */
  readonly onFailed: (failed: readonly Group[]) => void;
}

/**
 * The groups in which what a partition computes becomes durable, in order.
 *
 * Invariants: `#groups` are in flight in commit order, the last perhaps still gathering. When a
 * commit fails, its group and all behind it fail; groups ahead of it stand.
 */
export class CommitGroups {
  readonly #parts: CommitGroupsParts;
  #groups: Group[] = [];
  #gathering: Group | undefined;

  constructor(parts: CommitGroupsParts) {
    this.#parts = parts;
  }

  /** The newest in flight: when it is durable, all is that was computed so far. */
  get newest(): Group | undefined {
    return this.#groups.at(-1);
  }

  /** The group that takes effects now. */
  gather(): Group {
    if (this.#gathering !== undefined) return this.#gathering;
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    done.catch(() => {}); // whoever waits for the group hears of its failure
    const before = this.#parts.totals();
    const group: Group = {
      before,
      isDurable: false,
      isCommitted: false,
      effects: [],
      bytes: 0,
      indexChanges: [],
      done,
      resolve,
      reject,
      counters: before.counters,
      deletedMicros: before.deletedMicros,
    };
    this.#gathering = group;
    this.#groups.push(group);
    this.#parts.schedule(() => {
      if (this.#gathering === group) this.#flush();
    });
    return group;
  }

  /** Sends the gathering group off once it has as much as one takes; returns whether it has. */
  flushIfFull(): boolean {
    const group = this.#gathering;
    if (group === undefined) return false;
    const isFull = group.effects.length >= GROUP_EFFECTS_MAX || group.bytes >= GROUP_BYTES_MAX;
    if (isFull) this.#flush();
    return isFull;
  }

  /** Resolves when all that was computed so far is durable or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#groups.map((group) => group.done));
  }

  #flush(): void {
    const group = this.#gathering;
    if (group === undefined) return;
    this.#gathering = undefined;
    this.#parts.seal(group);
    this.#commit(group.effects).then(
      () => this.#succeed(group),
      (error) => this.#fail(group, error),
    );
  }

  async #commit(effects: readonly Effect[]): Promise<void> {
    await this.#parts.commit(effects);
  }

  #succeed(committed: Group): void {
    committed.isCommitted = true;
    for (let group = this.#groups[0]; group?.isCommitted === true; group = this.#groups[0]) {
      this.#groups.shift();
      group.isDurable = true;
      this.#parts.onDurable(group);
      group.resolve();
    }
  }

  /** Fails a group and all behind it, since they were computed from what it wrote. */
  #fail(group: Group, error: unknown): void {
    const position = this.#groups.indexOf(group);
    if (position < 0) return;
    const failed = this.#groups.splice(position);
    this.#gathering = undefined;
    this.#parts.onFailed(failed.toReversed());
    for (const each of failed) each.reject(error);
  }
}

/** Has an effect committed with a group. */
export function addEffect(group: Group, effect: Effect): void {
  group.effects.push(effect);
  group.bytes += effect.value?.length ?? 0;
}
