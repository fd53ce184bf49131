import { expressionFaults } from '../errors/expressions.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { LIST_INDEX_MAX, PATH_LEVELS_MAX } from '../expression/limits.ts';
import { functionKeywords, operatorKeywords, secondTypeWords, typeKeywords } from './keywords.ts';
import type { Token } from './lexer.ts';
import { type BinaryOperator, type ExpressionNode, placeOf, type Span } from './syntax.ts';
import { syntaxTexts, type TokenCursor } from './token-cursor.ts';

/**
 * Reads expressions: conditions, values, columns and tables have one grammar (README.md). What may
 * stand where is decided when a statement is bound.
 *
 * Chains are read in loops and what is nested is counted by the cursor, so no text is too deep.
 */
export class ExpressionParser {
  readonly #statement: string;
  readonly #cursor: TokenCursor;
  /** FROM begins an update then, of which the rest is missing. */
  #isStatement = false;

  constructor(statement: string, cursor: TokenCursor) {
    this.#statement = statement;
    this.#cursor = cursor;
  }

  /** @throws ClientFault where the text is none */
  expression(): ExpressionNode {
    return this.#chain(['or'], () => this.#chain(['and'], () => this.#not()));
  }

  /** An expression where a statement should be. @throws ClientFault */
  expressionAsStatement(): ExpressionNode {
    this.#isStatement = true;
    return this.expression();
  }

  /** A path, or another term in its place. @throws ClientFault */
  term(): ExpressionNode {
    return this.#primary();
  }

  /** A path, and nothing else. @throws ClientFault */
  simplePath(): ExpressionNode {
    const { kind } = this.#cursor.current;
    if (kind !== 'name' && kind !== 'quotedName') {
      throw this.#cursor.fault(syntaxTexts.simplePath);
    }
    return this.#path(this.#cursor.take());
  }

  #chain(words: readonly ('or' | 'and')[], next: () => ExpressionNode): ExpressionNode {
    let left = next();
    for (;;) {
      const word = words.find((each) => this.#cursor.isKeyword(each));
      if (word === undefined) return left;
      const { span } = this.#takeInfix();
      left = node({ kind: 'binary', operator: word, left, right: next(), span });
    }
  }

  #not(): ExpressionNode {
    const spans: Span[] = [];
    while (this.#cursor.isKeyword('not')) spans.push(this.#takeOperator().span);
    let operand = this.#equality();
    for (const span of spans.reverse()) operand = node({ kind: 'not', operand, span });
    return operand;
  }

