import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import { gottenItem, isFullTableScan, planRead, type ReadPlan } from './read-plan.ts';
import { bindStatement } from './statement.ts';
import { checkExists, planCheck, planWrite } from './write-plan.ts';

const schema = schemaOf({
  localIndexes: [{ ...localIndex(1, 'l:S', { type: 'KEYS_ONLY' }), name: 'Lix' }],
  globalIndexes: [
    {
      ...globalIndex(2, { hash: 'g:S', range: 'l:S' }, { type: 'INCLUDE', attributes: ['x'] }),
      name: 'Gix',
    },
    { ...globalIndex(3, { hash: 'g:S', range: '' }), name: 'Filling', state: 'backfilling' },
    { ...globalIndex(4, { hash: 'g:S h:S', range: '' }), name: 'Several' },
  ],
});

function plan(text: string, consistentRead = false): ReadPlan {
  const statement = bindStatement(text, []);
  if (statement.kind !== 'select') throw new Error('no SELECT');
  return planRead(statement, schema, { consistentRead });
}

function messageOf(make: () => unknown): string | undefined {
  try {
    make();
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown.message;
    throw thrown;
  }
  return 'no fault';
}

const page = {
  indexName: undefined,
  consistentRead: false,
  projection: undefined,
  output: 'items',
  fetchFromTable: false,
  limit: undefined,
  exclusiveStartKey: undefined,
};
const a = { S: 'a' };

