import type { AttributeValue, MutableAttributeMap } from '../item/attribute-value.ts';
import type { Condition, Operand, Path, Projection, Update, UpdateTerm } from './ast.ts';
import { isReservedWord } from './reserved-words.ts';

/** An expression as a request would carry it. */
export interface PrintedExpression {
  readonly text: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, AttributeValue>>;
}

/** The expressions of one request. */
export interface RequestExpressions {
  readonly update?: Update | undefined;
  readonly condition?: Condition | undefined;
  readonly keyCondition?: Condition | undefined;
  readonly filter?: Condition | undefined;
  readonly projection?: Projection | undefined;
}

/** Members of a request of the API; those that would be empty are absent. */
export interface ExpressionMembers {
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly KeyConditionExpression?: string;
  readonly FilterExpression?: string;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>>;
}

/**
 * A text whose parse is `condition` again; names become placeholders, but for short ones that may
 * stand as they are. Only conditions that a text can express have one: so have all that were parsed.
 * No longer than the text that was parsed, but for a few characters, so that it fits where that did.
 */
export function printCondition(condition: Condition): PrintedExpression {
  const printer = new Printer();
  return printer.result(printer.condition(condition));
}

/** As `printCondition`. Sections come in the order of their first action; legacy marks are lost. */
export function printUpdate(update: Update): PrintedExpression {
  const printer = new Printer();
  return printer.result(printer.update(update));
}

/** As `printCondition`. */
export function printProjection(projection: Projection): PrintedExpression {
  const printer = new Printer();
  return printer.result(printer.projection(projection));
}

/** All expressions of a request, which share their placeholders as they do in any request. */
export function printRequest(expressions: RequestExpressions): ExpressionMembers {
  const { update, condition, keyCondition, filter, projection } = expressions;
  const printer = new Printer();
  const texts = {
    ...(update !== undefined && update.length > 0 && { UpdateExpression: printer.update(update) }),
    ...(condition !== undefined && { ConditionExpression: printer.condition(condition) }),
    ...(keyCondition !== undefined && { KeyConditionExpression: printer.condition(keyCondition) }),
    ...(filter !== undefined && { FilterExpression: printer.condition(filter) }),
    ...(projection !== undefined && { ProjectionExpression: printer.projection(projection) }),
  };
  return { ...texts, ...printer.placeholders() };
}

class Printer {
  readonly #tokens = new Map<string, string>();
  readonly #names: Record<string, string> = {};
  /** Of scalars by type and content, else of the values themselves. */
  readonly #valueTokens = new Map<string | AttributeValue, string>();
  readonly #values: MutableAttributeMap = {};

  result(text: string): PrintedExpression {
    return { text, names: this.#names, values: this.#values };
  }

  placeholders(): Pick<
    ExpressionMembers,
    'ExpressionAttributeNames' | 'ExpressionAttributeValues'
  > {
    return {
      ...(this.#tokens.size > 0 && { ExpressionAttributeNames: this.#names }),
      ...(this.#valueTokens.size > 0 && { ExpressionAttributeValues: this.#values }),
    };
  }

  update(update: Update): string {
    const sections = Map.groupBy(update, (action) => action.kind);
    const texts = [...sections].map(
      ([kind, actions]) =>
        `${kind.toUpperCase()} ${actions.map((action) => this.#action(action)).join(',')}`,
    );
    return texts.join(' ');
  }

  projection(projection: Projection): string {
    return projection.map((path) => this.#path(path)).join(',');
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
        return `${this.#operand(condition.left)}${condition.comparator}${this.#operand(condition.right)}`;
      case 'between':
        return `${this.#operand(condition.operand)} BETWEEN ${this.#operand(condition.lower)} AND ${this.#operand(condition.upper)}`;
      case 'in':
        return `${this.#operand(condition.operand)} IN(${condition.candidates.map((each) => this.#operand(each)).join(',')})`;
      case 'exists':
        return `attribute_${condition.negated ? 'not_' : ''}exists(${this.#path(condition.path)})`;
      case 'attributeType':
        return `attribute_type(${this.#path(condition.path)},${this.#value({ S: condition.type })})`;
      case 'beginsWith':
        return `begins_with(${this.#operand(condition.operand)},${this.#operand(condition.prefix)})`;
      case 'contains':
        return `contains(${this.#operand(condition.operand)},${this.#operand(condition.member)})`;
    }
  }

  #operand(operand: Operand): string {
    switch (operand.kind) {
      case 'path':
        return this.#path(operand.path);
      case 'value':
        return this.#value(operand.value);
      case 'size':
        return `size(${this.#operand(operand.of)})`;
    }
  }

  #action(action: Update[number]): string {
    const path = this.#path(action.path);
    switch (action.kind) {
      case 'set':
        return `${path}=${this.#term(action.term)}`;
      case 'remove':
        return path;
      case 'add':
      case 'delete':
        return `${path} ${this.#value(action.value)}`;
    }
  }

  #path(path: Path): string {
    let text = '';
    for (const part of path) {
      if (typeof part === 'number') text += `[${part}]`;
      else text += text === '' ? this.#name(part) : `.${this.#name(part)}`;
    }
    return text;
  }

  #enclosed(condition: Condition, kinds: readonly string[]): string {
    const text = this.condition(condition);
    return kinds.includes(condition.kind) ? `(${text})` : text;
  }

  #term(term: UpdateTerm): string {
    switch (term.kind) {
      case 'path':
        return this.#path(term.path);
      case 'value':
        return this.#value(term.value);
      case 'ifNotExists':
        return `if_not_exists(${this.#path(term.path)},${this.#term(term.otherwise)})`;
      case 'listAppend':
        return `list_append(${this.#term(term.left)},${this.#term(term.right)})`;
      case 'arithmetic':
        return `${this.#term(term.left)}${term.operator}${this.#term(term.right)}`;
    }
  }

  #name(name: string): string {
    if (isShortName(name)) return name;
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const token = `#${tokenName(this.#tokens.size)}`;
    this.#tokens.set(name, token);
    this.#names[token] = name;
    return token;
  }

  #value(value: AttributeValue): string {
    const identity = identityOf(value);
    const known = this.#valueTokens.get(identity);
    if (known !== undefined) return known;
    const token = `:${tokenName(this.#valueTokens.size)}`;
    this.#valueTokens.set(identity, token);
    this.#values[token] = value;
    return token;
  }
}

/** No longer than a placeholder, and needs none. */
function isShortName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]?$/.test(name) && !isReservedWord(name);
}

const SYMBOLS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_';

/** `a`, `b`, ... `_`, `aa`, `ab`, ... */
function tokenName(index: number): string {
  let name = '';
  for (let rest = index; rest >= 0; rest = Math.floor(rest / SYMBOLS.length) - 1) {
    name = SYMBOLS.charAt(rest % SYMBOLS.length) + name;
  }
  return name;
}

/** Equal scalars share a placeholder; of other values only those that are the same object. */
function identityOf(value: AttributeValue): string | AttributeValue {
  if ('S' in value) return `S${value.S}`;
  if ('N' in value) return `N${value.N}`;
  if ('B' in value) return `B${value.B}`;
  return value;
}
