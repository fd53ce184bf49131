import { requestFaults } from '../errors/requests.ts';
import { attributeOf, type Item, typeOf } from '../item/attribute-value.ts';

/** The keys of one table in a batch; no key may be there twice. */
export class BatchKeys {
  readonly #seen = new Set<string>();

  /**
   * `key`: validated, so that equal values have equal text.
   * @throws ClientFault
   */
  add(key: Item): void {
    const { size } = this.#seen;
    if (this.#seen.add(keyText(key)).size === size) throw requestFaults.duplicateKeys();
  }
}

/**
 * A text that tells keys of one table apart. Parts are preceded by their lengths, so that different
 * keys never make the same text.
 * @param key - validated, so that equal values have equal text
 */
export function keyText(key: Item): string {
  const names = Object.keys(key);
  const [first, second] = names;
  if (first !== undefined && second !== undefined && (names.length > 2 || first > second)) {
    names.sort();
  }
  let text = '';
  for (const name of names) {
    const value = attributeOf(key, name);
    if (value === undefined) continue;
    const type = typeOf(value);
    const content = (value as { readonly [type: string]: unknown })[type];
    // A value that is no scalar fits no key schema, which is reported after duplicates.
    const shown = typeof content === 'string' ? content : JSON.stringify(content);
    text += `${name.length}:${name}${type}${shown.length}:${shown}`;
  }
  return text;
}
