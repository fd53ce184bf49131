import { expressionFaults } from '../errors/expressions.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import type { Comparator, Condition, Operand } from '../expression/ast.ts';
import {
  between,
  comparison,
  functionCondition,
  membership,
} from '../expression/checked-condition.ts';
import { conditionFunctions } from '../expression/functions.ts';
import type { AttributeType, AttributeValue } from '../item/attribute-value.ts';
import type { Binding } from './binding.ts';
import { joined } from './key-access.ts';
import { EQUALITIES_MAX } from './limits.ts';
import { isValueNode, valueOfNode } from './literals.ts';
import type { BinaryNode, CallNode, ExpressionNode } from './syntax.ts';

type NodeOf<Kind extends ExpressionNode['kind']> = Extract<ExpressionNode, { kind: Kind }>;

/**
 * The condition of WHERE: the same nodes as a ConditionExpression's.
 * @throws ClientFault of what stands where no condition or operand may, and as of conditions
 */
export function conditionOfWhere(node: ExpressionNode, binding: Binding): Condition {
  return new ConditionBinder(binding).condition(node, partiqlFaults.whereNotBoolean);
}

/** Depth is bounded by the parser: nested signs and the number of operators. */
class ConditionBinder {
  readonly #binding: Binding;
  #equalitiesCount = 0;

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** @param notOne - the fault where a value stands instead */
  condition(node: ExpressionNode, notOne: () => unknown): Condition {
    switch (node.kind) {
      case 'binary':
        return this.#binary(node);
      case 'not':
        return { kind: 'not', condition: this.condition(node.operand, partiqlFaults.notOperand) };
      case 'between':
        return this.#between(node);
      case 'in':
        return this.#in(node);
      case 'is':
        return this.#is(node);
      case 'call':
        return this.#call(node, notOne);
      default:
        throw notOne();
    }
  }

  #binary(node: BinaryNode): Condition {
    const { operator } = node;
    if (operator === 'and' || operator === 'or') {
      const left = this.condition(node.left, partiqlFaults.andOrOperand);
      return {
        kind: operator,
        left,
        right: this.condition(node.right, partiqlFaults.andOrOperand),
      };
    }
    if (!isComparator(operator)) throw partiqlFaults.conditionOperator(operator.toUpperCase());
    if (isCondition(node.left)) return this.#truth(operator, node.left, node.right);
    if (isCondition(node.right)) return this.#truth(operator, node.right, node.left);
    const left = this.#operand(node.left);
    return comparison('PartiQL', operator, { left, right: this.#operand(node.right) });
  }

  /** A condition is a boolean, which equals no other value than booleans. */
  #truth(comparator: Comparator, tested: ExpressionNode, other: ExpressionNode): Condition {
    if (comparator !== '=' && comparator !== '<>') {
      throw expressionFaults.operandType('PartiQL', comparator, 'BOOL');
    }
    const isEqual = this.#isOneOf(comparator, tested, [other]);
    return comparator === '=' ? isEqual : { kind: 'not', condition: isEqual };
  }

