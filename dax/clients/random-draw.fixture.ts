import type { AttributeMap, AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { mulberry32 } from '../../dataplane/node/mulberry32.fixture.ts';

/** For tests: tables with keys of all types, by name; those with two key attributes have all kinds of indexes. */
export const randomTables: Readonly<Record<string, readonly string[]>> = {
  HashText: ['pk:S'],
  HashNumber: ['pk:N'],
  HashBytes: ['pk:B'],
  TextText: ['pk:S', 'sk:S'],
  TextNumber: ['pk:S', 'sk:N'],
  TextBytes: ['pk:S', 'sk:B'],
  NumberNumber: ['pk:N', 'sk:N'],
  BytesBytes: ['pk:B', 'sk:B'],
};

/** Key attributes of the indexes; those of names with `local` are local. */
export const randomIndexes: Readonly<Record<string, readonly string[]>> = {
  globalAll: ['g', 'gn'],
  globalKeys: ['g'],
  globalSome: ['gn', 'lb'],
  localAll: ['pk', 'gn'],
  localKeys: ['pk', 'lb'],
  localSome: ['pk', 'g'],
};

const attributeNames = ['a', 'b', 'c', 'm', 'l', 'n', 'é', 'a.b', 'size', '😀', 's'] as const;
const numbers = [
  ...['0', '-0', '1', '2', '-1', '1.5', '0.1', '100', '1E2', '1.0', '00012', '4.35', '1e21'],
  ...['12345678901234567890', '-9223372036854775808', '18446744073709551616', '9007199254740993'],
  ...['9'.repeat(38), `-${'9'.repeat(38)}`, `0.${'1'.repeat(38)}`, '0.30000000000000004'],
  ...['1E-130', '-1E-130', `9.${'9'.repeat(37)}E125`, '1E-7'],
];
// Go's clients show sort keys of larger exponents wrong (README.md): matrix.test.ts has those.
const keyNumbers = ['1', '2', '-1', '0', '1.5', '100', '1E2', '-0.001', '1E60', '-1E-60'];
const texts = ['a', 'b', 'é', '日本', '😀', 'a b', ''];
// No text, number or bytes here are the same bytes: Python's client takes keys of two tables for one then.
const keyTexts = ['a', 'b', 'é', '😀', '\u0000\u0000', '~'];
const keyBytes = ['/wAB', '/wAC', '/w==', '//8='];
const bytes = ['AA==', 'AQI=', '/w==', ''];

/** Draws values, keys and items from a seed. */
export class Draw {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }

  /** The members, or none. */
  maybe<T extends object>(share: number, members: T): T | Record<string, never> {
    return this.chance(share) ? members : {};
  }

  several<T>(most: number, draw: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, draw);
  }

  distinct(most: number, list: readonly string[]): string[] {
    return [...new Set(this.several(most, () => this.pick(list)))];
  }

  number(): string {
    return this.pick(numbers);
  }

  text(): string {
    return this.pick(texts);
  }

  /** Of an item, not of its key. */
  name(): string {
    return this.pick(attributeNames);
  }

  names(most: number): string[] {
    return this.distinct(most, attributeNames);
  }

  tableName(): string {
    return this.pick(Object.keys(randomTables));
  }

  keyValue(type: string | undefined): AttributeValue {
    if (type === 'N') return { N: this.pick(keyNumbers) };
    return type === 'B' ? { B: this.pick(keyBytes) } : { S: this.pick(keyTexts) };
  }

  key(tableName: string): AttributeMap {
    const keys = (randomTables[tableName] ?? []).map((each) => each.split(':'));
    return Object.fromEntries(keys.map(([name, type]) => [name, this.keyValue(type)]));
  }

  /** A value of a key attribute of the table or of an index. */
  keyValueOf(tableName: string, name: string): AttributeValue {
    const own = this.key(tableName)[name];
    if (own !== undefined) return own;
    return name === 'g' ? { S: this.pick(['g1', 'g2']) } : this.keyValue(name === 'gn' ? 'N' : 'B');
  }

  value(depth = 0): AttributeValue {
    switch (this.below(depth > 2 ? 6 : 11)) {
      case 0:
        return { S: this.text() };
      case 1:
      case 2:
        return { N: this.number() };
      case 3:
        return { B: this.pick(bytes) };
      case 4:
        return { BOOL: this.chance(0.5) };
      case 5:
        return { NULL: true };
      case 6:
        return { SS: this.distinct(3, texts) };
      case 7:
        return { NS: this.distinct(3, ['1', '-1', '1.5', '9'.repeat(38), '1E100']) };
      case 8:
        return { BS: this.distinct(3, bytes) };
      case 9:
        return { L: this.several(3, () => this.value(depth + 1)) };
      default:
        return { M: this.#map(depth) };
    }
  }

  item(tableName: string): AttributeMap {
    const members: [string, AttributeValue][] = [];
    for (const name of attributeNames) {
      if (this.chance(0.3)) members.push([name, this.#valueOf(name)]);
    }
    for (const name of hasIndexes(tableName) ? ['g', 'gn', 'lb'] : []) {
      if (this.chance(0.7)) members.push([name, this.keyValueOf(tableName, name)]);
    }
    return { ...Object.fromEntries(members), ...this.key(tableName) };
  }

  /** Some attributes are of one type mostly, so that paths and sums find what they need. */
  #valueOf(name: string): AttributeValue {
    if (name === 'n') return { N: this.number() };
    if (name === 'l') return { L: this.several(4, () => this.value(1)) };
    return name === 'm' ? { M: this.#map(0) } : this.value();
  }

  #map(depth: number): AttributeMap {
    const names = this.distinct(4, ['x', 'y', 'x.y', 'é', '0']);
    return Object.fromEntries(names.map((name) => [name, this.value(depth + 1)]));
  }
}

export function hasIndexes(tableName: string): boolean {
  return randomTables[tableName]?.length === 2;
}
