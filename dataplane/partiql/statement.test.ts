import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { matches } from '../expression/evaluate.ts';
import { conditions } from '../expression/expression.arbitrary.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { validateValue } from '../item/validate.ts';
import { validParameters } from './parameters.ts';
import { statementUpdates } from './statement.arbitrary.ts';
import { bindStatement, targetNamed } from './statement.ts';
import { StatementText } from './statement-text.fixture.ts';

function bound(text: string, ...parameters: readonly unknown[]) {
  return bindStatement(text, validParameters(parameters));
}

function messageOf(text: string, ...parameters: readonly unknown[]): string | undefined {
  try {
    bound(text, ...parameters);
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    expect(thrown.type).toBe('ValidationException');
    return thrown.message;
  }
  return 'no fault';
}

const n = (number: number) => ({ N: String(number) });
const path = (...parts: readonly (string | number)[]) => ({ kind: 'path', path: parts });
const value = (attribute: AttributeValue) => ({ kind: 'value', value: attribute });

describe('a condition', () => {
  it.each([
    ['attribute_exists(a.b)', { kind: 'exists', path: ['a', 'b'], negated: false }],
    ['ATTRIBUTE_NOT_EXISTS (a)', { kind: 'exists', path: ['a'], negated: true }],
    ['a IS MISSING', { kind: 'exists', path: ['a'], negated: true }],
    ['missing(a)', { kind: 'exists', path: ['a'], negated: true }],
    ['a IS NULL', { kind: 'attributeType', path: ['a'], type: 'NULL' }],
    ['a IS BOOL', { kind: 'attributeType', path: ['a'], type: 'BOOL' }],
    ['a IS NUMERIC', { kind: 'attributeType', path: ['a'], type: 'N' }],
    ['a IS STRUCT', { kind: 'attributeType', path: ['a'], type: 'M' }],
    [
      'a IS NOT STRING',
      { kind: 'not', condition: { kind: 'attributeType', path: ['a'], type: 'S' } },
    ],
    ["attribute_type(a, 'SS')", { kind: 'attributeType', path: ['a'], type: 'SS' }],
    [
      'a = true',
      { kind: 'compare', comparator: '=', left: path('a'), right: value({ BOOL: true }) },
    ],
    ['attribute_exists(a) = true', { kind: 'exists', path: ['a'], negated: false }],
    [
      'false = attribute_exists(a)',
      { kind: 'not', condition: { kind: 'exists', path: ['a'], negated: false } },
    ],
    [
      'size("a b"[0]) >= 2',
      {
        kind: 'compare',
        comparator: '>=',
        left: { kind: 'size', of: path('a b', 0) },
        right: value({ N: '2' }),
      },
    ],
    [
      'a IN [1, ?]',
      { kind: 'in', operand: path('a'), candidates: [value({ N: '1' }), value({ S: 'x' })] },
    ],
  ])('%s', (text, expected) => {
    const statement = bound(`SELECT * FROM Tab WHERE ${text}`, { S: 'x' });
    expect(statement).toMatchObject({ kind: 'select', where: expected });
  });

  it.each<[string, Item, boolean]>([
    ['attribute_exists(a) = attribute_exists(b)', { a: n(1), b: n(2) }, true],
    ['attribute_exists(a) = attribute_exists(b)', {}, true],
    ['attribute_exists(a) = attribute_exists(b)', { a: n(1) }, false],
    ['attribute_exists(a) <> attribute_exists(b)', { a: n(1) }, true],
    ['attribute_exists(a) = b', { a: n(1), b: { BOOL: true } }, true],
    ['b = attribute_exists(a)', { b: { BOOL: false } }, true],
    ['attribute_exists(a) = b', { a: n(1), b: { BOOL: false } }, false],
    ['attribute_exists(a) = b', { a: n(1), b: { S: 'true' } }, false],
    ['attribute_exists(a) = b', { a: n(1) }, false],
    ['attribute_exists(a) <> b', { a: n(1) }, true],
    ['attribute_exists(a) = size(b)', { a: n(1), b: { S: 'x' } }, false],
    ['(a = 1) IN [b, false]', {}, true],
    ['(a = 1) IN [b, c < 5, 7]', { a: n(1), c: n(1) }, true],
    ['(a = 1) IN [b, c < 5, 7]', { a: n(1), c: n(9) }, false],
    ['(attribute_exists(a) = true) = false', { a: n(1) }, false],
  ])('%s of %j is %s', (text, item, expected) => {
    const statement = bound(`SELECT * FROM Tab WHERE ${text}`);
    if (statement.kind !== 'select' || statement.where === undefined) throw new Error('no WHERE');
    expect(matches(statement.where, item)).toBe(expected);
  });

  it('is compared with paths or other conditions five times, and no more', () => {
    const chain = (count: number) => `SELECT * FROM Tab WHERE a < 1${' = b'.repeat(count)}`;
    expect(messageOf(chain(5))).toBe('no fault');
    expect(messageOf(chain(6))).toBe('Unsupported operator in Condition Expression. Operator: =');
  });

  it('is that of the expression with the same meaning', () => {
    fc.assert(
      fc.property(conditions, fc.boolean(), (condition, usesLiterals) => {
        const text = new StatementText({ usesLiterals });
        const where = text.condition(canonical(condition));
        const statement = bound(`SELECT * FROM Tab WHERE ${where}`, ...text.parameters);
        expect(statement).toMatchObject({ where: canonical(condition) });
      }),
    );
  });
});

