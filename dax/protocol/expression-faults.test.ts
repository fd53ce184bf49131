import { describe, expect, it } from 'vitest';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { compiled, compiledProjection, type Part } from './expression-encoder.fixture.ts';
import { decodeCondition, decodeProjection, decodeUpdate } from './expressions.ts';
import { messageOf } from './fault-of.fixture.ts';
import { hex } from './vectors.fixture.ts';

const a: Part = [18, 'a'];
const b: Part = [18, 'b'];
const value: Part = [17, 0];
const one: AttributeValue = { N: '1' };

describe('conditions that no text of the service could be', () => {
  const invalid = (reason: string) => `Invalid ConditionExpression: ${reason}`;
  const operands = (name: string, count: number) =>
    invalid(
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
    );

  it.each<[string, Part, string]>([
    ['an operator with an operand too few', [0, a], operands('=', 1)],
    ['AND of three', [6, [11, a], [11, a], [11, a]], operands('AND', 3)],
    ['NOT of nothing', [8], operands('NOT', 0)],
    ['BETWEEN without an upper bound', [9, a, value], operands('BETWEEN', 2)],
    ['IN without candidates', [10, a, []], operands('IN', 1)],
    ['a function with an operand too many', [11, a, a], operands('attribute_exists', 2)],
    ['size of two', [0, [16, a, b], value], operands('size', 2)],
    [
      'IN of 101',
      [10, a, Array.from({ length: 101 }, () => value)],
      invalid('The IN operator is provided with too many operands; number of operands: 101'),
    ],
    [
      'attribute_exists of a value',
      [11, value],
      invalid(
        'Operator or function requires a document path; operator or function: attribute_exists',
      ),
    ],
    [
      'a comparison of a path with itself',
      [0, a, a],
      invalid(
        'The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]',
      ),
    ],
    [
      'begins_with a number',
      [14, a, value],
      invalid(
        'Incorrect operand type for operator or function; operator or function: begins_with, operand type: N',
      ),
    ],
    [
      'a condition for an operand',
      [0, [11, a], value],
      invalid(
        'The function is not allowed to be used this way in an expression; function: attribute_exists',
      ),
    ],
    [
      'size for a condition',
      [16, a],
      invalid('The function is not allowed to be used this way in an expression; function: size'),
    ],
    [
      'a function of updates',
      [0, [23, a, value], value],
      invalid('The function is not allowed in a condition expression; function: if_not_exists'),
    ],
    [
      'a list index beyond 31 bits',
      [11, [18, 'a', { index: 2 ** 31 }]],
      invalid('List index is not within the allowable range; index: [2147483648]'),
    ],
    [
      'a path of 33 levels',
      [11, [18, ...Array.from({ length: 33 }, () => 'a')]],
      invalid('The document path has too many nesting levels; nesting levels: 33'),
    ],
    ['an empty name', [11, [18, '']], 'Empty attribute name'],
    [
      'a path for a condition',
      a,
      'The request is malformed: code 18 cannot stand for a condition in an expression',
    ],
    [
      'an unknown opcode',
      [27, a],
      'The request is malformed: code 27 cannot stand for a condition in an expression',
    ],
    [
      'a path without a name',
      [11, [18]],
      'The request is malformed: a name in a path was expected',
    ],
    [
      'a path that begins with an index',
      [11, [18, { index: 0 }]],
      'The request is malformed: a text was expected',
    ],
    [
      'a value that is not there',
      [0, a, [17, 1]],
      'The request is malformed: an expression has no value with index 1',
    ],
    [
      'a value below the first',
      [0, a, [17, -1]],
      'The request is malformed: an expression has no value with index -1',
    ],
    ['a number for a node', 5, 'The request is malformed: an array was expected'],
  ])('%s', (_, tree, message) => {
    expect(messageOf(() => decodeCondition(compiled(tree, [one]), 'ConditionExpression'))).toBe(
      message,
    );
  });

  it('300 operators are read, 301 are too many, however they nest', () => {
    const nots = (count: number): Part => {
      let tree: Part = [11, a];
      for (let index = 0; index < count; index++) tree = [8, tree];
      return tree;
    };
    const decode = (tree: Part) => decodeCondition(compiled(tree, []), 'ConditionExpression');
    expect(decode(nots(300))).toMatchObject({ kind: 'not' });
    const message =
      'Invalid ConditionExpression: The expression contains too many operators; operator count: 301';
    expect(messageOf(() => decode(nots(301)))).toBe(message);
    // Deeper than any stack would go.
    const deep = Buffer.concat([
      hex('8301'),
      Buffer.alloc(200_000, hex('8208')),
      hex('820b8212616180'),
    ]);
    expect(messageOf(() => decodeCondition(deep, 'ConditionExpression'))).toBe(message);
  });

  it('size inside size is refused without going down all of it', () => {
    let operand: Part = a;
    for (let depth = 0; depth < 5000; depth++) operand = [16, operand];
    expect(
      messageOf(() => decodeCondition(compiled([0, operand, value], [one]), 'ConditionExpression')),
    ).toBe('Invalid ConditionExpression: Expression size has exceeded the maximum allowed size;');
  });

  it('more nodes than a text of 4096 bytes has are refused', () => {
    const membership: Part = [10, a, Array.from({ length: 100 }, () => value)];
    let tree: Part = membership;
    for (let count = 0; count < 42; count++) tree = [6, membership, tree];
    expect(messageOf(() => decodeCondition(compiled(tree, [one]), 'ConditionExpression'))).toBe(
      'Invalid ConditionExpression: Expression size has exceeded the maximum allowed size;',
    );
  });

  it.each([
    [
      'another version',
      '8302820b8212616180',
      'The request is malformed: an expression is in an unknown format',
    ],
    [
      'no values',
      '8201820b82126161',
      'The request is malformed: an expression is in an unknown format',
    ],
    [
      'something behind the end',
      '8301820b821261618000',
      'The request is malformed: there is more behind the end of an expression',
    ],
    ['text', '61203d203a78', 'The request is malformed: an array was expected'],
    ['nothing', '', 'The request is malformed: a further value was expected'],
    ['half a tree', '8301820b', 'The request is malformed: a further value was expected'],
    [
      'a list of indefinite length',
      '83019f0b82126161ff80',
      'The request is malformed: a value of definite length was expected',
    ],
    [
      'a number out of range among the values',
      '8301820b8212616181fb7ff8000000000000',
      'The parameter cannot be converted to a numeric value: NaN',
    ],
    [
      'a repeated member in a set',
      '8301820b8212616181d90cf98261786178',
      'One or more parameter values were invalid: Input collection ["x", "x"] contains duplicates.',
    ],
  ])('%s', (_, bytes, message) => {
    expect(messageOf(() => decodeCondition(hex(bytes), 'ConditionExpression'))).toBe(message);
  });

  it('faults name the parameter that the expression came in', () => {
    for (const kind of ['FilterExpression', 'KeyConditionExpression'] as const) {
      expect(messageOf(() => decodeCondition(compiled([0, a, a], []), kind))).toMatch(
        `Invalid ${kind}: `,
      );
    }
  });
});

