import { legacyFaults } from '../errors/expressions.ts';
import { type AttributeType, type AttributeValue, typeOf } from '../item/attribute-value.ts';
import { compareScalars } from '../item/equality.ts';
import type { Comparator, Condition, Projection, Update, UpdateAction } from './ast.ts';
import type { UncheckedKeyCondition } from './key-condition.ts';

/**
 * The parameters that expressions replaced, as the same nodes. Attribute names are whole names of
 * top-level attributes; a dot in one is a dot.
 * @see reference/dynamodb.md section 7 ("Legacy parameters")
 */

export type ComparisonOperator =
  | 'EQ'
  | 'NE'
  | 'LE'
  | 'LT'
  | 'GE'
  | 'GT'
  | 'NULL'
  | 'NOT_NULL'
  | 'CONTAINS'
  | 'NOT_CONTAINS'
  | 'BEGINS_WITH'
  | 'IN'
  | 'BETWEEN';

export type ConditionalOperator = 'AND' | 'OR';

/** A Condition of the wire: shape-checked, its values validated. Null members count as absent. */
export interface LegacyCondition {
  readonly ComparisonOperator: ComparisonOperator;
  readonly AttributeValueList?: readonly AttributeValue[] | null | undefined;
}

/** An ExpectedAttributeValue of the wire, likewise. */
export interface LegacyExpected {
  readonly Value?: AttributeValue | null | undefined;
  readonly Exists?: boolean | null | undefined;
  readonly ComparisonOperator?: ComparisonOperator | null | undefined;
  readonly AttributeValueList?: readonly AttributeValue[] | null | undefined;
}

/** An AttributeValueUpdate of the wire, likewise. */
export interface LegacyUpdate {
  readonly Action?: 'PUT' | 'ADD' | 'DELETE' | null | undefined;
  readonly Value?: AttributeValue | null | undefined;
}

/**
 * The condition of `Expected`; undefined when it has no members.
 * @throws ClientFault of the first member with a fault
 */
export function conditionFromExpected(
  expected: Readonly<Record<string, LegacyExpected>>,
  conditionalOperator: ConditionalOperator | undefined,
): Condition | undefined {
  const conditions = Object.entries(expected).map(([attribute, member]) =>
    expectedCondition(attribute, member),
  );
  return join(conditions, conditionalOperator);
}

/**
 * The condition of `QueryFilter` or `ScanFilter`; undefined when it has no members.
 * @throws ClientFault of the first member with a fault
 */
export function filterFromConditions(
  conditions: Readonly<Record<string, LegacyCondition>>,
  conditionalOperator: ConditionalOperator | undefined,
): Condition | undefined {
  const filters = Object.entries(conditions).map(([attribute, member]) => {
    const values = member.AttributeValueList ?? [];
    checkArguments(member.ComparisonOperator, values);
    return conditionOf(attribute, member.ComparisonOperator, values);
  });
  return join(filters, conditionalOperator);
}

/**
 * The conditions of `KeyConditions`, for `assignKeyConditions`.
 * @throws ClientFault of the first member with a fault
 */
export function keyConditionsFromLegacy(
  conditions: Readonly<Record<string, LegacyCondition>>,
): readonly UncheckedKeyCondition[] {
  return Object.entries(conditions).map(([attribute, member]) => {
    const values = member.AttributeValueList ?? [];
    checkArguments(member.ComparisonOperator, values);
    return keyConditionOf(attribute, member.ComparisonOperator, values);
  });
}

/**
 * The update of `AttributeUpdates`.
 * @throws ClientFault of the first member with a fault
 */
export function updateFromAttributeUpdates(
  updates: Readonly<Record<string, LegacyUpdate>>,
): Update {
  return Object.entries(updates).map(([attribute, update]) => updateAction(attribute, update));
}

/**
 * The projection of `AttributesToGet`.
 * @throws ClientFault when a name occurs twice
 */
export function projectionFromAttributesToGet(names: readonly string[]): Projection {
  const seen = new Set<string>();
  return names.map((name) => {
    if (seen.has(name)) throw legacyFaults.duplicateAttribute(name);
    seen.add(name);
    return [name];
  });
}

function join(
  conditions: readonly Condition[],
  conditionalOperator: ConditionalOperator | undefined,
): Condition | undefined {
  const [first, ...rest] = conditions;
  if (first === undefined) return undefined;
  // Balanced, since nothing bounds the number of members.
  return joinBalanced([first, ...rest], conditionalOperator === 'OR' ? 'or' : 'and');
}

function joinBalanced(
  conditions: readonly [Condition, ...Condition[]],
  kind: 'and' | 'or',
): Condition {
  let level: readonly Condition[] = conditions;
  while (level.length > 1) {
    const next: Condition[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index];
      const right = level[index + 1];
      if (left === undefined) continue;
      next.push(right === undefined ? left : { kind, left, right });
    }
    level = next;
  }
  return level[0] ?? conditions[0];
}

function expectedCondition(attribute: string, expected: LegacyExpected): Condition {
  const value = expected.Value ?? undefined;
  const exists = expected.Exists ?? undefined;
  const operator = expected.ComparisonOperator ?? undefined;
  const list = expected.AttributeValueList ?? undefined;
  if (list !== undefined && value !== undefined) throw legacyFaults.valueAndList(attribute);
  if (operator !== undefined) {
    if (exists !== undefined) throw legacyFaults.existsAndOperator(attribute);
    const takesNone = operator === 'NULL' || operator === 'NOT_NULL';
    if (!takesNone && list === undefined && value === undefined) {
      throw legacyFaults.operatorWithoutValue(operator, attribute);
    }
    const values = list ?? (value === undefined ? [] : [value]);
    checkArguments(operator, values);
    return conditionOf(attribute, operator, values);
  }
  if (list !== undefined) throw legacyFaults.listWithoutOperator(attribute);
  if (exists === false) {
    if (value !== undefined) throw legacyFaults.valueNotExists(attribute);
    return { kind: 'exists', path: [attribute], negated: true };
  }
  if (value === undefined) throw legacyFaults.existsWithoutValue(exists, attribute);
  return comparison(attribute, '=', value);
}