describe('an update', () => {
  it.each([
    ['SET a = 1', [{ kind: 'set', path: ['a'], term: value({ N: '1' }) }]],
    ['SET a.b[1] = c', [{ kind: 'set', path: ['a', 'b', 1], term: path('c') }]],
    [
      'SET a = (a + 1) - ?',
      [
        {
          kind: 'set',
          path: ['a'],
          term: {
            kind: 'arithmetic',
            operator: '-',
            left: { kind: 'arithmetic', operator: '+', left: path('a'), right: value({ N: '1' }) },
            right: value({ N: '2' }),
          },
        },
      ],
    ],
    [
      'SET a = LIST_APPEND(a, [1])',
      [
        {
          kind: 'set',
          path: ['a'],
          term: { kind: 'listAppend', left: path('a'), right: value({ L: [{ N: '1' }] }) },
        },
      ],
    ],
    [
      "REMOVE a, b[0] SET c = set_add(c, <<'x'>>)",
      [
        { kind: 'remove', path: ['a'] },
        { kind: 'remove', path: ['b', 0] },
        { kind: 'add', path: ['c'], value: { SS: ['x'] }, legacy: false },
      ],
    ],
    [
      'SET a.b = Set_Delete(a."b", <<2, 1>>)',
      [{ kind: 'delete', path: ['a', 'b'], value: { NS: ['1', '2'] }, legacy: false }],
    ],
  ])('%s', (actions, update) => {
    const statement = bound(`UPDATE Tab ${actions} WHERE p = 1`, { N: '2' });
    expect(statement).toMatchObject({ kind: 'update', update });
  });

  it('may stand behind its clause', () => {
    expect(bound('FROM Tab WHERE a = 1 SET b = 2 REMOVE c RETURNING MODIFIED NEW *')).toEqual(
      bound('UPDATE Tab SET b = 2 REMOVE c WHERE a = 1 RETURNING MODIFIED NEW *'),
    );
  });

  it('is that of the expression with the same meaning', () => {
    fc.assert(
      fc.property(statementUpdates, fc.boolean(), (update, usesLiterals) => {
        const text = new StatementText({ usesLiterals });
        const actions = text.update(canonical(update));
        const statement = bound(`UPDATE Tab ${actions}`, ...text.parameters);
        expect(statement).toMatchObject({ update: canonical(update) });
      }),
    );
  });
});

