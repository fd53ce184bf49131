import { ClientFault, inOlderWords, RequestValidationFault } from '../errors/client-fault.ts';
import { requestFaults } from '../errors/requests.ts';
import { valueFaults } from '../errors/values.ts';
import { Substitutions } from '../expression/substitutions.ts';
import {
  type AttributeMap,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import { attributeNameBytes, validateValue } from '../item/validate.ts';

/** The parameters of a request that are about expressions, as the wire has them. */
export interface ExpressionParameters {
  readonly ExpressionAttributeNames?: { readonly [name: string]: string } | undefined;
  readonly ExpressionAttributeValues?: AttributeMap | undefined;
}

/** Which of an operation's parameters are expressions and which are their legacy counterparts, in the order of the fault's lists. */
export interface ExpressionUse {
  readonly expressions: readonly string[];
  readonly legacy: readonly string[];
  /**
   * Expressions that may hold values, for the fault's text; single-item writes name none. Undefined
   * where the operation has no such parameter, which is then ignored like any unknown one.
   */
  readonly valueExpressions: readonly string[] | undefined;
}

/** The members of a request looked at by name. */
type NamedMembers = { readonly [member: string]: unknown };

/**
 * Expressions and legacy parameters do not mix, and names and values need an expression.
 * @throws ClientFault (some of them prefixed by single-item writes)
 * @see reference/dynamodb.md §5 step 3, §6 (Expressions, general)
 */
export function checkExpressionUse(body: NamedMembers, use: ExpressionUse): void {
  if (hasAny(body, use.expressions)) {
    if (hasAny(body, use.legacy)) {
      throw requestFaults.expressionsMixed(
        use.legacy.filter((name) => body[name] !== undefined),
        use.expressions.filter((name) => body[name] !== undefined),
      );
    }
  } else if (body.ExpressionAttributeNames !== undefined) {
    throw requestFaults.namesWithoutExpression();
  }
  if (body.ExpressionAttributeValues === undefined || use.valueExpressions === undefined) return;
  if (
    !use.expressions.some((name) => name !== 'ProjectionExpression' && body[name] !== undefined)
  ) {
    throw requestFaults.valuesWithoutExpression(use.valueExpressions);
  }
}

/** On every request's path: allocates nothing. */
function hasAny(body: NamedMembers, names: readonly string[]): boolean {
  for (const name of names) if (body[name] !== undefined) return true;
  return false;
}

const none: Substitutions = new Substitutions(undefined, undefined);

/** A fault of a value as an operation reports it: with the name of the value, or as it is. */
type ValueFaultReport = (fault: ClientFault, key: string) => ClientFault;

const setTexts = [
  valueFaults.nullStringInSet().message,
  valueFaults.nullNumberInSet().message,
  valueFaults.nullBinaryInSet().message,
];
const emptyText = valueFaults.emptyValue().message;
const severalText = valueFaults.severalTypes().message;
const nullText = valueFaults.nullNotTrue().message;
const nestingText = valueFaults.nestingTooDeep().message;

function naming(texts: ReadonlySet<string | undefined>): ValueFaultReport {
  return (fault, key) =>
    texts.has(fault.message) ? valueFaults.inExpressionValue(fault, key) : fault;
}

/** The older layer names all values but two: `{"NULL": false}` and what is nested too deep. */
function namingInOlderWords(fault: ClientFault, key: string): ClientFault {
  const isNamed =
    setTexts.includes(fault.message) ||
    (fault instanceof RequestValidationFault &&
      fault.message !== nullText &&
      fault.message !== nestingText);
  return isNamed ? valueFaults.inExpressionValue(inOlderWords(fault), key) : fault;
}

/**
 * Which faults of expression values name the value, by operation.
 * @see dynoxide 3.2.0 (captures of October 2026); empty sets: getmoto/moto
 * test_update_item_add_empty_set, test_update_item_unused_attributes (verified on the service)
 */
export const valueFaultReports = {
  general: naming(new Set(setTexts)),
  deleteItem: naming(new Set([...setTexts, emptyText, severalText])),
  query: naming(new Set([...setTexts, emptyText])),
  updateItem: naming(new Set([...setTexts, severalText])),
  /** TransactWriteItems, whose values the service reads by its older layer. */
  transaction: namingInOlderWords,
} as const;

/**
 * The names and values that the request's expressions may use, values validated.
 * @throws ClientFault: empty maps, keys of the wrong form, invalid values
 */
export function substitutionsOf(
  parameters: ExpressionParameters,
  report: ValueFaultReport = valueFaultReports.general,
): Substitutions {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: wireValues } = parameters;
  if (names === undefined && wireValues === undefined) return none;
  if (names !== undefined) checkNames(names);
  return new Substitutions(names, wireValues && validatedValues(wireValues, report));
}

/**
 * The same for an operation whose expressions hold no values.
 * @throws ClientFault
 */
export function nameSubstitutionsOf(
  names: ExpressionParameters['ExpressionAttributeNames'],
): Substitutions {
  if (names === undefined) return none;
  checkNames(names);
  return new Substitutions(names, undefined);
}

const namePattern = /^#[0-9a-zA-Z_]+$/;
const valuePattern = /^:[0-9a-zA-Z_]+$/;

function checkNames(names: { readonly [name: string]: string }): void {
  let isEmpty = true;
  for (const key in names) {
    isEmpty = false;
    if (!namePattern.test(key)) throw requestFaults.nameKeyInvalid(key);
    const name = names[key] ?? '';
    if (name === '') throw requestFaults.nameValueEmpty(key);
    attributeNameBytes(name);
  }
  if (isEmpty) throw requestFaults.namesEmpty();
}

function validatedValues(wireValues: AttributeMap, report: ValueFaultReport): AttributeMap {
  const values: MutableAttributeMap = {};
  let isEmpty = true;
  for (const key in wireValues) {
    isEmpty = false;
    if (!valuePattern.test(key)) throw requestFaults.valueKeyInvalid(key);
    setAttribute(values, key, validatedValue(wireValues[key], key, report));
  }
  if (isEmpty) throw requestFaults.valuesEmpty();
  return values;
}

function validatedValue(wire: unknown, key: string, report: ValueFaultReport) {
  try {
    return validateValue(wire);
  } catch (thrown) {
    throw thrown instanceof ClientFault ? report(thrown, key) : thrown;
  }
}

/**
 * ConditionalOperator joins two or more legacy conditions; without them it is refused.
 * @throws ClientFault (prefixed by single-item writes)
 */
export function checkConditionalOperator(
  operator: string | undefined,
  conditions: { readonly [attribute: string]: unknown } | undefined,
): 'AND' | 'OR' | undefined {
  if (operator === undefined) return undefined;
  const count = conditions === undefined ? 0 : Object.keys(conditions).length;
  if (count === 0) throw requestFaults.conditionalOperatorUnused();
  if (count === 1) throw requestFaults.conditionalOperatorAlone();
  if (operator !== 'AND' && operator !== 'OR') throw requestFaults.conditionalOperatorUnknown();
  return operator;
}
