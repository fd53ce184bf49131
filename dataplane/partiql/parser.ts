import { expressionFaults } from '../errors/expressions.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { OPERATORS_MAX } from '../expression/limits.ts';
import { ParseCache } from '../expression/parse-cache.ts';
import { ExpressionParser } from './expression-parser.ts';
import { tokenise } from './lexer.ts';
import type {
  ActionNode,
  DeleteNode,
  ExistsNode,
  ExpressionNode,
  InsertNode,
  OrderNode,
  ReturningNode,
  SelectNode,
  SourceNode,
  StatementNode,
  UpdateNode,
} from './syntax.ts';
import { syntaxTexts, TokenCursor } from './token-cursor.ts';
import { treeName } from './tree-name.ts';

/** A statement's tree, and how many parameters it has. */
export interface ParsedStatement {
  readonly node: StatementNode;
  readonly parametersCount: number;
}

const cache = new ParseCache<ParsedStatement>();

/**
 * The tree of a statement; that of a hot one is known already. Linear in the text.
 * @throws ClientFault: `Statement wasn't well formed, can't be processed: ...`, too many operators
 */
export function parseStatement(statement: string): ParsedStatement {
  return cache.get(statement, parseText);
}

function parseText(statement: string): ParsedStatement {
  const cursor = new TokenCursor(tokenise(statement));
  const parser = new StatementParser(statement, cursor);
  const node = Object.freeze(parser.statement());
  if (cursor.operatorsCount > OPERATORS_MAX) {
    throw expressionFaults.tooManyOperators('PartiQL', cursor.operatorsCount);
  }
  return Object.freeze({ node, parametersCount: cursor.parametersCount });
}

class StatementParser {
  readonly #cursor: TokenCursor;
  readonly #expressions: ExpressionParser;

  constructor(statement: string, cursor: TokenCursor) {
    this.#cursor = cursor;
    this.#expressions = new ExpressionParser(statement, cursor);
  }

  /** The whole text: one statement and at most one semicolon. */
  statement(): StatementNode {
    const node = this.#operation();
    this.#expectEnd();
    return node;
  }

  #expectEnd(): void {
    const hasSemicolon = this.#cursor.skipSymbol(';');
    if (this.#cursor.current.kind === 'end') return;
    throw this.#cursor.fault(hasSemicolon ? syntaxTexts.secondStatement : syntaxTexts.leftOver);
  }