describe('a value', () => {
  it.each<[string, AttributeValue]>([
    ["'it''s'", { S: "it's" }],
    ['1.50', { N: '1.5' }],
    ['-.73e1', { N: '-7.3' }],
    ['1e5', { N: '100000' }],
    ['TRUE', { BOOL: true }],
    ['Null', { NULL: true }],
    ["[1, 'a', []]", { L: [{ N: '1' }, { S: 'a' }, { L: [] }] }],
    ["{'k': {'__proto__': 1}}", { M: { k: { M: JSON.parse('{"__proto__":{"N":"1"}}') } } }],
    ["<<'b', 'a'>>", { SS: ['a', 'b'] }],
    ['<<10, 9.0>>', { NS: ['9', '10'] }],
    ['?', { B: 'AQ==' }],
  ])('%s', (text, expected) => {
    const statement = bound(`INSERT INTO Tab VALUE {'p': ${text}}`, { B: 'AQ==' });
    expect(statement).toMatchObject({ kind: 'insert', item: { p: expected } });
  });
});

describe('a target', () => {
  it.each([
    ['SELECT * FROM Tab', { table: 'Tab', index: undefined }],
    ['SELECT * FROM "Tab"."Gix" WHERE a = 1', { table: 'Tab', index: 'Gix' }],
    ['INSERT INTO "a.b-c" VALUE {\'p\': 1}', { table: 'a.b-c', index: undefined }],
    ['EXISTS(SELECT * FROM Tab WHERE a = 1)', { table: 'Tab', index: undefined }],
    ['UPDATE "arn:aws:dynamodb:r:1:table/T" SET a = 1', { table: 'arn:aws:dynamodb:r:1:table/T' }],
    ['SELECT * FROM ?', undefined],
    ['SELEC', undefined],
  ])('%s', (text, target) => {
    if (target === undefined) expect(targetNamed(text)).toBe(undefined);
    else expect(targetNamed(text)).toMatchObject(target);
  });
});

const OVERFLOW =
  'Number overflow. Attempting to store a number with magnitude larger than supported range';
const UNDERFLOW =
  'Number underflow. Attempting to store a number with magnitude smaller than supported range';
const DIGITS = 'Attempting to store more than 38 significant digits in a Number';
const NOT_WELL_FORMED = "Statement wasn't well formed, can't be processed: ";
const operandType = (operator: string, type: string) =>
  `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`;

