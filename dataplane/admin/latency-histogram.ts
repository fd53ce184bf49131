import { durationBucketsMs, Histogram } from '../replication/metrics.ts';

/** Of answers that may come out of memory: its first buckets, in ms, are for microseconds. */
const latencyBucketsMs: readonly number[] = [0.01, 0.025, 0.05, ...durationBucketsMs];

/** How long requests took, in ms. */
export class LatencyHistogram extends Histogram {
  constructor() {
    super(latencyBucketsMs);
  }
}
