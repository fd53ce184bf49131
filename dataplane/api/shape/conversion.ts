import { wireTypeFaults as faults, type JsonToken } from '../../errors/values.ts';
import { booleanFromText } from '../../item/wire-shape.ts';
import type { Place } from './shape.ts';

/**
 * What the service's JSON parser makes of a value where the model wants a certain type, and the
 * texts it refuses others with.
 * @see reference/dynamodb.md §4, last row; each text after dynalite's captures (test/helpers.js)
 */
export function convertString(value: unknown): string {
  if (typeof value === 'string') return value;
  throw scalarMismatch(value, 'String');
}

const INTEGER_MAX = 2_147_483_647;
const LONG_MAX = 2 ** 63;

/** Whole-number types cut fractions off and read what is out of their range as its end. */
export function convertNumber(value: unknown, javaType: string): number {
  if (typeof value !== 'number') throw scalarMismatch(value, javaType);
  if (javaType === 'Integer') return clamped(Math.trunc(value), INTEGER_MAX);
  if (javaType === 'Long') return clamped(Math.trunc(value), LONG_MAX);
  return value;
}

function clamped(value: number, max: number): number {
  return Math.min(Math.max(value, -max - 1), max);
}

/** Reads true, 1 and yes, false, 0 and no in any case where they come as strings. */
export function convertBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    const read = booleanFromText(value);
    if (read === undefined) throw faults.unexpectedToken();
    return read;
  }
  throw scalarMismatch(value, 'Boolean');
}

function scalarMismatch(value: unknown, javaType: string) {
  if (Array.isArray(value)) return faults.collectionNotExpected(`java.lang.${javaType}`);
  if (typeof value === 'object') return faults.structureNotExpected();
  return faults.notConvertible(tokenOf(value), javaType);
}

function tokenOf(value: unknown): JsonToken {
  if (typeof value === 'number') return Number.isInteger(value) ? 'NUMBER_VALUE' : 'DECIMAL_VALUE';
  if (typeof value === 'boolean') return value ? 'TRUE_VALUE' : 'FALSE_VALUE';
  return 'STRING_VALUE';
}

export function asList(value: unknown, place: Place): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object') throw faults.structureNotExpected();
  throw place === 'member' ? faults.unexpectedField() : faults.unexpectedParameterized();
}

/** A JSON object of the request, which its check may bring into normal form. */
export type MutableObject = { [member: string]: unknown };

export function asMap(value: unknown, place: Place, valueType: string): MutableObject {
  if (Array.isArray(value)) throw faults.collectionForMap(valueType);
  if (isObject(value)) return value;
  throw place === 'member' ? faults.unexpectedField() : faults.unexpectedParameterized();
}

export function asStructure(value: unknown, place: Place, javaType: string): MutableObject {
  if (Array.isArray(value)) throw faults.collectionNotExpected(javaType);
  if (isObject(value)) return value;
  throw place === 'member' ? faults.unexpectedField() : faults.unexpectedValue();
}

function isObject(value: unknown): value is MutableObject {
  return typeof value === 'object' && value !== null;
}

/** Replaces a member in place, also one called `__proto__`. */
export function replaceMember(object: MutableObject, member: string, value: unknown): void {
  Object.defineProperty(object, member, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
