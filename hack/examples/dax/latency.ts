/** Latencies of many calls, in microseconds. */
export interface Latencies {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Calls one after another, as one client does that waits for each answer. */
export async function latenciesOf(
  count: number,
  call: (at: number) => Promise<unknown>,
): Promise<Latencies> {
  const timesUs: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const startMs = performance.now();
    await call(at);
    timesUs.push((performance.now() - startMs) * 1_000);
  }
  timesUs.sort((a, b) => a - b);
  return { p50Us: quantile(timesUs, 0.5), p99Us: quantile(timesUs, 0.99) };
}

/** @param sorted ascending, not empty */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
