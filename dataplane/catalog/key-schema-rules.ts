import { tableRequestFaults } from '../errors/table-requests.ts';
import type { AttributeDefinition, KeySchemaElement } from './descriptor.ts';
import { INDEX_HASH_ATTRIBUTES_COUNT_MAX, INDEX_RANGE_ATTRIBUTES_COUNT_MAX } from './limits.ts';
import type { GlobalIndexRequest, LocalIndexRequest } from './table-request.ts';

interface KeyedRequest {
  readonly KeySchema: readonly KeySchemaElement[];
  readonly AttributeDefinitions: readonly AttributeDefinition[];
  readonly LocalSecondaryIndexes?: readonly LocalIndexRequest[] | undefined;
  readonly GlobalSecondaryIndexes?: readonly GlobalIndexRequest[] | undefined;
}

/**
 * The table's key and the attribute definitions of CreateTable: definitions must be exactly the
 * attributes that keys of the table and its indexes use.
 *
 * The order of the checks is the service's: an unused definition hides faults of the indexes, but not
 * that an attribute is in a key twice (scylladb/scylladb test_gsi_composite_keys.py).
 * @throws ClientFault ValidationException
 * @see reference/dynamodb.md §6 (CreateTable)
 */
export function checkKeysAndDefinitions(request: KeyedRequest): void {
  const definitions = request.AttributeDefinitions.map(({ AttributeName }) => AttributeName);
  checkNoDuplicates(definitions);
  const tableKeys = keyNames(request.KeySchema);
  if (tableKeys.length > definitions.length) throw tableRequestFaults.keyWithoutDefinition();
  checkDefined(tableKeys, definitions);
  checkKeySchema(request.KeySchema);

  const { LocalSecondaryIndexes: local, GlobalSecondaryIndexes: global } = request;
  if (local === undefined && global === undefined) {
    if (tableKeys.length !== definitions.length) throw tableRequestFaults.definitionsMismatch();
    return;
  }
  if (local?.length === 0) throw tableRequestFaults.emptyIndexList('LocalSecondaryIndexes');
  if (global?.length === 0) throw tableRequestFaults.emptyIndexList('GlobalSecondaryIndexes');
  const indexes = [...(local ?? []), ...(global ?? [])];
  for (const index of indexes) checkDefined(keyNames(index.KeySchema), definitions);
  for (const index of global ?? []) checkDistinctNames(index.KeySchema);
  const used = new Set([...tableKeys, ...indexes.flatMap((index) => keyNames(index.KeySchema))]);
  if (definitions.some((name) => !used.has(name))) {
    throw tableRequestFaults.unusedDefinitions(definitions, [...used]);
  }
}

/** Keys of tables and local indexes: HASH, or HASH and RANGE. @throws ClientFault */
export function checkKeySchema(keySchema: readonly KeySchemaElement[]): void {
  const [first, second] = keySchema;
  if (second !== undefined && first?.AttributeName === second.AttributeName) {
    throw tableRequestFaults.sameKeyNames();
  }
  if (first?.KeyType !== 'HASH') throw tableRequestFaults.firstKeyNotHash();
  if (second !== undefined && second.KeyType !== 'RANGE') {
    throw tableRequestFaults.secondKeyNotRange();
  }
}

/** Keys of global indexes: up to 4 HASH, then up to 4 RANGE attributes. @throws ClientFault */
export function checkGlobalKeySchema(keySchema: readonly KeySchemaElement[]): void {
  checkDistinctNames(keySchema);
  if (keySchema[0]?.KeyType !== 'HASH') throw tableRequestFaults.firstKeyNotHash();
  const hashCount = keySchema.filter(({ KeyType }) => KeyType === 'HASH').length;
  if (keySchema.slice(0, hashCount).some(({ KeyType }) => KeyType === 'RANGE')) {
    throw tableRequestFaults.hashAfterRange();
  }
  if (hashCount > INDEX_HASH_ATTRIBUTES_COUNT_MAX) throw tableRequestFaults.tooManyKeys('HASH');
  if (keySchema.length - hashCount > INDEX_RANGE_ATTRIBUTES_COUNT_MAX) {
    throw tableRequestFaults.tooManyKeys('RANGE');
  }
}

function checkDistinctNames(keySchema: readonly KeySchemaElement[]): void {
  const names = keyNames(keySchema);
  if (new Set(names).size === names.length) return;
  throw names.length === 2
    ? tableRequestFaults.sameKeyNames()
    : tableRequestFaults.repeatedKeyNames();
}

/** @throws ClientFault when a key attribute has no definition. */
export function checkDefined(keys: readonly string[], definitions: readonly string[]): void {
  if (keys.some((key) => !definitions.includes(key))) {
    throw tableRequestFaults.undefinedKeys(keys, definitions);
  }
}

export function keyNames(keySchema: readonly KeySchemaElement[]): readonly string[] {
  return keySchema.map(({ AttributeName }) => AttributeName);
}

/** The definitions that these key schemas use, by name, as the service lists them. */
export function usedDefinitions(
  definitions: readonly AttributeDefinition[],
  keySchemas: readonly (readonly KeySchemaElement[])[],
): readonly AttributeDefinition[] {
  const used = new Set(keySchemas.flatMap(keyNames));
  return definitions
    .filter(({ AttributeName }) => used.has(AttributeName))
    .toSorted((a, b) => (a.AttributeName < b.AttributeName ? -1 : 1))
    .map(({ AttributeName, AttributeType }) => ({ AttributeName, AttributeType }));
}

function checkNoDuplicates(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw tableRequestFaults.attributeDuplicated(name);
    seen.add(name);
  }
}
