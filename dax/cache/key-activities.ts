import { KeyTable } from './key-table.ts';

/**
 * What is under way for a key: at most one read of the table that others may join, and writes. A
 * key has a place here only while something is.
 */
export class KeyActivities<Value> {
  readonly #table = new KeyTable<KeyActivity<Value>>();
  readonly #flightsCountMax: number;
  #flightsCount = 0;

  constructor(flightsCountMax: number) {
    this.#flightsCountMax = flightsCountMax;
  }

  get flightsCount(): number {
    return this.#flightsCount;
  }

  /** The flight that a reader who begins now may join. */
  flightOf(key: string): Flight<Value> | undefined {
    return this.#table.get(key)?.flight;
  }

  /** @returns undefined when there are as many as may be */
  startFlight(key: string): Flight<Value> | undefined {
    if (this.#flightsCount >= this.#flightsCountMax) return undefined;
    const flight = new Flight<Value>(key);
    this.#flightsCount += 1;
    this.#activityOf(key).flight = flight;
    return flight;
  }

  /**
   * The flight has landed, in whatever way.
   * @returns whether what it brings may be kept: no write has ended since it began
   */
  endFlight(flight: Flight<Value>): boolean {
    this.#flightsCount -= 1;
    const activity = this.#table.get(flight.key);
    if (activity?.flight !== flight) return false;
    activity.flight = undefined;
    this.#dropIfIdle(activity);
    return true;
  }

  beginWrite(key: string): WriteWatch {
    const activity = this.#activityOf(key);
    const watch = new WriteWatch(key);
    if (activity.writes.length > 0) {
      // The table has them in an order that cannot be told from here.
      watch.isOverlapped = true;
      for (const other of activity.writes) other.isOverlapped = true;
    }
    activity.writes = [...activity.writes, watch];
    return watch;
  }

  /** Later readers do not join flights that began before. */
  endWrite(watch: WriteWatch): void {
    const activity = this.#table.get(watch.key);
    if (activity === undefined) return;
    activity.writes = activity.writes.filter((other) => other !== watch);
    activity.flight = undefined;
    this.#dropIfIdle(activity);
  }

  /** Another node wrote the key. */
  invalidate(key: string): void {
    const activity = this.#table.get(key);
    if (activity !== undefined) this.#invalidate(activity);
  }

  /** As `invalidate`, for every key. */
  invalidateAll(): void {
    for (const activity of this.#table.values()) this.#invalidate(activity);
  }

  #invalidate(activity: KeyActivity<Value>): void {
    activity.flight = undefined;
    for (const watch of activity.writes) watch.isOverlapped = true;
    this.#dropIfIdle(activity);
  }

  #activityOf(key: string): KeyActivity<Value> {
    const known = this.#table.get(key);
    if (known !== undefined) return known;
    const activity: KeyActivity<Value> = { key, flight: undefined, writes: NO_WRITES };
    this.#table.add(activity);
    return activity;
  }

  #dropIfIdle(activity: KeyActivity<Value>): void {
    if (activity.flight === undefined && activity.writes.length === 0) this.#table.remove(activity);
  }
}

interface KeyActivity<Value> {
  readonly key: string;
  flight: Flight<Value> | undefined;
  writes: readonly WriteWatch[];
}

const NO_WRITES: readonly WriteWatch[] = [];

/** A read of the table on behalf of everybody who asks while it lasts. */
export class Flight<Value> {
  readonly key: string;
  /** Most flights have nobody but the one who started them: promises are made for those who join. */
  #joined: Joined<Value>[] | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Rejects with the error that the flight fails with. */
  join(): Promise<Value> {
    this.#joined ??= [];
    const { promise, ...joined } = Promise.withResolvers<Value>();
    this.#joined.push(joined);
    return promise;
  }

  succeed(value: Value): void {
    for (const { resolve } of this.#joined ?? []) resolve(value);
  }

  fail(error: unknown): void {
    for (const { reject } of this.#joined ?? []) reject(error);
  }
}

type Joined<Value> = Pick<PromiseWithResolvers<Value>, 'resolve' | 'reject'>;

/** A write of this node, from before the call of the table until the caches know of its answer. */
export class WriteWatch {
  readonly key: string;
  /** Another write of the key may have come before or after this one: its value is not to be kept. */
  isOverlapped = false;

  constructor(key: string) {
    this.key = key;
  }
}
