import type { SimRandom } from '../../dataplane/simulation/random.ts';
import type { SimProcess } from '../../dataplane/simulation/sim-scheduler.ts';
import type { Coherence, Invalidation } from './coherence.ts';
import type { SimL2 } from './sim-l2.fixture.ts';

/** The tables of a simulation: each write of a key makes a version that is one higher, at one moment. */
export class SimTables {
  readonly #versions = new Map<string, number>();
  readonly #random: SimRandom;
  readonly #awayFrom = new Set<string>();

  constructor(random: SimRandom) {
    this.#random = random;
  }

  block(node: string): void {
    this.#awayFrom.add(node);
  }

  heal(): void {
    this.#awayFrom.clear();
  }

  /** @throws TableFailure */
  read(process: SimProcess, key: string): Promise<number> {
    return this.#request(process, () => this.#versions.get(key) ?? 0);
  }

  /** @throws TableFailure: the write may have been done, and may still be */
  write(process: SimProcess, key: string): Promise<number> {
    return this.#request(process, () => {
      const version = (this.#versions.get(key) ?? 0) + 1;
      this.#versions.set(key, version);
      return version;
    });
  }

  /** Whatever is on its way happens, but not every answer comes back. */
  #request<T>(process: SimProcess, perform: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const node = process.name.split(' ', 1)[0] ?? '';
    process.world.schedule(this.#delayUs(), 'table', {
      fn: () => {
        if (this.#awayFrom.has(node)) return;
        const result = perform();
        if (this.#awayFrom.has(node) || this.#random.chance(0.02)) return;
        process.afterUs(this.#delayUs(), 'table answer', () => resolve(result));
      },
    });
    process.after(TABLE_MS_MAX, () => reject(new TableFailure()));
    return promise;
  }

  #delayUs(): number {
    const max = this.#random.chance(0.05) ? 3_500_000 : 4_000;
    return Math.round(this.#random.logBetween(300, max));
  }
}

const TABLE_MS_MAX = 2_000;

/** No answer in time. */
export class TableFailure extends Error {}

interface Flight {
  readonly result: Promise<number>;
  isStale: boolean;
}

const HOLD_MS = 30_000;

export interface SimCachingNodeOptions {
  readonly process: SimProcess;
  readonly tables: SimTables;
  readonly coherence: Coherence;
  readonly l2: SimL2;
}

/**
 * A node that caches, as plain as can be: what dax/cache does to a key, without its bounds.
 * A version is given out as 'hit' or as read from the tables.
 */
export class SimCachingNode {
  readonly #process: SimProcess;
  readonly #tables: SimTables;
  readonly #coherence: Coherence;
  readonly #l2: SimL2;
  readonly #cached = new Map<string, number>();
  readonly #flights = new Map<string, Flight>();
  readonly #heldUntilMs = new Map<string, number>();
  /** Writes and invalidations of a key so far, begun and done: one that overlapped none may store its value. */
  readonly #changes = new Map<string, number>();
  hitsCount = 0;

  constructor({ process, tables, coherence, l2 }: SimCachingNodeOptions) {
    this.#process = process;
    this.#tables = tables;
    this.#coherence = coherence;
    this.#l2 = l2;
    coherence.onInvalidation((message) => this.#onInvalidation(message));
    coherence.onReset(() => this.#reset());
  }

  /** @throws TableFailure */
  async read(key: string): Promise<number> {
    // Another reader's flight may be older than a write that this node was not told of.
    if (!this.#coherence.mayServe) return this.#tables.read(this.#process, key);
    const cached = this.#cached.get(key);
    if (cached !== undefined) {
      this.hitsCount += 1;
      return cached;
    }
    return this.#flights.get(key)?.result ?? this.#begin(key);
  }

  /** Resolves when the write is acknowledged. @throws TableFailure, CoherenceError */
  async write(key: string): Promise<number> {
    const change = this.#change(key);
    let version: number;
    try {
      version = await this.#tables.write(this.#process, key);
    } catch (error) {
      this.#hold(key);
      this.#drop(key);
      // Others are told, whether or not they can be.
      const tellOthers = () => this.#coherence.invalidate(messageOf(key, true));
      this.#l2.finish(key, tellOthers).catch(() => undefined);
      throw error;
    }
    const isAlone = this.#changes.get(key) === change;
    this.#drop(key);
    if (isAlone && !this.#isHeld(key)) this.#cached.set(key, version);
    await this.#l2.finish(key, () => this.#coherence.invalidate(messageOf(key, false)));
    return version;
  }

  #begin(key: string): Promise<number> {
    const flight: Flight = { result: this.#fetch(key), isStale: false };
    this.#flights.set(key, flight);
    const isOver = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.result.then((version) => {
      isOver();
      if (!flight.isStale && !this.#isHeld(key)) this.#cached.set(key, version);
    }, isOver);
    return flight.result;
  }

  async #fetch(key: string): Promise<number> {
    const found = await this.#l2.read(key);
    if (found.kind === 'value') return found.version;
    const version = await this.#tables.read(this.#process, key);
    this.#l2.fill(found, key, version);
    return version;
  }

  #onInvalidation({ keys, isUncertain }: Invalidation): void {
    if (keys === 'all') {
      this.#reset();
      return;
    }
    for (const { key } of keys) {
      if (isUncertain) this.#hold(key);
      this.#drop(key);
    }
  }

  #change(key: string): number {
    const change = (this.#changes.get(key) ?? 0) + 1;
    this.#changes.set(key, change);
    return change;
  }

  #drop(key: string): void {
    this.#change(key);
    this.#cached.delete(key);
    const flight = this.#flights.get(key);
    if (flight !== undefined) flight.isStale = true;
    this.#flights.delete(key);
  }

  #reset(): void {
    for (const flight of this.#flights.values()) flight.isStale = true;
    this.#flights.clear();
    this.#cached.clear();
    for (const key of this.#changes.keys()) this.#change(key);
  }

  #hold(key: string): void {
    this.#heldUntilMs.set(key, this.#process.monotonicMs() + HOLD_MS);
  }

  #isHeld(key: string): boolean {
    return this.#process.monotonicMs() < (this.#heldUntilMs.get(key) ?? 0);
  }
}

function messageOf(key: string, isUncertain: boolean): Invalidation {
  return { tableId: 't', keys: [{ key, hashLength: key.length }], isUncertain };
}
