import type { ClientFault } from '../errors/client-fault.ts';
import { type EmptyValueKind, itemFaults, startKeyFaults } from '../errors/items.ts';
import type { Condition, KeyCondition, Projection, Update, UpdateTerm } from '../expression/ast.ts';
import { valuesOf } from '../expression/key-condition.ts';
import { nestedAttributes } from '../expression/paths.ts';
import {
  type AttributeType,
  type AttributeValue,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
  typeOf,
} from '../item/attribute-value.ts';
import { PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX } from '../item/limits.ts';
import { valueBytes } from '../item/size.ts';
import type { IndexSchema, KeyAttribute, KeySchema, TableSchema } from './schema.ts';

/**
 * Checks a `Key` parameter: the key attributes of the schema and nothing else, of the right type,
 * not empty, not too long.
 * @throws ClientFault ValidationException
 * @see reference/dynamodb.md section 6 (Keys)
 */
export function checkKey(key: Item, schema: KeySchema): void {
  const attributes = schema.hash.length + schema.range.length;
  if (Object.keys(key).length !== attributes) throw itemFaults.keySchemaMismatch();
  checkKeyContents(key, schema);
}

export interface KeyOfItemOptions {
  /** BatchWriteItem answers a key of the wrong type with the general text. */
  readonly isBatch: boolean;
}

/**
 * The key attributes of an item to be put, after checking them and the keys of all indexes.
 * Index keys may be absent (the item is then not in the index) but not wrong.
 * @throws ClientFault ValidationException
 */
export function keyOfItem(item: Item, schema: TableSchema, options?: KeyOfItemOptions): Item {
  const key: MutableAttributeMap = {};
  for (const attribute of schema.key.hash) addKeyAttribute(key, item, attribute, options);
  checkHashBytes(key, schema.key);
  for (const attribute of schema.key.range) addKeyAttribute(key, item, attribute, options);
  checkRangeBytes(key, schema.key);
  if (schema.localIndexes.length + schema.globalIndexes.length > 0) checkIndexKeys(item, schema);
  return key;
}

/**
 * Checks an ExclusiveStartKey: exactly the table's key and, for an index, its key too. Whether it
 * lies within the query or segment is checked when the page is read.
 * @throws ClientFault ValidationException
 * @see dynoxide 3.2.0 (captures of October 2026): the two operations differ
 */
export function checkStartKey(
  startKey: Item,
  schema: TableSchema,
  index: IndexSchema | undefined,
  operation: 'query' | 'scan' = 'query',
): void {
  if (operation === 'scan') checkStartKeyTypes(startKey, schema, index);
  const names = startKeyNames(schema, index);
  if (Object.keys(startKey).length !== names.length) throw startKeyFaults.invalid();
  const keys = index === undefined ? [schema.key] : [index.key, schema.key];
  for (const { hash, range } of keys) {
    for (const { name, type } of [...hash, ...range]) {
      const value = attributeOf(startKey, name);
      if (value === undefined || !(type in value)) throw startKeyFaults.invalid();
    }
  }
  if (operation === 'query') {
    for (const key of keys) checkKeyContents(startKey, key);
    return;
  }
  if (index !== undefined) checkKeyContents(startKey, index.key);
  const fault = faultOf(() => checkKeyContents(startKey, schema.key));
  if (fault !== undefined) throw startKeyFaults.because(fault);
}

/** A Scan of a table with indexes reports a wrong type as if the attribute were an index's key. */
function checkStartKeyTypes(
  startKey: Item,
  schema: TableSchema,
  index: IndexSchema | undefined,
): void {
  const indexes = [...schema.globalIndexes, ...schema.localIndexes];
  const named = index ?? indexes[0];
  if (named === undefined) return;
  for (const { hash, range } of [schema.key, ...indexes.map(({ key }) => key)]) {
    for (const { name, type } of [...hash, ...range]) {
      const value = attributeOf(startKey, name);
      if (value === undefined || type in value) continue;
      const types = { expected: type, actual: typeOf(value) };
      throw itemFaults.indexKeyTypeMismatch(name, types, named.name);
    }
  }
}

/** Each key attribute: there, of its type, not empty, not too long. */
function checkKeyContents(key: Item, schema: KeySchema): void {
  for (const attribute of schema.hash) checkKeyMember(key, attribute);
  checkHashBytes(key, schema);
  for (const attribute of schema.range) checkKeyMember(key, attribute);
  checkRangeBytes(key, schema);
}

/**
 * Checks that a Query compares its key with no empty value, not even as a prefix: no key has one. The
 * hash attribute that a local index shares with its table counts as the table's.
 * @throws ClientFault ValidationException
 * @see getmoto/moto issue 7062 (of a table); praetorian-inc/chariot-ui issues 353 and 484 (of an index:
 * logs of the service, `begins_with` and `=`)
 */
