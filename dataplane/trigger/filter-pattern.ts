import { ClientFault } from '../errors/client-fault.ts';
import { compareNumbers, normaliseNumber } from '../item/number.ts';

/**
 * Event filter patterns: JSON that has the form of the records it matches, with lists of rules where
 * those have values. All fields have to match, of each list one rule.
 *
 * Lists in a record are looked into: a rule holds if it does for one element, and the fields of a
 * pattern have to match in the same element. `exists` looks at values, not at what holds them.
 *
 * @see AWS Lambda, "Control which events Lambda sends to your function"; aws/event-ruler, README
 */
export class FilterPattern {
  readonly #root: PatternNode;

  /** @throws FilterPatternError */
  static parse(text: string): FilterPattern {
    return new FilterPattern(parsePattern(text));
  }

  private constructor(root: PatternNode) {
    this.#root = root;
  }

  /** @param event - a record of an event, as parsed JSON */
  matches(event: unknown): boolean {
    return matchesNode(this.#root, event, new Presence(event));
  }
}

/** The pattern is none; one line says why. */
export class FilterPatternError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FilterPatternError';
  }
}

/** Of the API model of Lambda: `Filter.Pattern`. */
export const PATTERN_CHARACTERS_MAX = 4096;

/** Fields that all have to match, and alternatives of which one has to. */
interface PatternNode {
  readonly fields: readonly PatternField[];
  readonly alternatives: readonly PatternNode[];
}

interface PatternField {
  readonly name: string;
  /** From the root. */
  readonly path: readonly string[];
  readonly content:
    | { readonly kind: 'node'; readonly node: PatternNode }
    | { readonly kind: 'rules'; readonly rules: readonly Rule[] };
}

type Scalar = string | number | boolean | null;

type Rule =
  | { readonly kind: 'is'; readonly value: Scalar }
  | { readonly kind: 'exists'; readonly exists: boolean }
  | { readonly kind: 'prefix' | 'suffix' | 'equals-ignore-case'; readonly text: string }
  | { readonly kind: 'numeric'; readonly bounds: readonly NumericBound[] }
  /** None of these rules. */
  | { readonly kind: 'anything-but'; readonly rules: readonly Rule[] };

interface NumericBound {
  readonly operator: NumericOperator;
  readonly value: string;
}

const NUMERIC_OPERATORS = ['=', '<', '<=', '>', '>='] as const;
type NumericOperator = (typeof NUMERIC_OPERATORS)[number];

/** A pattern whose `$or` has these is one whose fields are called so (event-ruler does the same). */
const RULE_NAMES = [
  ...['exists', 'prefix', 'suffix', 'equals-ignore-case', 'numeric', 'anything-but'],
  ...['wildcard', 'cidr'],
];

/**
 * Whether an event has a value at a path, looked for once: else a list of many elements would be gone
 * through for each of them.
 */
class Presence {
  readonly #event: unknown;
  readonly #known = new Map<readonly string[], boolean>();

  constructor(event: unknown) {
    this.#event = event;
  }