const argumentCounts: Readonly<Record<ComparisonOperator, readonly [min: number, max: number]>> = {
  NULL: [0, 0],
  NOT_NULL: [0, 0],
  EQ: [1, 1],
  NE: [1, 1],
  LE: [1, 1],
  LT: [1, 1],
  GE: [1, 1],
  GT: [1, 1],
  CONTAINS: [1, 1],
  NOT_CONTAINS: [1, 1],
  BEGINS_WITH: [1, 1],
  IN: [1, Number.POSITIVE_INFINITY],
  BETWEEN: [2, 2],
};

const scalars: readonly AttributeType[] = ['S', 'N', 'B'];

/** Undefined where any type will do. */
const argumentTypes: Readonly<Partial<Record<ComparisonOperator, readonly AttributeType[]>>> = {
  LE: scalars,
  LT: scalars,
  GE: scalars,
  GT: scalars,
  CONTAINS: scalars,
  NOT_CONTAINS: scalars,
  BEGINS_WITH: ['S', 'B'],
  IN: scalars,
  BETWEEN: scalars,
};

function checkArguments(operator: ComparisonOperator, values: readonly AttributeValue[]): void {
  const [min, max] = argumentCounts[operator];
  if (values.length < min || values.length > max) throw legacyFaults.argumentCount(operator);
  const types = values.map(typeOf);
  if (types.some((type) => type !== types[0])) throw legacyFaults.argumentTypesDiffer();
  const allowed = argumentTypes[operator];
  for (const type of types) {
    if (allowed !== undefined && !allowed.includes(type)) {
      throw legacyFaults.argumentType(operator, type);
    }
  }
  const [lower, upper] = values;
  if (operator === 'BETWEEN' && lower !== undefined && upper !== undefined) {
    if ((compareScalars(lower, upper) ?? 0) > 0) throw legacyFaults.betweenOrder();
  }
}

const comparators: Readonly<Partial<Record<ComparisonOperator, Comparator>>> = {
  EQ: '=',
  NE: '<>',
  LE: '<=',
  LT: '<',
  GE: '>=',
  GT: '>',
};

/** Arguments have been checked. */
function conditionOf(
  attribute: string,
  operator: ComparisonOperator,
  values: readonly AttributeValue[],
): Condition {
  const path = [attribute] as const;
  const operand = { kind: 'path', path } as const;
  const [first, second] = values.map((value) => ({ kind: 'value', value }) as const);
  if (first === undefined) return { kind: 'exists', path, negated: operator === 'NULL' };
  const comparator = comparators[operator];
  if (comparator !== undefined) return comparison(attribute, comparator, first.value);
  switch (operator) {
    case 'BEGINS_WITH':
      return { kind: 'beginsWith', operand, prefix: first };
    case 'CONTAINS':
      return { kind: 'contains', operand, member: first };
    case 'NOT_CONTAINS':
      return notContains({ kind: 'contains', operand, member: first }, attribute);
    case 'BETWEEN':
      if (second === undefined) throw new Error('BETWEEN has two arguments');
      return { kind: 'between', operand, lower: first, upper: second };
    default: {
      const candidates = values.map((value) => ({ kind: 'value', value }) as const);
      return { kind: 'in', operand, candidates };
    }
  }
}

function comparison(attribute: string, comparator: Comparator, value: AttributeValue): Condition {
  return {
    kind: 'compare',
    comparator,
    left: { kind: 'path', path: [attribute] },
    right: { kind: 'value', value },
  };
}

/** Unlike NE, NOT_CONTAINS is not true of a missing attribute. */
function notContains(contains: Condition, attribute: string): Condition {
  return {
    kind: 'and',
    left: { kind: 'exists', path: [attribute], negated: false },
    right: { kind: 'not', condition: contains },
  };
}

function keyConditionOf(
  attribute: string,
  operator: ComparisonOperator,
  values: readonly AttributeValue[],
): UncheckedKeyCondition {
  const [value, upper] = values;
  const comparator = comparators[operator];
  if (value === undefined || comparator === '<>') return { attribute, operator: 'notIndexable' };
  if (comparator !== undefined) return { attribute, operator: comparator, value };
  if (operator === 'BEGINS_WITH') return { attribute, operator: 'beginsWith', value };
  if (operator === 'BETWEEN' && upper !== undefined) {
    return { attribute, operator: 'between', lower: value, upper };
  }
  return { attribute, operator: 'notIndexable' };
}

function updateAction(attribute: string, update: LegacyUpdate): UpdateAction {
  const path = [attribute] as const;
  const action = update.Action ?? 'PUT';
  const value = update.Value ?? undefined;
  if (value === undefined) {
    if (action !== 'DELETE') throw legacyFaults.updateWithoutValue();
    return { kind: 'remove', path };
  }
  if (action === 'PUT') return { kind: 'set', path, term: { kind: 'value', value } };
  const type = typeOf(value);
  const isSet = type === 'SS' || type === 'NS' || type === 'BS';
  if (action === 'DELETE') {
    if (!isSet) throw legacyFaults.updateActionType(action, type);
    return { kind: 'delete', path, value, legacy: true };
  }
  if (!isSet && type !== 'N' && type !== 'L') throw legacyFaults.updateActionType(action, type);
  return { kind: 'add', path, value, legacy: true };
}
