import { partiqlFaults } from '../errors/partiql.ts';
import type { Token } from './lexer.ts';
import { STATEMENT_DEPTH_MAX } from './limits.ts';

/**
 * Texts of the service's parser for what it did not expect.
 * @see partiql-lang-kotlin 0.3 to 0.6, SqlParser.kt (Apache-2.0), whose texts the service's captures have
 *   (paritysuite/dynamodb-conformance, partiqlGrammar, October 2026)
 */
export const syntaxTexts = {
  noOperation: 'Expected data manipulation',
  noTerm: 'Unexpected term',
  keyword: 'Unexpected keyword',
  operator: 'Unexpected operator',
  emptyGroup: 'Expression group cannot be empty',
  noRightSide: 'Missing right-hand side expression of infix operator',
  noUpperBound: 'Expected expression after AND',
  leftOver: 'Unexpected token after expression',
  secondStatement: 'Unexpected token after semicolon. (Only one query is allowed.)',
  pathDot: 'Invalid path dot component',
  simplePath: 'Expected identifier for simple path',
  noFromInSelect: 'Expected FROM after SELECT list',
  noFromInDelete: 'Expected FROM after DELETE',
  noAssignment: "Expected '='",
  noAlias: 'Expected identifier for AS-alias',
  noType: 'Expected type name',
  noReturning: 'Expected ( MODIFIED | ALL ) ( NEW | OLD ) in each returning element.',
  expectedKeyword: (word: string) => `Expected ${word.toUpperCase()} keyword`,
  expectedToken: (token: string) => `Expected ${token}`,
} as const;

/** The signs that close or divide, by the names of the service's parser. */
const tokenNames: Readonly<Record<string, string>> = {
  '(': 'LEFT_PAREN',
  ')': 'RIGHT_PAREN',
  ']': 'RIGHT_BRACKET',
  '>>': 'RIGHT_DOUBLE_ANGLE_BRACKET',
  '}': 'RIGHT_CURLY',
  ':': 'COLON',
};

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
    if (this.skipSymbol(text)) return;
    throw this.fault(syntaxTexts.expectedToken(tokenNames[text] ?? text));
  }

  /** @throws ClientFault */
  expectKeyword(word: string, text = syntaxTexts.expectedKeyword(word)): void {
    if (!this.skipKeyword(word)) throw this.fault(text);
  }

  /** Goes back to the first token. */
  rewind(): void {
    this.#index = 0;
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
