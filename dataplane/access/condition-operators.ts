import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { ArnPattern, arnParts } from './arn-pattern.ts';
import { compareDecimals, parseDecimal } from './decimal.ts';
import { PolicyError } from './policy-error.ts';
import { PolicyText, type VariableLookup } from './policy-text.ts';

/** Compares a value of a request with one value of a condition. */
export type Comparison = (actual: string, lookup: VariableLookup) => boolean;

/** A value of a condition, and where it stands. */
export interface OperatorValue {
  readonly text: string;
  readonly place: string;
  /** Whether the document's version knows policy variables. */
  readonly hasVariables: boolean;
}

/** How an operator compares. */
export interface ConditionOperator {
  /** What it says holds if the comparison does not. */
  readonly isNegated: boolean;
  /** @throws PolicyError for a value that no request could be compared with */
  readonly compile: (value: OperatorValue) => Comparison;
}

/**
 * All operators but Null, by name, without `ForAllValues:`, `ForAnyValue:` and `IfExists`.
 * @see IAM user guide, "IAM JSON policy elements: Condition operators"
 */
export const conditionOperators: ReadonlyMap<string, ConditionOperator> = new Map([
  ...bothWays('StringEquals', 'StringNotEquals', sameText),
  ...bothWays('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', sameTextInAnyCase),
  ...bothWays('StringLike', 'StringNotLike', likeText),
  ...bothWays('NumericEquals', 'NumericNotEquals', (value) => number(value, (sign) => sign === 0)),
  ['NumericLessThan', straight((value) => number(value, (sign) => sign < 0))],
  ['NumericLessThanEquals', straight((value) => number(value, (sign) => sign <= 0))],
  ['NumericGreaterThan', straight((value) => number(value, (sign) => sign > 0))],
  ['NumericGreaterThanEquals', straight((value) => number(value, (sign) => sign >= 0))],
  ...bothWays('DateEquals', 'DateNotEquals', (value) => date(value, (ms) => ms === 0)),
  ['DateLessThan', straight((value) => date(value, (ms) => ms < 0))],
  ['DateLessThanEquals', straight((value) => date(value, (ms) => ms <= 0))],
  ['DateGreaterThan', straight((value) => date(value, (ms) => ms > 0))],
  ['DateGreaterThanEquals', straight((value) => date(value, (ms) => ms >= 0))],
  ['Bool', straight(truth)],
  ['BinaryEquals', straight(sameBytes)],
  ...bothWays('IpAddress', 'NotIpAddress', address),
  ...bothWays('ArnEquals', 'ArnNotEquals', likeArn),
  ...bothWays('ArnLike', 'ArnNotLike', likeArn),
]);

type Compile = ConditionOperator['compile'];

function straight(compile: Compile): ConditionOperator {
  return { isNegated: false, compile };
}

function bothWays(
  name: string,
  negatedName: string,
  compile: Compile,
): readonly (readonly [string, ConditionOperator])[] {
  return [
    [name, straight(compile)],
    [negatedName, { isNegated: true, compile }],
  ];
}

function sameText({ text, place, hasVariables }: OperatorValue): Comparison {
  const wanted = PolicyText.parse(text, { hasVariables, hasWildcards: false }, place);
  return (actual, lookup) => wanted.matches(actual, lookup);
}

function sameTextInAnyCase({ text, place, hasVariables }: OperatorValue): Comparison {
  // Names of variables do not depend on their case.
  const wanted = PolicyText.parse(text.toLowerCase(), { hasVariables, hasWildcards: false }, place);
  return (actual, lookup) =>
    wanted.matches(actual.toLowerCase(), (key) => lookup(key)?.toLowerCase());
}

function likeText({ text, place, hasVariables }: OperatorValue): Comparison {
  const pattern = PolicyText.parse(text, { hasVariables, hasWildcards: true }, place);
  return (actual, lookup) => pattern.matches(actual, lookup);
}

function likeArn({ text, place, hasVariables }: OperatorValue): Comparison {
  const pattern = ArnPattern.parse(text, hasVariables, place);
  return (actual, lookup) => pattern.matches(arnParts(actual), lookup);
}

/** @param holds of the sign of the request's number compared with the condition's */
function number({ text, place }: OperatorValue, holds: (sign: number) => boolean): Comparison {
  const wanted = parseDecimal(text);
  if (wanted === undefined) throw wrongValue(place, 'a number', text);
  return (actual) => {
    const given = parseDecimal(actual);
    return given !== undefined && holds(compareDecimals(given, wanted));
  };
}

/** @param holds of how much later the request's date is than the condition's, in ms */
function date({ text, place }: OperatorValue, holds: (laterMs: number) => boolean): Comparison {
  const wantedMs = dateMs(text);
  if (wantedMs === undefined) throw wrongValue(place, 'a date like 2026-11-21T06:00:00Z', text);
  return (actual) => {
    const givenMs = dateMs(actual);
    return givenMs !== undefined && holds(givenMs - wantedMs);
  };
}

const ISO_DATE = /^\d{4}-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?)?$/;
const EPOCH_SECONDS = /^-?\d{1,12}(?:\.\d{1,9})?$/;

/** ISO 8601, or seconds since 1970. A year alone is one of the latter. */
function dateMs(text: string): number | undefined {
  if (EPOCH_SECONDS.test(text)) return Number(text) * 1_000;
  const ms = ISO_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function truth({ text, place }: OperatorValue): Comparison {
  const wanted = text.toLowerCase();
  if (wanted !== 'true' && wanted !== 'false') throw wrongValue(place, 'true or false', text);
  return (actual) => actual.toLowerCase() === wanted;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function sameBytes({ text, place }: OperatorValue): Comparison {
  if (!BASE64.test(text)) throw wrongValue(place, 'base64', text);
  const wanted = Buffer.from(text, 'base64');
  return (actual) => BASE64.test(actual) && wanted.equals(Buffer.from(actual, 'base64'));
}

/** One address, or a range of them in CIDR notation. */
function address({ text, place }: OperatorValue): Comparison {
  const [start = '', bits, ...others] = text.split('/');
  const family = familyOf(start);
  const bitsMax = family === 'ipv4' ? 32 : 128;
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
  if (family === undefined || !isRange || others.length > 0) {
    throw wrongValue(place, 'an address or a range like 203.0.113.0/24', text);
  }
  const range = new BlockList();
  range.addSubnet(start, bits === undefined ? bitsMax : Number(bits), family);
  return (actual) => {
    const given = familyOf(actual);
    return given !== undefined && range.check(actual, given);
  };
}

function familyOf(text: string): 'ipv4' | 'ipv6' | undefined {
  if (isIPv4(text)) return 'ipv4';
  return isIPv6(text) ? 'ipv6' : undefined;
}

const SHOWN_CHARACTERS_MAX = 64;

function wrongValue(place: string, wanted: string, text: string): PolicyError {
  const shown = JSON.stringify(text.slice(0, SHOWN_CHARACTERS_MAX));
  return new PolicyError(`${place} must be ${wanted}, not ${shown}`);
}
