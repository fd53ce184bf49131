import { type ClientFault, validationFault } from '../../dataplane/errors/client-fault.ts';
import { constraintTexts, requestFaults } from '../../dataplane/errors/requests.ts';

/**
 * Faults of requests that only this protocol can express.
 *
 * Differs: the real service's texts for them are not known; these are ours. No known client sends
 * anything of the kind.
 */
export const malformedFaults = {
  /** CBOR that is of another kind than its place asks for, or that ends too early. */
  value: (expected: string): ClientFault => malformed(`${expected} was expected`),
  /** A whole argument with bytes behind its end. */
  surplus: (what: string): ClientFault => malformed(`there is more behind the end of ${what}`),
  nesting: (): ClientFault => malformed('it is nested too deeply'),
  option: (key: number): ClientFault => malformed(`${key} is no option of requests`),
  optionValue: (name: string): ClientFault => malformed(`the value of ${name} is none it can have`),
  operation: (code: number): ClientFault => malformed(`${code} is no operation of transactions`),
  stepless: (): ClientFault => malformed('the lists of a transaction differ in length'),
  itemValues: (valuesCount: string): ClientFault =>
    malformed(`an item has ${valuesCount} values than its attribute list has names`),
  listId: (id: number): ClientFault => malformed(`attribute list ${id} is not known`),
  repeatedName: (name: string): ClientFault =>
    malformed(`an attribute list has the name ${name} twice`),
  listTooLong: (): ClientFault => malformed('an attribute list has too many names'),
  opcode: (code: number, place: string): ClientFault =>
    malformed(`code ${code} cannot stand for ${place} in an expression`),
  expressionFormat: (): ClientFault => malformed('an expression is in an unknown format'),
  valueIndex: (index: number): ClientFault =>
    malformed(`an expression has no value with index ${index}`),
} as const;

/** Too many, or no, parts in a request: as the service words it, without the request's own text. */
export const countFaults = {
  batchGetTables: (): ClientFault => memberFault('RequestItems', constraintTexts.lengthMin(1)),
  batchGetKeys: (table: string, limit: 'min' | 'max', count: number): ClientFault =>
    memberFault(
      `RequestItems.${table}.member.Keys`,
      limit === 'min' ? constraintTexts.lengthMin(count) : constraintTexts.lengthMax(count),
    ),
  batchWriteTables: (): ClientFault => requestFaults.requestItemsMissing('BatchWriteItem'),
  /** Differs: the service shows the request between `Value` and `at`. */
  batchWrites: (max: number): ClientFault =>
    memberFault(
      'requestItems',
      constraintTexts.mapValues([constraintTexts.lengthMax(max), constraintTexts.lengthMin(1)]),
    ),
  /** Differs: as `batchWrites`. */
  transactItems: (limit: 'min' | 'max', count: number): ClientFault =>
    memberFault(
      'transactItems',
      limit === 'min' ? constraintTexts.lengthMin(count) : constraintTexts.lengthMax(count),
    ),
} as const;

function malformed(reason: string): ClientFault {
  return validationFault(`The request is malformed: ${reason}`);
}

function memberFault(path: string, text: string): ClientFault {
  return requestFaults.constraints([{ kind: 'member', path, text }]);
}
