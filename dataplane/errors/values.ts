import {
  ClientFault,
  RequestValidationFault,
  requestValidationFault,
  validationFault,
} from './client-fault.ts';

/**
 * Faults of attribute values: their JSON types (validation step 1) and their contents (step 4).
 *
 * Texts word for word from reference/dynamodb.md sections 4 and 6; where the service has changed
 * since, dynoxide 3.2.0's captures of October 2026, with the older text for the operations that keep
 * it. Those made with `requestValidationFault` belong to the family that single-item writes prefix.
 */
const INVALID = 'One or more parameter values were invalid: ';
const NOT_NUMERIC = 'The parameter cannot be converted to a numeric value';
const NESTING_TOO_DEEP =
  'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit';
const ATTRIBUTE_VALUE_CLASS = 'com.amazonaws.dynamodb.v20120810.AttributeValue';

/** How the service's JSON reader names a token that it could not convert. */
export type JsonToken =
  | 'NUMBER_VALUE'
  | 'DECIMAL_VALUE'
  | 'TRUE_VALUE'
  | 'FALSE_VALUE'
  | 'STRING_VALUE';

export const valueFaults = {
  emptyValue: (): ClientFault =>
    validationFault(
      'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
    ),
  severalTypes: (): ClientFault =>
    validationFault(
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ),
  nullNotTrue: (): RequestValidationFault =>
    requestValidationFault(`${INVALID}Null attribute value types must have the value of true`),
  emptyStringSet: (): RequestValidationFault =>
    requestValidationFault(`${INVALID}An string set  may not be empty`),
  emptyNumberSet: (): RequestValidationFault =>
    requestValidationFault(`${INVALID}An number set  may not be empty`),
  emptyBinarySet: (): RequestValidationFault =>
    requestValidationFault(`${INVALID}Binary sets should not be empty`),
  /** Members in the order of the request; `read` in the order in which the newer text has them. */
  duplicateStrings: (members: readonly string[], read: readonly string[]): RequestValidationFault =>
    requestValidationFault(
      `${INVALID}Input collection [${quoted(read).join(', ')}] contains duplicates.`,
      `${INVALID}Input collection [${members.join(', ')}] contains duplicates.`,
    ),
  duplicateNumbers: (): RequestValidationFault =>
    requestValidationFault(
      `${INVALID}Input collection contains duplicates.`,
      'Input collection contains duplicates',
    ),
  /** As of strings; the newer text has no space between members. */
  duplicateBinaries: (
    members: readonly string[],
    read: readonly string[],
  ): RequestValidationFault =>
    requestValidationFault(
      `${INVALID}Input collection [${quoted(read).join(',')}]of type BS contains duplicates.`,
      `${INVALID}Input collection [${members.join(', ')}]of type BS contains duplicates.`,
    ),
  nullStringInSet: (): ClientFault =>
    validationFault(`${INVALID}An string set may not have a null string as a member`),
  nullNumberInSet: (): ClientFault =>
    validationFault(`${INVALID}An number set may not have a null string as a member`),
  nullBinaryInSet: (): ClientFault =>
    validationFault(`${INVALID}Binary sets may not contain null values`),
  nestingTooDeep: (): RequestValidationFault => requestValidationFault(NESTING_TOO_DEEP),
  /** A fault that names the member of `ExpressionAttributeValues` at fault; it keeps its family. */
  inExpressionValue: (fault: ClientFault, key: string): ClientFault => {
    const text = `ExpressionAttributeValues contains invalid value: ${fault.message} for key ${key}`;
    return fault instanceof RequestValidationFault
      ? requestValidationFault(text)
      : validationFault(text);
  },
  emptyAttributeName: (): RequestValidationFault => requestValidationFault('Empty attribute name'),
  /** Of values and of names in expressions (ExtendDB/extenddb issue 365: the service, 2026). */
  attributeNameTooLarge: (): RequestValidationFault =>
    requestValidationFault('Attribute name is too large, must be less than 65536 bytes'),
} as const;

export const numberFaults = {
  /** The text that is no number is part of the message. */
  notNumeric: (text: string): RequestValidationFault =>
    requestValidationFault(`${NOT_NUMERIC}: ${text}`, text === '' ? NOT_NUMERIC : undefined),
  tooPrecise: (): RequestValidationFault =>
    requestValidationFault('Attempting to store more than 38 significant digits in a Number'),
  overflow: (): RequestValidationFault =>
    requestValidationFault(
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ),
  underflow: (): RequestValidationFault =>
    requestValidationFault(
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    ),
} as const;

/** JSON of the wrong type for its place. Each is what the service's reader says of that place. */
export const wireTypeFaults = {
  /** A scalar that does not convert, e.g. `NUMBER_VALUE cannot be converted to String`. */
  notConvertible: (token: JsonToken, to: string): ClientFault =>
    serializationFault(`${token} cannot be converted to ${to}`),
  structureNotExpected: (): ClientFault =>
    serializationFault('Start of structure or map found where not expected'),
  /** An array where the named Java class stands. */
  collectionNotExpected: (javaClass: string): ClientFault =>
    serializationFault(`Unrecognized collection type class ${javaClass}`),
  /** An array where an AttributeValue stands. */
  collectionForAttributeValue: (): ClientFault =>
    serializationFault(`Unrecognized collection type class ${ATTRIBUTE_VALUE_CLASS}`),
  /** An array where a map of the named Java class stands. */
  collectionForMap: (javaClass: string): ClientFault =>
    serializationFault(
      `Unrecognized collection type java.util.Map<java.lang.String, ${javaClass}>`,
    ),
  collectionForAttributeMap: (): ClientFault =>
    wireTypeFaults.collectionForMap(ATTRIBUTE_VALUE_CLASS),
  /** A scalar where a list, map or structure stands as a member. */
  unexpectedField: (): ClientFault => serializationFault('Unexpected field type'),
  /** A scalar where a structure stands inside a list or map. */
  unexpectedValue: (): ClientFault => serializationFault('Unexpected value type in payload'),
  /** A scalar where a list or map stands inside a list or map. */
  unexpectedParameterized: (): ClientFault =>
    serializationFault(
      "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')",
    ),
  /** Text that stands for no boolean. */
  unexpectedToken: (): ClientFault => serializationFault('Unexpected token received from parser'),
  notBase64: (): ClientFault =>
    serializationFault('only base-64-encoded strings are convertible to bytes'),
  base64Length: (length: number): ClientFault =>
    serializationFault(
      `Base64 encoded length is expected a multiple of 4 bytes but found: ${length}`,
    ),
  /** The service's own spelling. */
  base64Character: (): ClientFault =>
    serializationFault('Invalid last non-pad Base64 character dectected'),
} as const;

function quoted(members: readonly string[]): string[] {
  return members.map((member) => JSON.stringify(member));
}

/** JSON that does not fit the API model; the wire shows the text as `Message`. */
function serializationFault(message: string): ClientFault {
  return new ClientFault('SerializationException', message);
}
