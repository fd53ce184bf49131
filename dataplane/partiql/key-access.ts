import { partiqlFaults } from '../errors/partiql.ts';
import type { Comparator, Condition, KeyCondition, Operand } from '../expression/ast.ts';
import { topLevelAttributes } from '../expression/paths.ts';
import { type AttributeValue, typeOf } from '../item/attribute-value.ts';
import { equalValues } from '../item/equality.ts';
import { rangeOfConditions, type StorageRange } from '../partition/key-range.ts';
import type { KeyAttribute, KeySchema } from '../partition/schema.ts';
import { READS_MAX } from './limits.ts';

/** The part of a SELECT that reads one item collection, or a range of its sort keys. */
export interface KeyedRead {
  readonly hash: AttributeValue;
  readonly range: KeyCondition | undefined;
  /** What the key does not decide. */
  readonly filter: Condition | undefined;
}

/**
 * How a WHERE clause reads by key: undefined where it does not fix the partition key in every one of
 * its alternatives, so that all items have to be looked at.
 *
 * The clause is taken apart into alternatives (OR, IN) as far as these are about the key; no item is
 * in two of them, as the service demands.
 * @param key - of the table or index: one hash attribute and at most one range attribute
 * @throws ClientFault: more than READS_MAX alternatives, alternatives that overlap, key values of the
 *   wrong type
 * @see floci-io/floci, PartiQL edge cases (captures of September 2026)
 */
export function keyedReads(
  where: Condition | undefined,
  key: KeySchema,
): readonly KeyedRead[] | undefined {
  const [hash] = key.hash;
  if (where === undefined || hash === undefined) return undefined;
  const terms = new KeyTerms(hash, key.range[0]);
  if (!terms.fixHash(where)) return undefined;
  const { alternatives } = terms.alternatives(where);
  if (alternatives.some((alternative) => alternative.hasTwoHashes)) return undefined;
  for (const { hash: value, range } of alternatives) {
    if (value !== undefined) checkType(hash, value);
    if (range !== undefined && key.range[0] !== undefined) {
      for (const each of valuesOf(range.condition)) checkType(key.range[0], each);
    }
  }
  return [...Map.groupBy(alternatives, ({ hash: value }) => textOf(value)).values()].flatMap(
    readsOfCollection,
  );
}

/** One way to meet the clause: all of its parts. */
interface Alternative {
  readonly hash: AttributeValue | undefined;
  /** With the condition that it was made of. */
  readonly range: { readonly condition: KeyCondition; readonly source: Condition } | undefined;
  readonly rest: readonly Condition[];
  /** Different ones: no single collection. */
  readonly hasTwoHashes: boolean;
  /** The rest excludes sort keys (`<>`, NOT): such an alternative may overlap others. */
  readonly excludesRanges: boolean;
}

interface Alternatives {
  readonly alternatives: readonly Alternative[];
  /** Whether a part is about the key; else it is one alternative and all of it a filter. */
  readonly isOfKey: boolean;
}

const anything: Alternative = {
  hash: undefined,
  range: undefined,
  rest: [],
  hasTwoHashes: false,
  excludesRanges: false,
};

/** Depth is bounded by the number of operators in a statement, the work by READS_MAX. */
class KeyTerms {
  readonly #hash: string;
  readonly #range: string | undefined;

  constructor(hash: KeyAttribute, range: KeyAttribute | undefined) {
    this.#hash = hash.name;
    this.#range = range?.name;
  }

  /** Whether the partition key is fixed, to one value or one of several. */
  fixHash(condition: Condition): boolean {
    switch (condition.kind) {
      case 'and':
        return this.fixHash(condition.left) || this.fixHash(condition.right);
      case 'or':
        return this.fixHash(condition.left) && this.fixHash(condition.right);
      case 'compare':
        return this.#equality(condition, this.#hash) !== undefined;
      case 'in':
        return this.#listed(condition, this.#hash) !== undefined;
      default:
        return false;
    }
  }

