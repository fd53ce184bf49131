/**
 * Attribute values in the form that the wire's JSON has, which is also the form they are stored in.
 *
 * Binary values stay base64 text (canonical: padded, standard alphabet); numbers stay text in
 * normal form (reference/dynamodb.md section 3). Values are treated as immutable once validated.
 */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly M: AttributeMap }
  | { readonly L: readonly AttributeValue[] }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] };

/**
 * Attributes by name. A plain object, as JSON.parse gives it: names such as `__proto__` and
 * `constructor` are legal, so never read or write it with `[]` directly, but with
 * `attributeOf` and `setAttribute`.
 */
export type AttributeMap = { readonly [name: string]: AttributeValue };
export type MutableAttributeMap = { [name: string]: AttributeValue };

/** An item, or the key attributes of one. */
export type Item = AttributeMap;

export type AttributeType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'M' | 'L' | 'SS' | 'NS' | 'BS';
export type KeyAttributeType = 'S' | 'N' | 'B';

/** The one type member of a validated value. */
export function typeOf(value: AttributeValue): AttributeType {
  for (const type in value) return type as AttributeType; // validated: exactly one member
  throw new TypeError('an attribute value has exactly one member');
}

/** The attribute of this name, looking at own members only. */
export function attributeOf(map: AttributeMap, name: string): AttributeValue | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/** Sets an attribute, also one called `__proto__`. */
export function setAttribute(map: MutableAttributeMap, name: string, value: AttributeValue): void {
  if (name === '__proto__') {
    Object.defineProperty(map, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    map[name] = value;
  }
}