describe('what no statement may ask for', () => {
  it.each([
    ['SELECT COUNT(*) FROM Tab', 'Unexpected path component at 1:8:5'],
    ['SELECT\n  attribute_exists(a) FROM Tab', 'Unexpected path component at 2:3:16'],
    ["SELECT 'a' FROM Tab", 'Unexpected path component at 1:8:3'],
    [
      'SELECT *, a FROM Tab',
      "Other attributes should not be present in the projection when '*' is used.",
    ],
    ['SELECT VALUE a FROM Tab', "Select projection doesn't support value or pivot keywords"],
    ['SELECT a AS b FROM Tab', 'Aliasing is not supported'],
    ["SELECT * FROM Tab t WHERE a = 'x'", 'Aliasing is not supported'],
    ["SELECT * FROM Tab AS t WHERE a = 'x'", 'Aliasing is not supported'],
    ["UPDATE Tab t SET a = 3 WHERE b = 'x'", 'Aliasing is not supported'],
    ["DELETE FROM Tab t WHERE a = 'x'", 'Aliasing is not supported'],
    ['SELECT a, b.a FROM Tab', 'Duplicate identifiers in select clause: a'],
    ['SELECT DISTINCT a FROM Tab', 'Unsupported clause: DISTINCT at 1:8:8'],
    ['SELECT id FROM dbimp_page LIMIT 5', 'Unsupported clause: LIMIT at 1:33:1'],
    ['SELECT a FROM Tab GROUP BY a', 'Unsupported clause: GROUP BY at 1:28:1'],
    ['SELECT * FROM Tab, Other', 'Only select from a single table or index is supported.'],
    [
      'SELECT * FROM Tab INNER JOIN Other ON a = b',
      'Only select from a single table or index is supported.',
    ],
    ['SELECT * FROM ?', 'Unexpected from source'],
    ['SELECT * FROM ""', 'Path component cannot be an empty string'],
    ['SELECT * FROM Tab.""', 'Path component cannot be an empty string'],
    ['SELECT * FROM Tab.a.b', 'A path may contain at most 2 components in the FROM clause'],
    [
      'SELECT * FROM ab',
      "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.",
    ],
    ['SELECT a[*] FROM Tab', 'Wildcard path component like a[*].b are not supported'],
    ['SELECT a.* FROM Tab', 'Unpivot path component like a.*.b are not supported'],
    [
      'SELECT l[-1] FROM Tab',
      'List index is not within the allowable range; index: [-1] at 1:11:1',
    ],
    [
      'SELECT l[2147483648] FROM Tab',
      'List index is not within the allowable range; index: [2147483648] at 1:10:10',
    ],
    ['SELECT l[-0] FROM Tab', 'no fault'],
    ['SELECT l[?] FROM Tab', 'Unexpected path component at 1:10:1'],
    [
      `SELECT a${'.a'.repeat(32)} FROM Tab`,
      'The document path has too many nesting levels; nesting levels: 33',
    ],
    [
      'SELECT * FROM Tab WHERE a = 1 ORDER BY 1',
      'Argument to ORDER BY must be of type VariableReference. Type: Lit',
    ],
    [
      'SELECT * FROM Tab WHERE a = 1 ORDER BY a.b',
      'Argument to ORDER BY must be of type VariableReference. Type: Path',
    ],
    [
      'SELECT * FROM Tab ORDER BY a',
      'Must have WHERE clause in the statement when using ORDER BY clause.',
    ],
    [
      'INSERT INTO Tab VALUE ?',
      'Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.',
    ],
    [
      'INSERT INTO Tab VALUES (1, 2)',
      'Unsupported operation: Inserting multiple items in a single statement is not supported, use "INSERT INTO tableName VALUE item" instead',
    ],
    [
      "INSERT INTO Tab.Gix VALUE {'p': 1}",
      'FROM clause may only contain a single table name in data manipulation statements',
    ],
    ["INSERT INTO Tab VALUE {'p': 1} AT 1", 'AT is not supported in insert statements.'],
    ["INSERT INTO Tab VALUE {'p': 1} RETURNING ALL OLD *", 'RETURNING is not supported in INSERT'],
    ['UPDATE Tab.Gix SET a = 1 WHERE p = 1', 'This operation is not supported on an index'],
    ['DELETE FROM Tab.Gix WHERE p = 1', 'This operation is not supported on an index'],
    [
      'DELETE FROM Tab WHERE p = 1 RETURNING MODIFIED OLD *',
      'Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.',
    ],
    [
      'DELETE FROM Tab WHERE p = 1 RETURNING ALL OLD a',
      "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause",
    ],
    [
      'DELETE FROM Tab WHERE p = 1 RETURNING ALL OLD *, ALL OLD *',
      'Invalid syntax with multiple returning elements in RETURNING clause',
    ],
  ])('%s', (text, message) => {
    expect(messageOf(text, { S: 'x' })).toBe(message);
  });
});

