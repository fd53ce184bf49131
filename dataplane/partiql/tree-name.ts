import type { BinaryOperator, ExpressionNode } from './syntax.ts';

/**
 * What an expression is, by the name that the service's tree has for it and its texts show.
 * @see partiql-lang-kotlin, PartiqlAst.Expr; paritysuite/dynamodb-conformance, partiqlGrammar (captures
 *   of October 2026), for `IsType`
 */
export function treeName(node: ExpressionNode): string {
  return treeNames[nameOf(node)];
}

type NodeName = Exclude<ExpressionNode['kind'], 'binary' | 'path' | 'sign'> | TreeOnly;
type TreeOnly = BinaryOperator | 'name' | 'path' | 'negative' | 'positive';

function nameOf(node: ExpressionNode): NodeName {
  switch (node.kind) {
    case 'binary':
      return node.operator;
    case 'path':
      return node.path.length === 1 ? 'name' : 'path';
    case 'sign':
      return node.operator === '-' ? 'negative' : 'positive';
    default:
      return node.kind;
  }
}

const treeNames: Readonly<Record<NodeName, string>> = {
  name: 'Id',
  path: 'Path',
  string: 'Lit',
  number: 'Lit',
  boolean: 'Lit',
  null: 'Lit',
  missing: 'Missing',
  parameter: 'Parameter',
  list: 'List',
  set: 'Bag',
  map: 'Struct',
  call: 'Call',
  star: 'CallAgg',
  not: 'Not',
  negative: 'Neg',
  positive: 'Pos',
  between: 'Between',
  in: 'InCollection',
  is: 'IsType',
  and: 'And',
  or: 'Or',
  '=': 'Eq',
  '<>': 'Ne',
  '<': 'Lt',
  '<=': 'Lte',
  '>': 'Gt',
  '>=': 'Gte',
  '+': 'Plus',
  '-': 'Minus',
  '*': 'Times',
  '/': 'Divide',
  '%': 'Modulo',
  '||': 'Concat',
  like: 'Like',
};
