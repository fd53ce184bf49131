import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { AttributeMap } from '../item/attribute-value.ts';
import {
  assignKeyConditions,
  type KeyAttributes,
  parseKeyCondition,
  type UncheckedKeyCondition,
} from './key-condition.ts';
import { Substitutions } from './substitutions.ts';

const s = { S: 'a' } as const;
const n = { N: '1' } as const;
const values: AttributeMap = { ':a': s, ':b': { S: 'b' }, ':n': n };

function parse(text: string) {
  return parseKeyCondition(text, new Substitutions({ '#k': 'k.x' }, values));
}

function faultOf(run: () => unknown) {
  try {
    run();
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    return fault.message;
  }
  return 'no fault';
}

describe('parseKeyCondition', () => {
  it.each<[string, readonly UncheckedKeyCondition[]]>([
    ['p = :a', [{ attribute: 'p', operator: '=', value: s }]],
    ['(:a = p)', [{ attribute: 'p', operator: '=', value: s }]],
    [
      '#k = :a AND :n <= r',
      [
        { attribute: 'k.x', operator: '=', value: s },
        { attribute: 'r', operator: '>=', value: n },
      ],
    ],
    [
      '(r > :n) and (p = :a)',
      [
        { attribute: 'r', operator: '>', value: n },
        { attribute: 'p', operator: '=', value: s },
      ],
    ],
    [
      'p = :a AND r between :a and :b',
      [
        { attribute: 'p', operator: '=', value: s },
        { attribute: 'r', operator: 'between', lower: s, upper: { S: 'b' } },
      ],
    ],
    [
      'begins_with(r, :a) AND p = :a',
      [
        { attribute: 'r', operator: 'beginsWith', value: s },
        { attribute: 'p', operator: '=', value: s },
      ],
    ],
  ])('reads %s', (text, conditions) => {
    expect(parse(text)).toEqual(conditions);
  });

  it.each([
    ['a > b and size(b) > c or a > c', 'Invalid operator used in KeyConditionExpression: OR'],
    ['a in (b, size(c), d)', 'Invalid operator used in KeyConditionExpression: IN'],
    ['attribute_exists(a)', 'Invalid operator used in KeyConditionExpression: attribute_exists'],
    [
      'attribute_not_exists(a)',
      'Invalid operator used in KeyConditionExpression: attribute_not_exists',
    ],
    ['contains(a.d, b)', 'Invalid operator used in KeyConditionExpression: contains'],
    ['not a > b', 'Invalid operator used in KeyConditionExpression: NOT'],
    ['a <> b', 'Invalid operator used in KeyConditionExpression: <>'],
    [
      ':a between size(b) and size(a) and b > :b',
      'Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand',
    ],
    [
      'begins_with(:a, b) and a > :b',
      'Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand',
    ],
    ...['size(b) > a AND a.b > b AND b > c', 'a > size(b.d)', 'a between size(b) and size(a)'].map(
      (text) => [
        text,
        'Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested operations',
      ],
    ),
    ...['b > a.b', 'b between c[1] and d', 'a between b and size(a)', 'begins_with(a, b)'].map(
      (text) => [
        text,
        'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
      ],
    ),
    ...['b.d > a AND c.d > e.f', 'a.d > c', 'b[0] > a'].map((text) => [
      text,
      'Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes',
    ]),
    [
      ':b > :a AND a < :b',
      'Invalid condition in KeyConditionExpression: No key attribute specified',
    ],
    [
      'b > :a AND b < :a and c = :a and d = :a',
      'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
    ],
    [
      '(a > :a and b > :a) and (b > :a and c > :a)',
      'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
    ],
    [
      'a between :n and :a',
      'Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}',
    ],
    ['a = ', 'Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "="'],
    ['', 'Invalid KeyConditionExpression: The expression can not be empty;'],
  ])('refuses %s', (text, message) => {
    expect(faultOf(() => parse(text ?? ''))).toBe(message);
  });
});

const p = { name: 'p', type: 'S' } as const;
const r = { name: 'r', type: 'N' } as const;
const simple: KeyAttributes = { hash: [p], range: [] };
const composite: KeyAttributes = { hash: [p], range: [r] };
const wide: KeyAttributes = {
  hash: [p, { name: 'p2', type: 'N' }],
  range: [r, { name: 'r2', type: 'S' }, { name: 'r3', type: 'B' }],
};

describe('assignKeyConditions', () => {
  it('sorts conditions by the schema, whatever their order', () => {
    const conditions = parse('r2 > :a AND p = :a AND r = :n AND p2 = :n');
    const { hashConditions, rangeConditions } = assignKeyConditions(conditions, wide);
    expect(hashConditions.map((each) => each.attribute)).toEqual(['p', 'p2']);
    expect(rangeConditions.map((each) => each.attribute)).toEqual(['r', 'r2']);
  });

  it('range attributes may be left out from the right', () => {
    expect(assignKeyConditions(parse('p = :a'), composite).rangeConditions).toEqual([]);
    expect(assignKeyConditions(parse('p = :a AND p2 = :n'), wide).rangeConditions).toEqual([]);
  });

  it.each<[string, KeyAttributes, string]>([
    ['r = :n', composite, 'Query condition missed key schema element: p'],
    ['q = :a', simple, 'Query condition missed key schema element: p'],
    ['p = :a AND q = :n', composite, 'Query condition missed key schema element: r'],
    [
      'p = :a AND q = :n',
      simple,
      'The number of query conditions (2) exceeds the number of key attributes defined in the schema (1)',
    ],
    ['p > :a', composite, 'Query key condition not supported'],
    [
      'p = :a AND r = :n AND q = :n',
      composite,
      'The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)',
    ],
    [
      'p = :n',
      composite,
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    ],
    [
      'p = :a AND r BETWEEN :a AND :b',
      composite,
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    ],
    ['p = :a', wide, 'HASH key attributes p2 must have equality conditions specified in the query'],
    [
      'r = :a',
      wide,
      'HASH key attributes p, p2 must have equality conditions specified in the query',
    ],
    [
      'p = :a AND p2 > :n',
      wide,
      'HASH key attributes p2 must have equality conditions specified in the query',
    ],
    ['p = :a AND p2 = :n AND q = :a', wide, 'Query condition missed key schema element: r'],
    [
      'p = :a AND p2 = :n AND r2 = :a',
      wide,
      'RANGE key attributes r must have equality conditions specified in the query because a condition is present on key attribute r2',
    ],
    [
      'p = :a AND p2 = :n AND r > :n AND r2 = :a',
      wide,
      'RANGE key attributes r must have equality conditions specified in the query because a condition is present on key attribute r2',
    ],
    [
      'p = :a AND a = :a AND b = :a AND c = :a AND d = :a AND e = :a',
      wide,
      'The number of query conditions (6) exceeds the number of key attributes defined in the schema (5)',
    ],
  ])('refuses %s', (text, key, message) => {
    expect(faultOf(() => assignKeyConditions(parse(text), key))).toBe(message);
  });

  it('an operator without an index is refused when the schema is known', () => {
    const conditions = [{ attribute: 'p', operator: 'notIndexable' }] as const;
    expect(faultOf(() => assignKeyConditions(conditions, simple))).toBe(
      'Attempted conditional constraint is not an indexable operation',
    );
  });
});