describe('what no condition may be', () => {
  it.each([
    ['a', 'WHERE clause must contain an expression that resolves to a boolean'],
    ['a = 1 AND b', 'The arguments to AND/OR must be Expressions'],
    ['NOT a', 'The argument to NOT must be a Type or Expression'],
    ['a = MISSING', 'MISSING must be compared using IS operator'],
    [
      "'a' IS NULL",
      'The left hand side argument to IS must be a Variable Reference, Literal, or Path',
    ],
    [
      'a IS INTEGER',
      'Unsupported data type for IS operator: INTEGER. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]',
    ],
    ...['a IN []', 'a IN ?', 'a IN 1', '1 IN [1]'].map((text) => [
      text,
      'IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member',
    ]),
    [
      `a IN [${'1,'.repeat(100)}1]`,
      'The IN operator is provided with too many operands; number of operands: 101',
    ],
    ['foo(a)', 'Unrecognized function: foo at 1:25:3'],
    ['EXISTS(a)', 'Unrecognized function: exists at 1:25:6'],
    ["set_add(a, <<'x'>>) = a", 'Unrecognized function: set_add at 1:25:7'],
    ["a LIKE 'x'", 'Unsupported operator in Condition Expression. Operator: LIKE'],
    ['a = 5 + 5', 'Unsupported operator in Condition Expression. Operator: +'],
    ["a = 'x' || 'y'", 'Unsupported operator in Condition Expression. Operator: ||'],
    [
      'a > -b',
      'Incorrect number of operands for operator or function; operator or function: -, number of operands: 1',
    ],
    ['a < ?', operandType('<', 'BOOL')],
    ['a >= [1]', operandType('>=', 'L')],
    ['a BETWEEN true AND false', operandType('BETWEEN', 'BOOL')],
    ['attribute_exists(a) > false', operandType('>', 'BOOL')],
    [
      "attribute_exists('a')",
      'Operator or function requires a document path; operator or function: attribute_exists',
    ],
    [
      'attribute_exists()',
      'Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 0',
    ],
    [
      'attribute_exists(a, b)',
      'Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2',
    ],
    ['attribute_type(a, 1)', operandType('attribute_type', 'N')],
    [
      "attribute_type(a, 'X')",
      'Invalid attribute type name found; type: X, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}',
    ],
    [
      'a BETWEEN 2 AND 1',
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}',
    ],
    [
      'a = a',
      'The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]',
    ],
    ['a = ? AND b = ?', "Number of parameters in request and statement don't match."],
  ])('%s', (where, message) => {
    expect(messageOf(`SELECT * FROM Tab WHERE ${where}`, { BOOL: true })).toBe(message);
  });
});

describe('what no update may be', () => {
  it.each([
    [
      "t = set_add(ss, <<'x'>>)",
      'The first argument to SET_ADD must equal the assignment value at 1:20:7',
    ],
    [
      "ss = set_add(<<'a'>>, <<'b'>>)",
      'The first argument to SET_ADD must equal the assignment value at 1:21:7',
    ],
    [
      "ss = set_add(ss, 'x')",
      'The second argument to SET_ADD must be a value with type SET at 1:29:2',
    ],
    [
      '"ss" = set_delete("ss", [\'x\'])',
      'The second argument to SET_DELETE must be a value with type SET at 1:34:4',
    ],
    ['ss = set_add(ss)', 'SET_ADD must have exactly two arguments at 1:21:7'],
    ["ss = set_add(ss, <<'x'>>, <<'y'>>)", 'SET_ADD must have exactly two arguments at 1:21:7'],
    ['ss = set_add(ss, <<>>)', 'Empty bags are not supported'],
    ["n = 'a' + 1", operandType('+', 'S')],
    ['n = n - null', operandType('-', 'NULL')],
    ['n = list_append(n, 1)', operandType('list_append', 'N')],
    [
      'n = list_append(n)',
      'Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1',
    ],
    ['n = if_not_exists(n, 1)', 'Unrecognized function: if_not_exists at 1:20:13'],
    ['n = a * 2', 'Unsupported operator in Update Expression. Operator: *'],
    ['n = a IS NULL', 'IS operator is not supported in update expressions'],
    [
      'n = 1, n = 2',
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]',
    ],
    [
      'a.b = 1 REMOVE a[0]',
      'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]',
    ],
  ])('SET %s', (actions, message) => {
    expect(messageOf(`UPDATE Tab SET ${actions} WHERE p = 1`)).toBe(message);
  });
});

