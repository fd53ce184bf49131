import { partiqlFaults } from '../errors/partiql.ts';
import type { Token } from './lexer.ts';
import { STATEMENT_DEPTH_MAX } from './limits.ts';

/** Texts of the service's parser for what it did not expect. */
export const syntaxTexts = {
  noOperation: 'Expected data manipulation',
  noTerm: 'Unexpected term',
  keyword: 'Unexpected keyword',
  leftOver: 'Unexpected token after expression',
  pathDot: 'Invalid path dot component',
  noFromInSelect: 'Expected FROM after SELECT list',
  noFromInDelete: 'Expected FROM after DELETE',
  noAssignment: 'Expected assignment for SET',
  noType: 'Expected type name',
  noReturning: 'Expected ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause',
  expected: (what: string) => `Expected ${what}`,
} as const;

/** The place of a parser among the tokens, with what all its parts need. */
export class TokenCursor {
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;
  /** AND, OR, NOT, comparators, BETWEEN, IN, IS, + and - so far. */
  operatorsCount = 0;
  parametersCount = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.at(0);
  }

  /** The token so many behind the current one; `end` behind the last. */
  at(distance: number): Token {
    const token = this.#tokens[this.#index + distance] ?? this.#tokens.at(-1);
    if (token === undefined) throw new Error('the last token is the end');
    return token;
  }

  take(): Token {
    const token = this.current;
    if (token.kind !== 'end') this.#index++;
    return token;
  }

  isSymbol(text: string): boolean {
    const { kind, text: found } = this.current;
    return kind === 'symbol' && found === text;
  }

  isKeyword(word: string): boolean {
    const { kind, text } = this.current;
    return kind === 'keyword' && text === word;
  }

  skipSymbol(text: string): boolean {
    const isThere = this.isSymbol(text);
    if (isThere) this.#index++;
    return isThere;
  }

  skipKeyword(word: string): boolean {
    const isThere = this.isKeyword(word);
    if (isThere) this.#index++;
    return isThere;
  }

  /** @throws ClientFault */
  expectSymbol(text: string): void {
    if (!this.skipSymbol(text)) throw this.fault(syntaxTexts.expected(text));
  }

  /** @throws ClientFault */
  expectKeyword(word: string, text = syntaxTexts.expected(word.toUpperCase())): void {
    if (!this.skipKeyword(word)) throw this.fault(text);
  }

  fault(text: string): unknown {
    return partiqlFaults.notWellFormed(text);
  }

  /**
   * What is read inside of something else.
   * @throws ClientFault beyond STATEMENT_DEPTH_MAX, so that no text overflows the stack
   */
  inside<T>(read: () => T): T {
    if (this.#depth >= STATEMENT_DEPTH_MAX) throw partiqlFaults.notWellFormed();
    this.#depth++;
    const result = read();
    this.#depth--;
    return result;
  }
}
