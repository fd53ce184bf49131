import { ClientFault, validationFault } from './client-fault.ts';

/**
 * Faults of whole requests: JSON types, constraints of the service model, and parameters that do not
 * go together. Texts: reference/dynamodb.md sections 4 (JSON type mismatch), 5 and 6.
 */
export const serializationFaults = {
  /** `token` is the JSON token as the service's parser calls it, e.g. `NUMBER_VALUE`. */
  notConvertible: (token: string, javaType: string) =>
    serialization(`${token} cannot be converted to ${javaType}`),
  unexpectedToken: () => serialization('Unexpected token received from parser'),
  unexpectedStructure: () => serialization('Start of structure or map found where not expected'),
  unexpectedFieldType: () => serialization('Unexpected field type'),
  unexpectedValueType: () => serialization('Unexpected value type in payload'),
  /** A scalar where the service expects a list or map inside another collection. */
  notACollection: () =>
    serialization(
      'class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class ' +
        'java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and ' +
        "java.lang.Class are in module java.base of loader 'bootstrap')",
    ),
  unexpectedArray: (javaType: string) => serialization(`Unrecognized collection type ${javaType}`),
} as const;

function serialization(message: string): ClientFault {
  return new ClientFault('SerializationException', message);
}

/** Texts of single constraints, as they stand inside a gathered ValidationException. */
export const constraintTexts = {
  notNull: 'Member must not be null',
  lengthMin: (min: number) => `Member must have length greater than or equal to ${min}`,
  lengthMax: (max: number) => `Member must have length less than or equal to ${max}`,
  valueMin: (min: number) => `Member must have value greater than or equal to ${min}`,
  valueMax: (max: number) => `Member must have value less than or equal to ${max}`,
  pattern: (pattern: string) => `Member must satisfy regular expression pattern: ${pattern}`,
  enumeration: (values: readonly string[]) =>
    `Member must satisfy enum value set: [${values.join(', ')}]`,
  mapKeys: (texts: readonly string[]) => `Map keys must satisfy constraint: [${texts.join(', ')}]`,
  mapValues: (texts: readonly string[]) =>
    `Map value must satisfy constraint: [${texts.join(', ')}]`,
} as const;

/** One violated constraint: `Value '<dump>' at '<path>' failed to satisfy constraint: <text>`. */
export interface ConstraintFailure {
  /** The value in the service's notation; undefined is null; `omitted` leaves it out (Query's Limit). */
  readonly value: string | undefined | typeof omitted;
  readonly path: string;
  readonly text: string;
}

export const omitted = Symbol('omitted');

export const requestFaults = {
  /** All violated constraints of a request, in order; the caller has cut the list to its bound. */
  constraints: (failures: readonly ConstraintFailure[]) =>
    validationFault(
      `${failures.length} validation error${failures.length === 1 ? '' : 's'} detected: ` +
        failures.map(failureText).join('; '),
    ),
} as const;

function failureText({ value, path, text }: ConstraintFailure): string {
  if (value === omitted) return `Value at '${path}' failed to satisfy constraint: ${text}`;
  const shown = value === undefined ? 'null' : `'${value}'`;
  return `Value ${shown} at '${path}' failed to satisfy constraint: ${text}`;
}