  /** @throws ClientFault when there are more than READS_MAX */
  alternatives(condition: Condition): Alternatives {
    switch (condition.kind) {
      case 'and':
        return this.#all(this.alternatives(condition.left), this.alternatives(condition.right));
      case 'or': {
        const left = this.alternatives(condition.left);
        const right = this.alternatives(condition.right);
        if (!left.isOfKey && !right.isOfKey) return filter(condition);
        return bounded([...left.alternatives, ...right.alternatives]);
      }
      default:
        return this.#term(condition);
    }
  }

  #all(left: Alternatives, right: Alternatives): Alternatives {
    const isOfKey = left.isOfKey || right.isOfKey;
    if (left.alternatives.length * right.alternatives.length > READS_MAX) {
      throw partiqlFaults.tooManyReads();
    }
    const alternatives = left.alternatives.flatMap((one) =>
      right.alternatives.map((other) => both(one, other)),
    );
    return { alternatives, isOfKey };
  }

  #term(source: Condition): Alternatives {
    if (source.kind === 'in') {
      const hashes = this.#listed(source, this.#hash);
      if (hashes !== undefined) {
        return bounded(hashes.map((hash) => ({ ...anything, hash })));
      }
      const attribute = this.#range;
      const ranges = attribute === undefined ? undefined : this.#listed(source, attribute);
      if (attribute !== undefined && ranges !== undefined) {
        return bounded(
          ranges.map((value) => ({
            ...anything,
            range: {
              condition: { attribute, operator: '=', value },
              source: equals(attribute, value),
            },
          })),
        );
      }
      return filter(source);
    }
    const hash = source.kind === 'compare' ? this.#equality(source, this.#hash) : undefined;
    if (hash !== undefined) return bounded([{ ...anything, hash }]);
    const condition = this.#rangeCondition(source);
    if (condition !== undefined) return bounded([{ ...anything, range: { condition, source } }]);
    return filter(source, this.#excludesRanges(source));
  }

  /** The value that an attribute must have, by this comparison. */
  #equality(
    { comparator, left, right }: Condition & { kind: 'compare' },
    attribute: string,
  ): AttributeValue | undefined {
    if (comparator !== '=') return undefined;
    if (isAttribute(left, attribute) && right.kind === 'value') return right.value;
    if (isAttribute(right, attribute) && left.kind === 'value') return left.value;
    return undefined;
  }

  #listed(
    { operand, candidates }: Condition & { kind: 'in' },
    attribute: string,
  ): readonly AttributeValue[] | undefined {
    if (!isAttribute(operand, attribute)) return undefined;
    const values = candidates.flatMap((each) => (each.kind === 'value' ? [each.value] : []));
    return values.length === candidates.length ? values : undefined;
  }

  /** A condition that one range of sort keys meets. */
  #rangeCondition(condition: Condition): KeyCondition | undefined {
    const attribute = this.#range;
    if (attribute === undefined) return undefined;
    switch (condition.kind) {
      case 'compare': {
        const { left, right } = condition;
        const isSwapped = left.kind === 'value' && isAttribute(right, attribute);
        const operator = isSwapped ? swapped[condition.comparator] : condition.comparator;
        const value = isSwapped ? left : right;
        if (!isSwapped && !isAttribute(left, attribute)) return undefined;
        if (value.kind !== 'value' || operator === '<>') return undefined;
        return { attribute, operator, value: value.value };
      }
      case 'between': {
        const { operand, lower, upper } = condition;
        if (!isAttribute(operand, attribute)) return undefined;
        if (lower.kind !== 'value' || upper.kind !== 'value') return undefined;
        return { attribute, operator: 'between', lower: lower.value, upper: upper.value };
      }
      case 'beginsWith': {
        const { operand, prefix } = condition;
        if (!isAttribute(operand, attribute) || prefix.kind !== 'value') return undefined;
        return { attribute, operator: 'beginsWith', value: prefix.value };
      }
      default:
        return undefined;
    }
  }

  #excludesRanges(condition: Condition): boolean {
    const isExclusion =
      condition.kind === 'not' || (condition.kind === 'compare' && condition.comparator === '<>');
    if (!isExclusion || this.#range === undefined) return false;
    return topLevelAttributes(condition).has(this.#range);
  }
}

function filter(condition: Condition, excludesRanges = false): Alternatives {
  return { alternatives: [{ ...anything, rest: [condition], excludesRanges }], isOfKey: false };
}