  #isOneOf(
    operator: string,
    tested: ExpressionNode,
    candidates: readonly ExpressionNode[],
  ): Condition {
    const condition = this.condition(tested, partiqlFaults.whereNotBoolean);
    const constants = candidates
      .filter(isValueNode)
      .map((each) => valueOfNode(each, this.#binding));
    const others = candidates.filter((each) => !isValueNode(each));
    const equalities = others.map((each) => this.#equality(operator, condition, each));
    const isConstant = isOneOf(condition, constants);
    return (
      joined('or', isConstant === undefined ? equalities : [isConstant, ...equalities]) ?? noItem
    );
  }

  /** Each one may double the whole. @throws ClientFault beyond EQUALITIES_MAX */
  #equality(operator: string, condition: Condition, other: ExpressionNode): Condition {
    if (++this.#equalitiesCount > EQUALITIES_MAX) throw partiqlFaults.conditionOperator(operator);
    const [isTrue, isFalse] = this.#truthOf(other);
    return {
      kind: 'or',
      left: { kind: 'and', left: condition, right: isTrue },
      right: { kind: 'and', left: { kind: 'not', condition }, right: isFalse },
    };
  }

  /** That something is true, and that it is false; what is no boolean is neither. */
  #truthOf(node: ExpressionNode): readonly [Condition, Condition] {
    if (isCondition(node)) {
      const condition = this.condition(node, partiqlFaults.whereNotBoolean);
      return [condition, { kind: 'not', condition }];
    }
    const left = this.#operand(node);
    return [
      comparison('PartiQL', '=', { left, right: yes }),
      comparison('PartiQL', '=', { left, right: no }),
    ];
  }

  #between(node: NodeOf<'between'>): Condition {
    if (isCondition(node.operand)) {
      throw expressionFaults.operandType('PartiQL', 'BETWEEN', 'BOOL');
    }
    const operand = this.#operand(node.operand);
    const lower = this.#operand(node.lower);
    return between('PartiQL', operand, { lower, upper: this.#operand(node.upper) });
  }

  #in(node: NodeOf<'in'>): Condition {
    const { operand, candidates = [] } = node;
    if (candidates.length === 0) throw partiqlFaults.inOperands();
    if (isCondition(operand)) return this.#isOneOf('IN', operand, candidates);
    if (isValueNode(operand)) throw partiqlFaults.inOperands();
    const operands = candidates.map((candidate) => this.#operand(candidate));
    return membership('PartiQL', this.#operand(operand), operands);
  }

  #is({ operand, type }: NodeOf<'is'>): Condition {
    if (operand.kind !== 'path') throw partiqlFaults.isOperand();
    const { path } = operand;
    if (type === 'missing') return { kind: 'exists', path, negated: true };
    const attributeType = attributeTypes.get(type);
    if (attributeType === undefined) throw partiqlFaults.isType(type.toUpperCase());
    return { kind: 'attributeType', path, type: attributeType };
  }

  #call(node: CallNode, notOne: () => unknown): Condition {
    const { name, args } = node;
    if (name === 'size') throw notOne();
    const isMissing = name === 'missing';
    const count = isMissing ? 1 : conditionFunctions.get(name);
    if (count === undefined) throw this.#unknown(node);
    const operands = args.map((arg) => this.#operand(arg));
    if (operands.length !== count) {
      throw expressionFaults.operandCount('PartiQL', name, operands.length);
    }
    return functionCondition('PartiQL', isMissing ? 'attribute_not_exists' : name, operands);
  }

  #operand(node: ExpressionNode): Operand {
    if (isValueNode(node)) return { kind: 'value', value: valueOfNode(node, this.#binding) };
    switch (node.kind) {
      case 'path':
        return { kind: 'path', path: node.path };
      case 'call':
        return this.#size(node);
      case 'missing':
        throw partiqlFaults.missingCompared();
      case 'sign':
        throw expressionFaults.operandCount('PartiQL', node.operator, 1);
      case 'binary':
        throw partiqlFaults.conditionOperator(node.operator.toUpperCase());
      case 'is':
      case 'in':
      case 'not':
        throw partiqlFaults.conditionOperator(node.kind.toUpperCase());
      default:
        throw partiqlFaults.unexpectedPathComponent(this.#binding.place(node.span));
    }
  }

  #size(node: CallNode): Operand {
    const [of, ...others] = node.args;
    if (node.name !== 'size') throw this.#unknown(node);
    if (of === undefined || others.length > 0) {
      throw expressionFaults.operandCount('PartiQL', 'size', node.args.length);
    }
    return { kind: 'size', of: this.#operand(of) };
  }

  #unknown({ name, span }: CallNode): unknown {
    return partiqlFaults.unknownFunction(name, this.#binding.place(span));
  }
}

/** That a condition equals one of several values; undefined where it equals none of them. */
function isOneOf(condition: Condition, values: readonly AttributeValue[]): Condition | undefined {
  const flags = new Set(values.flatMap((value) => ('BOOL' in value ? [value.BOOL] : [])));
  if (flags.size === 2) return anyItem;
  if (flags.has(true)) return condition;
  return flags.has(false) ? { kind: 'not', condition } : undefined;
}

const yes: Operand = { kind: 'value', value: { BOOL: true } };
const no: Operand = { kind: 'value', value: { BOOL: false } };
const noItem: Condition = { kind: 'compare', comparator: '=', left: yes, right: no };
const anyItem: Condition = { kind: 'compare', comparator: '=', left: yes, right: yes };

const comparators: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

function isComparator(operator: string): operator is Comparator {
  return comparators.has(operator);
}

/** Whether the node is a condition by its form, not a value. */
function isCondition(node: ExpressionNode): boolean {
  switch (node.kind) {
    case 'not':
    case 'between':
    case 'in':
    case 'is':
      return true;
    case 'binary':
      return node.operator === 'and' || node.operator === 'or' || isComparator(node.operator);
    case 'call':
      return conditionFunctions.has(node.name) || node.name === 'missing';
    default:
      return false;
  }
}

/** Types that IS knows, by their PartiQL names. */
const attributeTypes: ReadonlyMap<string, AttributeType> = new Map<string, AttributeType>([
  ['null', 'NULL'],
  ['bool', 'BOOL'],
  ['boolean', 'BOOL'],
  ['blob', 'B'],
  ['string', 'S'],
  ['numeric', 'N'],
  ['struct', 'M'],
  ['tuple', 'M'],
  ['list', 'L'],
]);
