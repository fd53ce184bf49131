/** A part of a pattern: text as it stands, any one character (`?`), or any text, also none (`*`). */
export type WildcardToken = string | typeof ANY_CHARACTER | typeof ANY_TEXT;

export const ANY_CHARACTER = Symbol('?');
export const ANY_TEXT = Symbol('*');

/**
 * A text with wildcards, made ready to be compared. A character is a UTF-16 code unit.
 *
 * Between two `*` stands a piece of fixed length, and the leftmost place where it fits is always good
 * enough. So nothing is ever tried again: a comparison costs at most the length of the text times that
 * of the longest piece, and mostly the length of the text alone.
 */
export class Wildcard {
  readonly #first: Piece;
  readonly #middle: readonly Piece[];
  /** Undefined: there is no `*`, the first piece is all. */
  readonly #last: Piece | undefined;
  readonly #charactersMin: number;

  constructor(tokens: readonly WildcardToken[]) {
    const [first = new Piece([]), ...others] = piecesOf(tokens);
    this.#first = first;
    this.#last = others.pop();
    this.#middle = others.filter((piece) => piece.length > 0);
    this.#charactersMin =
      first.length +
      (this.#last?.length ?? 0) +
      this.#middle.reduce((sum, piece) => sum + piece.length, 0);
  }

  matches(text: string): boolean {
    if (text.length < this.#charactersMin || !this.#first.isAt(text, 0)) return false;
    const last = this.#last;
    if (last === undefined) return text.length === this.#first.length;
    const end = text.length - last.length;
    if (!last.isAt(text, end)) return false;
    let at = this.#first.length;
    for (const piece of this.#middle) {
      const found = piece.find(text, at, end);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return true;
  }
}

/** Text without `*`, in which some characters may be any. */
class Piece {
  readonly length: number;
  readonly #text: string;
  /** Code units, -1 for any one; undefined where there is none such. */
  readonly #units: Int32Array | undefined;

  constructor(tokens: readonly (string | typeof ANY_CHARACTER)[]) {
    this.#text = tokens.map((token) => (token === ANY_CHARACTER ? '?' : token)).join('');
    this.length = this.#text.length;
    this.#units = tokens.includes(ANY_CHARACTER) ? unitsOf(tokens, this.length) : undefined;
  }

  isAt(text: string, at: number): boolean {
    const units = this.#units;
    if (units === undefined) return text.startsWith(this.#text, at);
    for (let index = 0; index < units.length; index++) {
      const unit = units[index];
      if (unit !== -1 && unit !== text.charCodeAt(at + index)) return false;
    }
    return true;
  }

  /** Where it first stands between two places of the text; -1 if it does not. */
  find(text: string, from: number, end: number): number {
    const lastStart = end - this.length;
    if (this.#units === undefined) {
      const at = text.indexOf(this.#text, from);
      return at <= lastStart ? at : -1;
    }
    for (let at = from; at <= lastStart; at++) if (this.isAt(text, at)) return at;
    return -1;
  }
}

/** What stands between the `*`: one piece more than there are of those. */
function piecesOf(tokens: readonly WildcardToken[]): Piece[] {
  const pieces: (string | typeof ANY_CHARACTER)[][] = [[]];
  for (const token of tokens) {
    if (token === ANY_TEXT) pieces.push([]);
    else pieces.at(-1)?.push(token);
  }
  return pieces.map((piece) => new Piece(piece));
}

function unitsOf(tokens: readonly (string | typeof ANY_CHARACTER)[], length: number): Int32Array {
  const units = new Int32Array(length);
  let at = 0;
  for (const token of tokens) {
    if (token === ANY_CHARACTER) units[at++] = -1;
    else for (let index = 0; index < token.length; index++) units[at++] = token.charCodeAt(index);
  }
  return units;
}
