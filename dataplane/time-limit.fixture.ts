/**
 * For properties that wait: what fast-check's own time limit interrupts goes on in the background, and
 * disturbs the next property. So a run that begins too late does nothing, and none is interrupted.
 */
export function withinTime<Values extends readonly unknown[]>(
  limitMs: number,
  predicate: (...values: Values) => Promise<void>,
): (...values: Values) => Promise<void> {
  const end = performance.now() + limitMs;
  return async (...values) => {
    if (performance.now() < end) await predicate(...values);
  };
}
