import type { TableThroughput, ThroughputLimit } from './table.ts';

/** Unused units are kept for this long (reference/dynamodb.md section 2, burst). */
export const BURST_SECONDS = 300;

/**
 * A token bucket: filled at `rate` units a second up to what 300 s bring. A request is admitted
 * while anything is left, and charged what it cost, so the level may fall below zero.
 * Pure: the clock is an argument, and a bucket is a value.
 */
export interface Bucket {
  /** Units a second. */
  readonly rate: number;
  /** Units at `atMs`. */
  readonly level: number;
  readonly atMs: number;
}

export function fullBucket(rate: number, nowMs: number): Bucket {
  return { rate, level: rate * BURST_SECONDS, atMs: nowMs };
}

/** The bucket as it is now. A clock that went back adds nothing. */
export function refill(bucket: Bucket, nowMs: number): Bucket {
  const { rate, level, atMs } = bucket;
  if (nowMs <= atMs) return bucket;
  const filled = level + (rate * (nowMs - atMs)) / 1000;
  return { rate, level: Math.min(rate * BURST_SECONDS, filled), atMs: nowMs };
}

/** Whether a request may go ahead. */
export function admits(bucket: Bucket): boolean {
  return bucket.level > 0;
}

export function charge(bucket: Bucket, units: number): Bucket {
  return { ...bucket, level: bucket.level - units };
}

/** A new rate; what was saved up stays, as far as the new burst holds it. */
export function changeRate(bucket: Bucket, rate: number, nowMs: number): Bucket {
  const { level } = refill(bucket, nowMs);
  return { rate, level: Math.min(rate * BURST_SECONDS, level), atMs: nowMs };
}

/** The limit of one resource and direction; without a rate, everything is admitted. */
export class Meter {
  #bucket: Bucket | undefined;

  /** @param rate - units a second, undefined: no limit */
  setRate(rate: number | undefined, nowMs: number): void {
    if (rate === undefined) this.#bucket = undefined;
    else if (this.#bucket === undefined) this.#bucket = fullBucket(rate, nowMs);
    else this.#bucket = changeRate(this.#bucket, rate, nowMs);
  }

  admits(nowMs: number): boolean {
    if (this.#bucket === undefined) return true;
    this.#bucket = refill(this.#bucket, nowMs);
    return admits(this.#bucket);
  }

  charge(units: number, nowMs: number): void {
    if (this.#bucket === undefined) return;
    this.#bucket = charge(refill(this.#bucket, nowMs), units);
  }
}

/** The read and the write meter of a table or a global index. */
export class ResourceMeters {
  readonly read = new Meter();
  readonly write = new Meter();

  setLimit(limit: ThroughputLimit | undefined, nowMs: number): void {
    this.read.setRate(limit?.readUnits, nowMs);
    this.write.setRate(limit?.writeUnits, nowMs);
  }
}

/** The part of a table's throughput that one of several routers admits by itself. */
export function dividedThroughput(
  { mode, table, globalIndexes }: TableThroughput,
  routersCount: number,
): TableThroughput {
  const part = (units: number | undefined) => (units === undefined ? units : units / routersCount);
  const partOf = ({ readUnits, writeUnits }: ThroughputLimit): ThroughputLimit => ({
    readUnits: part(readUnits),
    writeUnits: part(writeUnits),
  });
  return {
    mode,
    table: partOf(table),
    globalIndexes: new Map(Array.from(globalIndexes, ([name, limit]) => [name, partOf(limit)])),
  };
}