describe('what no value may be', () => {
  it.each([
    ['1e126', `${OVERFLOW} under root`],
    ['1e-131', `${UNDERFLOW} under root`],
    ['123456789012345678901234567890123456789', `${DIGITS} under root`],
    ["{'x': 1e126}", `${OVERFLOW} under root.x`],
    ['[1, 1e126]', `${OVERFLOW} under root[1]`],
    ['1e2147483647', `${UNDERFLOW} under root`],
    ['0.01e2147483647', `${OVERFLOW} under root`],
    ['1e2147483646', `${OVERFLOW} under root`],
    ['12e2147483646', `${UNDERFLOW} under root`],
    ['1e2147483648', NOT_WELL_FORMED],
    ['1e99999999999', NOT_WELL_FORMED],
    ['1.5e-2147483647', NOT_WELL_FORMED],
    ['<<>>', 'Empty bags are not supported'],
    [
      "<<1, 'a'>>",
      'Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags',
    ],
    [
      "<<'x', 'x'>>",
      'One or more parameter values were invalid: Input collection [x, x] contains duplicates.',
    ],
    [
      '<<2, 2.0>>',
      'One or more parameter values were invalid: Input collection [2, 2.0] contains duplicates! under root',
    ],
    ['[?]', 'Unsupported data type: Parameter under key root[0] at 1:30:1'],
    ["{'k': ?}", 'Unsupported data type: Parameter under key root.k at 1:35:1'],
    ["set_add(<<'a'>>, <<'b'>>)", 'Unsupported data type: set_add under key root at 1:29:7'],
    ["{'k': 1, 'k': 2}", 'Duplicate keys in tuple. Key: k under root'],
    ['{k: 1}', 'Tuple keys must be of type String. Actual type: VariableReference under root'],
    ["{'': 1}", 'Empty attribute name'],
    [
      `${"{'a':".repeat(32)}1${'}'.repeat(32)}`,
      `Nesting Levels have exceeded supported limits under root${'.a'.repeat(32)}`,
    ],
    [`${'['.repeat(31)}1${']'.repeat(31)}`, 'no fault'],
  ])('%s', (text, message) => {
    expect(messageOf(`INSERT INTO Tab VALUE {'p': ${text}}`, { S: 'x' })).toBe(message);
  });

  it.each([
    [{ N: '' }, 'The parameter cannot be converted to a numeric value'],
    [{ N: 'abc' }, 'The parameter cannot be converted to a numeric value: abc'],
    [
      { N: '-1e99999999999' },
      'The parameter cannot be converted to a numeric value: -1e99999999999',
    ],
    [{ N: '1e2147483647' }, UNDERFLOW],
    [{ NS: ['1', '-1E+2147483647'] }, UNDERFLOW],
    [{ N: '1e2147483646' }, OVERFLOW],
    [{ N: 'xe2147483647' }, 'The parameter cannot be converted to a numeric value: xe2147483647'],
    [
      { L: [{ N: '1e2147483648' }] },
      'The parameter cannot be converted to a numeric value: 1e2147483648',
    ],
    [
      { NS: ['1', '1e99999999999'] },
      'The parameter cannot be converted to a numeric value: 1e99999999999',
    ],
    [
      { SS: ['a', 'a'] },
      'One or more parameter values were invalid: Input collection [a, a] contains duplicates.',
    ],
    [{ SS: [] }, 'One or more parameter values were invalid: An string set  may not be empty'],
    [
      { NULL: false },
      'One or more parameter values were invalid: Null attribute value types must have the value of true',
    ],
    [
      JSON.parse(`${'{"M":{"n":'.repeat(40)}{"N":"abc"}${'}}'.repeat(40)}`),
      'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
    ],
  ])('parameter %j, whatever the text', (parameter, message) => {
    expect(messageOf('UPDATE Tab SET WHERE', parameter)).toBe(message);
  });

  it('an item of more than 400 KB', () => {
    const S = 'x'.repeat(400 * 1024);
    expect(messageOf("INSERT INTO Tab VALUE {'p': ?}", { S })).toBe(
      'Item size has exceeded the maximum allowed size',
    );
  });
});

/** With sets in order, as requests' values are. */
function canonical<T>(expression: T): T {
  return JSON.parse(JSON.stringify(expression), (key, each: unknown) =>
    key === 'value' ? validateValue(each) : each,
  );
}
