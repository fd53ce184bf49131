import { constraintTexts } from '../../errors/requests.ts';

/** A constraint on a value itself, whatever is inside. */
export interface Constraint<Value> {
  readonly text: string;
  readonly test: (value: Value) => boolean;
}

export function addLengthConstraints<Value>(
  constraints: Constraint<Value>[],
  { min, max }: { readonly min?: number | undefined; readonly max?: number | undefined },
  lengthOf: (value: Value) => number,
): void {
  if (min !== undefined) {
    constraints.push({
      text: constraintTexts.lengthMin(min),
      test: (value) => lengthOf(value) >= min,
    });
  }
  if (max !== undefined) {
    constraints.push({
      text: constraintTexts.lengthMax(max),
      test: (value) => lengthOf(value) <= max,
    });
  }
}

export function allHold<Value>(constraints: readonly Constraint<Value>[], value: Value): boolean {
  for (const constraint of constraints) if (!constraint.test(value)) return false;
  return true;
}

/** The parts of a shape that follow from the constraints on the value itself. */
export function ownConstraints<Value>(constraints: readonly Constraint<Value>[]) {
  return {
    texts: constraints.map(({ text }) => text),
    violated: (value: Value) =>
      constraints.filter(({ test }) => !test(value)).map(({ text }) => text),
  };
}
