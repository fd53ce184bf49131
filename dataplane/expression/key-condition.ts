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
  const conditions: KeyCondition[] = [];
  collect(parseCondition(text, 'KeyConditionExpression', substitutions), conditions);
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
 */
export function assignKeyConditions(
  conditions: readonly UncheckedKeyCondition[],
  key: KeyAttributes,
): { hashConditions: readonly KeyCondition[]; rangeConditions: readonly KeyCondition[] } {
  checkCount(conditions.length, key);
  const rangesCount = conditions.length - key.hash.length;
  const hashConditions = key.hash.map((attribute) => {
    const condition = conditionOn(attribute, conditions);
    if (condition.operator !== '=') throw keyConditionFaults.notSupported();
    return condition;
  });
  const rangeConditions = key.range.slice(0, Math.max(rangesCount, 0)).map((attribute, index) => {
    const condition = conditionOn(attribute, conditions);
    if (condition.operator !== '=' && index < rangesCount - 1) {
      throw keyConditionFaults.notSupported();
    }
    return condition;
  });
  return { hashConditions, rangeConditions };
}

/** Keys of one or two attributes have a text of their own for three conditions and more. */
function checkCount(count: number, key: KeyAttributes): void {
  const attributesCount = key.hash.length + key.range.length;
  if (count <= attributesCount) return;
  throw attributesCount <= 2 && count > 2
    ? keyConditionFaults.count()
    : keyConditionFaults.notSupported();
}

function conditionOn(
  { name, type }: { readonly name: string; readonly type: KeyAttributeType },
  conditions: readonly UncheckedKeyCondition[],
): KeyCondition {
  const condition = conditions.find((each) => each.attribute === name);
  if (condition === undefined) throw keyConditionFaults.missedAttribute(name);
  if (condition.operator === 'notIndexable') throw keyConditionFaults.notIndexable();
  const values =
    condition.operator === 'between' ? [condition.lower, condition.upper] : [condition.value];
  if (values.some((value) => typeOf(value) !== type)) throw keyConditionFaults.valueType();
  return condition;
}