export function checkKeyConditionValues(
  conditions: readonly KeyCondition[],
  index: IndexSchema | undefined,
): void {
  const ofIndex = index === undefined ? [] : indexOwnAttributes(index);
  for (const condition of conditions) {
    for (const value of valuesOf(condition)) {
      const empty = emptyKindOf(value);
      if (empty === undefined) continue;
      const { attribute } = condition;
      throw index !== undefined && ofIndex.some(({ name }) => name === attribute)
        ? itemFaults.emptyIndexKey(attribute, empty, index.name)
        : itemFaults.emptyKey(attribute, empty);
    }
  }
}

/** Names that LastEvaluatedKey and ExclusiveStartKey hold: the table's key, then the index's. */
export function startKeyNames(schema: TableSchema, index: IndexSchema | undefined): string[] {
  const names = new Set<string>();
  for (const key of index === undefined ? [schema.key] : [schema.key, index.key]) {
    for (const attribute of [...key.hash, ...key.range]) names.add(attribute.name);
  }
  return [...names];
}

/**
 * Checks what an update expression writes to and reads, before the item is known: no key attribute is
 * written, no place inside one is named, no literal of the wrong type goes to an index key.
 * @throws ClientFault ValidationException
 * @see dynalite test/updateItem.js (captures): the order, and that sources count
 */
export function checkUpdatedPaths(update: Update, schema: TableSchema): void {
  for (const attribute of [...schema.key.hash, ...schema.key.range]) {
    for (const action of update) {
      if (action.path[0] === attribute.name) throw itemFaults.keyUpdated(attribute.name);
    }
  }
  for (const index of indexesByName(schema)) {
    for (const attribute of indexOwnAttributes(index)) {
      for (const action of update) {
        if (action.path[0] !== attribute.name || action.path.length > 1) continue;
        const actual = literalTypeOf(action);
        if (actual !== undefined && actual !== attribute.type) {
          const types = { expected: attribute.type, actual };
          throw itemFaults.indexKeyTypeMismatch(attribute.name, types, index.name);
        }
      }
    }
  }
  checkKeyPaths(update, schema);
}

/**
 * Checks that no path of an expression leads into a key attribute of the table or an index (`key.a`,
 * `key[0]`).
 * @throws ClientFault ValidationException
 */
export function checkKeyPaths(
  expression: Condition | Projection | Update | undefined,
  schema: TableSchema,
): void {
  if (expression === undefined) return;
  const nested = nestedAttributes(expression);
  if (nested.size === 0) return;
  for (const attribute of [...schema.key.hash, ...schema.key.range]) {
    if (nested.has(attribute.name)) throw itemFaults.keyPathNotScalar(attribute.name, false);
  }
  for (const index of [...schema.globalIndexes, ...schema.localIndexes]) {
    for (const attribute of [...index.key.hash, ...index.key.range]) {
      if (nested.has(attribute.name)) throw itemFaults.keyPathNotScalar(attribute.name, true);
    }
  }
}

/**
 * Checks the index keys of an item after an update, those that the update changed.
 * @throws ClientFault ValidationException
 */
export function checkUpdatedIndexKeys(before: Item, after: Item, schema: TableSchema): void {
  for (const index of indexesByName(schema)) {
    for (const attribute of indexOwnAttributes(index)) {
      const value = attributeOf(after, attribute.name);
      if (value === undefined || value === attributeOf(before, attribute.name)) continue;
      if (!(attribute.type in value)) throw itemFaults.indexKeyUpdatedToWrongType();
      const empty = emptyKindOf(value);
      if (empty !== undefined) throw itemFaults.indexKeyUpdatedToEmpty(empty);
    }
    if (isKeyTooLong(after, index.key)) throw itemFaults.indexKeyUpdatedBeyondSize();
  }
}

/** Whether the item has a valid key for this index; without one it is not in the index. */
export function hasIndexKey(item: Item, index: IndexSchema): boolean {
  for (const attribute of index.key.hash) if (!hasKeyValue(item, attribute)) return false;
  for (const attribute of index.key.range) if (!hasKeyValue(item, attribute)) return false;
  return !isKeyTooLong(item, index.key);
}

/** The table's key attributes of an item, of an index entry, or of a start key. */
export function tableKeyOf(item: Item, schema: TableSchema): Item {
  const key: MutableAttributeMap = {};
  for (const attribute of schema.key.hash) copyAttribute(key, item, attribute.name);
  for (const attribute of schema.key.range) copyAttribute(key, item, attribute.name);
  return key;
}

function copyAttribute(to: MutableAttributeMap, from: Item, name: string): void {
  const value = attributeOf(from, name);
  if (value !== undefined) setAttribute(to, name, value);
}

function checkKeyMember(key: Item, attribute: KeyAttribute): void {
  const value = attributeOf(key, attribute.name);
  if (value === undefined || !(attribute.type in value)) throw itemFaults.keySchemaMismatch();
  const empty = emptyKindOf(value);
  if (empty !== undefined) throw itemFaults.emptyKey(attribute.name, empty);
}

