import type { Condition } from './condition.ts';
import { conditionOperators } from './condition-operators.ts';
import { PolicyError } from './policy-error.ts';
import { membersOf, quoted, valuesOf } from './policy-members.ts';

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;
const PRESENCE = 'Null';

/** `service:name`; of tags, `/` and the tag's key behind it. */
const KEY = /^[A-Za-z0-9-]+:[\w.+=@:/-]+$/;

/**
 * A `Condition`: `{operator: {key: values}}`, all of which have to hold.
 * @param value undefined: there is none
 * @throws PolicyError
 */
export function parseConditions(
  value: unknown,
  place: string,
  hasVariables: boolean,
): readonly Condition[] {
  if (value === undefined) return [];
  return Array.from(membersOf(value, place, undefined)).flatMap(([operator, keys]) => {
    const at = `${place}.${operator}`;
    const parse = operatorOf(operator, at, hasVariables);
    return Array.from(membersOf(keys, at, undefined), ([key, values]) => {
      if (!KEY.test(key)) {
        throw new PolicyError(
          `${at} must be about a condition key like dynamodb:LeadingKeys, not ${quoted(key)}`,
        );
      }
      return Object.freeze(parse(key.toLowerCase(), values, `${at}["${key}"]`));
    });
  });
}

type ParseKey = (key: string, values: unknown, place: string) => Condition;

/** @throws PolicyError when there is no such operator */
function operatorOf(name: string, place: string, hasVariables: boolean): ParseKey {
  const [, quantifier, base = '', suffix] = OPERATOR.exec(name) ?? [];
  if (base === PRESENCE && quantifier === undefined && suffix === undefined) return parsePresence;
  const operator = conditionOperators.get(base);
  if (operator === undefined) throw new PolicyError(`${place} is no condition operator`);
  const { isNegated, compile } = operator;
  return (key, values, at) => ({
    kind: 'compared',
    key,
    quantifier:
      quantifier === undefined ? undefined : quantifier === 'ForAllValues' ? 'all' : 'any',
    ifExists: suffix !== undefined,
    isNegated,
    comparisons: valuesOf(values, at).map((value) => compile({ ...value, hasVariables })),
  });
}

/** `true`: the key has to be absent. */
function parsePresence(key: string, values: unknown, place: string): Condition {
  const [value, ...others] = valuesOf(values, place);
  const text = value?.text.toLowerCase();
  if (others.length > 0 || (text !== 'true' && text !== 'false')) {
    throw new PolicyError(`${place} must be true or false`);
  }
  return { kind: 'presence', key, isWanted: text === 'false' };
}
