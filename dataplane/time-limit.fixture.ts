export interface TimeLimit {
  readonly limitMs: number;
  /** So many are done whatever the time, of which a machine may stand still for all. */
  readonly runsMin: number;
}

/**
 * For properties that wait: what fast-check's own time limit interrupts goes on in the background, and
 * disturbs the next property. So a run that begins too late does nothing, and none is interrupted.
 */
export function withinTime<Values extends readonly unknown[]>(
  { limitMs, runsMin }: TimeLimit,
  predicate: (...values: Values) => Promise<void>,
): (...values: Values) => Promise<void> {
  const end = performance.now() + limitMs;
  let runs = 0;
  return async (...values) => {
    runs += 1;
    if (runs <= runsMin || performance.now() < end) await predicate(...values);
  };
}
