import type {
  Condition,
  Operand,
  Path,
  Update,
  UpdateTerm,
} from '../../dataplane/expression/ast.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { MAJOR, TAG } from './cbor-head.ts';
import { CborWriter } from './cbor-writer.ts';
import { encodeValue } from './values.ts';

/** A part of a tree: a node or list, a number, a name, or a list index. */
export type Part = readonly Part[] | number | string | { readonly index: number };

/** `[1, tree, [value, ...]]` */
export function compiled(tree: Part, values: readonly AttributeValue[]): Buffer {
  const writer = new CborWriter();
  writer.head(MAJOR.array, 3);
  writer.integer(1);
  writePart(writer, tree);
  writer.head(MAJOR.array, values.length);
  for (const value of values) encodeValue(writer, value);
  return writer.finish();
}

/** `[1, [path, ...]]` */
export function compiledProjection(paths: readonly Part[]): Buffer {
  const writer = new CborWriter();
  writer.head(MAJOR.array, 2);
  writer.integer(1);
  writePart(writer, paths);
  return writer.finish();
}

/** As a client would compile a text whose parse is `condition`. */
export function compiledCondition(condition: Condition): Buffer {
  const trees = new Trees();
  return compiled(trees.condition(condition), trees.values);
}

export function compiledUpdate(update: Update): Buffer {
  const trees = new Trees();
  return compiled(
    update.map((action) => trees.action(action)),
    trees.values,
  );
}

export function pathPart(path: Path): Part {
  return [18, ...path.map((part): Part => (typeof part === 'number' ? { index: part } : part))];
}

const comparators = { '=': 0, '<>': 1, '<': 2, '>=': 3, '>': 4, '<=': 5 } as const;

class Trees {
  readonly values: AttributeValue[] = [];

  condition(condition: Condition): Part {
    switch (condition.kind) {
      case 'and':
        return [6, this.condition(condition.left), this.condition(condition.right)];
      case 'or':
        return [7, this.condition(condition.left), this.condition(condition.right)];
      case 'not':
        return [8, this.condition(condition.condition)];
      case 'compare': {
        const code = comparators[condition.comparator];
        return [code, this.operand(condition.left), this.operand(condition.right)];
      }
      case 'between': {
        const { operand, lower, upper } = condition;
        return [9, this.operand(operand), this.operand(lower), this.operand(upper)];
      }
      case 'in':
        return [
          10,
          this.operand(condition.operand),
          condition.candidates.map((candidate) => this.operand(candidate)),
        ];
      case 'exists':
        return [condition.negated ? 12 : 11, pathPart(condition.path)];
      case 'attributeType':
        return [13, pathPart(condition.path), this.value({ S: condition.type })];
      case 'beginsWith':
        return [14, this.operand(condition.operand), this.operand(condition.prefix)];
      case 'contains':
        return [15, this.operand(condition.operand), this.operand(condition.member)];
    }
  }

  action(action: Update[number]): Part {
    const path = pathPart(action.path);
    switch (action.kind) {
      case 'set':
        return [19, path, this.term(action.term)];
      case 'remove':
        return [22, path];
      case 'add':
        return [20, path, this.value(action.value)];
      case 'delete':
        return [21, path, this.value(action.value)];
    }
  }

  operand(operand: Operand): Part {
    switch (operand.kind) {
      case 'path':
        return pathPart(operand.path);
      case 'value':
        return this.value(operand.value);
      case 'size':
        return [16, this.operand(operand.of)];
    }
  }

  term(term: UpdateTerm): Part {
    switch (term.kind) {
      case 'path':
        return pathPart(term.path);
      case 'value':
        return this.value(term.value);
      case 'ifNotExists':
        return [23, pathPart(term.path), this.term(term.otherwise)];
      case 'listAppend':
        return [24, this.term(term.left), this.term(term.right)];
      case 'arithmetic':
        return [term.operator === '+' ? 25 : 26, this.term(term.left), this.term(term.right)];
    }
  }

  value(value: AttributeValue): Part {
    return [17, this.values.push(value) - 1];
  }
}

function writePart(writer: CborWriter, part: Part): void {
  if (typeof part === 'number') writer.integer(part);
  else if (typeof part === 'string') writer.text(part);
  else if ('index' in part) {
    writer.head(MAJOR.tag, TAG.listIndex);
    writer.integer(part.index);
  } else {
    writer.head(MAJOR.array, part.length);
    for (const each of part) writePart(writer, each);
  }
}
