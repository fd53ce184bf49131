import { keyConditionFaults } from '../errors/expressions.ts';
import type { AttributeValue, KeyAttributeType } from '../item/attribute-value.ts';
import { typeOf } from '../item/attribute-value.ts';
import type { Comparator, Condition, KeyCondition, Operand } from './ast.ts';
import { parseCondition } from './condition-parser.ts';
import { operandsOf } from './paths.ts';
import type { Substitutions } from './substitutions.ts';

/** A condition on a key attribute that has not met the table's schema yet. */
export type UncheckedKeyCondition =
  | KeyCondition
  /** A legacy operator that no key can serve, which is reported once the table is known. */
  | { readonly attribute: string; readonly operator: 'notIndexable' };

/** The key attributes of a table or index, in schema order. */
export interface KeyAttributes {
  readonly hash: readonly { readonly name: string; readonly type: KeyAttributeType }[];
  readonly range: readonly { readonly name: string; readonly type: KeyAttributeType }[];
}

/**
 * The conditions of a KeyConditionExpression, in the order of the text: an AND of comparisons of one
 * attribute with values each.
 * @throws ClientFault as of conditions, else for what a key condition cannot be
 * @see reference/dynamodb.md sections 6 and 7
 */
export function parseKeyCondition(
  text: string,
  substitutions: Substitutions,
): readonly KeyCondition[] {
  return keyConditionsIn(parseCondition(text, 'KeyConditionExpression', substitutions));
}

/**
 * The same of a condition that has been parsed.
 * @throws ClientFault for what a key condition cannot be
 */
export function keyConditionsIn(condition: Condition): readonly KeyCondition[] {
  const conditions: KeyCondition[] = [];
  collect(condition, conditions);
  return conditions;
}

function collect(condition: Condition, found: KeyCondition[]): void {
  switch (condition.kind) {
    case 'and':
      collect(condition.left, found);
      collect(condition.right, found);
      return;
    case 'or':
    case 'not':
    case 'in':
      throw keyConditionFaults.operator(condition.kind.toUpperCase());
    case 'exists':
      throw keyConditionFaults.operator(
        condition.negated ? 'attribute_not_exists' : 'attribute_exists',
      );
    case 'attributeType':
      throw keyConditionFaults.operator('attribute_type');
    case 'contains':
      throw keyConditionFaults.operator('contains');
    case 'compare':
      if (condition.comparator === '<>') throw keyConditionFaults.operator('<>');
      break;
    case 'between':
      if (condition.operand.kind !== 'path') throw keyConditionFaults.attributeNotFirst('BETWEEN');
      break;
    case 'beginsWith':
      if (condition.operand.kind !== 'path') {
        throw keyConditionFaults.attributeNotFirst('begins_with');
      }
  }
  const keyCondition = onOneAttribute(condition);
  if (found.some((other) => other.attribute === keyCondition.attribute)) {
    throw keyConditionFaults.repeatedAttribute();
  }
  found.push(keyCondition);
}

type Predicate = Extract<Condition, { kind: 'compare' | 'between' | 'beginsWith' }>;

function onOneAttribute(predicate: Predicate): KeyCondition {
  const attribute = onlyAttribute(operandsOf(predicate));
  switch (predicate.kind) {
    case 'compare': {
      const isSwapped = predicate.left.kind === 'value';
      const comparator = isSwapped ? swapped[predicate.comparator] : predicate.comparator;
      if (comparator === '<>') throw keyConditionFaults.operator(comparator);
      const value = literalOf(isSwapped ? predicate.left : predicate.right);
      return { attribute, operator: comparator, value };
    }
    case 'between': {
      const lower = literalOf(predicate.lower);
      return { attribute, operator: 'between', lower, upper: literalOf(predicate.upper) };
    }
    case 'beginsWith':
      return { attribute, operator: 'beginsWith', value: literalOf(predicate.prefix) };
  }
}

/** The one path among the operands, which must be a top-level attribute. */
function onlyAttribute(operands: readonly Operand[]): string {
  let attribute: string | undefined;
  for (const operand of operands) {
    if (operand.kind === 'size') throw keyConditionFaults.nestedOperation();
    if (operand.kind === 'value') continue;
    if (attribute !== undefined) throw keyConditionFaults.severalAttributes();
    if (operand.path.length > 1) throw keyConditionFaults.nestedAttribute();
    attribute = operand.path[0];
  }
  if (attribute === undefined) throw keyConditionFaults.noAttribute();
  return attribute;
}

