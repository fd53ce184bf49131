import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import { utf8Bytes } from '../item/size.ts';
import { type Token, type TokenKind, tokenize } from './lexer.ts';
import { EXPRESSION_BYTES_MAX, OPERATORS_MAX } from './limits.ts';

/** Where a parser stands in an expression, and how it reports what it cannot read. */
export class TokenCursor {
  readonly kind: ExpressionKind;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #token: Token;
  #operators = 0;

  /** @throws ClientFault when the text is empty or too large */
  constructor(text: string, kind: ExpressionKind) {
    if (text === '') throw expressionFaults.empty(kind);
    if (text.length * 3 > EXPRESSION_BYTES_MAX) {
      const bytes = utf8Bytes(text);
      if (bytes > EXPRESSION_BYTES_MAX) throw expressionFaults.tooLarge(kind);
    }
    this.kind = kind;
    this.#text = text;
    this.#tokens = tokenize(text);
    this.#token = this.#tokenAt(0);
  }

  /** The kind of the token the cursor stands at; `end` behind the last one. */
  get next(): TokenKind {
    return this.#token.kind;
  }

  get afterNext(): TokenKind {
    return this.#tokenAt(this.#index + 1).kind;
  }

  /** Goes past the token, of whatever kind. */
  take(): Token {
    const token = this.#token;
    this.#token = this.#tokenAt(++this.#index);
    return token;
  }

  /** Goes past a token of this kind if there is one. */
  accept(kind: TokenKind): boolean {
    if (this.#token.kind !== kind) return false;
    this.take();
    return true;
  }

  /** Goes past a token of this kind, which the grammar asks for. */
  expect(kind: TokenKind): Token {
    if (this.#token.kind !== kind) throw this.unexpected();
    return this.take();
  }

  /** Goes past an operator, which counts towards the limit. */
  takeOperator(): Token {
    this.#operators++;
    return this.take();
  }

  /**
   * The whole text has been read.
   * @throws ClientFault when it held too many operators
   */
  finish(): void {
    if (this.#token.kind !== 'end') throw this.unexpected();
    // The service stops counting at the first operator too many.
    if (this.#operators > OPERATORS_MAX) {
      throw expressionFaults.tooManyOperators(this.kind, OPERATORS_MAX + 1);
    }
  }

  /** The token cannot stand here. The message shows it between its neighbours, as they were sent. */
  unexpected() {
    const token = this.#token;
    const from = this.#index > 0 ? this.#tokenAt(this.#index - 1).start : token.start;
    const to = this.#tokenAt(this.#index + 1).end;
    // A blank text is shown as it is.
    const near =
      this.#index === 0 && token.kind === 'end' ? this.#text : this.#text.slice(from, to);
    return expressionFaults.syntax(this.kind, token.text, near.trimEnd() || near);
  }

  #tokenAt(index: number): Token {
    const token = this.#tokens[Math.min(index, this.#tokens.length - 1)];
    if (token === undefined) throw new Error('an expression has at least its end token');
    return token;
  }
}
