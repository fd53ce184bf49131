import { PolicyError } from './policy-error.ts';
import { PolicyText, type VariableLookup } from './policy-text.ts';

const ARN_PARTS_COUNT = 6;

/**
 * An ARN with wildcards and variables, or `*` for everything. Each of its six parts is compared by
 * itself, so that no wildcard reaches over a colon; the last one is the resource, which may have
 * colons. Parts that are left out at the end are any.
 * @see IAM user guide, "IAM JSON policy elements: Resource", "Grammar of the IAM JSON policy language"
 */
export class ArnPattern {
  /** Undefined: everything, also what has no ARN. */
  readonly #parts: readonly PolicyText[] | undefined;

  /** @throws PolicyError */
  static parse(text: string, hasVariables: boolean, place: string): ArnPattern {
    if (text === '*') return new ArnPattern(undefined);
    if (!text.startsWith('arn:')) {
      throw new PolicyError(`${place} must be "*" or an ARN, not ${JSON.stringify(text)}`);
    }
    const whole = PolicyText.parse(text, { hasVariables, hasWildcards: true }, place);
    return new ArnPattern(whole.split(ARN_PARTS_COUNT));
  }

  private constructor(parts: readonly PolicyText[] | undefined) {
    this.#parts = parts;
  }

  matches(arn: readonly string[], lookup: VariableLookup): boolean {
    if (this.#parts === undefined) return true;
    if (arn.length < ARN_PARTS_COUNT) return false;
    // The resource first, in which most ARNs differ.
    for (let index = ARN_PARTS_COUNT - 1; index >= 0; index--) {
      if (this.#parts[index]?.matches(arn[index] ?? '', lookup) !== true) return false;
    }
    return true;
  }
}

/** The six parts of an ARN; fewer of what is none. */
export function arnParts(arn: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  while (parts.length < ARN_PARTS_COUNT - 1) {
    const colon = arn.indexOf(':', from);
    if (colon < 0) break;
    parts.push(arn.slice(from, colon));
    from = colon + 1;
  }
  parts.push(arn.slice(from));
  return parts;
}
