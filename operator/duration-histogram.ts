/** Upper bounds of buckets, ms. A pass that waits for the API server's token bucket takes seconds. */
const BUCKETS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
] as const;

/** Durations as plain numbers, in the shape that the metrics page reads. */
export class DurationHistogram {
  readonly buckets: readonly number[] = BUCKETS_MS;
  /** One more than buckets: the last is for what is above all. */
  readonly counts: number[] = new Array<number>(BUCKETS_MS.length + 1).fill(0);
  sum = 0;
  count = 0;

  observe(ms: number): void {
    const index = this.buckets.findIndex((bound) => ms <= bound);
    const bucket = index < 0 ? this.buckets.length : index;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += ms;
    this.count += 1;
  }
}
