import { requestFaults } from '../errors/requests.ts';
import { attributeOf, type Item } from '../item/attribute-value.ts';

/** The keys of one table in a batch; no key may be there twice. */
export class BatchKeys {
  readonly #seen = new Set<string>();

  /**
   * `key`: validated, so that equal values have equal text.
   * @throws ClientFault
   */
  add(key: Item): void {
    const text = keyText(key);
    if (this.#seen.has(text)) throw requestFaults.duplicateKeys();
    this.#seen.add(text);
  }
}

function keyText(key: Item): string {
  const names = Object.keys(key);
  if (names.length <= 1) return JSON.stringify(key);
  return JSON.stringify(names.sort().map((name) => [name, attributeOf(key, name)]));
}
