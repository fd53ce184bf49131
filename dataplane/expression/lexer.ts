/**
 * Tokens of all expression kinds; one lexer serves them, as the keywords are the same everywhere.
 *
 * The lexer never fails: a character that belongs to no token becomes one of its own (`bad`), and
 * the parser reports it where it stands.
 */
export type TokenKind =
  /** An attribute or function name: a letter, then letters, digits and `_`. */
  | 'word'
  /** `#name` */
  | 'name'
  /** `:value` */
  | 'value'
  /** A list index: `0`, or digits that do not start with 0. */
  | 'index'
  | Keyword
  | Symbol
  | 'bad'
  | 'end';

export type Keyword = 'AND' | 'OR' | 'NOT' | 'BETWEEN' | 'IN' | 'SET' | 'REMOVE' | 'ADD' | 'DELETE';

type Symbol = '=' | '<>' | '<' | '<=' | '>' | '>=' | '(' | ')' | '[' | ']' | ',' | '.' | '+' | '-';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offsets in the expression's text, in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
}

/** The text's tokens; the last one is of kind `end`, with the text `<EOF>`. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (isBlank(code)) {
      index++;
      continue;
    }
    const end = endOfToken(text, index, code);
    const slice = text.slice(index, end);
    tokens.push({ kind: kindOf(slice, code), text: slice, start: index, end });
    index = end;
  }
  tokens.push({ kind: 'end', text: '<EOF>', start: text.length, end: text.length });
  return tokens;
}

const keywords = new Map<string, Keyword>(
  (['AND', 'OR', 'NOT', 'BETWEEN', 'IN', 'SET', 'REMOVE', 'ADD', 'DELETE'] as const).map(
    (keyword) => [keyword, keyword],
  ),
);

const symbols = new Map<string, Symbol>(
  (['=', '<>', '<', '<=', '>', '>=', '(', ')', '[', ']', ',', '.', '+', '-'] as const).map(
    (symbol) => [symbol, symbol],
  ),
);

const HASH = 35;
const COLON = 58;
const ZERO = 48;
const NINE = 57;
const LESS = 60;
const EQUALS = 61;
const GREATER = 62;
const UNDERSCORE = 95;

function endOfToken(text: string, start: number, code: number): number {
  const next = text.charCodeAt(start + 1); // NaN at the end: no character compares to it
  if (isLetter(code) || code === HASH || code === COLON) return endOfName(text, start + 1);
  if (code === ZERO) return start + 1;
  if (isDigit(code)) return endOfDigits(text, start + 1);
  if (code === LESS && (next === EQUALS || next === GREATER)) return start + 2;
  if (code === GREATER && next === EQUALS) return start + 2;
  return start + (isHighSurrogate(code) && isLowSurrogate(next) ? 2 : 1);
}

function kindOf(slice: string, code: number): TokenKind {
  if (isLetter(code)) return keywords.get(slice.toUpperCase()) ?? 'word';
  if (isDigit(code)) return 'index';
  if (code === HASH) return slice.length > 1 ? 'name' : 'bad';
  if (code === COLON) return slice.length > 1 ? 'value' : 'bad';
  return symbols.get(slice) ?? 'bad';
}

function endOfName(text: string, start: number): number {
  let index = start;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (!isLetter(code) && !isDigit(code) && code !== UNDERSCORE) break;
  }
  return index;
}

function endOfDigits(text: string, start: number): number {
  let index = start;
  while (isDigit(text.charCodeAt(index))) index++;
  return index;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isLetter(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