describe('a SELECT', () => {
  it('of a whole key is a get', () => {
    expect(plan("SELECT * FROM Tab WHERE p = 'a' AND s = 1")).toEqual({
      reads: [{ kind: 'get', key: { p: a, s: { N: '1' } }, projection: undefined }],
      columns: undefined,
    });
  });

  it('of a partition key is a query', () => {
    expect(plan("SELECT * FROM Tab WHERE p = 'a' AND s > 1 ORDER BY s DESC").reads).toEqual([
      {
        kind: 'query',
        request: {
          ...page,
          filter: undefined,
          hashConditions: [{ attribute: 'p', operator: '=', value: a }],
          rangeConditions: [{ attribute: 's', operator: '>', value: { N: '1' } }],
          scanIndexForward: false,
        },
      },
    ]);
  });

  it('of anything else is a scan, with the clause as its filter', () => {
    const filter = { kind: 'exists', path: ['x'], negated: true };
    expect(plan('SELECT * FROM Tab WHERE x IS MISSING').reads).toEqual([
      { kind: 'scan', request: { ...page, filter, segment: 0, totalSegments: 1 } },
    ]);
  });

  it('of an index queries or scans that', () => {
    const [query] = plan("SELECT x FROM Tab.Gix WHERE g = 'a'", false).reads;
    expect(query).toMatchObject({
      kind: 'query',
      request: { indexName: 'Gix', projection: [['x']], fetchFromTable: false },
    });
    const [scan] = plan("SELECT * FROM Tab.Gix WHERE p = 'a'").reads;
    expect(scan).toMatchObject({ kind: 'scan', request: { indexName: 'Gix' } });
    const [through] = plan("SELECT y FROM Tab.Lix WHERE p = 'a'", true).reads;
    expect(through).toMatchObject({
      kind: 'query',
      request: { indexName: 'Lix', consistentRead: true, fetchFromTable: true },
    });
  });

  it('reads documents whole, and makes rows of them', () => {
    expect(plan("SELECT m.a, m, m.b[0] FROM Tab WHERE p = 'a'")).toMatchObject({
      reads: [{ kind: 'query', request: { projection: [['m']] } }],
      columns: [
        { name: 'a', path: ['m', 'a'] },
        { name: 'm', path: ['m'] },
        { name: 'b[0]', path: ['m', 'b', 0] },
      ],
    });
    expect(plan("SELECT m, s FROM Tab WHERE p = 'a'").columns).toBe(undefined);
  });

  it('reads several collections in the order of their keys, if one is asked for', () => {
    const hashes = (text: string) =>
      plan(text).reads.map((read) => {
        if (read.kind !== 'query') return read.kind;
        const [condition] = read.request.hashConditions;
        return `${JSON.stringify(condition)}`.replace(/.*"S":"(.*?)".*/, '$1');
      });
    const where = "SELECT * FROM Tab WHERE p IN ['b', 'c', 'a']";
    expect(hashes(where)).toEqual(['b', 'c', 'a']);
    expect(hashes(`${where} ORDER BY p`)).toEqual(['a', 'b', 'c']);
    expect(hashes(`${where} ORDER BY p DESC, s DESC`)).toEqual(['c', 'b', 'a']);
  });

  it.each([
    ['', true],
    ['ORDER BY s', true],
    ['ORDER BY s DESC', false],
    ['ORDER BY p ASC', false],
    ['ORDER BY p DESC, s', true],
  ])('%s reads sort keys forward: %s', (orderBy, scanIndexForward) => {
    expect(plan(`SELECT * FROM Tab WHERE p = 'a' ${orderBy}`).reads).toMatchObject([
      { request: { scanIndexForward } },
    ]);
  });

  it.each([
    ["SELECT * FROM Tab WHERE p = 'a' AND s = 1", false],
    ["SELECT * FROM Tab WHERE p IN ['a', 'b']", false],
    ["SELECT * FROM Tab WHERE p = 'a' OR p = 'b'", false],
    ["SELECT * FROM Tab.Gix WHERE g = 'a'", false],
    ['SELECT * FROM Tab', true],
    ["SELECT * FROM Tab WHERE p > 'a'", true],
    ["SELECT * FROM Tab WHERE p = 'a' OR x = 1", true],
    ["SELECT * FROM Tab.Gix WHERE p = 'a'", true],
  ])('%s: full table scan is %s', (text, expected) => {
    expect(isFullTableScan(plan(text))).toBe(expected);
  });

  it.each([
    ["SELECT * FROM Tab WHERE p = 'a' AND s = 1", true],
    ["SELECT * FROM Tab WHERE p IN ['a'] AND s IN [1]", true],
    ["SELECT * FROM Tab WHERE (s = 1) AND p = 'a' AND p = 'a'", true],
    ["SELECT * FROM Tab WHERE p = 'a' AND s = 1 AND x = 1", false],
    ["SELECT * FROM Tab WHERE p = 'a' AND s = 1 AND p = 'b'", false],
    ["SELECT * FROM Tab WHERE p = 'a' AND s = 1 AND attribute_exists(x)", false],
    ["SELECT * FROM Tab WHERE p = 'a'", false],
    ["SELECT * FROM Tab.Lix WHERE p = 'a' AND l = 'x'", false],
  ])('%s: gets one item is %s', (text, expected) => {
    expect(gottenItem(plan(text)) !== undefined).toBe(expected);
  });

  const unprojected = (index: string, names: string) =>
    `One or more parameter values were invalid: Secondary index ${index} does not project one or more filter attributes: [${names}]`;
  it.each([
    ['SELECT * FROM Tab.Nix', 'The table does not have the specified index'],
    ['SELECT * FROM Tab.Filling', 'Cannot read from backfilling global secondary index: Filling'],
    [
      "SELECT * FROM Tab.Several WHERE g = 'a'",
      'PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.',
    ],
    [
      'SELECT y, z FROM Tab.Gix',
      'One or more parameter values were invalid: Global secondary index Gix does not project [y, z]',
    ],
    ["SELECT p FROM Tab.Gix WHERE g = 'a' AND y = 1", unprojected('Gix', 'y')],
    ["SELECT p FROM Tab.Gix WHERE g IN ['a', 'b'] AND NOT y = 1", unprojected('Gix', 'y')],
    ["SELECT p FROM Tab.Lix WHERE p = 'a' AND l > 'a' AND x IS MISSING", unprojected('Lix', 'x')],
    [
      "SELECT p FROM Tab.Gix WHERE (g = 'b' AND y = 1) OR (g = 'q' AND z = 1)",
      unprojected('Gix', 'z'),
    ],
    [
      "SELECT p FROM Tab.Gix WHERE (g = 'q' AND y = 1) OR (g = 'b' AND z = 1)",
      unprojected('Gix', 'y'),
    ],
    [
      "SELECT p FROM Tab.Gix WHERE g = 'a' AND b = '1' AND (a = '2' OR x = '3')",
      unprojected('Gix', 'a, b'),
    ],
    [
      "SELECT p FROM Tab.Gix WHERE g = 'a' AND (zz = '1' OR aa = '2' OR mm = '3')",
      unprojected('Gix', 'zz, aa, mm'),
    ],
    [
      'SELECT COUNT(*) FROM Tab.Several',
      'PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.',
    ],
    ['SELECT COUNT(*) FROM Tab.Gix', 'Unexpected path component at 1:8:5'],
    ["SELECT p FROM Tab.Gix WHERE (g = 'a' AND y = 1) OR g = 'b'", 'no fault'],
    ['SELECT p FROM Tab.Gix WHERE y = 1', 'no fault'],
    ["SELECT p FROM Tab.Gix WHERE g = 'a' AND x = 1", 'no fault'],
    [
      'SELECT p.x FROM Tab',
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p",
    ],
    [
      'SELECT * FROM Tab WHERE l[0] = 1',
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: l",
    ],
    [
      'SELECT * FROM Tab WHERE x = 1 ORDER BY s',
      'Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.',
    ],
    [
      "SELECT * FROM Tab WHERE p = 'a' ORDER BY x",
      'Attribute x in ORDER BY clause must be part of the primary key',
    ],
    [
      "SELECT * FROM Tab WHERE p IN ['a', 'b'] ORDER BY s",
      'Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.',
    ],
    ["SELECT * FROM Tab WHERE p = 'a' AND s IN [1, 2] ORDER BY s", 'no fault'],
  ])('%s', (text, message) => {
    expect(messageOf(() => plan(text))).toBe(message);
  });

  it('of a global index is never consistent', () => {
    expect(messageOf(() => plan('SELECT * FROM Tab.Gix', true))).toBe(
      'Strongly consistent read is not supported on Global Secondary Indexes',
    );
    expect(messageOf(() => plan('SELECT * FROM Tab.Nix', true))).toBe(
      'The table does not have the specified index',
    );
  });
});

