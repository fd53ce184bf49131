import type { AttributeValue, MutableAttributeMap } from '../item/attribute-value.ts';
import type { Condition, Operand, Path, Projection, Update, UpdateTerm } from './ast.ts';

/** An expression as a request would carry it. */
export interface PrintedExpression {
  readonly text: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, AttributeValue>>;
}

/**
 * A text whose parse is `condition` again; every name becomes a placeholder. Only conditions that a
 * text can express have one: so have all that were parsed.
 */
export function printCondition(condition: Condition): PrintedExpression {
  const printer = new Printer();
  return printer.result(printer.condition(condition));
}

/** As `printCondition`. Sections come in the order of their first action; legacy marks are lost. */
export function printUpdate(update: Update): PrintedExpression {
  const printer = new Printer();
  const sections = Map.groupBy(update, (action) => action.kind);
  const texts = [...sections].map(
    ([kind, actions]) =>
      `${kind.toUpperCase()} ${actions.map((action) => printer.action(action)).join(', ')}`,
  );
  return printer.result(texts.join(' '));
}

/** As `printCondition`. */
export function printProjection(projection: Projection): PrintedExpression {
  const printer = new Printer();
  return printer.result(projection.map((path) => printer.path(path)).join(', '));
}

class Printer {
  readonly #tokens = new Map<string, string>();
  readonly #names: Record<string, string> = {};
  readonly #values: MutableAttributeMap = {};
  #valuesCount = 0;

  result(text: string): PrintedExpression {
    return { text, names: this.#names, values: this.#values };
  }

  condition(condition: Condition): string {
    switch (condition.kind) {
      case 'and':
      case 'or': {
        // Chains read from the left, so only the right side needs parentheses for its own kind.
        const loose = condition.kind === 'and' ? ['or'] : [];
        const left = this.#enclosed(condition.left, loose);
        const right = this.#enclosed(condition.right, [...loose, condition.kind]);
        return `${left} ${condition.kind.toUpperCase()} ${right}`;
      }
      case 'not':
        return `NOT ${this.#enclosed(condition.condition, ['and', 'or'])}`;
      case 'compare':
        return `${this.operand(condition.left)} ${condition.comparator} ${this.operand(condition.right)}`;
      case 'between':
        return `${this.operand(condition.operand)} BETWEEN ${this.operand(condition.lower)} AND ${this.operand(condition.upper)}`;
      case 'in':
        return `${this.operand(condition.operand)} IN (${condition.candidates.map((each) => this.operand(each)).join(', ')})`;
      case 'exists':
        return `attribute_${condition.negated ? 'not_' : ''}exists(${this.path(condition.path)})`;
      case 'attributeType':
        return `attribute_type(${this.path(condition.path)}, ${this.#value({ S: condition.type })})`;
      case 'beginsWith':
        return `begins_with(${this.operand(condition.operand)}, ${this.operand(condition.prefix)})`;
      case 'contains':
        return `contains(${this.operand(condition.operand)}, ${this.operand(condition.member)})`;
    }
  }

  operand(operand: Operand): string {
    switch (operand.kind) {
      case 'path':
        return this.path(operand.path);
      case 'value':
        return this.#value(operand.value);
      case 'size':
        return `size(${this.operand(operand.of)})`;
    }
  }

  action(action: Update[number]): string {
    const path = this.path(action.path);
    switch (action.kind) {
      case 'set':
        return `${path} = ${this.#term(action.term)}`;
      case 'remove':
        return path;
      case 'add':
      case 'delete':
        return `${path} ${this.#value(action.value)}`;
    }
  }

  path(path: Path): string {
    const [head, ...rest] = path;
    const tail = rest.map((part) =>
      typeof part === 'number' ? `[${part}]` : `.${this.#name(part)}`,
    );
    return this.#name(head) + tail.join('');
  }

  #enclosed(condition: Condition, kinds: readonly string[]): string {
    const text = this.condition(condition);
    return kinds.includes(condition.kind) ? `(${text})` : text;
  }

  #term(term: UpdateTerm): string {
    switch (term.kind) {
      case 'path':
        return this.path(term.path);
      case 'value':
        return this.#value(term.value);
      case 'ifNotExists':
        return `if_not_exists(${this.path(term.path)}, ${this.#term(term.otherwise)})`;
      case 'listAppend':
        return `list_append(${this.#term(term.left)}, ${this.#term(term.right)})`;
      case 'arithmetic':
        return `${this.#term(term.left)} ${term.operator} ${this.#term(term.right)}`;
    }
  }

  #name(name: string): string {
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const token = `#n${this.#tokens.size}`;
    this.#tokens.set(name, token);
    this.#names[token] = name;
    return token;
  }

  #value(value: AttributeValue): string {
    const token = `:v${this.#valuesCount++}`;
    this.#values[token] = value;
    return token;
  }
}
