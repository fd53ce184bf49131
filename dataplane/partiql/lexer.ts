import { partiqlFaults } from '../errors/partiql.ts';
import { isKeyword } from './keywords.ts';
import type { Span } from './syntax.ts';

/** A word, sign or literal of a statement. */
export interface Token {
  readonly kind:
    | 'name'
    /** In double quotes: never a keyword. */
    | 'quotedName'
    /** `text` is in lower case. */
    | 'keyword'
    | 'string'
    | 'number'
    | 'parameter'
    | 'symbol'
    | 'end';
  /** Of strings and quoted names what they stand for, without quotes and doubled quotes. */
  readonly text: string;
  readonly span: Span;
}

/**
 * The tokens of a statement, the last one `end`. Comments (`--` and block comments) are blanks. One
 * pass over the text.
 * @throws ClientFault of a text that cannot be cut: open quotes and comments, stray characters
 */
export function tokenise(statement: string): readonly Token[] {
  return new Lexer(statement).tokens();
}

class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tokens(): readonly Token[] {
    const tokens: Token[] = [];
    for (;;) {
      this.#skipBlanks();
      const token = this.#next();
      tokens.push(token);
      if (token.kind === 'end') return tokens;
    }
  }

  #next(): Token {
    const start = this.#at;
    const code = this.#text.charCodeAt(start);
    if (Number.isNaN(code)) return this.#token('end', start, '');
    if (isNameStart(code)) return this.#word(start);
    if (isDigit(code) || (code === DOT && isDigit(this.#text.charCodeAt(start + 1)))) {
      return this.#number(start);
    }
    switch (code) {
      case SINGLE_QUOTE:
        return this.#quoted('string', SINGLE_QUOTE);
      case DOUBLE_QUOTE:
        return this.#quoted('quotedName', DOUBLE_QUOTE);
      case QUESTION_MARK:
        this.#at++;
        return this.#token('parameter', start, '?');
      default:
        return this.#symbol(start);
    }
  }

  #word(start: number): Token {
    let end = start + 1;
    while (isNamePart(this.#text.charCodeAt(end))) end++;
    this.#at = end;
    const text = this.#text.slice(start, end);
    const word = text.toLowerCase();
    return isKeyword(word) ? this.#token('keyword', start, word) : this.#token('name', start, text);
  }

  /** Digits with at most one point, and an exponent: what follows it directly must be no digit. */
  #number(start: number): Token {
    let end = this.#digitsFrom(start);
    if (this.#text.charCodeAt(end) === DOT) end = this.#digitsFrom(end + 1);
    const sign = this.#text.charCodeAt(end + 1);
    const digits = sign === PLUS || sign === MINUS ? end + 2 : end + 1;
    if (isExponentMark(this.#text.charCodeAt(end)) && isDigit(this.#text.charCodeAt(digits))) {
      end = this.#digitsFrom(digits);
    }
    this.#at = end;
    return this.#token('number', start, this.#text.slice(start, end));
  }

  #digitsFrom(start: number): number {
    let end = start;
    while (isDigit(this.#text.charCodeAt(end))) end++;
    return end;
  }

  /** A quote inside is written twice. */
  #quoted(kind: 'string' | 'quotedName', quote: number): Token {
    const start = this.#at;
    const sign = String.fromCharCode(quote);
    let content = '';
    let from = start + 1;
    for (;;) {
      const end = this.#text.indexOf(sign, from);
      if (end < 0) throw partiqlFaults.notWellFormed();
      content += this.#text.slice(from, end);
      if (this.#text.charCodeAt(end + 1) !== quote) {
        this.#at = end + 1;
        return this.#token(kind, start, content);
      }
      content += sign;
      from = end + 2;
    }
  }

  #symbol(start: number): Token {
    const pair = this.#text.slice(start, start + 2);
    const text = pairs.has(pair) ? pair : pair.charAt(0);
    if (!pairs.has(text) && !singles.has(text)) throw partiqlFaults.notWellFormed();
    this.#at = start + text.length;
    return this.#token('symbol', start, text === '!=' ? '<>' : text);
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === SPACE || (code >= TAB && code <= CARRIAGE_RETURN)) {
        this.#at++;
      } else if (this.#text.startsWith('--', this.#at)) {
        this.#skipLine();
      } else if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2);
        if (end < 0) throw partiqlFaults.notWellFormed();
        this.#at = end + 2;
      } else {
        return;
      }
    }
  }

  #skipLine(): void {
    let code = this.#text.charCodeAt(this.#at);
    while (!Number.isNaN(code) && code !== LINE_FEED && code !== CARRIAGE_RETURN) {
      code = this.#text.charCodeAt(++this.#at);
    }
  }

  #token(kind: Token['kind'], offset: number, text: string): Token {
    return { kind, text, span: { offset, length: this.#at - offset } };
  }
}

const pairs: ReadonlySet<string> = new Set(['<=', '>=', '<>', '!=', '<<', '>>', '||']);
const singles: ReadonlySet<string> = new Set('()[]{},.:;*=<>+-/%');

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const SINGLE_QUOTE = 39;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const QUESTION_MARK = 63;
const UNDERSCORE = 95;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isExponentMark(code: number): boolean {
  return code === 69 || code === 101; // E, e
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function isNameStart(code: number): boolean {
  return isLetter(code) || code === UNDERSCORE || code === DOLLAR;
}

function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code);
}
