import { expressionFaults } from '../../dataplane/errors/expressions.ts';
import type { Condition, Operand } from '../../dataplane/expression/ast.ts';
import {
  between,
  comparison,
  functionCondition,
  membership,
} from '../../dataplane/expression/checked-condition.ts';
import { operandCountOf } from '../../dataplane/expression/functions.ts';
import { IN_OPERANDS_MAX } from '../../dataplane/expression/limits.ts';
import type { ExpressionReader, NodeHead } from './expression-reader.ts';
import { comparatorsByCode, conditionFunctionsByCode, OPCODE } from './opcodes.ts';

/** Reads a condition. @throws ClientFault as a text would, and for trees that no text has */
export function readCondition(reader: ExpressionReader): Condition {
  const head = reader.node();
  switch (head.code) {
    case OPCODE.and:
    case OPCODE.or:
      return readJunction(reader, head);
    case OPCODE.not:
      reader.countOperator();
      reader.expectArguments(head, 'NOT', 1);
      return { kind: 'not', condition: reader.inside(() => readCondition(reader)) };
    case OPCODE.between: {
      reader.countOperator();
      reader.expectArguments(head, 'BETWEEN', 3);
      const operand = readOperand(reader);
      const lower = readOperand(reader);
      return between(reader.kind, operand, { lower, upper: readOperand(reader) });
    }
    case OPCODE.in:
      return readMembership(reader, head);
    default:
      return readPredicate(reader, head);
  }
}

function readJunction(reader: ExpressionReader, head: NodeHead): Condition {
  const kind = head.code === OPCODE.and ? 'and' : 'or';
  reader.countOperator();
  reader.expectArguments(head, kind.toUpperCase(), 2);
  return reader.inside((): Condition => {
    const left = readCondition(reader);
    return { kind, left, right: readCondition(reader) };
  });
}

/** `[10, operand, [candidate, ...]]` */
function readMembership(reader: ExpressionReader, head: NodeHead): Condition {
  reader.countOperator();
  reader.expectArguments(head, 'IN', 2);
  const operand = readOperand(reader);
  const count = reader.count();
  if (count === 0) throw expressionFaults.operandCount(reader.kind, 'IN', 1);
  if (count > IN_OPERANDS_MAX) throw expressionFaults.tooManyInOperands(reader.kind, count);
  const candidates: Operand[] = [];
  while (candidates.length < count) candidates.push(readOperand(reader));
  return membership(reader.kind, operand, candidates);
}

function readPredicate(reader: ExpressionReader, head: NodeHead): Condition {
  const comparator = comparatorsByCode.get(head.code);
  if (comparator !== undefined) {
    reader.countOperator();
    reader.expectArguments(head, comparator, 2);
    const left = readOperand(reader);
    return comparison(reader.kind, comparator, { left, right: readOperand(reader) });
  }
  const name = conditionFunctionsByCode.get(head.code);
  if (name === undefined) throw reader.misplaced(head.code, 'a condition');
  reader.expectArguments(head, name, operandCountOf(name) ?? 0);
  const first = readOperand(reader);
  const args = head.argumentsCount === 1 ? [first] : [first, readOperand(reader)];
  return functionCondition(reader.kind, name, args);
}

function readOperand(reader: ExpressionReader): Operand {
  const head = reader.node();
  switch (head.code) {
    case OPCODE.path:
      return { kind: 'path', path: reader.pathParts(head) };
    case OPCODE.value:
      return { kind: 'value', value: reader.value(head) };
    case OPCODE.size:
      reader.expectArguments(head, 'size', 1);
      return { kind: 'size', of: reader.inside(() => readOperand(reader)) };
    default:
      throw reader.misplaced(head.code, 'an operand');
  }
}
