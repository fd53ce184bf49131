import type { SimRandom } from '../../dataplane/simulation/random.ts';
import type { SimProcess } from '../../dataplane/simulation/sim-scheduler.ts';
import type { Coherence } from './coherence.ts';
import { L2_SETTLE_MS } from './coherence-limits.ts';

type Cell =
  | { readonly kind: 'value'; readonly version: number }
  | { readonly kind: 'lease'; readonly token: number };

export type L2Read =
  | { readonly kind: 'value'; readonly version: number }
  | { readonly kind: 'leased'; readonly space: string; readonly token: number }
  | { readonly kind: 'none' };

const NONE: L2Read = { kind: 'none' };
const ANSWER_MS_MAX = 300;
const RETRY_MS = 700;

/** The store that nodes of a simulation share. Whoever does not reach it gets no answer. */
export class SimL2Store {
  readonly #cells = new Map<string, Cell>();
  readonly #random: SimRandom;
  readonly #awayFrom = new Set<string>();
  #tokensCount = 0;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  block(node: string): void {
    this.#awayFrom.add(node);
  }

  heal(): void {
    this.#awayFrom.clear();
  }

  /** What is there; where there is nothing, a lease is left. */
  read(process: SimProcess, space: string, key: string): Promise<L2Read> {
    return this.request(process, () => {
      const cell = this.#cells.get(space + key);
      if (cell?.kind === 'value') return cell;
      if (cell !== undefined) return NONE;
      this.#tokensCount += 1;
      this.#cells.set(space + key, { kind: 'lease', token: this.#tokensCount });
      return { kind: 'leased', space, token: this.#tokensCount } as const;
    });
  }

  /** Only where the lease is still there. */
  fill(
    process: SimProcess,
    { space, token }: L2Read & { kind: 'leased' },
    key: string,
    version: number,
  ) {
    return this.request(process, () => {
      const cell = this.#cells.get(space + key);
      if (cell?.kind === 'lease' && cell.token === token)
        this.#cells.set(space + key, { kind: 'value', version });
    });
  }

  drop(process: SimProcess, space: string, key: string): Promise<void> {
    return this.request(process, () => {
      this.#cells.delete(space + key);
    });
  }

  request<T>(process: SimProcess, perform: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const node = process.name.split(' ', 1)[0] ?? '';
    const delayUs = () =>
      Math.round(this.#random.logBetween(100, this.#random.chance(0.02) ? 1_000_000 : 1_500));
    process.world.schedule(delayUs(), 'l2', {
      fn: () => {
        if (this.#awayFrom.has(node)) return;
        const result = perform();
        if (!this.#awayFrom.has(node))
          process.afterUs(delayUs(), 'l2 answer', () => resolve(result));
      },
    });
    process.after(ANSWER_MS_MAX, () => reject(new L2Away()));
    return promise;
  }
}

/** No answer in time: it may have been done. */
export class L2Away extends Error {}

/** What a planted bug leaves out. */
export interface L2Mistakes {
  readonly ignoresUnshared?: boolean;
  readonly usesGenerationsAtOnce?: boolean;
  readonly finishesOnce?: boolean;
}

/** A node's side of it: what dax/cache does, as plain as can be. */
export class SimL2 {
  readonly #process: SimProcess;
  readonly #store: SimL2Store;
  readonly #coherence: Coherence;
  readonly #mistakes: L2Mistakes;
  #generationMs = 0;
  #announced: 'reachable' | 'withheld' | undefined = 'reachable';
  #last: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;
  hitsCount = 0;

  constructor(
    process: SimProcess,
    store: SimL2Store,
    coherence: Coherence,
    mistakes: L2Mistakes = {},
  ) {
    this.#process = process;
    this.#store = store;
    this.#coherence = coherence;
    this.#mistakes = mistakes;
    coherence.onL2Generation(() => {
      this.#generationMs = process.monotonicMs();
    });
    this.#shareLater();
  }

  async read(key: string): Promise<L2Read> {
    const { mayServe, isL2Shared, l2Generation } = this.#coherence;
    const settleMs = this.#mistakes.usesGenerationsAtOnce === true ? 0 : L2_SETTLE_MS;
    const isSettled = this.#process.monotonicMs() >= this.#generationMs + settleMs;
    const isShared = isL2Shared || this.#mistakes.ignoresUnshared === true;
    if (!mayServe || !isShared || !isSettled || this.#announced !== 'reachable') return NONE;
    const found = await orAway(this.#store.read(this.#process, l2Generation, key), NONE);
    if (found.kind === 'value') this.hitsCount += 1;
    return found;
  }

  fill(found: L2Read, key: string, version: number): void {
    if (found.kind !== 'leased') return;
    void orAway(this.#store.fill(this.#process, found, key, version), undefined);
  }

  /**
   * What L2 has of a key that was written is given out nowhere any more when this resolves.
   * @param tellOthers the invalidation of what they have themselves
   * @throws CoherenceError
   */
  async finish(key: string, tellOthers: () => Promise<void>): Promise<void> {
    for (;;) {
      const { l2Generation } = this.#coherence;
      const dropped = this.#store.drop(this.#process, l2Generation, key).then(() => true);
      if (!(await orAway(dropped, false))) await this.#withhold();
      await tellOthers();
      // Others may have moved on to other keys, and filled them, before this node knew.
      if (l2Generation === this.#coherence.l2Generation || this.#mistakes.finishesOnce === true)
        return;
    }
  }

  #withhold(): Promise<void> {
    if (this.#announced === 'withheld') return Promise.resolve();
    this.#waiting ??= this.#inTurn(async () => {
      this.#waiting = undefined;
      if (this.#announced === 'withheld') return;
      this.#announced = undefined;
      await this.#coherence.setL2Reachable(false);
      this.#announced = 'withheld';
    });
    return this.#waiting;
  }

  #shareLater(): void {
    this.#process.after(RETRY_MS, () => {
      this.#share().then(
        () => this.#shareLater(),
        () => this.#shareLater(),
      );
    });
  }

  async #share(): Promise<void> {
    if (this.#announced === 'reachable') return;
    await this.#store.request(this.#process, () => undefined);
    await this.#inTurn(async () => {
      if (this.#announced === 'reachable') return;
      this.#announced = undefined;
      await this.#coherence.setL2Reachable(true);
      this.#announced = 'reachable';
    });
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const next = this.#last.then(change);
    this.#last = next.catch(() => undefined);
    return next;
  }
}

function orAway<T>(answer: Promise<T>, away: T): Promise<T> {
  return answer.catch((error) => {
    if (error instanceof L2Away) return away;
    throw error;
  });
}
