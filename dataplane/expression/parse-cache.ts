import { PARSED_EXPRESSION_CHARS_MAX, PARSED_EXPRESSIONS_MAX } from './limits.ts';

/**
 * Parsed expressions by their text, so that a hot one costs only its resolution.
 *
 * Bounded in number and length of texts; the oldest goes first. Texts that fail are not kept.
 * Entries are shared between requests and must not be changed.
 */
export class ParseCache<T> {
  readonly #entries = new Map<string, T>();

  /** The entry, made by `parse` if it is not there. */
  get(text: string, parse: (text: string) => T): T {
    const known = this.#entries.get(text);
    if (known !== undefined) return known;
    const parsed = parse(text);
    if (text.length <= PARSED_EXPRESSION_CHARS_MAX) this.#add(text, parsed);
    return parsed;
  }

  get size(): number {
    return this.#entries.size;
  }

  #add(text: string, parsed: T): void {
    if (this.#entries.size >= PARSED_EXPRESSIONS_MAX) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(text, parsed);
  }
}
