import {
  type Coherence,
  CoherenceError,
  type Invalidation,
  type InvalidKey,
} from '../cluster/coherence.ts';
import { hashPartLength } from '../protocol/keys.ts';
import { TableCallError } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { Caches, OpenWrite } from './caches.ts';
import type { CacheCounters } from './counters.ts';
import type { WriteOutcome } from './item-cache.ts';
import type { L2Final, L2Key, L2Marks, RedisL2 } from './l2/redis-l2.ts';
import { TELLING_ROUNDS_MAX } from './limits.ts';
import { effectOf } from './table-faults.ts';
import type { TableIdentities } from './table-identities.ts';

export interface WriteThroughOptions {
  readonly caches: Caches;
  readonly l2: RedisL2 | undefined;
  readonly coherence: Pick<Coherence, 'invalidate'>;
  readonly counters: CacheCounters;
  readonly identities: Pick<TableIdentities, 'confirm'>;
}

/** A key that a call of the table writes. */
export interface WrittenKey {
  readonly table: TableInfo;
  /** Canonical. */
  readonly key: Buffer;
}

/** What a call of the table came to. */
export interface Performed<Answer> {
  /** In step with the keys. */
  readonly outcomes: readonly WriteOutcome[];
  /** What the caller gets in the end. */
  readonly result:
    | { readonly kind: 'answer'; readonly answer: Answer }
    | { readonly kind: 'error'; readonly error: unknown };
}

export const DROPPED: WriteOutcome = { kind: 'dropped' };
export const UNTOUCHED: WriteOutcome = { kind: 'untouched' };
export const UNCERTAIN: WriteOutcome = { kind: 'uncertain' };

/** What is known of a key after a call that failed. */
export function outcomeOfError(error: unknown): WriteOutcome {
  switch (effectOf(error)) {
    case 'none':
      return UNTOUCHED;
    case 'doubtful':
      return DROPPED;
    case 'uncertain':
      return UNCERTAIN;
  }
}

/**
 * Writes: to the table first, then to the caches, and only then acknowledged. README.md says why the
 * order is this one:
 *
 * 1. the keys are watched, and marked in L2;
 * 2. the table is called;
 * 3. L2 has the new values, or nothing;
 * 4. this process's memory has them, or nothing;
 * 5. all other nodes have dropped the keys;
 * 6. unless the keys of L2 have changed since step 3 (then again from there), it is looked whether the
 *    table's description still holds;
 * 7. the caller is answered.
 */
export class WriteThrough {
  readonly #options: WriteThroughOptions;

  constructor(options: WriteThroughOptions) {
    this.#options = options;
  }

