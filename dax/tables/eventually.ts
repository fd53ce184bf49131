/** A value that is at hand, or one that is waited for: what is at hand costs no turn of the event loop. */
export type Eventually<T> = T | Promise<T>;

/** `next` of the value: in this turn of the event loop if it is at hand, else when it is there. */
export function andThen<Value, Result>(
  value: Eventually<Value>,
  next: (value: Value) => Eventually<Result>,
): Eventually<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