function addKeyAttribute(
  key: MutableAttributeMap,
  item: Item,
  attribute: KeyAttribute,
  options: KeyOfItemOptions | undefined,
): void {
  const value = attributeOf(item, attribute.name);
  if (value === undefined) throw itemFaults.missingKey(attribute.name);
  if (!(attribute.type in value)) {
    throw options?.isBatch === true
      ? itemFaults.keySchemaMismatch()
      : itemFaults.keyTypeMismatch(attribute.name, attribute.type, typeOf(value));
  }
  const empty = emptyKindOf(value);
  if (empty !== undefined) throw itemFaults.emptyKey(attribute.name, empty);
  setAttribute(key, attribute.name, value);
}

/** The index whose name sorts first is the one complained about, as captures show. */
function checkIndexKeys(item: Item, schema: TableSchema): void {
  for (const index of indexesByName(schema)) {
    for (const attribute of indexOwnAttributes(index)) {
      const value = attributeOf(item, attribute.name);
      if (value === undefined) continue;
      if (!(attribute.type in value)) {
        const types = { expected: attribute.type, actual: typeOf(value) };
        throw itemFaults.indexKeyTypeMismatch(attribute.name, types, index.name);
      }
      const empty = emptyKindOf(value);
      if (empty !== undefined) throw itemFaults.emptyIndexKey(attribute.name, empty, index.name);
    }
    checkHashBytes(item, index.key);
    checkRangeBytes(item, index.key);
  }
}

const sortedIndexes = new WeakMap<TableSchema, readonly IndexSchema[]>();

function indexesByName(schema: TableSchema): readonly IndexSchema[] {
  let indexes = sortedIndexes.get(schema);
  if (indexes === undefined) {
    indexes = [...schema.localIndexes, ...schema.globalIndexes].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    sortedIndexes.set(schema, indexes);
  }
  return indexes;
}

/** A local index shares the table's hash attribute, which is checked as the table's. */
function indexOwnAttributes(index: IndexSchema): readonly KeyAttribute[] {
  return index.kind === 'local' ? index.key.range : [...index.key.hash, ...index.key.range];
}

function hasKeyValue(item: Item, attribute: KeyAttribute): boolean {
  const value = attributeOf(item, attribute.name);
  return value !== undefined && attribute.type in value && emptyKindOf(value) === undefined;
}

function emptyKindOf(value: AttributeValue): EmptyValueKind | undefined {
  if ('S' in value) return value.S === '' ? 'string' : undefined;
  if ('B' in value) return value.B === '' ? 'binary' : undefined;
  return undefined;
}

function checkHashBytes(item: Item, key: KeySchema): void {
  if (isHashTooLong(item, key)) throw itemFaults.hashKeyTooLong();
}

function checkRangeBytes(item: Item, key: KeySchema): void {
  if (isRangeTooLong(item, key)) throw itemFaults.rangeKeyTooLong();
}

function isKeyTooLong(item: Item, key: KeySchema): boolean {
  return isHashTooLong(item, key) || isRangeTooLong(item, key);
}

function isHashTooLong(item: Item, key: KeySchema): boolean {
  for (const attribute of key.hash) {
    if (keyBytes(item, attribute) > PARTITION_KEY_BYTES_MAX) return true;
  }
  return false;
}

function isRangeTooLong(item: Item, key: KeySchema): boolean {
  let bytes = 0;
  for (const attribute of key.range) bytes += keyBytes(item, attribute);
  return bytes > SORT_KEY_BYTES_MAX;
}

/** Three bytes a UTF-16 unit at most: short strings, the usual ones, need no counting. */
function keyBytes(item: Item, attribute: KeyAttribute): number {
  const value = attributeOf(item, attribute.name);
  if (value === undefined || attribute.type === 'N') return 0;
  if ('S' in value && value.S.length * 3 <= SORT_KEY_BYTES_MAX / 4) return value.S.length;
  return valueBytes(value);
}

function literalTypeOf(action: Update[number]): AttributeType | undefined {
  switch (action.kind) {
    case 'set':
      return literalTypeOfTerm(action.term);
    case 'add':
      return typeOf(action.value);
    case 'delete':
    case 'remove':
      return undefined;
  }
}

function literalTypeOfTerm(term: UpdateTerm): AttributeType | undefined {
  switch (term.kind) {
    case 'value':
      return typeOf(term.value);
    case 'arithmetic':
      return 'N';
    case 'listAppend':
      return 'L';
    case 'ifNotExists':
    case 'path':
      return undefined;
  }
}

function faultOf(check: () => void): ClientFault | undefined {
  try {
    check();
    return undefined;
  } catch (fault) {
    if (fault instanceof Error) throw fault;
    return fault as ClientFault; // key checks throw nothing else that is no Error
  }
}