  /** `=`, `<>`, IS and IN bind less than the other comparisons. */
  #equality(): ExpressionNode {
    let left = this.#ordering();
    for (;;) {
      const { kind, text } = this.#cursor.current;
      if (kind === 'symbol' && (text === '=' || text === '<>')) {
        const { span } = this.#takeInfix();
        left = node({ kind: 'binary', operator: text, left, right: this.#ordering(), span });
      } else if (this.#cursor.isKeyword('is')) {
        left = this.#is(left);
      } else if (this.#isNegatable('in')) {
        left = this.#negatable(() => this.#in(left));
      } else {
        return left;
      }
    }
  }

  #ordering(): ExpressionNode {
    let left = this.#additive();
    for (;;) {
      const { kind, text } = this.#cursor.current;
      if (kind === 'symbol' && isOrdering(text)) {
        const { span } = this.#takeInfix();
        left = node({ kind: 'binary', operator: text, left, right: this.#additive(), span });
      } else if (this.#isNegatable('between')) {
        left = this.#negatable(() => this.#between(left));
      } else if (this.#isNegatable('like')) {
        left = this.#negatable(() => {
          const { span } = this.#takeInfix();
          return node({ kind: 'binary', operator: 'like', left, right: this.#additive(), span });
        });
      } else {
        return left;
      }
    }
  }

  #additive(): ExpressionNode {
    let left = this.#multiplicative();
    for (;;) {
      const { kind, text } = this.#cursor.current;
      if (kind !== 'symbol' || !(text === '+' || text === '-' || text === '||')) return left;
      const { span } = this.#takeInfix();
      left = node({ kind: 'binary', operator: text, left, right: this.#multiplicative(), span });
    }
  }

  #multiplicative(): ExpressionNode {
    let left = this.#signed();
    for (;;) {
      const { kind, text } = this.#cursor.current;
      if (kind !== 'symbol' || !(text === '*' || text === '/' || text === '%')) return left;
      const { span } = this.#takeInfix();
      left = node({ kind: 'binary', operator: text, left, right: this.#signed(), span });
    }
  }

  /** A sign before a number is part of it, also one of several. */
  #signed(): ExpressionNode {
    const signs: Token[] = [];
    while (this.#cursor.isSymbol('+') || this.#cursor.isSymbol('-')) {
      signs.push(this.#cursor.take());
    }
    let operand = this.#primary();
    for (const { text, span } of signs.reverse()) {
      const operator = text === '-' ? '-' : '+';
      if (operand.kind === 'number') {
        operand = operator === '-' ? node({ ...operand, text: negated(operand.text) }) : operand;
      } else {
        this.#cursor.operatorsCount++;
        operand = node({ kind: 'sign', operator, operand, span });
      }
    }
    return operand;
  }

  #isNegatable(word: string): boolean {
    if (this.#cursor.isKeyword(word)) return true;
    const { kind, text } = this.#cursor.at(1);
    return this.#cursor.isKeyword('not') && kind === 'keyword' && text === word;
  }

  #negatable(read: () => ExpressionNode): ExpressionNode {
    if (!this.#cursor.isKeyword('not')) return read();
    const { span } = this.#takeOperator();
    return node({ kind: 'not', operand: read(), span });
  }

  #between(operand: ExpressionNode): ExpressionNode {
    const { span } = this.#takeInfix();
    const lower = this.#additive();
    this.#cursor.expectKeyword('and');
    if (this.#cursor.current.kind === 'end') throw this.#cursor.fault(syntaxTexts.noUpperBound);
    return node({ kind: 'between', operand, lower, upper: this.#additive(), span });
  }

  #in(operand: ExpressionNode): ExpressionNode {
    const { span } = this.#takeInfix();
    if (this.#cursor.skipSymbol('(')) {
      const candidates = this.#listUntil(')', () => this.expression());
      return node({ kind: 'in', operand, candidates, span });
    }
    const list = this.#additive();
    const candidates = list.kind === 'list' ? list.elements : undefined;
    return node({ kind: 'in', operand, candidates, span });
  }

  #is(operand: ExpressionNode): ExpressionNode {
    const { span } = this.#takeOperator();
    const isNegated = this.#cursor.skipKeyword('not');
    const is = node({ kind: 'is', operand, type: this.#type(), span });
    if (!isNegated) return is;
    this.#cursor.operatorsCount++;
    return node({ kind: 'not', operand: is, span });
  }

  /** In lower case; two types have names of two words. */
  #type(): string {
    const { kind, text } = this.#cursor.take();
    if (kind !== 'keyword' || !typeKeywords.has(text)) throw this.#cursor.fault(syntaxTexts.noType);
    const second = secondTypeWords.get(text);
    return second !== undefined && this.#cursor.skipKeyword(second) ? `${text} ${second}` : text;
  }

  #primary(): ExpressionNode {
    const token = this.#cursor.take();
    const { span, text } = token;
    switch (token.kind) {
      case 'string':
      case 'number':
        return node({ kind: token.kind, text, span });
      case 'parameter':
        return node({ kind: 'parameter', index: this.#cursor.parametersCount++, span });
      case 'name':
      case 'quotedName':
        return this.#cursor.isSymbol('(') && token.kind === 'name'
          ? this.#call(token)
          : this.#path(token);
      case 'keyword':
        return this.#keyword(token);
      case 'symbol':
        return this.#grouped(token);
      case 'end':
        throw this.#cursor.fault(syntaxTexts.noTerm);
    }
  }

  #keyword(token: Token): ExpressionNode {
    const { text, span } = token;
    if (functionKeywords.has(text) && this.#cursor.isSymbol('(')) return this.#call(token);
    switch (text) {
      case 'true':
      case 'false':
        return node({ kind: 'boolean', value: text === 'true', span });
      case 'null':
        return node({ kind: 'null', span });
      case 'missing':
        return node({ kind: 'missing', span });
      default:
        throw this.#cursor.fault(this.#unexpected(text));
    }
  }

  #unexpected(word: string): string {
    if (operatorKeywords.has(word)) return syntaxTexts.operator;
    return word === 'from' && this.#isStatement ? syntaxTexts.noOperation : syntaxTexts.keyword;
  }

  #grouped(token: Token): ExpressionNode {
    const { span } = token;
    switch (token.text) {
      case '(': {
        const elements = this.#listUntil(')', () => this.expression());
        const [only] = elements;
        if (only === undefined) throw this.#cursor.fault(syntaxTexts.emptyGroup);
        return elements.length === 1 ? only : node({ kind: 'list', elements, span });
      }
      case '[':
        return node({
          kind: 'list',
          elements: this.#listUntil(']', () => this.expression()),
          span,
        });
      case '<<':
        return node({
          kind: 'set',
          elements: this.#listUntil('>>', () => this.expression()),
          span,
        });
      case '{': {
        const members = this.#listUntil('}', () => {
          const key = this.expression();
          this.#cursor.expectSymbol(':');
          return Object.freeze({ key, value: this.expression() });
        });
        return node({ kind: 'map', members, span });
      }
      default:
        throw this.#cursor.fault(
          signOperators.has(token.text) ? syntaxTexts.operator : syntaxTexts.noTerm,
        );
    }
  }

  #call({ text, span }: Token): ExpressionNode {
    this.#cursor.expectSymbol('(');
    const name = text.toLowerCase();
    if (name === 'count' && this.#cursor.isSymbol('*')) {
      const star = node({ kind: 'star', span: this.#cursor.take().span });
      this.#cursor.expectSymbol(')');
      return node({ kind: 'call', name, args: Object.freeze([star]), span });
    }
    return node({
      kind: 'call',
      name,
      args: this.#listUntil(')', () => this.expression()),
      span,
    });
  }

  /** What stands between commas, up to the closing sign, which is taken. */
  #listUntil<T>(closing: string, element: () => T): readonly T[] {
    return this.#cursor.inside(() => {
      const elements: T[] = [];
      if (this.#cursor.skipSymbol(closing)) return Object.freeze(elements);
      do elements.push(element());
      while (this.#cursor.skipSymbol(','));
      this.#cursor.expectSymbol(closing);
      return Object.freeze(elements);
    });
  }

  #path(head: Token): ExpressionNode {
    const tail: (string | number)[] = [];
    for (;;) {
      if (this.#cursor.skipSymbol('.')) tail.push(this.#dotComponent());
      else if (this.#cursor.skipSymbol('[')) tail.push(this.#indexComponent());
      else break;
    }
    const levels = tail.length + 1;
    if (levels > PATH_LEVELS_MAX) throw expressionFaults.pathTooDeep('PartiQL', levels);
    return node({
      kind: 'path',
      path: Object.freeze([head.text, ...tail] as const),
      span: head.span,
    });
  }

  #dotComponent(): string {
    const { kind, text } = this.#cursor.take();
    if (kind === 'symbol' && text === '*') throw partiqlFaults.unpivotInPath();
    if (kind !== 'name' && kind !== 'quotedName') throw this.#cursor.fault(syntaxTexts.pathDot);
    return text;
  }

  /** A number that is no index is refused with a text of its own, a string is a name. */
  #indexComponent(): string | number {
    const isNegative = this.#cursor.skipSymbol('-');
    const { kind, text, span } = this.#cursor.take();
    if (kind === 'symbol' && text === '*') throw partiqlFaults.wildcardInPath();
    const isInteger = kind === 'number' && isDigits(text);
    if (!isInteger && (kind !== 'string' || isNegative)) {
      throw partiqlFaults.unexpectedPathComponent(placeOf(this.#statement, span));
    }
    this.#cursor.expectSymbol(']');
    if (!isInteger) return text;
    const index = Number(text);
    if (index > LIST_INDEX_MAX || (isNegative && index > 0)) {
      const shown = isNegative ? `-${text}` : text;
      throw partiqlFaults.listIndex(shown, placeOf(this.#statement, span));
    }
    return index;
  }

  #takeOperator(): Token {
    this.#cursor.operatorsCount++;
    return this.#cursor.take();
  }

  /** @throws ClientFault where the text ends behind it */
  #takeInfix(): Token {
    const operator = this.#takeOperator();
    if (this.#cursor.current.kind === 'end') throw this.#cursor.fault(syntaxTexts.noRightSide);
    return operator;
  }
}

/** `*` is none there, to the service. */
const signOperators: ReadonlySet<string> = new Set([
  '%',
  '/',
  '<',
  '<=',
  '<>',
  '=',
  '>',
  '>=',
  '||',
]);

function node<const Node extends ExpressionNode>(content: Node): Node {
  return Object.freeze(content);
}

function isOrdering(text: string): text is Extract<BinaryOperator, '<' | '<=' | '>' | '>='> {
  return text === '<' || text === '<=' || text === '>' || text === '>=';
}

function isDigits(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

function negated(number: string): string {
  return number.startsWith('-') ? number.slice(1) : `-${number}`;
}