  has(path: readonly string[]): boolean {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const isThere = hasScalarAt(this.#event, path);
    this.#known.set(path, isThere);
    return isThere;
  }
}

function matchesNode(node: PatternNode, value: unknown, presence: Presence): boolean {
  if (Array.isArray(value) && value.length > 0) {
    return value.some((element) => matchesNode(node, element, presence));
  }
  return (
    node.fields.every((field) => matchesField(field, memberOf(value, field.name), presence)) &&
    (node.alternatives.length === 0 ||
      node.alternatives.some((alternative) => matchesNode(alternative, value, presence)))
  );
}

function matchesField({ name, path, content }: PatternField, value: unknown, presence: Presence) {
  if (content.kind === 'node') return matchesNode(content.node, value, presence);
  return content.rules.some((rule) =>
    rule.kind === 'exists' && !rule.exists
      ? !presence.has(path)
      : someScalar(value, (scalar) => holds(rule, scalar, name)),
  );
}

/** @param name - of the field: texts of `N` attributes are numbers */
function holds(rule: Rule, value: Scalar, name: string): boolean {
  switch (rule.kind) {
    case 'is':
      return rule.value === value;
    case 'exists':
      return true;
    case 'prefix':
      return typeof value === 'string' && value.startsWith(rule.text);
    case 'suffix':
      return typeof value === 'string' && value.endsWith(rule.text);
    case 'equals-ignore-case':
      return typeof value === 'string' && value.toLowerCase() === rule.text.toLowerCase();
    case 'anything-but':
      return !rule.rules.some((excluded) => holds(excluded, value, name));
    case 'numeric': {
      const number = numberOf(value, name);
      return number !== undefined && rule.bounds.every((bound) => isWithin(number, bound));
    }
  }
}

/**
 * The decimal of a value. Differs: the service takes the texts of N attributes for texts, so that
 * there `numeric` matches none of them.
 */
function numberOf(value: Scalar, name: string): string | undefined {
  if (typeof value === 'number') return decimalOf(String(value));
  if (typeof value !== 'string' || (name !== 'N' && name !== 'NS')) return undefined;
  return decimalOf(value);
}

/** Undefined for what is no number of the data model. */
function decimalOf(text: string): string | undefined {
  try {
    return normaliseNumber(text);
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    return undefined;
  }
}

function isWithin(number: string, { operator, value }: NumericBound): boolean {
  const order = compareNumbers(number, value);
  switch (operator) {
    case '=':
      return order === 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function someScalar(value: unknown, test: (scalar: Scalar) => boolean): boolean {
  if (Array.isArray(value)) return value.some((element) => someScalar(element, test));
  return isScalar(value) && test(value);
}

function hasScalarAt(value: unknown, path: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((element) => hasScalarAt(element, path));
  const [name, ...rest] = path;
  return name === undefined ? isScalar(value) : hasScalarAt(memberOf(value, name), rest);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsePattern(text: string): PatternNode {
  if (text.length > PATTERN_CHARACTERS_MAX) {
    throw new FilterPatternError(
      `a filter pattern has at most ${PATTERN_CHARACTERS_MAX} characters`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FilterPatternError('a filter pattern is a JSON object');
  }
  if (!isObject(json)) throw new FilterPatternError('a filter pattern is a JSON object');
  return nodeOf(json, []);
}

function nodeOf(json: Record<string, unknown>, path: readonly string[]): PatternNode {
  const entries = Object.entries(json);
  if (entries.length === 0) throw refusal(path, 'is an empty object');
  const fields: PatternField[] = [];
  let alternatives: readonly PatternNode[] = [];
  for (const [name, value] of entries) {
    if (name === '$or' && isAlternatives(value)) {
      alternatives = value.map((alternative) => nodeOf(alternative, path));
    } else {
      fields.push(fieldOf(name, value, [...path, name]));
    }
  }
  return { fields, alternatives };
}

function isAlternatives(value: unknown): value is readonly Record<string, unknown>[] {
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every(isObject) &&
    !value.some((each) => Object.keys(each).some((name) => RULE_NAMES.includes(name)))
  );
}

function fieldOf(name: string, value: unknown, path: readonly string[]): PatternField {
  if (isObject(value)) return { name, path, content: { kind: 'node', node: nodeOf(value, path) } };
  if (!Array.isArray(value)) throw refusal(path, 'is neither an object nor a list of rules');
  if (value.length === 0) throw refusal(path, 'is an empty list');
  return { name, path, content: { kind: 'rules', rules: value.map((rule) => ruleOf(rule, path)) } };
}

function ruleOf(json: unknown, path: readonly string[]): Rule {
  if (isScalar(json)) return { kind: 'is', value: json };
  const entries = isObject(json) ? Object.entries(json) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw refusal(path, 'has a rule that is none');
  const [kind, operand] = entry;
  switch (kind) {
    case 'exists':
      if (typeof operand !== 'boolean') throw refusal(path, 'exists needs true or false');
      return { kind, exists: operand };
    case 'prefix':
    case 'suffix':
    case 'equals-ignore-case':
      if (typeof operand !== 'string') throw refusal(path, `${kind} needs a text`);
      return { kind, text: operand };
    case 'numeric':
      return { kind, bounds: boundsOf(operand, path) };
    case 'anything-but':
      return { kind, rules: excludedOf(operand, path) };
    default:
      throw refusal(path, `has an unknown rule ${JSON.stringify(kind)}`);
  }
}

function boundsOf(operand: unknown, path: readonly string[]): readonly NumericBound[] {
  const complaint = 'numeric needs a list of comparisons, like [">", 0, "<=", 5]';
  if (!Array.isArray(operand) || ![2, 4].includes(operand.length)) throw refusal(path, complaint);
  const bounds: NumericBound[] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const operator = NUMERIC_OPERATORS.find((each) => each === operand[at]);
    const value: unknown = operand[at + 1];
    const number = typeof value === 'number' ? decimalOf(String(value)) : undefined;
    if (operator === undefined || number === undefined) throw refusal(path, complaint);
    bounds.push({ operator, value: number });
  }
  const [first, second] = bounds;
  const isRange =
    first === undefined || second === undefined || isBelow(first, second) || isBelow(second, first);
  if (!isRange) throw refusal(path, 'numeric needs a lower bound that is below the upper one');
  return bounds;
}

/**
 * Whether they are the two ends of a range. It may be written from either.
 * @see aws/event-ruler, JsonRuleCompiler.completeNumericRange, Range
 */
function isBelow(lower: NumericBound, upper: NumericBound): boolean {
  return (
    lower.operator.startsWith('>') &&
    upper.operator.startsWith('<') &&
    compareNumbers(lower.value, upper.value) < 0
  );
}

/** One value, several of one type, or one rule on texts. */
function excludedOf(operand: unknown, path: readonly string[]): readonly Rule[] {
  const complaint = 'anything-but needs a text, a number, a list of either, or a rule on texts';
  if (isObject(operand)) {
    const rule = ruleOf(operand, path);
    if (!['prefix', 'suffix', 'equals-ignore-case'].includes(rule.kind)) {
      throw refusal(path, complaint);
    }
    return [rule];
  }
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const [first] = values;
  const type = typeof first;
  if (type !== 'string' && type !== 'number') throw refusal(path, complaint);
  return values.map((value): Rule => {
    if (typeof value !== type || !isScalar(value)) throw refusal(path, complaint);
    return { kind: 'is', value };
  });
}

function refusal(path: readonly string[], reason: string): FilterPatternError {
  return new FilterPatternError(`filter pattern: ${path.join('.') || 'the pattern'} ${reason}`);
}