  /**
   * @param perform calls the table
   * @throws the error that `perform` came to; TableCallError (uncertain) when other nodes could not be told
   */
  async run<Answer>(
    keys: readonly WrittenKey[],
    perform: () => Promise<Performed<Answer>>,
  ): Promise<Answer> {
    const { caches, l2 } = this.#options;
    const open = keys.map(({ table, key }) =>
      caches.beginWrite(table.id, key, hashPartLength(table.key, key)),
    );
    const l2Keys = keys.map(({ table, key }) => ({ tableId: table.id, key }));
    const marks = await l2?.mark(l2Keys);
    const { outcomes: known, result } = await performed(keys, perform);
    this.#count(known, result.kind);
    const outcomes = known.map((outcome, index) => keptOutcome(outcome, open[index]));
    const told = { open, outcomes, l2Keys, marks };
    const untold = (await this.#tell(told)) ?? (await this.#confirm(keys, outcomes));
    if (result.kind === 'error') throw result.error;
    if (untold === undefined) return result.answer;
    const message = 'other nodes could not be told of a write';
    throw new TableCallError(message, true, { cause: untold });
  }

  /** @returns why somebody may have another table's items for those that were written, if so */
  #confirm(keys: readonly WrittenKey[], outcomes: readonly WriteOutcome[]): Promise<unknown> {
    const written = keys.filter((_, index) => outcomes[index]?.kind !== 'untouched');
    return this.#options.identities.confirm(
      written.map(({ table }) => table),
      outcomes.includes(UNCERTAIN),
    );
  }

  /** @returns why somebody may still give out older values, if so */
  async #tell({ open, outcomes, l2Keys, marks }: Telling): Promise<unknown> {
    const { caches, l2, coherence } = this.#options;
    const messages = invalidations(open, outcomes);
    let finals = outcomes.map(l2FinalOf);
    for (let round = 1; round <= TELLING_ROUNDS_MAX; round += 1) {
      const finished = await l2?.finish(l2Keys, finals, marks).then(inSpace, failed);
      if (round > 1) for (const message of messages) caches.invalidate(message);
      else this.#endWrites(open, outcomes, finished?.error === undefined);
      const told = await Promise.all(messages.map((each) => coherence.invalidate(each))).then(
        nothing,
        asIs,
      );
      const error = told ?? finished?.error;
      if (error !== undefined || finished === undefined || l2 === undefined) return error;
      if (l2.isCurrent(finished.space)) return undefined;
      // Others may have taken an old value from where it was not finished, up to now.
      finals = finals.map((final) => (final === 'held' ? 'held' : 'deleted'));
    }
    return new CoherenceError('the keys of L2 change too often');
  }

  #endWrites(
    open: readonly OpenWrite[],
    outcomes: readonly WriteOutcome[],
    isFinished: boolean,
  ): void {
    for (const [index, each] of open.entries()) {
      const outcome = outcomes[index] ?? UNCERTAIN;
      const mayKeep = isFinished || outcome.kind !== 'written';
      this.#options.caches.endWrite(each, mayKeep ? outcome : DROPPED);
    }
  }

  #count(outcomes: readonly WriteOutcome[], result: 'answer' | 'error'): void {
    const { counters } = this.#options;
    counters.writes += 1;
    if (outcomes.includes(UNCERTAIN)) counters.uncertainWrites += 1;
    else if (result === 'error') counters.failedWrites += 1;
  }
}

interface Telling {
  readonly open: readonly OpenWrite[];
  readonly outcomes: readonly WriteOutcome[];
  readonly l2Keys: readonly L2Key[];
  readonly marks: L2Marks | undefined;
}

async function performed<Answer>(
  keys: readonly WrittenKey[],
  perform: () => Promise<Performed<Answer>>,
): Promise<Performed<Answer>> {
  try {
    return await perform();
  } catch (error) {
    // Of whatever kind it is: watched keys have to come to an end.
    const outcome = outcomeOfError(error);
    return { outcomes: keys.map(() => outcome), result: { kind: 'error', error } };
  }
}

function keptOutcome(outcome: WriteOutcome, open: OpenWrite | undefined): WriteOutcome {
  return outcome.kind === 'written' && open?.mayKeep !== true ? DROPPED : outcome;
}

function l2FinalOf(outcome: WriteOutcome): L2Final {
  switch (outcome.kind) {
    case 'written':
      return outcome.entry;
    case 'dropped':
    case 'untouched':
      return 'deleted';
    case 'uncertain':
      return 'held';
  }
}

/** One for each table and kind; none for keys that were not touched. */
function invalidations(
  open: readonly OpenWrite[],
  outcomes: readonly WriteOutcome[],
): readonly Invalidation[] {
  const messages = new Map<string, { tableId: string; keys: InvalidKey[]; isUncertain: boolean }>();
  for (const [index, { space, invalidKey }] of open.entries()) {
    const kind = outcomes[index]?.kind ?? 'uncertain';
    if (kind === 'untouched') continue;
    const isUncertain = kind === 'uncertain';
    const { tableId } = space;
    const name = `${tableId}:${isUncertain}`;
    const message = messages.get(name) ?? { tableId, keys: [], isUncertain };
    message.keys.push(invalidKey);
    messages.set(name, message);
  }
  return [...messages.values()];
}

interface Finished {
  readonly space: string | undefined;
  readonly error: unknown;
}

function inSpace(space: string | undefined): Finished {
  return { space, error: undefined };
}

function failed(error: unknown): Finished {
  return { space: undefined, error };
}

function nothing(): undefined {
  return undefined;
}

/** A rejection as a value. */
function asIs(error: unknown): unknown {
  return error;
}