function literalOf(operand: Operand): AttributeValue {
  if (operand.kind !== 'value') throw new Error('all operands but one are values');
  return operand.value;
}

const swapped: Readonly<Record<Comparator, Comparator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/**
 * Sorts key conditions by the schema of the table or index they read: equality on all hash
 * attributes, then range attributes from left to right without gaps, all but the last by equality.
 * @throws ClientFault for conditions that no single range of the key serves
 * @see dynoxide 3.2.0 (captures of October 2026): which text comes when
 */
export function assignKeyConditions(
  conditions: readonly UncheckedKeyCondition[],
  key: KeyAttributes,
): { hashConditions: readonly KeyCondition[]; rangeConditions: readonly KeyCondition[] } {
  const attributesCount = key.hash.length + key.range.length;
  if (conditions.length > attributesCount) {
    throw keyConditionFaults.count(conditions.length, attributesCount);
  }
  checkHashConditions(conditions, key);
  const rangesCount = conditions.length - key.hash.length;
  checkRangeConditions(conditions, key, rangesCount);
  return {
    hashConditions: key.hash.map((attribute) => typedCondition(attribute, conditions)),
    rangeConditions: key.range
      .slice(0, rangesCount)
      .map((attribute) => typedCondition(attribute, conditions)),
  };
}

/**
 * Values of the wrong type for the key attributes that they are compared with, whichever key it is;
 * of KeyConditions these are reported before everything else.
 * @throws ClientFault
 */
export function checkKeyValueTypes(
  conditions: readonly UncheckedKeyCondition[],
  attributes: KeyAttributes['hash'],
): void {
  for (const condition of conditions) {
    const attribute = attributes.find(({ name }) => name === condition.attribute);
    if (attribute !== undefined) checkValueType(condition, attribute.type);
  }
}

function checkHashConditions(
  conditions: readonly UncheckedKeyCondition[],
  { hash, range }: KeyAttributes,
): void {
  const isComposite = hash.length > 1 || range.length > 1;
  const unequal = hash.filter(({ name }) => conditionOn(name, conditions)?.operator !== '=');
  const [first] = unequal;
  if (first === undefined) return;
  if (isComposite) throw keyConditionFaults.hashNotEqual(unequal.map(({ name }) => name));
  const condition = conditionOn(first.name, conditions);
  if (condition === undefined) throw keyConditionFaults.missedAttribute(first.name);
  throw condition.operator === 'notIndexable'
    ? keyConditionFaults.notIndexable()
    : keyConditionFaults.notSupported();
}

/** `count` conditions are left for the range attributes. */
function checkRangeConditions(
  conditions: readonly UncheckedKeyCondition[],
  { hash, range }: KeyAttributes,
  count: number,
): void {
  const given = range.filter(({ name }) => conditionOn(name, conditions) !== undefined);
  const last = given.at(-1);
  if (given.length < count) {
    const missed = range.find((attribute) => !given.includes(attribute));
    throw keyConditionFaults.missedAttribute((missed ?? hash[0])?.name ?? '');
  }
  if (last === undefined) return;
  const unequal = range
    .slice(0, range.indexOf(last))
    .filter(({ name }) => conditionOn(name, conditions)?.operator !== '=');
  if (unequal.length > 0) {
    throw keyConditionFaults.rangeNotEqual(
      unequal.map(({ name }) => name),
      last.name,
    );
  }
}

function conditionOn(
  name: string,
  conditions: readonly UncheckedKeyCondition[],
): UncheckedKeyCondition | undefined {
  return conditions.find(({ attribute }) => attribute === name);
}

function typedCondition(
  { name, type }: KeyAttributes['hash'][number],
  conditions: readonly UncheckedKeyCondition[],
): KeyCondition {
  const condition = conditionOn(name, conditions);
  if (condition === undefined) throw new Error('the attributes of conditions were checked');
  if (condition.operator === 'notIndexable') throw keyConditionFaults.notIndexable();
  checkValueType(condition, type);
  return condition;
}

function checkValueType(condition: UncheckedKeyCondition, type: KeyAttributeType): void {
  if (condition.operator === 'notIndexable') return;
  if (valuesOf(condition).some((value) => typeOf(value) !== type)) {
    throw keyConditionFaults.valueType();
  }
}

/** The values that a condition compares its attribute with. */
export function valuesOf(condition: KeyCondition): readonly AttributeValue[] {
  return condition.operator === 'between' ? [condition.lower, condition.upper] : [condition.value];
}