describe('updates that no text of the service could be', () => {
  const invalid = (reason: string) => `Invalid UpdateExpression: ${reason}`;

  it.each<[string, Part, string]>([
    ['no actions', [], invalid('The expression can not be empty;')],
    [
      'a section that comes again',
      [
        [19, a, value],
        [22, b],
        [19, [18, 'c'], value],
      ],
      invalid('The "SET" section can only be used once in an update expression;'),
    ],
    [
      'the same path twice',
      [
        [19, a, value],
        [22, a],
      ],
      invalid(
        'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]',
      ),
    ],
    [
      'ADD of a text',
      [[20, a, [17, 1]]],
      invalid(
        'Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND',
      ),
    ],
    [
      'DELETE of a number',
      [[21, a, value]],
      invalid(
        'Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND',
      ),
    ],
    [
      'a sum with a text',
      [[19, a, [25, a, [17, 1]]]],
      invalid(
        'Incorrect operand type for operator or function; operator or function: +, operand type: S',
      ),
    ],
    [
      'list_append of a number',
      [[19, a, [24, a, value]]],
      invalid(
        'Incorrect operand type for operator or function; operator or function: list_append, operand type: N',
      ),
    ],
    [
      'if_not_exists of a value',
      [[19, a, [23, value, value]]],
      invalid('Operator or function requires a document path; operator or function: if_not_exists'),
    ],
    [
      'list_append inside a function',
      [[19, a, [23, a, [24, a, a]]]],
      invalid(
        'The function is not allowed to be used this way in an expression; function: list_append',
      ),
    ],
    [
      'a function of conditions',
      [[19, a, [16, a]]],
      invalid('The function is not allowed in an update expression; function: size'),
    ],
    [
      'if_not_exists of three',
      [[19, a, [23, a, a, a]]],
      invalid(
        'Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 3',
      ),
    ],
    [
      'a sum inside a sum',
      [[19, a, [25, [25, a, a], a]]],
      'The request is malformed: code 25 cannot stand for an operand in an expression',
    ],
    [
      'ADD of a path',
      [[20, a, b]],
      'The request is malformed: code 18 cannot stand for the operand of add in an expression',
    ],
    [
      'a condition',
      [[11, a]],
      invalid('The function is not allowed in an update expression; function: attribute_exists'),
    ],
    [
      'a value for a target',
      [[22, value]],
      'The request is malformed: code 17 cannot stand for a path in an expression',
    ],
  ])('%s', (_, tree, message) => {
    expect(messageOf(() => decodeUpdate(compiled(tree, [one, { S: 'x' }])))).toBe(message);
  });

  it('functions inside functions are refused without going down all of them', () => {
    let term: Part = a;
    for (let depth = 0; depth < 5000; depth++) term = [23, b, term];
    expect(messageOf(() => decodeUpdate(compiled([[19, a, term]], [])))).toBe(
      invalid('Expression size has exceeded the maximum allowed size;'),
    );
  });
});

describe('projections that no text of the service could be', () => {
  it.each<[string, readonly Part[], string]>([
    ['no paths', [], 'Invalid ProjectionExpression: The expression can not be empty;'],
    [
      'paths that overlap',
      [a, [18, 'a', { index: 0 }]],
      'Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, [0]]',
    ],
    [
      'a value',
      [value],
      'The request is malformed: code 17 cannot stand for a path in an expression',
    ],
    [
      'more paths than a text has room for',
      Array.from({ length: 4097 }, (_, index): Part => [18, `n${index}`]),
      'Invalid ProjectionExpression: Expression size has exceeded the maximum allowed size;',
    ],
  ])('%s', (_, projection, message) => {
    expect(messageOf(() => decodeProjection(compiledProjection(projection)))).toBe(message);
  });
});