function bounded(alternatives: readonly Alternative[]): Alternatives {
  if (alternatives.length > READS_MAX) throw partiqlFaults.tooManyReads();
  return { alternatives, isOfKey: true };
}

/** What meets both. Of two conditions on the sort key one is for the range, the other a filter. */
function both(one: Alternative, other: Alternative): Alternative {
  const rest = [...one.rest, ...other.rest];
  let { range } = one;
  if (range === undefined) {
    range = other.range;
  } else if (other.range !== undefined) {
    const isOtherExact = other.range.condition.operator === '=' && range.condition.operator !== '=';
    rest.push(isOtherExact ? range.source : other.range.source);
    if (isOtherExact) range = other.range;
  }
  const areDifferent =
    one.hash !== undefined && other.hash !== undefined && !equalValues(one.hash, other.hash);
  return {
    hash: one.hash ?? other.hash,
    range,
    rest,
    hasTwoHashes: one.hasTwoHashes || other.hasTwoHashes || areDifferent,
    excludesRanges: one.excludesRanges || other.excludesRanges,
  };
}

/** The reads of the alternatives that have one partition key. @throws ClientFault if they overlap */
function readsOfCollection(alternatives: readonly Alternative[]): readonly KeyedRead[] {
  const [first] = alternatives;
  if (first?.hash === undefined) throw new Error('every alternative fixes the partition key');
  const { hash } = first;
  const ranges = alternatives.map(({ range }) => rangeOf(range?.condition));
  let areMerged = false;
  for (const [index, one] of alternatives.entries()) {
    for (let next = index + 1; next < alternatives.length; next++) {
      if (!overlap(ranges[index], ranges[next])) continue;
      if (!one.excludesRanges && alternatives[next]?.excludesRanges !== true) {
        throw partiqlFaults.overlappingReads();
      }
      areMerged = true;
    }
  }
  if (!areMerged) {
    return alternatives.map(({ range, rest }) => ({
      hash,
      range: range?.condition,
      filter: joined('and', rest),
    }));
  }
  // One read of the whole collection, so that no item is shown twice.
  const wholes = alternatives.map(({ range, rest }) =>
    joined('and', range === undefined ? rest : [range.source, ...rest]),
  );
  const isAll = wholes.includes(undefined);
  const either = joined(
    'or',
    wholes.filter((whole) => whole !== undefined),
  );
  return [{ hash, range: undefined, filter: isAll ? undefined : either }];
}

/** Conditions as one; undefined where there are none. */
export function joined(
  kind: 'and' | 'or',
  conditions: readonly Condition[],
): Condition | undefined {
  let whole: Condition | undefined;
  for (const right of conditions)
    whole = whole === undefined ? right : { kind, left: whole, right };
  return whole;
}

const ANY_PREFIX = Buffer.from([1]);

/** Sort keys that meet a condition, as a range of their encodings. */
export function rangeOf(condition: KeyCondition | undefined): StorageRange {
  return rangeOfConditions(ANY_PREFIX, condition === undefined ? [] : [condition]);
}

function overlap(one: StorageRange | undefined, other: StorageRange | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return Buffer.compare(one.start, other.end) < 0 && Buffer.compare(other.start, one.end) < 0;
}

/** Equal exactly when the values are: they are canonical. */
function textOf(value: AttributeValue | undefined): string {
  return JSON.stringify(value);
}

function isAttribute(operand: Operand, name: string): boolean {
  return operand.kind === 'path' && operand.path.length === 1 && operand.path[0] === name;
}

function equals(attribute: string, value: AttributeValue): Condition {
  const left: Operand = { kind: 'path', path: [attribute] };
  return { kind: 'compare', comparator: '=', left, right: { kind: 'value', value } };
}

function valuesOf(condition: KeyCondition): readonly AttributeValue[] {
  return condition.operator === 'between' ? [condition.lower, condition.upper] : [condition.value];
}

function checkType({ name, type }: KeyAttribute, value: AttributeValue): void {
  if (typeOf(value) !== type) throw partiqlFaults.keyType(name);
}

const swapped: Readonly<Record<Comparator, Comparator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
