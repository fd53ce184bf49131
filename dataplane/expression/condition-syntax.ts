import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import type { Comparator } from './ast.ts';
import { conditionFunctions, NameFindings, operandFunctions } from './functions.ts';
import { continuePath, parseOperand } from './operand-parser.ts';
import { ParseCache } from './parse-cache.ts';
import type { ConditionNode, OperandNode, PathNode, PrimaryNode } from './syntax-tree.ts';
import { TokenCursor } from './token-cursor.ts';

/**
 * The grammar shared by condition, filter and key condition expressions.
 *
 *   condition := or          or := and { OR and }        and := not { AND not }
 *   not := NOT not | primary                             primary := '(' or ')' | predicate
 *
 * The parser keeps its own stack of open parentheses, so that any nesting 4096 bytes can hold is
 * read in linear time. What an opening parenthesis holds, a condition or an operand, shows only at
 * its end: `(a) = b` and `(a = b)` are both right.
 */

/**
 * Reads a text, from the cache if it was read before.
 * @throws ClientFault, for the first that is wrong: size, syntax or redundant parentheses, number
 *   of operators, unknown function, misused function, reserved word
 */
export function parseConditionSyntax(
  text: string,
  kind: 'ConditionExpression' | 'FilterExpression' | 'KeyConditionExpression',
): ConditionNode {
  return cache.get(text, () => parseText(text, kind));
}

const cache = new ParseCache<ConditionNode>();

function parseText(text: string, kind: ExpressionKind): ConditionNode {
  const findings = new NameFindings(kind);
  const cursor = new TokenCursor(text, kind);
  const condition = new ConditionParser(cursor, findings).parse();
  cursor.finish();
  findings.throwFunctionFaults();
  findings.throwReservedWord();
  return condition;
}

/** What has been read inside one pair of parentheses, or at the top. */
interface Group {
  /** NOTs that the next condition stands under. */
  nots: number;
  /** Conditions joined so far by AND, and by OR. */
  conjunction: ConditionNode | undefined;
  disjunction: ConditionNode | undefined;
}

const comparators: ReadonlySet<string> = new Set<Comparator>(['=', '<>', '<', '<=', '>', '>=']);

class ConditionParser {
  readonly #cursor: TokenCursor;
  readonly #findings: NameFindings;
  readonly #groups: [Group, ...Group[]] = [newGroup()];

  constructor(cursor: TokenCursor, findings: NameFindings) {
    this.#cursor = cursor;
    this.#findings = findings;
  }

  parse(): ConditionNode {
    for (;;) {
      while (this.#cursor.next === 'NOT') {
        this.#cursor.takeOperator();
        this.#group.nots++;
      }
      if (this.#cursor.accept('(')) {
        this.#groups.push(newGroup());
        continue;
      }
      const whole = this.#join(this.#predicate(parseOperand(this.#cursor, this.#findings)));
      if (whole !== undefined) return whole;
    }
  }

  get #group(): Group {
    return this.#groups.at(-1) ?? this.#groups[0];
  }

  /**
   * Joins what was read to its group, closing groups as their parentheses close.
   * @returns the whole condition at the end of the text, undefined when an operand must follow
   */
  #join(read: ConditionNode | OperandNode): ConditionNode | undefined {
    let node = read;
    let isParenthesised = false;
    for (;;) {
      const group = this.#group;
      const isAlone =
        group.nots === 0 && group.conjunction === undefined && group.disjunction === undefined;
      if (this.#cursor.next === ')' && this.#groups.length > 1) {
        if (isAlone && isParenthesised) {
          throw expressionFaults.redundantParentheses(this.#cursor.kind);
        }
        const inner = isAlone ? node : closeGroup(group, this.#asCondition(node));
        this.#cursor.take();
        this.#groups.pop();
        node = this.#afterParenthesis(inner);
        isParenthesised = node === inner;
        continue;
      }
      const condition = this.#asCondition(node);
      if (this.#cursor.next === 'AND' || this.#cursor.next === 'OR') {
        const isOr = this.#cursor.takeOperator().kind === 'OR';
        const conjunction = conjoin(group, condition);
        group.conjunction = isOr ? undefined : conjunction;
        if (isOr) group.disjunction = disjoin(group, conjunction);
        return undefined;
      }
      if (this.#cursor.next !== 'end' || this.#groups.length > 1) throw this.#cursor.unexpected();
      return closeGroup(group, condition);
    }
  }

  /** An operand in parentheses may go on as a longer path, or as the left side of a predicate. */
  #afterParenthesis(inner: ConditionNode | OperandNode): ConditionNode | OperandNode {
    if (!isOperand(inner)) return inner;
    const longer: PathNode | undefined =
      inner.kind === 'path' ? continuePath(this.#cursor, this.#findings, inner) : undefined;
    return this.#predicate(longer ?? inner);
  }

  /** The predicate whose left side is `left`; `left` itself when no operator follows. */
  #predicate(left: OperandNode): PrimaryNode | OperandNode {
    const cursor = this.#cursor;
    if (comparators.has(cursor.next)) {
      const comparator = cursor.takeOperator().text as Comparator; // one of the set above
      return { kind: 'compare', comparator, left: this.#value(left), right: this.#operand() };
    }
    if (cursor.next === 'BETWEEN') {
      cursor.takeOperator();
      const operand = this.#value(left);
      const lower = this.#operand();
      cursor.expect('AND');
      return { kind: 'between', operand, lower, upper: this.#operand() };
    }
    if (cursor.next === 'IN') {
      cursor.takeOperator();
      const operand = this.#value(left);
      cursor.expect('(');
      const candidates = [this.#operand()];
      while (cursor.accept(',')) candidates.push(this.#operand());
      cursor.expect(')');
      return { kind: 'in', operand, candidates };
    }
    return left;
  }

  #operand(): OperandNode {
    return this.#value(parseOperand(this.#cursor, this.#findings));
  }

  /** Functions that are conditions have no value to compare. */
  #value(operand: OperandNode): OperandNode {
    if (operand.kind === 'call' && conditionFunctions.has(operand.name)) {
      this.#findings.sawMisuse(operand.name);
    }
    return operand;
  }

  /** A path or a value alone is no condition, which the token behind it shows. */
  #asCondition(node: ConditionNode | OperandNode): ConditionNode {
    if (node.kind === 'path' || node.kind === 'value') throw this.#cursor.unexpected();
    if (node.kind === 'call' && operandFunctions.has(node.name)) {
      this.#findings.sawMisuse(node.name);
    }
    return node;
  }
}

function newGroup(): Group {
  return { nots: 0, conjunction: undefined, disjunction: undefined };
}

function conjoin(group: Group, condition: ConditionNode): ConditionNode {
  let right = condition;
  for (; group.nots > 0; group.nots--) right = { kind: 'not', condition: right };
  const left = group.conjunction;
  return left === undefined ? right : { kind: 'and', left, right };
}

function disjoin(group: Group, right: ConditionNode): ConditionNode {
  const left = group.disjunction;
  return left === undefined ? right : { kind: 'or', left, right };
}

function closeGroup(group: Group, last: ConditionNode): ConditionNode {
  return disjoin(group, conjoin(group, last));
}

function isOperand(node: ConditionNode | OperandNode): node is OperandNode {
  return node.kind === 'path' || node.kind === 'value' || node.kind === 'call';
}
