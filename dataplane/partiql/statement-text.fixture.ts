import type {
  Condition,
  Operand,
  Path,
  Update,
  UpdateAction,
  UpdateTerm,
} from '../expression/ast.ts';
import type { AttributeValue } from '../item/attribute-value.ts';

/** For tests: texts of statements that mean a given condition or update. */

/** Takes values as parameters, in the order of the text, where a literal cannot or shall not be. */
export class StatementText {
  readonly parameters: AttributeValue[] = [];
  readonly #usesLiterals: boolean;

  constructor({ usesLiterals }: { readonly usesLiterals: boolean }) {
    this.#usesLiterals = usesLiterals;
  }

  condition(condition: Condition): string {
    switch (condition.kind) {
      case 'and':
      case 'or': {
        const left = this.condition(condition.left);
        return `(${left}) ${condition.kind.toUpperCase()} (${this.condition(condition.right)})`;
      }
      case 'not':
        return `NOT (${this.condition(condition.condition)})`;
      case 'compare': {
        const left = this.#operand(condition.left);
        return `${left} ${condition.comparator} ${this.#operand(condition.right)}`;
      }
      case 'between': {
        const operand = this.#operand(condition.operand);
        const lower = this.#operand(condition.lower);
        return `${operand} BETWEEN ${lower} AND ${this.#operand(condition.upper)}`;
      }
      case 'in': {
        const operand = this.#operand(condition.operand);
        return `${operand} IN [${condition.candidates.map((each) => this.#operand(each)).join(', ')}]`;
      }
      case 'exists':
        return condition.negated
          ? `${pathText(condition.path)} IS MISSING`
          : `attribute_exists(${pathText(condition.path)})`;
      case 'attributeType':
        return `attribute_type(${pathText(condition.path)}, '${condition.type}')`;
      case 'beginsWith': {
        const operand = this.#operand(condition.operand);
        return `begins_with(${operand}, ${this.#operand(condition.prefix)})`;
      }
      case 'contains': {
        const operand = this.#operand(condition.operand);
        return `contains(${operand}, ${this.#operand(condition.member)})`;
      }
    }
  }

  /** SET and REMOVE; ADD and DELETE of sets as functions. Others have no text. */
  update(update: Update): string {
    return update.map((action) => this.#action(action)).join(' ');
  }

  #action(action: UpdateAction): string {
    const path = pathText(action.path);
    switch (action.kind) {
      case 'set':
        return `SET ${path} = ${this.#term(action.term)}`;
      case 'remove':
        return `REMOVE ${path}`;
      case 'add':
        return `SET ${path} = set_add(${path}, ${this.#value(action.value)})`;
      case 'delete':
        return `SET ${path} = set_delete(${path}, ${this.#value(action.value)})`;
    }
  }

  item(item: Readonly<Record<string, AttributeValue>>): string {
    const members = Object.entries(item).map(([name, value]) => {
      return `${stringText(name)}: ${this.#value(value)}`;
    });
    return `{${members.join(', ')}}`;
  }

  #operand(operand: Operand): string {
    switch (operand.kind) {
      case 'path':
        return pathText(operand.path);
      case 'value':
        return this.#value(operand.value);
      case 'size':
        return `size(${this.#operand(operand.of)})`;
    }
  }

  #term(term: UpdateTerm): string {
    switch (term.kind) {
      case 'path':
        return pathText(term.path);
      case 'value':
        return this.#value(term.value);
      case 'listAppend':
        return `list_append(${this.#term(term.left)}, ${this.#term(term.right)})`;
      case 'arithmetic':
        return `${this.#term(term.left)} ${term.operator} ${this.#term(term.right)}`;
      case 'ifNotExists':
        throw new Error('PartiQL has no if_not_exists');
    }
  }

  #value(value: AttributeValue): string {
    const literal = this.#usesLiterals ? literalText(value) : undefined;
    if (literal !== undefined) return literal;
    this.parameters.push(value);
    return '?';
  }
}

export function pathText([head, ...rest]: Path): string {
  const tail = rest.map((part) => (typeof part === 'number' ? `[${part}]` : `.${nameText(part)}`));
  return nameText(head) + tail.join('');
}

function nameText(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function stringText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Undefined where no literal has the value: binaries, and what holds one. */
function literalText(value: AttributeValue): string | undefined {
  if ('S' in value) return stringText(value.S);
  if ('N' in value) return value.N;
  if ('BOOL' in value) return String(value.BOOL);
  if ('NULL' in value) return 'null';
  if ('SS' in value) return `<<${value.SS.map(stringText).join(', ')}>>`;
  if ('NS' in value) return `<<${value.NS.join(', ')}>>`;
  if ('L' in value) {
    const elements = value.L.map(literalText);
    return elements.includes(undefined) ? undefined : `[${elements.join(', ')}]`;
  }
  if ('M' in value) {
    const members = Object.entries(value.M).map(([name, member]) => {
      const text = literalText(member);
      return text === undefined || name === '' ? undefined : `${stringText(name)}: ${text}`;
    });
    return members.includes(undefined) ? undefined : `{${members.join(', ')}}`;
  }
  return undefined;
}