  #operation(): StatementNode {
    const { kind, text } = this.#cursor.take();
    switch (kind === 'keyword' ? text : '') {
      case 'select':
        return this.#select();
      case 'insert':
        return this.#insert();
      case 'update':
        return this.#update();
      case 'delete':
        return this.#delete();
      case 'from':
        return this.#fromFirst();
      case 'exists':
        return this.#exists();
      default:
        throw this.#noStatement();
    }
  }

  /**
   * What is wrong with a text that begins like no statement: the service reads an expression first.
   * @throws ClientFault of the expression
   */
  #noStatement(): unknown {
    this.#cursor.rewind();
    const { kind, text } = this.#cursor.current;
    if (kind === 'keyword' && otherStatements.has(text)) {
      return this.#cursor.fault(syntaxTexts.noOperation);
    }
    const expression = this.#expressions.expressionAsStatement();
    this.#expectEnd();
    return partiqlFaults.unsupportedOperation(treeName(expression));
  }

  #exists(): ExistsNode {
    this.#cursor.expectSymbol('(');
    this.#cursor.expectKeyword('select', syntaxTexts.noTerm);
    const select = this.#cursor.inside(() => this.#select());
    this.#cursor.expectSymbol(')');
    return { kind: 'exists', select: Object.freeze(select) };
  }

  #select(): SelectNode {
    const { span: distinct } = this.#cursor.current;
    const isDistinct = this.#cursor.skipKeyword('distinct');
    const { columns, hasColumnAlias, isValueOrPivot } = this.#columns();
    this.#cursor.expectKeyword('from', syntaxTexts.noFromInSelect);
    const from = this.#source();
    const hasSeveralSources = this.#skipOtherSources();
    const where = this.#where();
    const unread = this.#unsupportedClause(['let', 'group', 'having']);
    const orderBy = this.#orderBy();
    const unreadToo = this.#unsupportedClause(['limit', 'offset']);
    return {
      kind: 'select',
      columns,
      isValueOrPivot,
      hasColumnAlias,
      from,
      hasSeveralSources,
      where,
      orderBy,
      unsupported: isDistinct ? { clause: 'DISTINCT', span: distinct } : (unread ?? unreadToo),
    };
  }

  #columns(): Pick<SelectNode, 'columns' | 'hasColumnAlias' | 'isValueOrPivot'> {
    const columns: ExpressionNode[] = [];
    let hasColumnAlias = false;
    let isValueOrPivot = false;
    this.#cursor.skipKeyword('all');
    if (this.#cursor.skipKeyword('value') || this.#cursor.skipKeyword('pivot')) {
      isValueOrPivot = true;
    }
    do {
      const { current } = this.#cursor;
      if (this.#cursor.skipSymbol('*')) {
        columns.push(Object.freeze({ kind: 'star', span: current.span }));
      } else {
        columns.push(this.#expressions.expression());
        if (this.#skipAlias()) hasColumnAlias = true;
      }
    } while (this.#cursor.skipSymbol(','));
    return { columns: Object.freeze(columns), hasColumnAlias, isValueOrPivot };
  }

  /** Tables behind a comma or JOIN, which no statement may have. */
  #skipOtherSources(): boolean {
    let hasOthers = false;
    for (;;) {
      const isJoin = joins.find((word) => this.#cursor.isKeyword(word)) !== undefined;
      if (!isJoin && !this.#cursor.isSymbol(',')) return hasOthers;
      hasOthers = true;
      while (joins.some((word) => this.#cursor.isKeyword(word))) this.#cursor.take();
      this.#cursor.skipSymbol(',');
      this.#source();
      if (this.#cursor.skipKeyword('on')) this.#expressions.expression();
    }
  }

  /** The first of several clauses, with the place of what it is about. */
  #unsupportedClause(words: readonly string[]): SelectNode['unsupported'] {
    let first: SelectNode['unsupported'];
    for (;;) {
      const word = words.find((each) => this.#cursor.isKeyword(each));
      if (word === undefined) return first;
      this.#cursor.take();
      const isGroup = word === 'group';
      if (isGroup) this.#cursor.expectKeyword('by');
      const { span } = this.#cursor.current;
      do {
        this.#expressions.expression();
        if (this.#cursor.skipKeyword('as')) this.#cursor.take();
      } while (this.#cursor.skipSymbol(','));
      first ??= { clause: isGroup ? 'GROUP BY' : word.toUpperCase(), span };
    }
  }

  #orderBy(): readonly OrderNode[] {
    const terms: OrderNode[] = [];
    if (!this.#cursor.skipKeyword('order')) return Object.freeze(terms);
    this.#cursor.expectKeyword('by');
    do {
      const expression = this.#expressions.expression();
      const isDescending = this.#cursor.skipKeyword('desc');
      if (!isDescending) this.#cursor.skipKeyword('asc');
      terms.push(Object.freeze({ expression, isDescending }));
    } while (this.#cursor.skipSymbol(','));
    return Object.freeze(terms);
  }

  #insert(): InsertNode {
    this.#cursor.expectKeyword('into');
    const into = Object.freeze({ source: this.#expressions.simplePath(), hasAlias: false });
    const isValue = this.#cursor.skipKeyword('value');
    if (!isValue) this.#cursor.skipKeyword('values');
    const value = this.#expressions.expression();
    const hasPosition = this.#cursor.skipKeyword('at');
    if (hasPosition) this.#expressions.expression();
    const hasReturning = this.#returning() !== undefined;
    return {
      kind: 'insert',
      into,
      value: isValue ? value : undefined,
      hasPosition,
      hasReturning,
    };
  }

  #update(): UpdateNode {
    const from = this.#writtenSource();
    const actions = this.#actions();
    const where = this.#where();
    return { kind: 'update', from, actions, where, returning: this.#returning() };
  }

  /** `FROM table WHERE ... SET ...`: an update in another order. */
  #fromFirst(): UpdateNode {
    const from = this.#source();
    const where = this.#where();
    const actions = this.#actions();
    return { kind: 'update', from, actions, where, returning: this.#returning() };
  }

  #delete(): DeleteNode {
    this.#cursor.expectKeyword('from', syntaxTexts.noFromInDelete);
    const from = this.#writtenSource();
    const where = this.#where();
    return { kind: 'delete', from, where, returning: this.#returning() };
  }

  #actions(): readonly ActionNode[] {
    const actions: ActionNode[] = [];
    for (;;) {
      if (this.#cursor.skipKeyword('set')) {
        do actions.push(this.#assignment());
        while (this.#cursor.skipSymbol(','));
      } else if (this.#cursor.skipKeyword('remove')) {
        do actions.push(Object.freeze({ kind: 'remove', target: this.#expressions.simplePath() }));
        while (this.#cursor.skipSymbol(','));
      } else {
        break;
      }
    }
    if (actions.length === 0) throw this.#cursor.fault(syntaxTexts.noOperation);
    return Object.freeze(actions);
  }

  #assignment(): ActionNode {
    const target = this.#expressions.simplePath();
    if (!this.#cursor.skipSymbol('=')) throw this.#cursor.fault(syntaxTexts.noAssignment);
    return Object.freeze({ kind: 'set', target, value: this.#expressions.expression() });
  }

  #where(): ExpressionNode | undefined {
    return this.#cursor.skipKeyword('where') ? this.#expressions.expression() : undefined;
  }

  #source(): SourceNode {
    return this.#withAlias(this.#expressions.term());
  }

  /** What is written to is a path. */
  #writtenSource(): SourceNode {
    return this.#withAlias(this.#expressions.simplePath());
  }

  #withAlias(source: ExpressionNode): SourceNode {
    let hasAlias = this.#skipAlias();
    for (const word of ['at', 'by']) {
      if (!this.#cursor.skipKeyword(word)) continue;
      this.#cursor.take();
      hasAlias = true;
    }
    return Object.freeze({ source, hasAlias });
  }

  #skipAlias(): boolean {
    if (this.#cursor.skipKeyword('as')) {
      const { kind } = this.#cursor.take();
      if (kind !== 'name' && kind !== 'quotedName') {
        throw this.#cursor.fault(syntaxTexts.noAlias);
      }
      return true;
    }
    const { kind } = this.#cursor.current;
    const isAlias = kind === 'name' || kind === 'quotedName';
    if (isAlias) this.#cursor.take();
    return isAlias;
  }

  #returning(): ReturningNode | undefined {
    if (!this.#cursor.skipKeyword('returning')) return undefined;
    const first = this.#returningElement();
    let hasSeveral = false;
    while (this.#cursor.skipSymbol(',')) {
      this.#returningElement();
      hasSeveral = true;
    }
    return Object.freeze({ ...first, hasSeveral });
  }

  #returningElement(): Omit<ReturningNode, 'hasSeveral'> {
    const scope = this.#oneOf({ all: 'ALL', modified: 'MODIFIED' } as const);
    const age = this.#oneOf({ old: 'OLD', new: 'NEW' } as const);
    const hasStar = this.#cursor.skipSymbol('*');
    if (!hasStar) this.#expressions.expression();
    return { scope, age, hasStar };
  }

  #oneOf<T extends string>(words: Readonly<Record<string, T>>): T {
    const { kind, text } = this.#cursor.take();
    const found = kind === 'keyword' && Object.hasOwn(words, text) ? words[text] : undefined;
    if (found === undefined) throw this.#cursor.fault(syntaxTexts.noReturning);
    return found;
  }
}

/** Statements of SQL that the service's parser may know, and the service does not. */
const otherStatements: ReadonlySet<string> = new Set([
  'alter',
  'commit',
  'create',
  'drop',
  'exec',
  'execute',
  'grant',
  'remove',
  'revoke',
  'rollback',
  'set',
  'values',
  'with',
]);

const joins = ['inner', 'left', 'right', 'full', 'outer', 'cross', 'join'] as const;
