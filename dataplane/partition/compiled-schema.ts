import { type AttributeValue, attributeOf, type Item } from '../item/attribute-value.ts';
import { encodeKeyValue } from '../item/key-encoding.ts';
import { HASH_BYTES, INDEX_ID_BYTES, PREFIX_BYTES } from './key-space.ts';
import { PartitionHash } from './partition-hash.ts';
import type { IndexSchema, KeyAttribute, TableSchema } from './schema.ts';

/** An index, with what is looked up on every write. */
export interface CompiledIndex {
  readonly schema: IndexSchema;
  /** Names that entries hold, key attributes included; undefined: all. */
  readonly projected: ReadonlySet<string> | undefined;
}

/**
 * A table schema made ready: builds the keys of items and index entries. Keys come with room for
 * the prefix (see `placeKey`), since the partition is known only from the hash.
 */
export class CompiledSchema {
  readonly schema: TableSchema;
  readonly localIndexes: readonly CompiledIndex[];
  readonly globalIndexes: readonly CompiledIndex[];
  /** A write must look into the item that stands there, not only at its size. */
  readonly needsItemBefore: boolean;
  readonly #hash: PartitionHash;

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.#hash = new PartitionHash(schema.hashSecret);
    this.localIndexes = schema.localIndexes.map((index) => compileIndex(index, schema));
    this.globalIndexes = schema.globalIndexes.map((index) => compileIndex(index, schema));
    this.needsItemBefore =
      this.localIndexes.length + this.globalIndexes.length > 0 ||
      schema.timeToLiveAttribute !== undefined ||
      schema.stream !== undefined;
  }

  /** Key in the item space of the item with these key attributes (others are ignored). */
  itemKey(item: Item): Buffer {
    const sort = this.#encodings(this.schema.key.range, item);
    const key = Buffer.allocUnsafe(PREFIX_BYTES + HASH_BYTES + bytesOf(sort));
    this.#hash.writeTo(key, PREFIX_BYTES, this.#encodings(this.schema.key.hash, item));
    copyAll(sort, key, PREFIX_BYTES + HASH_BYTES);
    return key;
  }

  /** Key of an item's entry in a global index, in the item space of the index's partition. */
  globalEntryKey(index: CompiledIndex, item: Item, itemKey: Buffer): Buffer {
    const range = this.#encodings(index.schema.key.range, item);
    const baseAt = PREFIX_BYTES + HASH_BYTES + bytesOf(range);
    const key = Buffer.allocUnsafe(baseAt + itemKey.length - PREFIX_BYTES);
    this.#hash.writeTo(key, PREFIX_BYTES, this.#encodings(index.schema.key.hash, item));
    copyAll(range, key, PREFIX_BYTES + HASH_BYTES);
    itemKey.copy(key, baseAt, PREFIX_BYTES);
    return key;
  }

  /** Key of an item's entry in a local index. */
  localEntryKey(index: CompiledIndex, item: Item, itemKey: Buffer): Buffer {
    const range = this.#encodings(index.schema.key.range, item);
    const hashAt = PREFIX_BYTES + INDEX_ID_BYTES;
    const baseAt = hashAt + HASH_BYTES + bytesOf(range);
    const baseSortAt = PREFIX_BYTES + HASH_BYTES;
    const key = Buffer.allocUnsafe(baseAt + itemKey.length - baseSortAt);
    key.writeUInt16BE(index.schema.id, PREFIX_BYTES);
    itemKey.copy(key, hashAt, PREFIX_BYTES, baseSortAt);
    copyAll(range, key, hashAt + HASH_BYTES);
    itemKey.copy(key, baseAt, baseSortAt);
    return key;
  }

  /** Prefix room and hash of these values of the HASH attributes. */
  hashKey(values: readonly AttributeValue[]): Buffer {
    const key = Buffer.allocUnsafe(PREFIX_BYTES + HASH_BYTES);
    this.#hash.writeTo(key, PREFIX_BYTES, values.map(encodeKeyValue));
    return key;
  }

  index(name: string): CompiledIndex | undefined {
    return (
      this.globalIndexes.find((index) => index.schema.name === name) ??
      this.localIndexes.find((index) => index.schema.name === name)
    );
  }

  #encodings(attributes: readonly KeyAttribute[], item: Item): readonly Buffer[] {
    const encodings: Buffer[] = [];
    for (const attribute of attributes) {
      const value = attributeOf(item, attribute.name);
      if (value === undefined) throw new TypeError('key attributes were checked to be there');
      encodings.push(encodeKeyValue(value));
    }
    return encodings;
  }
}

/** Fills in the prefix of a key built with room for it. */
export function placeKey(key: Buffer, prefix: Buffer): Buffer {
  prefix.copy(key, 0, 0, PREFIX_BYTES);
  return key;
}

function compileIndex(index: IndexSchema, schema: TableSchema): CompiledIndex {
  if (index.projection.type === 'ALL') return { schema: index, projected: undefined };
  const projected = new Set<string>();
  for (const key of [schema.key, index.key]) {
    for (const attribute of [...key.hash, ...key.range]) projected.add(attribute.name);
  }
  if (index.projection.type === 'INCLUDE') {
    for (const name of index.projection.attributes) projected.add(name);
  }
  return { schema: index, projected };
}

function bytesOf(encodings: readonly Buffer[]): number {
  let bytes = 0;
  for (const encoding of encodings) bytes += encoding.length;
  return bytes;
}

function copyAll(encodings: readonly Buffer[], target: Buffer, offset: number): void {
  let at = offset;
  for (const encoding of encodings) at += encoding.copy(target, at);
}