function write(text: string) {
  const statement = bindStatement(text, []);
  if (statement.kind === 'select') throw new Error('no write');
  if (statement.kind !== 'exists') return planWrite(statement, schema);
  checkExists(statement, schema);
  return planCheck(statement, schema);
}

const key = { p: a, s: { N: '1' } };
const isThere = { kind: 'exists', path: ['p'], negated: false };
const isAbsent = { kind: 'exists', path: ['p'], negated: true };
const hasX = { kind: 'exists', path: ['x'], negated: false };

describe('a write', () => {
  it('inserts where there is no item', () => {
    expect(write("INSERT INTO Tab VALUE {'p': 'a', 's': 1, 'x': true}")).toEqual({
      kind: 'put',
      key,
      condition: isAbsent,
      item: { ...key, x: { BOOL: true } },
      itemBytes: 7,
    });
  });

  it('updates where there is one', () => {
    const update = [{ kind: 'remove', path: ['y'] }];
    expect(write("UPDATE Tab REMOVE y WHERE p = 'a' AND s = 1")).toEqual({
      kind: 'update',
      key,
      condition: isThere,
      update,
    });
    expect(
      write("UPDATE Tab REMOVE y WHERE p = 'a' AND attribute_exists(x) AND s = 1 AND p = 'a'"),
    ).toEqual({
      kind: 'update',
      key,
      condition: { kind: 'and', left: isThere, right: hasX },
      update,
    });
  });

  it('deletes what is there or not; what is there has to meet the rest of the clause', () => {
    expect(write("DELETE FROM Tab WHERE p = 'a' AND s = 1")).toEqual({
      kind: 'delete',
      key,
      condition: undefined,
    });
    expect(write("DELETE FROM Tab WHERE p = 'a' AND (s = 1 AND attribute_exists(x))")).toEqual({
      kind: 'delete',
      key,
      condition: { kind: 'or', left: isAbsent, right: hasX },
    });
  });

  it('checks', () => {
    expect(
      write("EXISTS(SELECT * FROM Tab WHERE p = 'a' AND s = 1 AND attribute_exists(x))"),
    ).toEqual({ kind: 'check', key, condition: hasX });
    // The first one is the key, the other a condition that nothing meets.
    expect(write("EXISTS(SELECT * FROM Tab WHERE p = 'a' AND s = 1 AND p = 'b')")).toMatchObject({
      kind: 'check',
      key,
      condition: { kind: 'compare' },
    });
  });

  const INCOMPLETE = 'Where clause does not contain a mandatory equality on all key attributes';
  const ONE_ITEM = 'EXISTS() must contain a single item read with additional condition';
  it.each([
    ['UPDATE Tab SET x = 1', INCOMPLETE],
    ["UPDATE Tab SET x = 1 WHERE p = 'a'", INCOMPLETE],
    ["UPDATE Tab SET x = 1 WHERE p IN ['a'] AND s = 1", INCOMPLETE],
    ["UPDATE Tab SET x = 1 WHERE p = 'a' OR s = 1", INCOMPLETE],
    ['DELETE FROM Tab WHERE s = 1 AND x = 1', INCOMPLETE],
    [
      "UPDATE Tab SET x = 1 WHERE p = 'a' AND s = 1 AND p = 'b'",
      'Multiple conditions on same key p. Only single item Update/Insert/Delete are supported',
    ],
    [
      "DELETE FROM Tab WHERE p = 'a' AND s = '1'",
      "Key attribute's data type should match its data type in table's schema: Key s",
    ],
    [
      "DELETE FROM Tab WHERE p = '' AND s = 1",
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p',
    ],
    [
      "DELETE FROM Tab WHERE p = 'a' AND s = 1 AND p.x = 1",
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p",
    ],
    [
      "INSERT INTO Tab VALUE {'p': 'a'}",
      'One or more parameter values were invalid: Missing the key s in the item',
    ],
    [
      "INSERT INTO Tab VALUE {'p': 'a', 's': 'x'}",
      'One or more parameter values were invalid: Type mismatch for key s expected: N actual: S',
    ],
    [
      "INSERT INTO Tab VALUE {'p': 'a', 's': 1, 'l': 1}",
      'One or more parameter values were invalid: Type mismatch for Index Key l Expected: S Actual: N IndexName: Gix',
    ],
    ["EXISTS(SELECT * FROM Tab WHERE p = 'a' AND s = 1)", ONE_ITEM],
    ["EXISTS(SELECT * FROM Tab WHERE p = 'a' AND x = 1)", ONE_ITEM],
    ["EXISTS(SELECT * FROM Tab WHERE p IN ['a'] AND s = 1 AND x = 1)", ONE_ITEM],
    [
      "EXISTS(SELECT * FROM Tab.Gix WHERE g = 'a' AND x = 1)",
      'Operations on indices are not supported in transactions',
    ],
  ])('%s', (text, message) => {
    expect(messageOf(() => write(text))).toBe(message);
  });
});
